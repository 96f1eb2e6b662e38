//! Benchmark of the cascade: latency of fast scores and of corrections, and the accuracy gained by the corrections.
//!
//! Loads the whole pipeline with real texts in an open loop: latencies run from when a post is due until a browser has
//! received it. The server, PostgreSQL, Redis and the load generator share the machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::cache_use::{self, CacheUse, HitShares};
use super::deferral_accuracy::{AtShare, Evaluation, judge};
use super::open_loop::{self, Latency, RunParams};
use super::posts::{Supply, TextsParams};
use super::server::{Metrics, Server};
use crate::inference::{LoadParams, Tier};
use crate::store::posts::record::counts;
use crate::telemetry::{CORRECTION_SECONDS, OVERLOAD_SECONDS_TOTAL, TIER_POSTS_TOTAL};

/// How long the load runs before the measurement, so that the server learns the deep model's throughput and the typical
/// uncertainties.
const WARM_UP: Duration = Duration::from_secs(15);

/// How long the socket must be silent before the measurement ends. This is far longer than any correction takes:
/// missing late corrections would make the figures look better than they are.
const SILENCE: Duration = Duration::from_secs(20);

/// How long to wait for outstanding corrections after the load has ended.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(500);

/// Settings for `bench cascade`.
#[derive(Debug, Clone)]
pub struct CascadeParams {
    /// Where the texts of the posts come from, and how they are recombined.
    pub texts: TextsParams,
    /// Duration of the load in seconds.
    pub seconds: u64,
    /// Posts sent per second.
    pub per_second: u32,
    /// Whether the models may cache their predictions.
    pub caches: bool,
    /// File of posts with known sentiment, used to evaluate the selection of posts for the deep model.
    pub labelled: Option<PathBuf>,
    /// Models used to evaluate the selection; the server runs the same ones.
    pub load: LoadParams,
    /// Additional options passed to `serve`.
    pub serve: Vec<String>,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    seconds: u64,
    per_second: u32,
    result_cache: bool,
    distinct_texts: usize,
    cache_hit_share: f64,
    cache_hit_share_by_tier: HitShares,
    budget_ms: u64,
    model_swift: String,
    model_deep: String,
    /// Time from when a post is due until its `message:new` arrives.
    swift_score_ms: Latency,
    /// Time from when a post is due until its `message:update` arrives.
    correction_ms: Latency,
    n_swift_scores_seen: u64,
    n_corrections_seen: u64,
    /// Share of all corrections, including imperceptible ones, that are committed within a second of their post.
    corrections_within_1_s_of_commit_share: f64,
    share_swift: f64,
    share_deep: f64,
    overload_seconds: f64,
    n_sent: usize,
    n_stored: i64,
    n_counted: i64,
    n_lost: i64,
    n_awaiting: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deferral: Option<Deferral>,
}

#[derive(Serialize)]
struct Deferral {
    #[serde(flatten)]
    evaluation: Evaluation,
    /// Result at the share of posts that the deep model scored under load.
    at_measured_share: Option<AtShare>,
}

/// Runs the load against a fresh server, evaluates the selection of posts for the deep model if labelled posts are
/// given, and prints the results.
///
/// # Errors
/// If there is no deep model, or the server fails to start or stops responding. A figure that misses its target is not
/// an error.
pub async fn run(params: CascadeParams) -> anyhow::Result<()> {
    let mut supply = Supply::open(&params.texts)?;
    let mut options = params.serve.clone();
    if !params.caches {
        options.push("--result-cache-mb=0".to_owned());
    }
    let server = Server::start(&options).await?;
    let mut report = measure(&server, &mut supply, &params).await?;
    server.stop().await?;
    if let Some(file) = &params.labelled {
        // The server has stopped, so both cores are free for this.
        let measured = report.share_deep;
        let evaluation = judge(file, params.load.clone(), Some(measured))?;
        let distance = |at: &&AtShare| (at.share - measured).abs();
        let nearest = evaluation.shares.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).copied();
        report.deferral = Some(Deferral { evaluation, at_measured_share: nearest });
    }
    super::print(&report, &rows(&report), params.json)
}

async fn measure(server: &Server, supply: &mut Supply, params: &CascadeParams) -> anyhow::Result<Report> {
    let tiers = server.system().await?.tiers;
    if let Some(reason) = tiers.without_deep {
        anyhow::bail!("there is no deep model to correct scores: {reason}");
    }
    let names: Vec<String> =
        tiers.items.iter().map(|item| format!("{} {}", item.model.name, item.model.version)).collect();
    let [swift, deep] = names.as_slice() else {
        anyhow::bail!("a server with two tiers reports {} models", names.len());
    };
    let per_second = params.per_second;
    let run = RunParams {
        name: "warm-up",
        per_second,
        length: WARM_UP,
        silence: SILENCE,
        ends_when_all_are_seen: false,
    };
    let warm_up = open_loop::run(server, supply, run).await?;
    drain(server).await?;
    let before = Counters::of(&server.metrics().await?);
    let length = Duration::from_secs(params.seconds);
    let run = RunParams { name: "cascade", length, ..run };
    let load = open_loop::run(server, supply, run).await?;
    let n_awaiting = drain(server).await?;
    let counted = Counters::of(&server.metrics().await?).since(&before);
    let stored = counts(&server.store).await?;
    let n_sent = warm_up.n_sent + load.n_sent;
    let share_deep = counted.corrected / counted.stored.max(1.0);
    Ok(Report {
        seconds: params.seconds,
        per_second,
        result_cache: params.caches,
        distinct_texts: supply.n_distinct(),
        cache_hit_share: counted.cache.share(),
        cache_hit_share_by_tier: counted.cache.shares(),
        budget_ms: tiers.budget_ms,
        model_swift: swift.clone(),
        model_deep: deep.clone(),
        swift_score_ms: Latency::of(&load.seen.new),
        correction_ms: Latency::of(&load.seen.corrected),
        n_swift_scores_seen: load.seen.new.len(),
        n_corrections_seen: load.seen.corrected.len(),
        corrections_within_1_s_of_commit_share: counted.in_a_second / counted.timed.max(1.0),
        share_swift: 1.0 - share_deep,
        share_deep,
        overload_seconds: counted.overload_seconds,
        n_sent,
        n_stored: stored.n_posts,
        n_counted: stored.n_rolled_up,
        n_lost: i64::try_from(n_sent)? - stored.n_posts,
        n_awaiting,
        deferral: None,
    })
}

/// Waits until no correction is pending, and returns the number still pending at the timeout.
async fn drain(server: &Server) -> anyhow::Result<u64> {
    let deadline = Instant::now() + DRAIN_TIMEOUT;
    loop {
        // The server measures once a second, so the first response may predate the last post.
        tokio::time::sleep(PAUSE * 3).await;
        let awaiting = server.system().await?.tiers.awaiting;
        if awaiting == 0 || Instant::now() > deadline {
            return Ok(awaiting);
        }
    }
}

/// Server counters at one moment, counted from the server's start.
struct Counters {
    stored: f64,
    corrected: f64,
    /// Corrections for which the time between the two commits is known: all except those taken over from another
    /// process.
    timed: f64,
    in_a_second: f64,
    overload_seconds: f64,
    cache: CacheUse,
}

impl Counters {
    fn of(metrics: &Metrics) -> Self {
        let of_tier = |tier: &str| metrics.value(&format!("{TIER_POSTS_TOTAL}{{tier=\"{tier}\"}}"));
        Self {
            stored: of_tier(Tier::Swift.as_str()),
            corrected: of_tier(Tier::Deep.as_str()),
            timed: metrics.value(&format!("{CORRECTION_SECONDS}_count")),
            in_a_second: metrics.value(&format!("{CORRECTION_SECONDS}_bucket{{le=\"1\"}}")),
            overload_seconds: metrics.value(OVERLOAD_SECONDS_TOTAL),
            cache: CacheUse::of(metrics),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            stored: self.stored - before.stored,
            corrected: self.corrected - before.corrected,
            timed: self.timed - before.timed,
            in_a_second: self.in_a_second - before.in_a_second,
            overload_seconds: self.overload_seconds - before.overload_seconds,
            cache: self.cache.since(before.cache),
        }
    }
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let percent = |part: f64| format!("{:.1}%", part * 100.0);
    let mut rows = vec![
        ("models", format!("{}, corrected by {}", report.model_swift, report.model_deep)),
        (
            "load",
            format!(
                "{} posts per second for {} s, score cache {}, budget {} ms",
                report.per_second,
                report.seconds,
                if report.result_cache { "on" } else { "off" },
                report.budget_ms
            ),
        ),
        ("texts", cache_use::summary(report.distinct_texts, report.cache_hit_share_by_tier)),
        (
            "arrival to swift score",
            format!("{} ({} seen)", report.swift_score_ms.summary(), report.n_swift_scores_seen),
        ),
        (
            "arrival to correction",
            format!("{} ({} seen)", report.correction_ms.summary(), report.n_corrections_seen),
        ),
        ("corrected within 1 s of the commit", percent(report.corrections_within_1_s_of_commit_share)),
        (
            "final score by",
            format!("swift {}, deep {}", percent(report.share_swift), percent(report.share_deep)),
        ),
        ("overload", format!("{:.0} s", report.overload_seconds)),
        (
            "sent, stored, counted, lost",
            format!("{}, {}, {}, {}", report.n_sent, report.n_stored, report.n_counted, report.n_lost),
        ),
        ("corrections still pending", report.n_awaiting.to_string()),
    ];
    if let Some(Deferral { evaluation, at_measured_share }) = &report.deferral {
        rows.push((
            "macro-recall of sentiment",
            format!(
                "swift {:.2}, deep {:.2} ({} labelled posts)",
                evaluation.macro_recall_swift, evaluation.macro_recall_deep, evaluation.n_posts
            ),
        ));
        rows.extend(evaluation.shares.iter().map(|at| ("gap recovered", summary(at))));
        rows.extend(at_measured_share.iter().map(|at| ("at the measured share", summary(at))));
    }
    rows
}

fn summary(at: &AtShare) -> String {
    format!(
        "{:.1}% scored by deep: {:.1}% of the gap, {:.1}% at random, ratio {:.2}",
        at.share * 100.0,
        at.recovered * 100.0,
        at.recovered_at_random * 100.0,
        at.ratio
    )
}
