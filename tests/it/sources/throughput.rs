//! How fast a source is heard. The figures are printed; `make soak` prints those of a release build.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use groundswell::connectors::Erasure;
use groundswell::connectors::collection::{CollectionParams, Ledger, LedgerError, collect};
use groundswell::models::id::SourceId;
use groundswell::models::source::{Checkpoint, Network, SourceReport};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::api::hear;
use super::hosts::LocalNetwork;
use super::hosts::jetstream::{BlueskyV2, rkey};
use crate::support::jetstream::HostEvent;
use crate::support::space::health_of;
use crate::support::{Space, TestApp, in_soak, post, until, until_reached};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A ledger that agrees to everything.
struct Patient;

impl Ledger for Patient {
    fn report<'a>(&'a self, _: &'a SourceReport) -> BoxFuture<'a, Result<bool, LedgerError>> {
        async { Ok(true) }.boxed()
    }

    fn erase<'a>(&'a self, _: &'a [Erasure]) -> BoxFuture<'a, Result<u64, LedgerError>> {
        async { Ok(0) }.boxed()
    }
}

/// The host and the connector share one thread, so the figure is less than what one core can hear.
#[tokio::test]
async fn events_from_a_host_reach_the_stream() {
    let n = in_soak(300_000, 10_000);
    let network = BlueskyV2::start().await;
    network.offer(0..n);
    let space = Space::new().await;
    let stream = space.stream().await;
    let stop = CancellationToken::new();
    let params = CollectionParams {
        source: SourceId::now_v7(),
        network: Network::Bluesky,
        producer: stream.producer(),
        high_water: 10_000_000,
        retention: 90 * DAY,
        ledger: Arc::new(Patient),
        stop: stop.clone(),
    };
    let mut connector = network.connector(Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(20)));
    let begun = Instant::now();
    let arrived =
        until_reached("events in the stream", u64::from(n), async || health_of(&stream).await.length);
    tokio::select! {
        () = collect(connector.as_mut(), &params) => panic!("it ended by itself"),
        () = arrived => stop.cancel(),
    }
    let per_second = f64::from(n) / begun.elapsed().as_secs_f64();
    println!("sources: {per_second:.0} events/s from a local host into the stream, over {n} events");
    assert_eq!(health_of(&stream).await.length, u64::from(n));
}

#[tokio::test]
async fn what_was_missed_is_caught_up_with_while_new_posts_pass() {
    let n = in_soak(200_000, 3_000);
    let network = BlueskyV2::start().await;
    let begin = Timestamp::now() - SignedDuration::from_hours(36);
    let step = SignedDuration::from_hours(36) / i32::try_from(n).unwrap();
    network.0.append_many((0..n).map(|number| {
        let at = begin + step * i32::try_from(number).unwrap();
        let text = format!("post {number} about nimbrel");
        HostEvent::post("did:plc:ana", &rkey(number), &text, &at.to_string()).witnessed_at(at)
    }));
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let path = hear(&app, "Sky", &network.0.url()).await;
    let begun = Instant::now();
    app.post(&format!("{path}/backfill"), &json!({"hours": 36})).await.unwrap();
    let sql = app.space.sql().await;
    let mut latencies = Vec::new();
    let mut n_live = 0_u64;
    loop {
        let sent_at = Instant::now();
        app.publish(vec![post(format!("live {n_live}"), "I love it")]).await;
        let is_stored = "SELECT count(*) FROM social_media_posts WHERE platform = 'web' AND post_id = $1";
        let id = format!("live {n_live}");
        until("a live post is stored", async || {
            sql.query_one(is_stored, &[&id]).await.unwrap().get::<_, i64>(0) > 0
        })
        .await;
        latencies.push(sent_at.elapsed());
        n_live += 1;
        let count = sql.query_one("SELECT count(*) FROM social_media_posts WHERE platform = 'bluesky'", &[]);
        // The last hours of the 36 may be a little too old once they are asked for.
        if count.await.unwrap().get::<_, i64>(0) >= i64::from(n) - i64::from(n) / 100 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let caught_up = begun.elapsed();
    latencies.sort();
    let quantile = |q: usize| latencies[(latencies.len() - 1) * q / 100];
    println!(
        "sources: {n} posts of 36 hours caught up with in {:.1} s ({:.0}/s), {} live posts stored after: p50 {:?}, p99 {:?}, max {:?}",
        caught_up.as_secs_f64(),
        f64::from(n) / caught_up.as_secs_f64(),
        latencies.len(),
        quantile(50),
        quantile(99),
        quantile(100),
    );
    let stored = sql.query_one("SELECT count(*) FROM social_media_posts WHERE platform = 'bluesky'", &[]);
    assert!(stored.await.unwrap().get::<_, i64>(0) <= i64::from(n));
    app.space.assert_sums_exact().await;
}
