//! Ten times the load that it can store: excess posts queue in Redis, are then rejected, and never fill memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use groundswell::store::posts::record::counts;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::process::{Process, memory_of};
use crate::support::{Client, Space, TestApp, in_soak, judge_in_soak, until};

/// Entries that may wait in Redis.
fn high_water() -> u64 {
    in_soak(50_000, 4_000)
}

/// Makes a post weigh: those that wait are at least 24 MB of text, and several times that as posts in memory.
const WORDS: &str = "the parcel came on a Monday and nobody was there to take it in; ";

fn filler() -> String {
    WORDS.repeat(in_soak(24, 96))
}

/// Posts that warm the server up: the baseline of its memory is taken once they are accepted.
fn n_warm_up_posts() -> u64 {
    high_water() / 4
}

/// What memory may grow by on any machine: two thirds of the text alone of what comes to wait in Redis after the
/// baseline. A server that kept what it cannot store would grow by all of it, and more.
fn growth_bytes_max() -> u64 {
    (high_water() - n_warm_up_posts()) * filler().len() as u64 * 2 / 3
}

/// What the memory of an allocator wanders on a machine that does nothing else.
const USUAL_GROWTH_BYTES: u64 = 5 << 20;

const POSTS_PER_REQUEST: u64 = 100;
const N_SENDERS: u64 = 4;

/// Sends different posts as fast as answers come, and never again what was refused.
#[derive(Default)]
struct Flood {
    n_offered: AtomicU64,
    n_accepted: AtomicU64,
    n_refused: AtomicU64,
}

impl Flood {
    async fn send(self: Arc<Self>, client: Client, sender: u64, stop: CancellationToken) {
        let filler = filler();
        for n_request in 0_u64.. {
            if stop.is_cancelled() {
                return;
            }
            let post = |n: u64| json!({"id": format!("{sender}-{n_request}-{n}"), "platform": "web", "text": filler});
            let body = Value::Array((0..POSTS_PER_REQUEST).map(post).collect());
            let answer = client.post("/api/v1/posts", &body).await.unwrap();
            self.n_offered.fetch_add(POSTS_PER_REQUEST, Ordering::Relaxed);
            match answer.status {
                202 => self.n_accepted.fetch_add(POSTS_PER_REQUEST, Ordering::Relaxed),
                429 => self.n_refused.fetch_add(POSTS_PER_REQUEST, Ordering::Relaxed),
                status => panic!("posts were answered {status}"),
            };
        }
    }
}

#[tokio::test]
async fn ten_times_more_than_can_be_stored_leaves_memory_flat() {
    let so_long = in_soak(Duration::from_secs(600), Duration::from_secs(8));
    let space = Space::new().await;
    // With twenty posts in a transaction, a hundred are stored a second.
    space.slow_down(Duration::from_millis(200)).await;
    let high_water = high_water();
    let mut server = Process::start_on(
        &space,
        &[
            "--batch-size=20",
            "--posts-per-commit=20",
            &format!("--high-water={high_water}"),
            // The replay buffer is bounded too, but fills only within minutes: with what was stored, not with what waits.
            "--history-mb=1",
        ],
    );
    let client = Client::new(server.ready().await);
    let (flood, stop) = (Arc::new(Flood::default()), CancellationToken::new());
    let mut senders = JoinSet::new();
    for sender in 0..N_SENDERS {
        senders.spawn(Arc::clone(&flood).send(client.clone(), sender, stop.clone()));
    }
    let mut baseline = 0;
    until("it is warm", async || {
        baseline = baseline.max(memory_of(server.pid()));
        flood.n_accepted.load(Ordering::Relaxed) >= n_warm_up_posts()
    })
    .await;
    let store = space.store().await;
    let n_stored = async || counts(&store).await.unwrap().n_posts.cast_unsigned();
    let offered = || flood.n_offered.load(Ordering::Relaxed);
    let (stored_before, offered_before) = (n_stored().await, offered());
    let mut highest = baseline;
    let started = Instant::now();
    until("the stream is full", async || {
        highest = highest.max(memory_of(server.pid()));
        flood.n_refused.load(Ordering::Relaxed) >= n_warm_up_posts()
    })
    .await;
    while started.elapsed() < so_long {
        highest = highest.max(memory_of(server.pid()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(client.system().await.stream.unwrap().length <= high_water + N_SENDERS * POSTS_PER_REQUEST);
    }
    let (stored, offered) = (n_stored().await - stored_before, offered() - offered_before);
    stop.cancel();
    while let Some(sender) = senders.join_next().await {
        sender.unwrap();
    }
    let (n_stored, n_offered) = (stored_before + stored, offered_before + offered);
    assert!(n_offered > n_stored + high_water, "{n_offered} offered and {n_stored} stored is no overload");
    let measured = format!(
        "backpressure: {offered} posts offered, {stored} stored in {:.0} s; memory from {} to {} KiB",
        started.elapsed().as_secs_f64(),
        baseline >> 10,
        highest >> 10
    );
    judge_in_soak(offered >= 10 * stored, &measured);
    judge_in_soak(highest <= baseline + USUAL_GROWTH_BYTES, &measured);
    assert!(highest <= baseline + growth_bytes_max(), "{measured}");

    space.full_speed().await;
    server.terminate();
    assert!(server.ended().await.success());
    let _successor = TestApp::start_on(&space, &[]).await;
    space.assert_counted_once(flood.n_accepted.load(Ordering::Relaxed)).await;
}
