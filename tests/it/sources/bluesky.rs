//! What only Bluesky's connector promises: other hosts, other versions, notices of the host.

use std::time::Instant;

use groundswell::models::source::Checkpoint;
use jiff::{SignedDuration, Timestamp};

use super::api::hear;
use super::contract::{Heard, hear as listen};
use super::hosts::LocalNetwork;
use super::hosts::jetstream::{BlueskyV2, post};
use crate::support::jetstream::{Disconnect, Fault, HostEvent, JetstreamHost, Notice, Silence, Version};
use crate::support::{TestApp, until};

fn some_time_ago(seconds: i64) -> Checkpoint {
    Checkpoint::at(Timestamp::now() - SignedDuration::from_secs(seconds))
}

#[tokio::test]
async fn a_host_is_asked_for_posts_and_accounts_from_the_position_on() {
    let network = BlueskyV2::start().await;
    let mut heard = Heard::default();
    let mut connector = network.connector(some_time_ago(5));
    // What is no post passes by unnoticed.
    network.0.append(HostEvent::identity("did:plc:ana", "ana.example"));
    network.0.append(HostEvent::sync("did:plc:ana"));
    network.0.skip_seqs(1_000);
    network.offer(0..50);
    listen(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 50).await;
    network.0.disconnect(Disconnect::Close(1001));
    network.offer(50..60);
    listen(connector.as_mut(), &mut heard, |heard| heard.distinct().len() >= 60).await;
    assert_eq!((heard.n_unreadable, heard.erasures.len(), heard.gaps.len()), (0, 0, 0));
    let [first, second] = &network.0.connections()[..] else { panic!("not two connections") };
    assert_eq!(first.version, Some(Version::V2));
    assert_eq!(first.params("collections"), ["app.bsky.feed.post"]);
    assert_eq!(first.params("kinds"), ["commit", "account", "sync"]);
    assert!(first.param("cursor").unwrap().parse::<u64>().unwrap() >= 1_000_000_000_000_000, "a time");
    assert!(second.param("cursor").unwrap().parse::<u64>().unwrap() < 1_000_000, "a position of the host");
    assert!(first.header("user-agent").is_none_or(|name| name.starts_with("Groundswell")));
}

#[tokio::test]
async fn another_host_continues_at_the_time_of_the_last_event() {
    let (here, there) = (BlueskyV2::start().await, BlueskyV2::start().await);
    // The other host has numbers of its own, and sees everything a little later.
    there.0.skip_seqs(5_000);
    let begun = Timestamp::now() - SignedDuration::from_secs(60);
    let publish = |host: &JetstreamHost, n: u32, delay_ms: i64| {
        let at = begun + SignedDuration::from_millis(i64::from(n) * 200 + delay_ms);
        host.append(post(n).witnessed_at(at))
    };
    for n in 0..100 {
        publish(&here.0, n, 0);
        publish(&there.0, n, 150);
    }
    let mut heard = Heard::default();
    let mut connector = here.connector(some_time_ago(90));
    listen(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 100).await;
    let (_, position) = heard.checkpoints.last().unwrap().clone();
    drop(connector);
    for n in 100..150 {
        publish(&there.0, n, 150);
    }
    let mut connector = there.connector(position);
    listen(connector.as_mut(), &mut heard, |heard| heard.distinct().len() >= 150).await;
    assert!(heard.gaps.is_empty(), "{:?}", heard.gaps);
    // A few seconds are heard again, and not everything.
    assert!((150..190).contains(&heard.ids.len()), "{}", heard.ids.len());
}

#[tokio::test]
async fn a_host_that_says_that_it_starts_later_has_a_gap() {
    for notice in [Notice::OutdatedCursor, Notice::FutureCursor] {
        let network = BlueskyV2::start().await;
        network.offer(0..5);
        network.0.set_fault(Fault::Inform(notice));
        let mut heard = Heard::default();
        let mut connector = network.connector(some_time_ago(7_200));
        listen(connector.as_mut(), &mut heard, |heard| heard.ids.len() >= 5).await;
        assert_eq!(heard.gaps.len(), 1);
        assert!(heard.gaps[0].reason.contains("Cursor"), "{}", heard.gaps[0].reason);
    }
}

#[tokio::test]
async fn a_host_that_never_answers_delays_neither_a_pause_nor_the_end() {
    let network = BlueskyV2::start().await;
    network.0.keep_faults([Fault::NeverAnswer]);
    let app = TestApp::start_with(&["--egress-allow=127.0.0.1"]).await;
    let path = hear(&app, "Sky", &network.0.url()).await;
    until("it is asked", async || !network.0.connections().is_empty()).await;
    let asked_at = Instant::now();
    for action in ["pause", "resume"] {
        app.post(&format!("{path}/{action}"), &serde_json::json!({})).await.unwrap();
    }
    until("it is asked by another run", async || network.0.connections().len() >= 2).await;
    // On a busy machine, this may take longer. By itself, a run would ask again after its timeout of 15 seconds.
    println!("sources: a run that waited for an answer gave way to another after {:?}", asked_at.elapsed());
    // Dropping the server fails the test if it does not stop.
}

#[tokio::test]
async fn a_host_that_changes_its_version_or_goes_away_for_a_while_is_heard_again() {
    let mut network = BlueskyV2::start().await;
    let mut heard = Heard::default();
    let mut connector = network.connector(some_time_ago(5));
    let mut n = 0;
    let mut hear_ten_more = async |network: &BlueskyV2, heard: &mut Heard| {
        network.offer(n..n + 10);
        n += 10;
        listen(connector.as_mut(), heard, |heard| heard.distinct().len() >= n as usize).await;
    };
    hear_ten_more(&network, &mut heard).await;
    network.0.speak_v2(false);
    network.0.disconnect(Disconnect::Reset);
    hear_ten_more(&network, &mut heard).await;
    network.0.go_down().await;
    network.0.come_back().await;
    hear_ten_more(&network, &mut heard).await;
    network.0.speak_v2(true);
    network.0.crash().await;
    network.0.come_back().await;
    hear_ten_more(&network, &mut heard).await;
    network.0.set_fault(Fault::ResetAfter(3));
    network.0.disconnect(Disconnect::Error("ConsumerTooSlow"));
    hear_ten_more(&network, &mut heard).await;
    network.0.silence(Silence::Total);
    network.offer(50..60);
    listen(connector.as_mut(), &mut heard, |heard| {
        heard.errors.iter().any(|it| it.to_string().contains("silent"))
    })
    .await;
    network.0.silence(Silence::Off);
    listen(connector.as_mut(), &mut heard, |heard| heard.distinct().len() >= 60).await;
    assert!(heard.gaps.is_empty(), "{:?}", heard.gaps);
    network.0.stop().await;
}
