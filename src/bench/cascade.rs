//! How soon the fast model scores, how soon the deep one corrects, and what that is worth.
//!
//! The whole pipeline under an open load of real texts: times are from the moment a post is due to the moment a browser
//! has it. The server, PostgreSQL, Redis and this load share the machine.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::cache_use::{self, CacheUse, HitShares};
use super::deferral::{AtShare, Worth, judge};
use super::open_loop::{self, Latency, RunParams};
use super::posts::{Supply, TextsParams};
use super::server::{Metrics, Server};
use crate::inference::{LoadParams, Tier};
use crate::store::posts::record::counts;
use crate::telemetry::{CORRECTION_SECONDS, OVERLOAD_SECONDS_TOTAL, TIER_POSTS_TOTAL};

/// Sent before the measurement: the pace of the deep model, and which doubts are usual, are learnt from posts.
const WARM_UP: Duration = Duration::from_secs(15);

/// Far longer than any correction takes: one that comes too late to be seen would make the figures look better.
const SILENCE: Duration = Duration::from_secs(20);

/// How long corrections may take after the load has ended.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(500);

/// What to measure.
#[derive(Debug, Clone)]
pub struct CascadeParams {
    /// Which texts are sent.
    pub texts: TextsParams,
    /// How long the load lasts.
    pub seconds: u64,
    /// Posts sent each second.
    pub per_second: u32,
    /// Whether the models remember what they have read.
    pub caches: bool,
    /// Posts of known sentiment.
    pub labelled: Option<PathBuf>,
    /// The same models as the server's.
    pub load: LoadParams,
    /// Further options of the server.
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
    /// From due to `message:new`.
    swift_score_ms: Latency,
    /// From due to `message:update`.
    correction_ms: Latency,
    n_swift_scores_seen: u64,
    n_corrections_seen: u64,
    /// Of all corrections, also those that nobody would notice; from commit to commit.
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
    worth: Worth,
    /// At the share that the pipeline reached.
    at_measured_share: Option<AtShare>,
}

/// Runs the load against a fresh server, judges the choice of posts where labelled ones are given, and prints what came
/// of it.
///
/// # Errors
/// When there is no deep model, or the server cannot be started or breaks; not when a figure is missed.
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
        // The server has stopped, so both processors are free for this.
        let measured = report.share_deep;
        let worth = judge(file, params.load.clone(), Some(measured))?;
        let distance = |at: &&AtShare| (at.share - measured).abs();
        let nearest = worth.shares.iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).copied();
        report.deferral = Some(Deferral { worth, at_measured_share: nearest });
    }
    super::print(&report, &rows(&report), params.json)
}

async fn measure(server: &Server, supply: &mut Supply, params: &CascadeParams) -> anyhow::Result<Report> {
    let tiers = server.system().await?.tiers;
    if let Some(reason) = tiers.without_deep {
        anyhow::bail!("nothing would be corrected: {reason}");
    }
    let names: Vec<String> =
        tiers.items.iter().map(|item| format!("{} {}", item.model.name, item.model.version)).collect();
    let [swift, deep] = names.as_slice() else {
        anyhow::bail!("a server with two tiers tells of {}", names.len());
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
    let before = Counted::of(&server.metrics().await?);
    let length = Duration::from_secs(params.seconds);
    let run = RunParams { name: "cascade", length, ..run };
    let load = open_loop::run(server, supply, run).await?;
    let n_awaiting = drain(server).await?;
    let counted = Counted::of(&server.metrics().await?).since(&before);
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

/// Waits until nothing awaits a correction. Answers how many still do when the patience has run out.
async fn drain(server: &Server) -> anyhow::Result<u64> {
    let deadline = Instant::now() + DRAIN_PATIENCE;
    loop {
        // Measured once a second: the first answer may be from before the last post.
        tokio::time::sleep(PAUSE * 3).await;
        let awaiting = server.system().await?.tiers.awaiting;
        if awaiting == 0 || Instant::now() > deadline {
            return Ok(awaiting);
        }
    }
}

/// What a server has counted since it started.
struct Counted {
    stored: f64,
    corrected: f64,
    /// Corrections whose time from commit to commit is known: all but those that another process left behind.
    timed: f64,
    in_a_second: f64,
    overload_seconds: f64,
    cache: CacheUse,
}

impl Counted {
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
    let percent = |part: f64| format!("{:.1} %", part * 100.0);
    let mut rows = vec![
        ("models", format!("{}, corrected by {}", report.model_swift, report.model_deep)),
        (
            "load",
            format!(
                "{} posts a second for {} s, result cache {}, budget {} ms",
                report.per_second,
                report.seconds,
                if report.result_cache { "on" } else { "off" },
                report.budget_ms
            ),
        ),
        ("texts", cache_use::in_words(report.distinct_texts, report.cache_hit_share_by_tier)),
        (
            "arrival to swift score",
            format!("{} ({} seen)", report.swift_score_ms.in_words(), report.n_swift_scores_seen),
        ),
        (
            "arrival to correction",
            format!("{} ({} seen)", report.correction_ms.in_words(), report.n_corrections_seen),
        ),
        ("corrected within 1 s of commit", percent(report.corrections_within_1_s_of_commit_share)),
        ("ended with", format!("swift {}, deep {}", percent(report.share_swift), percent(report.share_deep))),
        ("overload", format!("{:.0} s", report.overload_seconds)),
        (
            "sent, stored, counted, lost",
            format!("{}, {}, {}, {}", report.n_sent, report.n_stored, report.n_counted, report.n_lost),
        ),
        ("still awaiting", report.n_awaiting.to_string()),
    ];
    if let Some(Deferral { worth, at_measured_share }) = &report.deferral {
        rows.push((
            "macro-recall of sentiment",
            format!(
                "swift {:.2}, deep {:.2} ({} labelled posts)",
                worth.macro_recall_swift, worth.macro_recall_deep, worth.n_posts
            ),
        ));
        rows.extend(worth.shares.iter().map(|at| ("gap recovered", in_words(at))));
        rows.extend(at_measured_share.iter().map(|at| ("at the measured share", in_words(at))));
    }
    rows
}

fn in_words(at: &AtShare) -> String {
    format!(
        "{:.1} % read by deep: {:.1} % of the gap, {:.1} % at random, {:.2} times",
        at.share * 100.0,
        at.recovered * 100.0,
        at.recovered_at_random * 100.0,
        at.ratio
    )
}
