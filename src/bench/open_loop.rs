//! Open-loop load generator: sends posts at a fixed rate, whatever the server does, and records when each arrives on a
//! socket.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use reqwest::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};

use super::posts::{self, Supply};
use super::schedule::Schedule;
use super::server::Server;
use super::watcher::{ArrivalTimes, Watcher, WatcherParams};

/// Interval between groups of posts. Every post is timed, so groups are small: two posts at a thousand per second.
const TICK: Duration = Duration::from_millis(2);

/// What a run sends, and when it ends.
#[derive(Debug, Clone, Copy)]
pub struct RunParams {
    /// Prefix of the posts' ids, unique to the run.
    pub name: &'static str,
    /// Posts sent per second.
    pub per_second: u32,
    /// How long to keep sending posts.
    pub length: Duration,
    /// How long the socket must be silent before the run ends.
    pub silence: Duration,
    /// Whether the run ends once every post has been seen. Otherwise corrections may follow, so only silence ends it.
    pub ends_when_all_are_seen: bool,
}

impl RunParams {
    fn n_posts(&self) -> anyhow::Result<usize> {
        Ok(usize::try_from(u64::from(self.per_second) * self.length.as_secs())?)
    }
}

/// Result of a run: when posts were seen, and how many were sent.
pub struct Outcome {
    /// When each post was seen.
    pub seen: ArrivalTimes,
    /// Number of posts sent, whether or not they arrived.
    pub n_sent: usize,
}

/// Latency quantiles in milliseconds, measured from when posts were due.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Median latency.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Maximum latency.
    pub max: f64,
}

impl Latency {
    /// Computes the quantiles of a histogram of microseconds.
    pub fn of(seen: &Histogram<u64>) -> Self {
        let ms = |quantile: f64| seen.value_at_quantile(quantile) as f64 / 1_000.0;
        Self { p50: ms(0.5), p90: ms(0.9), p99: ms(0.99), p999: ms(0.999), max: seen.max() as f64 / 1_000.0 }
    }

    /// Formats the quantiles as a table cell.
    pub fn summary(&self) -> String {
        let Self { p50, p90, p99, p999, max } = self;
        format!("p50 {p50:.1} ms, p90 {p90:.1} ms, p99 {p99:.1} ms, p99.9 {p999:.1} ms, max {max:.1} ms")
    }
}

/// Sends posts over HTTP and measures when they arrive on a socket.
///
/// # Errors
/// If a post is rejected, or the socket breaks.
pub async fn run(server: &Server, supply: &mut Supply, params: RunParams) -> anyhow::Result<Outcome> {
    let n_posts = params.n_posts()?;
    let per_tick = usize::try_from(u128::from(params.per_second) * TICK.as_millis() / 1_000)?.max(1);
    // Built before the clock starts, because the load shares the CPU that it measures.
    let bodies = bodies(params.name, &supply.take(n_posts)?, per_tick)?;
    let schedule = Schedule {
        start: Instant::now() + Duration::from_millis(200),
        interval: params.length.div_f64(n_posts.max(1) as f64),
    };
    let watcher = Watcher::start(WatcherParams {
        address: server.info.address.clone(),
        run: params.name.to_owned(),
        schedule,
        n_posts,
        timeout: params.silence,
        ends_when_all_are_seen: params.ends_when_all_are_seen,
    })
    .await?;
    let client = reqwest::Client::new();
    let url = format!("{}/api/v1/posts", server.info.address);
    let mut requests = tokio::task::JoinSet::new();
    let mut n_sent = 0;
    for body in bodies {
        n_sent = (n_sent + per_tick).min(n_posts);
        // A group is sent when its last post is due, so that no post is sent early.
        tokio::time::sleep_until(schedule.due(n_sent.saturating_sub(1)).into()).await;
        let request = client.post(&url).header(CONTENT_TYPE, "application/json").body(body);
        requests.spawn(async move { request.send().await?.error_for_status().map(drop) });
        while let Some(answered) = requests.try_join_next() {
            answered??;
        }
    }
    while let Some(answered) = requests.join_next().await {
        answered??;
    }
    Ok(Outcome { seen: watcher.finish().await?, n_sent })
}

/// Returns the request bodies, one for each group of posts.
fn bodies(run: &str, texts: &[String], per_group: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let groups = texts.chunks(per_group).enumerate().map(|(group, texts)| {
        let numbered = texts.iter().zip(group * per_group..);
        let posts: Vec<_> = numbered.map(|(text, n)| posts::post(run, n, text)).collect();
        Ok(serde_json::to_vec(&posts)?)
    });
    groups.collect()
}
