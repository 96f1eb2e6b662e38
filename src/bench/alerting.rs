//! Benchmark of the alerter with very many series: how long an evaluation takes, and how it affects posts and users.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::explore::{Corpus, CorpusParams};
use super::open_loop::{self, Latency, RunParams};
use super::posts::{Supply, TextsParams};
use super::server::Server;
use crate::models::post::ScoredPost;
use crate::models::turn_report::{LeftOut, TurnReport};
use crate::store::posts::record;

/// Posts per transaction; large transactions are stored fastest.
const BATCH: usize = 1_000;

/// How long the load runs before each measurement, so that statements are planned and pages allocated.
const WARM_UP: Duration = Duration::from_secs(5);

/// Silence on the socket after which the measurement ends.
const SILENCE: Duration = Duration::from_secs(10);

/// Interval between checks for a new evaluation.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Settings of the bench.
#[derive(Debug, Clone)]
pub struct AlertingParams {
    /// Texts to send.
    pub texts: TextsParams,
    /// Number of products, each mentioned by one post.
    pub n_products: usize,
    /// Number of rules per product.
    pub n_rules: usize,
    /// Duration of each load in seconds; there is one without rules and one with them.
    pub seconds: u64,
    /// Posts sent per second.
    pub per_second: u32,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    products: usize,
    rules: usize,
    turns: usize,
    turn_ms: Turns,
    series_judged: u64,
    open_alerts: u64,
    left_out: LeftOut,
    delete_rule_ms: Turns,
    arrival_to_socket_ms_without: Latency,
    arrival_to_socket_ms_with: Latency,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Turns {
    p50: f64,
    max: f64,
}

impl Turns {
    fn of(mut took: Vec<f64>) -> Self {
        took.sort_by(f64::total_cmp);
        let at = |index: usize| took.get(index).copied().unwrap_or_default();
        Self { p50: at(took.len() / 2), max: at(took.len().saturating_sub(1)) }
    }
}

/// Fills a fresh server with products, measures posts without and with rules about each product, and prints the
/// results.
///
/// # Errors
/// If the server cannot be started or breaks; not if a figure misses its target.
pub async fn run(params: AlertingParams) -> anyhow::Result<()> {
    let mut texts = Supply::open(&params.texts)?;
    let server = Server::start(&[]).await?;
    latency(&server, &mut texts, (&params, "warm-up", WARM_UP)).await?;
    let length = Duration::from_secs(params.seconds);
    let without = latency(&server, &mut texts, (&params, "without", length)).await?;
    fill(&server, params.n_products).await?;
    let rules = create_rules(&server, params.n_rules).await?;
    watch(&server).await?;
    let mut seen = Vec::new();
    let with = {
        let mut posting = std::pin::pin!(latency(&server, &mut texts, (&params, "with", length)));
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                with = &mut posting => break with?,
                _ = looks.tick() => note(&mut seen, &server).await?,
            }
        }
    };
    let deleted = delete_rules(&server, &rules).await?;
    let last = seen.last().context("the alerter has had no turn")?.clone();
    let report = Report {
        products: params.n_products,
        rules: params.n_rules,
        turns: seen.len(),
        turn_ms: Turns::of(seen.iter().map(|turn| turn.turn_ms as f64).collect()),
        series_judged: seen.iter().map(|turn| turn.series).max().unwrap_or_default(),
        open_alerts: last.open_alerts,
        left_out: last.left_out,
        delete_rule_ms: Turns::of(deleted),
        arrival_to_socket_ms_without: without,
        arrival_to_socket_ms_with: with,
    };
    server.stop().await?;
    super::print(&report, &rows(&report), params.json)
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let Report { turn_ms, left_out, delete_rule_ms, .. } = report;
    vec![
        ("products, rules", format!("{}, {}", report.products, report.rules)),
        (
            "one turn",
            format!("p50 {:.0} ms, max {:.0} ms, of {} turns", turn_ms.p50, turn_ms.max, report.turns),
        ),
        ("series judged in a turn", report.series_judged.to_string()),
        (
            "open alerts",
            format!(
                "{}, {} deferred, {} over the limit, {} series not judged",
                report.open_alerts, left_out.waiting, left_out.no_room, left_out.series
            ),
        ),
        ("deleting a rule", format!("p50 {:.0} ms, max {:.0} ms", delete_rule_ms.p50, delete_rule_ms.max)),
        ("arrival to socket without", report.arrival_to_socket_ms_without.summary()),
        ("arrival to socket with", report.arrival_to_socket_ms_with.summary()),
    ]
}

async fn latency(
    server: &Server,
    texts: &mut Supply,
    (params, name, length): (&AlertingParams, &'static str, Duration),
) -> anyhow::Result<Latency> {
    let run = RunParams {
        name,
        per_second: params.per_second,
        length,
        silence: SILENCE,
        ends_when_all_are_seen: true,
    };
    Ok(Latency::of(&open_loop::run(server, texts, run).await?.seen.new))
}

/// Stores one recent post about each product.
async fn fill(server: &Server, n_products: usize) -> anyhow::Result<()> {
    let params = CorpusParams { n_posts: n_products, days: 1, until: Timestamp::now() };
    let mut corpus = Corpus::new(params)?.enumerate().map(|(n, mut scored)| {
        scored.post.products = vec![format!("product {n:06}")];
        // The original time would be a day ago; every post must be within the window.
        (scored.post.created_at, scored.post.received_at) = (Timestamp::now(), Timestamp::now());
        scored
    });
    loop {
        let batch: Vec<ScoredPost> = corpus.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        record::record(&server.store, &batch, &mut server.store.rollup_guard()).await?;
    }
}

/// Creates rules that a single post per product breaches, on several metrics with hour-long windows, so that alerts
/// stay open.
async fn create_rules(server: &Server, n_rules: usize) -> anyhow::Result<Vec<String>> {
    const METRICS: [(&str, f64); 4] =
        [("negative_share", 0.5), ("sentiment_average", 0.5), ("toxicity", 0.2), ("volume", 0.0)];
    let client = reqwest::Client::new();
    let mut ids = Vec::new();
    for (n, (metric, threshold)) in (0..n_rules).zip(METRICS.into_iter().cycle()) {
        let rule = json!({
            "name": format!("rule {n}"), "metric": metric, "scope": {"dimension": "product"},
            "window_seconds": 3_600, "comparison": "above", "threshold": threshold, "severity": "warning",
        });
        let response =
            client.post(format!("{}/api/v1/alert-rules", server.info.address)).json(&rule).send().await?;
        let made: Value = response.error_for_status()?.json().await?;
        ids.push(made.get("id").and_then(Value::as_str).context("a rule without an id")?.to_owned());
    }
    Ok(ids)
}

/// Waits until the maximum number of alerts is open, before anything is measured.
async fn watch(server: &Server) -> anyhow::Result<()> {
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let open = server.system().await?.alerting.map_or(0, |turn| turn.open_alerts);
        if open > 0 && open == last {
            return Ok(());
        }
        last = open;
    }
}

/// Records the last evaluation, unless it is already recorded.
async fn note(seen: &mut Vec<TurnReport>, server: &Server) -> anyhow::Result<()> {
    let last = server.system().await?.alerting;
    if let Some(last) = last.filter(|last| seen.last().is_none_or(|known| known.at != last.at)) {
        seen.push(last);
    }
    Ok(())
}

/// Deletes rules one by one and returns how long each deletion took, in milliseconds.
async fn delete_rules(server: &Server, ids: &[String]) -> anyhow::Result<Vec<f64>> {
    let client = reqwest::Client::new();
    let mut took = Vec::new();
    for id in ids {
        let asked_at = Instant::now();
        let path = format!("{}/api/v1/alert-rules/{id}", server.info.address);
        client.delete(path).send().await?.error_for_status()?;
        took.push(asked_at.elapsed().as_secs_f64() * 1_000.0);
        // Spreads the deletions over many turns.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(took)
}
