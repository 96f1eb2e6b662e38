use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::delivery::{BATCH_WINDOW, DeliveryParams, Listener, Progress, Waiting, deliver};
use super::super::synth::{Synth, SynthParams};
use crate::models::new_post::Rejection;
use crate::stream::tests::redis::Redis;
use crate::stream::{Stream, decode_post};

use super::*;

/// Timeout for every step, far longer than any step takes even on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running delivery, and the progress that it has reported.
struct Running {
    outcome: JoinHandle<Progress>,
    waited_for: Arc<Mutex<Vec<Waiting>>>,
    stop: CancellationToken,
}

#[derive(Default)]
struct Told {
    waited_for: Arc<Mutex<Vec<Waiting>>>,
}

impl Listener for Told {
    fn progress(&mut self, progress: &Progress) {
        self.waited_for.lock().unwrap().extend(progress.waiting);
    }

    fn bad(&mut self, _: u64, rejection: &Rejection) {
        panic!("{rejection:?}");
    }
}

fn run(stream: &Stream, high_water: u64, n_posts: u64) -> Running {
    let stop = CancellationToken::new();
    let params = DeliveryParams {
        producer: stream.producer(),
        high_water,
        retention: Duration::from_secs(86_400),
        stop: stop.clone(),
    };
    let mut reported = Told::default();
    let waited_for = Arc::clone(&reported.waited_for);
    let begun_at = Timestamp::now();
    let posts = SynthParams { rate: 100.0, count: Some(n_posts), seed: 1, begun_at };
    let outcome = tokio::spawn(async move {
        deliver(&mut Synth::new(posts).unwrap(), &params, &mut reported).await.unwrap()
    });
    Running { outcome, waited_for, stop }
}

async fn ended(running: Running) -> Progress {
    tokio::time::timeout(TIMEOUT, running.outcome).await.expect("the delivery does not end").unwrap()
}

async fn until_it_waits(running: &Running, reason: Waiting) {
    let deadline = Instant::now() + TIMEOUT;
    while !running.waited_for.lock().unwrap().contains(&reason) {
        assert!(Instant::now() < deadline, "the delivery never pauses for {reason:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Removes all entries from the stream and returns the ids of their posts.
async fn drained(stream: &Stream) -> Vec<String> {
    let consumer = stream.consumer().await.unwrap();
    let mut ids = Vec::new();
    loop {
        let read = consumer.read(100, Duration::from_millis(20)).await.unwrap();
        if read.is_empty() {
            return ids;
        }
        consumer.acknowledge(&read.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>()).await.unwrap();
        ids.extend(read.iter().map(|entry| decode_post(&entry.fields).unwrap().post.id));
    }
}

#[tokio::test]
async fn posts_go_out_at_their_pace_as_of_now() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let begun = Timestamp::now();
    let done = ended(run(&stream, 1_000, 50)).await;
    let done_at = Timestamp::now();
    assert_eq!((done.n_sent, done.n_bad, done.position), (50, 0, Some((50, 50))));
    let consumer = stream.consumer().await.unwrap();
    let read = consumer.read(100, Duration::ZERO).await.unwrap();
    assert_eq!(read.len(), 50);
    let accepted: Vec<_> = read.iter().map(|entry| decode_post(&entry.fields).unwrap()).collect();
    let times: Vec<_> = accepted.iter().map(|accepted| accepted.post.created_at.unwrap()).collect();
    assert!(times.is_sorted() && times[0] >= begun);
    assert!(times[49] <= done_at + BATCH_WINDOW, "none is sent before the batch in which it is due");
    assert!(times[49].duration_since(times[0]).as_millis() > 200, "100 posts per second");
    assert!(accepted.iter().all(|accepted| accepted.source.as_str() == "synthetic"));
}

#[tokio::test]
async fn a_full_stream_is_waited_for() {
    let redis = Redis::start();
    let stream = redis.connect().await;
    let running = run(&stream, 20, 40);
    until_it_waits(&running, Waiting::StreamFull).await;
    assert!(stream.health().await.unwrap().length <= 20);
    let mut ids = Vec::new();
    while !running.outcome.is_finished() {
        ids.extend(drained(&stream).await);
    }
    ids.extend(drained(&stream).await);
    assert_eq!(ended(running).await.n_sent, 40);
    assert_eq!(ids.len(), 40);
}

#[tokio::test]
async fn a_redis_that_is_away_is_waited_for_and_nothing_is_lost() {
    let mut redis = Redis::start();
    let stream = redis.connect().await;
    // The stream holds a third of the posts, so the delivery is still under way when Redis stops.
    let running = run(&stream, 50, 150);
    let deadline = Instant::now() + TIMEOUT;
    while stream.health().await.unwrap().length < 10 {
        assert!(Instant::now() < deadline, "nothing is sent");
    }
    redis.stop();
    until_it_waits(&running, Waiting::RedisAway).await;
    redis.restart();
    let deadline = Instant::now() + TIMEOUT;
    while stream.ping().await.is_err() {
        assert!(Instant::now() < deadline, "redis does not respond");
    }
    let mut ids = HashSet::new();
    while !running.outcome.is_finished() {
        ids.extend(drained(&stream).await);
    }
    ids.extend(drained(&stream).await);
    assert_eq!(ended(running).await.n_sent, 150);
    assert_eq!(ids.len(), 150);
}

#[tokio::test]
async fn told_to_stop_it_stops_even_while_redis_is_away() {
    let mut redis = Redis::start();
    let stream = redis.connect().await;
    let running = run(&stream, 1_000, 1_000_000);
    redis.stop();
    until_it_waits(&running, Waiting::RedisAway).await;
    running.stop.cancel();
    assert!(ended(running).await.n_sent < 1_000_000);
}
