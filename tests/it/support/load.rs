//! Posts without end, over HTTP, each sent until it is accepted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Client, posts};

/// Posts in one request.
const BATCH: u64 = 50;

/// How often a request is made, when the server keeps up.
const EVERY: Duration = Duration::from_millis(40);

/// A sender that never gives a post up: what was not accepted, for whatever reason, is sent again under the same ids.
/// So whatever faults there were, exactly the posts `0..n` must be stored in the end.
pub struct Load {
    seen: Arc<Mutex<BTreeMap<u16, u64>>>,
    stop: CancellationToken,
    task: JoinHandle<u64>,
}

impl Load {
    /// Sends to whoever listens at the newest address.
    pub fn start(address: watch::Receiver<SocketAddr>) -> Self {
        let seen: Arc<Mutex<BTreeMap<u16, u64>>> = Arc::default();
        let stop = CancellationToken::new();
        let task = tokio::spawn(send(address, Arc::clone(&seen), stop.clone()));
        Self { seen, stop, task }
    }

    /// How often requests were answered with this status; 0 stands for no answer at all.
    pub fn n_answered(&self, status: u16) -> u64 {
        self.seen.lock().unwrap().get(&status).copied().unwrap_or_default()
    }

    /// Posts accepted so far.
    pub fn n_accepted(&self) -> u64 {
        self.n_answered(202) * BATCH
    }

    /// Stops once the request under way is accepted. Answers how many different posts were sent.
    pub async fn stop(self) -> u64 {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

async fn send(
    address: watch::Receiver<SocketAddr>,
    seen: Arc<Mutex<BTreeMap<u16, u64>>>,
    stop: CancellationToken,
) -> u64 {
    let mut ticks = tokio::time::interval(EVERY);
    // After a fault nothing is made up for: the pace is what the machine can bear.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut n_sent = 0;
    let mut client = (*address.borrow(), Client::new(*address.borrow()));
    while !stop.is_cancelled() {
        let body = Value::Array(posts(n_sent..n_sent + BATCH));
        n_sent += BATCH;
        loop {
            ticks.tick().await;
            let newest = *address.borrow();
            if client.0 != newest {
                client = (newest, Client::new(newest));
            }
            let answer = client.1.post("/api/v1/posts", &body).await;
            let status = answer.map_or(0, |answer| answer.status);
            *seen.lock().unwrap().entry(status).or_default() += 1;
            if status == 202 {
                break;
            }
            assert!([0, 429, 503].contains(&status), "posts were answered {status}");
        }
    }
    n_sent
}
