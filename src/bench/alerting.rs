//! Benchmark of the alerter under a very large number of series: how long one evaluation takes, and how much the
//! alerter delays posts on their way to the socket.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::explore::{Corpus, CorpusParams};
use super::open_loop::{self, Latency, RunParams};
use super::posts::{Supply, TextsParams};
use super::server::Server;
use crate::models::evaluation_report::{LeftOut, TurnReport};
use crate::models::post::ScoredPost;
use crate::store::posts::record;

/// Posts per transaction. Large transactions store posts fastest.
const BATCH: usize = 1_000;

/// Duration of the uncounted load at the start, during which PostgreSQL plans its statements and allocates pages.
const WARM_UP: Duration = Duration::from_secs(5);

/// How long the socket must be silent before a measurement ends.
const SILENCE: Duration = Duration::from_secs(10);

/// Interval between polls for a new evaluation.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Settings for `bench alerting`.
#[derive(Debug, Clone)]
pub struct AlertingParams {
    /// Where the texts of the posts come from, and how they are recombined.
    pub texts: TextsParams,
    /// Number of products, each mentioned by one post.
    pub n_products: usize,
    /// Number of alert rules, each of which is evaluated once per product.
    pub n_rules: usize,
    /// Duration of each load in seconds: one load runs without rules, one with them.
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

/// Measures the latency of posts on a fresh server, first without rules and then with rules on thousands of products,
/// and prints the results.
///
/// # Errors
/// If the server fails to start or stops responding. A figure that misses its target is not an error.
pub async fn run(params: AlertingParams) -> anyhow::Result<()> {
    let mut texts = Supply::open(&params.texts)?;
    let server = Server::start(&[]).await?;
    latency(&server, &mut texts, (&params, "warm-up", WARM_UP)).await?;
    let length = Duration::from_secs(params.seconds);
    let without = latency(&server, &mut texts, (&params, "without", length)).await?;
    fill(&server, params.n_products).await?;
    let rules = create_rules(&server, params.n_rules).await?;
    wait_for_alerts(&server, rules.len()).await?;
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
    let last = seen.last().context("the alerter has not evaluated any series")?.clone();
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
            "one evaluation",
            format!("p50 {:.0} ms, max {:.0} ms, of {} evaluations", turn_ms.p50, turn_ms.max, report.turns),
        ),
        ("series judged per evaluation", report.series_judged.to_string()),
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

/// Creates rules that a single post per product breaches. Their windows last an hour, so the alerts stay open during
/// the measurement.
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

/// Waits until the number of open alerts stops growing. There is at least one for each rule, beside those that built-in
/// rules opened.
async fn wait_for_alerts(server: &Server, n_rules: usize) -> anyhow::Result<()> {
    let n_expected = u64::try_from(n_rules)?;
    let mut last = 0;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let open = server.system().await?.alerting.map_or(0, |turn| turn.open_alerts);
        if open >= n_expected && open == last {
            return Ok(());
        }
        last = open;
    }
}

/// Appends the alerter's latest evaluation to `seen`, unless it is already the last entry.
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
        // Spreads the deletions over many evaluations.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(took)
}
