//! Tests with a real Redis, which is started for each test because several of them stop it.

mod consumer;
pub(crate) mod redis;
mod updates;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use redis::Redis;

use super::*;
use crate::models::id::SourceId;
use crate::models::new_post::{AcceptedPost, NewPost};
use crate::models::post::Source;
use crate::models::system_health::UnknownEntries;

fn post(id: u32) -> AcceptedPost {
    let now = Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap();
    AcceptedPost {
        source: Source::new(Source::HTTP),
        connector: id.is_multiple_of(2).then(SourceId::now_v7),
        received_at: now,
        post: NewPost {
            id: id.to_string(),
            platform: "twitter".into(),
            text: format!("“{id}” is grand\n🥊"),
            created_at: Some(now),
            ..NewPost::default()
        },
    }
}

fn posts(ids: std::ops::Range<u32>) -> Vec<AcceptedPost> {
    ids.map(post).collect()
}

/// Timeout for a step, far longer than any step takes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until `happened` returns a value.
async fn until<T>(what: &str, mut happened: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        if let Some(outcome) = happened().await {
            return outcome;
        }
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn published_posts_are_in_the_stream_in_order() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let sent = posts(0..1_234);
    stream.producer().publish(&sent).await.unwrap();
    let consumer = stream.consumer().await.unwrap();
    let mut read = Vec::new();
    while read.len() < sent.len() {
        for delivered in consumer.read(500, Duration::from_millis(100)).await.unwrap() {
            assert_eq!(delivered.n_deliveries, 1);
            read.push(decode_post(&delivered.fields).unwrap());
        }
    }
    assert_eq!(read, sent);
}

#[tokio::test]
async fn publishing_fails_fast_while_redis_is_down_and_works_again_afterwards() {
    let mut redis = Redis::start();
    let stream = redis.connect().await;
    let producer = stream.producer();
    producer.publish(&posts(0..3)).await.unwrap();
    redis.stop();
    for _ in 0..3 {
        let started = Instant::now();
        let error = producer.publish(&posts(3..6)).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(started.elapsed() < TIMEOUT);
        assert!(stream.ping().await.is_err());
    }
    redis.restart();
    until("publishing works again", async || producer.publish(&posts(3..6)).await.ok()).await;
    assert_eq!(stream.health().await.unwrap().length, 6, "what was accepted survives a restart, once");
}

#[tokio::test]
async fn a_frozen_redis_is_an_error_fast() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    redis.freeze();
    let started = Instant::now();
    let error = stream.producer().publish(&posts(0..3)).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(started.elapsed() < TIMEOUT);
    redis.thaw();
    until("redis responds again", async || stream.ping().await.ok()).await;
}

#[tokio::test]
async fn a_redis_that_starts_later_is_waited_for() {
    let mut redis = Redis::start();
    redis.stop();
    let stream = redis.connect().await;
    assert!(stream.ping().await.unwrap_err().is_unavailable());
    redis.restart();
    until("redis responds", async || stream.ping().await.ok()).await;
}

#[tokio::test]
async fn the_high_water_mark_counts_what_was_just_added() {
    let redis = Redis::start();
    let producer = redis.connect().await.producer();
    assert!(producer.has_room(10, 10).await.unwrap());
    assert!(!producer.has_room(10, 11).await.unwrap());
    producer.publish(&posts(0..8)).await.unwrap();
    assert!(producer.has_room(10, 2).await.unwrap());
    assert!(!producer.has_room(10, 3).await.unwrap());
}

#[tokio::test]
async fn prefixes_are_isolated() {
    let redis = Redis::start();
    let params = |prefix: &str| StreamParams { redis_url: redis.url(), prefix: prefix.to_owned() };
    let one = Stream::connect(&params("one:")).await.unwrap();
    let other = Stream::connect(&params("other:")).await.unwrap();
    let before = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    one.producer().publish(&posts(0..2)).await.unwrap();
    let after = Timestamp::now();
    assert_eq!(other.health().await.unwrap(), StreamHealth::default());
    let found = one.health().await.unwrap();
    assert_eq!(found, StreamHealth { length: 2, lag: 2, pending: 0, dead: 0, oldest_at: found.oldest_at });
    let oldest_at = found.oldest_at.unwrap();
    assert!(before <= oldest_at && oldest_at <= after, "{before} {oldest_at} {after}");
}

#[tokio::test]
async fn entries_for_a_newer_process_do_not_count_as_late() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let add = |id: &str, field: &str, value: &str| {
        redis.run(&["XADD", "social_posts_stream", id, field, value, "post", "{}"])
    };
    for n in 1..=50 {
        add(&format!("{n}000-1"), "v", "2");
    }
    add("60000-1", "kind", "video");
    assert_eq!(stream.health().await.unwrap().oldest_at, None);
    add("70000-1", "v", "1");
    add("80000-1", "v", "2");
    let health = stream.health().await.unwrap();
    assert_eq!((health.length, health.oldest_at), (53, Some(jiff::Timestamp::from_second(70).unwrap())));
}

#[tokio::test]
async fn the_cache_holds_what_was_put_until_it_expires() {
    let redis = Redis::start();
    let cache = redis.connect().await.cache();
    let entries =
        [("sentiment:overall".to_owned(), "{}".to_owned()), ("sentiment:geo:Lyon".into(), "[]".into())];
    cache.put(&entries, Duration::from_secs(3_600)).await.unwrap();
    assert_eq!(cache.get("sentiment:geo:Lyon").await.unwrap().as_deref(), Some("[]"));
    let left: i64 = redis.run(&["TTL", "sentiment:overall"]).parse().unwrap();
    assert!((1..=3_600).contains(&left));
}
