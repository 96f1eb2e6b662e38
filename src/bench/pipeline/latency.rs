//! Time until a browser receives posts that are sent over HTTP at a fixed rate, and PostgreSQL's activity in the
//! meantime, which may have delayed them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{PipelineParams, ServerUnderLoad};
use crate::bench::open_loop::{self, Latency, RunParams};
use crate::bench::server::Metrics;
use crate::bench::worst_seconds;
use crate::bench::worst_seconds::WorstSecond;
use crate::inference::Tier;
use crate::store::Store;
use crate::store::operations::background_activity::{Activity, activity, checkpoint_every};
use crate::telemetry::{FRAMES_SKIPPED_TOTAL, TIER_POSTS_TOTAL};

/// How long the socket must be silent before the measurement ends.
const SILENCE: Duration = Duration::from_secs(10);

/// Checkpoint interval as a fraction of the run, so that a run has two checkpoints, each spread over most of the time
/// until the next.
const CHECKPOINT_INTERVALS: f64 = 0.4;

/// Interval between two samples of PostgreSQL's statistics.
const SAMPLE: Duration = Duration::from_secs(2);

/// Time from a post's arrival until the socket delivers it, and what may have affected that time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LatencyFigures {
    arrival_to_socket_ms: Latency,
    n_seen: u64,
    n_latency_sent: usize,
    /// Number of posts that the server did not send to this socket, because it read too slowly or too many arrived at
    /// once.
    n_left_out: f64,
    /// Share of the posts that the deep model scored as well, 0 to 1.
    share_deep: f64,
    worst_seconds: Vec<WorstSecond>,
    database: Database,
}

/// PostgreSQL's activity during the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Database {
    checkpoints: i64,
    autovacuums: i64,
    autoanalyzes: i64,
    events: Vec<Event>,
}

/// Something that PostgreSQL did during the run, such as a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Seconds from the start of the run to the sample that detected the event, which may be up to two seconds late.
    at_s: u64,
    what: String,
}

impl LatencyFigures {
    /// Formats the figures as table rows.
    pub fn rows(&self, params: &PipelineParams) -> Vec<(&'static str, String)> {
        let Database { checkpoints, autovacuums, autoanalyzes, .. } = &self.database;
        let PipelineParams { rate, latency_seconds, .. } = params;
        vec![
            (
                "arrival to socket",
                format!(
                    "{} (at {rate} posts per second, for {latency_seconds} s)",
                    self.arrival_to_socket_ms.summary()
                ),
            ),
            ("worst seconds", worst_seconds::summary(&self.worst_seconds)),
            (
                "meanwhile",
                format!(
                    "{checkpoints} checkpoints, {autovacuums} autovacuums, {autoanalyzes} autoanalyzes; deep scored {:.1}% of the posts",
                    self.share_deep * 100.0
                ),
            ),
            (
                "posts seen on the socket",
                format!("{} of {}, {} skipped", self.n_seen, self.n_latency_sent, self.n_left_out),
            ),
        ]
    }
}

/// Sends posts at the fixed rate and measures when they arrive.
pub async fn measure(
    under_load: &mut ServerUnderLoad,
    params: &PipelineParams,
) -> anyhow::Result<LatencyFigures> {
    let length = Duration::from_secs(params.latency_seconds);
    let ServerUnderLoad { server, supply, .. } = under_load;
    checkpoint_every(&server.store, length.mul_f64(CHECKPOINT_INTERVALS)).await?;
    let run = |name, length| RunParams {
        name,
        per_second: params.rate,
        length,
        silence: SILENCE,
        ends_when_all_are_seen: true,
    };
    // The measurement is preceded by a short run whose figures are discarded.
    let warm_up = open_loop::run(server, supply, run("warm-up", params.warm_up())).await?;
    let before = Counters::of(&server.metrics().await?);
    let database = DatabaseWatch::start(server.store.clone()).await?;
    let outcome = open_loop::run(server, supply, run("latency", length)).await?;
    let database = database.finish().await?;
    let after = Counters::of(&server.metrics().await?);
    under_load.n_sent += warm_up.n_sent + outcome.n_sent;
    Ok(LatencyFigures {
        arrival_to_socket_ms: Latency::of(&outcome.seen.new),
        n_seen: outcome.seen.new.len(),
        n_latency_sent: outcome.n_sent,
        n_left_out: after.left_out - before.left_out,
        share_deep: (after.deep - before.deep) / (after.swift - before.swift).max(1.0),
        worst_seconds: outcome.seen.seconds.worst(),
        database,
    })
}

/// Server counters at one moment.
struct Counters {
    swift: f64,
    deep: f64,
    left_out: f64,
}

impl Counters {
    fn of(metrics: &Metrics) -> Self {
        let scored = |tier: Tier| metrics.value(&format!("{TIER_POSTS_TOTAL}{{tier=\"{}\"}}", tier.as_str()));
        let left_out = |why: &str| metrics.value(&format!("{FRAMES_SKIPPED_TOTAL}{{why=\"{why}\"}}"));
        Self {
            swift: scored(Tier::Swift),
            deep: scored(Tier::Deep),
            left_out: left_out("slow") + left_out("rate"),
        }
    }
}

/// Task that samples PostgreSQL's statistics, so that the load does not wait for them.
struct DatabaseWatch {
    is_over: Arc<AtomicBool>,
    watching: tokio::task::JoinHandle<anyhow::Result<Database>>,
}

impl DatabaseWatch {
    async fn start(store: Store) -> anyhow::Result<Self> {
        let before = activity(&store).await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let watching = tokio::spawn(watch(store, before, Arc::clone(&is_over)));
        Ok(Self { is_over, watching })
    }

    async fn finish(self) -> anyhow::Result<Database> {
        self.is_over.store(true, Ordering::Release);
        self.watching.await?
    }
}

async fn watch(store: Store, before: Activity, is_over: Arc<AtomicBool>) -> anyhow::Result<Database> {
    let started = Instant::now();
    let (mut events, mut last) = (Vec::new(), before);
    let mut samples = tokio::time::interval(SAMPLE);
    loop {
        samples.tick().await;
        let is_last = is_over.load(Ordering::Acquire);
        let now = activity(&store).await?;
        events.extend(events_between(&last, &now, started.elapsed().as_secs()));
        last = now;
        if is_last {
            return Ok(Database {
                checkpoints: last.n_checkpoints - before.n_checkpoints,
                autovacuums: last.n_autovacuums - before.n_autovacuums,
                autoanalyzes: last.n_autoanalyzes - before.n_autoanalyzes,
                events,
            });
        }
    }
}

fn events_between(before: &Activity, after: &Activity, at_s: u64) -> Vec<Event> {
    let counted = [
        ("checkpoint", after.n_checkpoints - before.n_checkpoints),
        ("autovacuum", after.n_autovacuums - before.n_autovacuums),
        ("autoanalyze", after.n_autoanalyzes - before.n_autoanalyzes),
    ];
    let happened = counted.into_iter().filter(|(_, n)| *n > 0);
    happened.map(|(what, n)| Event { at_s, what: format!("{n} × {what}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_between_two_samples_is_reported_with_its_time() {
        let before = Activity { n_checkpoints: 3, n_autovacuums: 5, n_autoanalyzes: 1 };
        let after = Activity { n_checkpoints: 4, n_autovacuums: 5, n_autoanalyzes: 3 };
        let events = events_between(&before, &after, 17);
        let whats: Vec<&str> = events.iter().map(|event| event.what.as_str()).collect();
        assert_eq!(whats, ["1 × checkpoint", "2 × autoanalyze"]);
        assert!(events.iter().all(|event| event.at_s == 17));
        assert_eq!(events_between(&after, &after, 18), []);
    }
}
