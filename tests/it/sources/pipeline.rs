//! From the network to the stored posts: exact counts through crashes, deletions within a minute, back pressure.

use std::time::Duration;

use rand::RngExt as _;

use super::api::hear;
use super::hosts::jetstream::{post, rkey};
use crate::support::jetstream::{HostEvent, HostOptions, JetstreamHost};
use crate::support::process::Process;
use crate::support::{Client, Space, TestApp, dice, in_soak, until};

const N_SOURCES: u32 = 6;

/// Posts of one source, none of which another has.
fn posts_of(source: u32, numbers: std::ops::Range<u32>) -> impl Iterator<Item = HostEvent> {
    numbers.map(move |number| post(source * 10_000_000 + number))
}

#[tokio::test]
async fn six_sources_lose_nothing_and_count_nothing_twice_while_the_server_is_killed() {
    let n_kills = in_soak(20, 3);
    let space = Space::new().await;
    let mut hosts = Vec::new();
    for n in 0..N_SOURCES {
        // Half of them speak the older version.
        hosts.push(
            JetstreamHost::start(HostOptions { speaks_v2: n % 2 == 0, ..HostOptions::default() }).await,
        );
    }
    let options = ["--egress-allow=127.0.0.1"];
    let mut server = Process::start_on(&space, &options);
    let mut client = Client::new(server.ready().await);
    for (n, host) in hosts.iter().enumerate() {
        let source = serde_json::json!({
            "network": "bluesky", "name": format!("Sky {n}"), "settings": {"base_url": host.url()}
        });
        assert_eq!(client.post("/api/v1/sources", &source).await.unwrap().status, 201);
    }
    let (mut n_offered, mut dice) = (0, dice(0));
    for _ in 0..n_kills {
        // In the middle of what the hosts offer.
        for _ in 0..10 {
            let more = dice.random_range(20..60);
            for (source, host) in (0..).zip(&hosts) {
                host.append_many(posts_of(source, n_offered..n_offered + more));
            }
            n_offered += more;
            tokio::time::sleep(Duration::from_millis(dice.random_range(10..100))).await;
        }
        server.kill().await;
        for (source, host) in (0..).zip(&hosts) {
            host.append_many(posts_of(source, n_offered..n_offered + 10));
        }
        n_offered += 10;
        server = Process::start_on(&space, &options);
        client = Client::new(server.ready().await);
    }
    space.assert_counted_once(u64::from(N_SOURCES * n_offered)).await;
    let sources = client.get("/api/v1/sources").await;
    let items = sources["items"].as_array().unwrap();
    assert!(items.iter().all(|source| source["gaps"].as_array().unwrap().is_empty()), "{sources}");
    assert_eq!(space.backlog().await.dead, 0);
    server.terminate();
    assert!(server.ended().await.success());
}

#[tokio::test]
async fn what_a_network_deletes_is_gone_from_posts_and_sums() {
    let host = JetstreamHost::start(HostOptions::default()).await;
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let path = hear(&app, "Sky", &host.url()).await;
    host.append_many((0..20).map(post));
    let another = |n: u32| {
        HostEvent::post(
            "did:plc:bo",
            &rkey(n),
            &format!("{n} by another"),
            &jiff::Timestamp::now().to_string(),
        )
    };
    host.append_many((0..5).map(another));
    app.space.assert_counted_once(25).await;
    let listed = app.get("/api/v1/posts?limit=1").await;
    assert!(path.ends_with(listed["items"][0]["post"]["connector"].as_str().unwrap()), "{listed}");
    host.append(HostEvent::delete_post("did:plc:bo", &rkey(3)));
    // This one was deleted before it is heard, and is not stored when it comes.
    host.append(HostEvent::delete_post("did:plc:bo", &rkey(9)));
    host.append(another(9));
    is_left_with(&app, 24).await;
    host.append(HostEvent::account("did:plc:ana", false, Some("deleted")));
    is_left_with(&app, 4).await;
    // Those that were not stored yet are swept, and not counted.
    until("it says so", async || app.get(&path).await["erased"].as_u64() >= Some(1)).await;
    // Whoever comes back is heard again.
    host.append(HostEvent::account("did:plc:ana", true, None));
    host.append_many((20..22).map(post));
    app.space.assert_counted_once(6).await;
}

/// Waits until so many posts are stored, and asserts that the sums are theirs.
async fn is_left_with(app: &TestApp, n_posts: i64) {
    let sql = app.space.sql().await;
    until("what was deleted is gone", async || {
        let count = sql.query_one("SELECT count(*) FROM social_media_posts", &[]).await.unwrap();
        count.get::<_, i64>(0) == n_posts
    })
    .await;
    app.space.assert_counted_once(n_posts.unsigned_abs()).await;
}

#[tokio::test]
async fn a_full_stream_is_waited_for_and_nothing_is_lost() {
    let host = JetstreamHost::start(HostOptions::default()).await;
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1", "--high-water=600"]).await;
    let path = hear(&app, "Sky", &host.url()).await;
    let sql = app.space.sql().await;
    sql.batch_execute("BEGIN; LOCK TABLE post_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    host.append_many((0..5_000).map(post));
    until("it waits", async || {
        let source = app.get(&path).await;
        source["state"] == "waiting" && source["reason"] == "the stream is full"
    })
    .await;
    assert!(app.space.backlog().await.length <= 600);
    drop(sql);
    app.space.assert_counted_once(5_000).await;
}
