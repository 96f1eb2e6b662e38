//! Benchmark of history queries over a season of posts: latency and query plans.
//!
//! The server is a private PostgreSQL, filled through the functions that the pipeline uses. The measured time covers
//! what an API call does: it executes the statement, reads the rows and writes the JSON.

mod corpus; // a season of posts
mod questions; // the queries

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use jiff::Timestamp;
use serde::Serialize;

pub use self::corpus::{Corpus, CorpusParams, Filled, fill};
pub use self::questions::{BenchQuery, all};
use crate::embedded::{Embedded, EmbeddedParams, RedisFsync};
use crate::store::metrics::{breakdown, lines, series};
use crate::store::operations::explain as explaining;
use crate::store::operations::explain::{ExplainTarget, Plan, explain};
use crate::store::posts::list::{self, PostsQuery};
use crate::store::{Store, StoreError, StoreParams};

/// Latency budget per query that the dashboard relies on, in milliseconds.
const BUDGET_MS: f64 = 200.0;

/// Settings for `bench explore`.
#[derive(Debug, Clone)]
pub struct ExploreParams {
    /// Number of posts to store before the queries run.
    pub n_posts: usize,
    /// Number of days over which the posts are spread.
    pub days: u32,
    /// Number of times that each query runs.
    pub n_runs: usize,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    n_posts: usize,
    days: u32,
    built_seconds: f64,
    posts_stored_per_second: f64,
    budget_ms: f64,
    slowest_median_ms: f64,
    n_whole_tables_read: usize,
    answers: Vec<Measurement>,
}

#[derive(Serialize)]
struct Measurement {
    name: String,
    median_ms: f64,
    max_ms: f64,
    json_bytes: usize,
    plan: Option<PlanFacts>,
}

/// What the plan of a query reveals about its cost.
#[derive(Serialize)]
struct PlanFacts {
    planning_ms: f64,
    execution_ms: f64,
    pages: u64,
    /// Number of days whose posts or scores were read; the planner pruned the others.
    days_read: usize,
    /// Number of day tables that were scanned because the query needs all their posts.
    days_wanted_whole: usize,
    /// Tables of posts, scores and rollups that were scanned although not all rows were needed.
    whole_tables: Vec<String>,
    /// Indexes used, with the day removed from their names.
    indexes: Vec<String>,
}

/// Stores posts spread over many days, runs each query several times, and prints the latencies.
///
/// # Errors
/// If PostgreSQL fails to start or stops responding. A figure that misses its target is not an error.
pub async fn run(params: ExploreParams) -> anyhow::Result<()> {
    let data_dir = std::env::temp_dir().join(format!("groundswell-explore-{}", std::process::id()));
    std::fs::create_dir_all(&data_dir)?;
    let outcome = measure(&params, data_dir.clone()).await;
    std::fs::remove_dir_all(&data_dir)?;
    let report = outcome?;
    let rows = rows(&report);
    let rows: Vec<(&str, String)> = rows.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    super::print(&report, &rows, params.json)
}

async fn measure(params: &ExploreParams, data_dir: PathBuf) -> anyhow::Result<Report> {
    // The bench measures reads: durability during the setup does not matter.
    let server = EmbeddedParams { data_dir, redis_fsync: RedisFsync::EverySec, durable: false };
    let embedded = Embedded::start(server).await?;
    let url = embedded.endpoints().postgres_url.clone();
    let retention = Duration::from_secs(u64::from(params.days + 2) * 86_400);
    let store = Store::connect(StoreParams { url, pool_size: 2, retention, on_connect: None }).await?;
    store.migrate().await?;
    let until = Timestamp::now();
    let begun_at = Instant::now();
    let corpus = CorpusParams { n_posts: params.n_posts, days: params.days, until };
    let progress = indicatif::ProgressBar::new(u64::try_from(params.n_posts)?);
    let filled = fill(&store, corpus, |n_posts| {
        progress.set_position(u64::try_from(n_posts).unwrap_or_default());
    })
    .await?;
    progress.finish_and_clear();
    let built = begun_at.elapsed().as_secs_f64();
    explaining::vacuum(&store).await?;
    let mut answers = Vec::new();
    for query in questions::all(&store, &filled, until).await? {
        answers.push(measure_query(&store, &query, params.n_runs).await?);
    }
    answers.push(first_chunk(&store, params.n_runs).await?);
    store.close();
    embedded.stop().await?;
    let slowest = answers.iter().map(|measured| measured.median_ms).fold(0.0, f64::max);
    let n_whole =
        answers.iter().flat_map(|measured| &measured.plan).map(|plan| plan.whole_tables.len()).sum();
    Ok(Report {
        n_posts: filled.n_posts,
        days: params.days,
        built_seconds: built,
        posts_stored_per_second: filled.n_posts as f64 / built,
        budget_ms: BUDGET_MS,
        slowest_median_ms: slowest,
        n_whole_tables_read: n_whole,
        answers,
    })
}

async fn measure_query(store: &Store, query: &BenchQuery, n_runs: usize) -> anyhow::Result<Measurement> {
    let mut times = Vec::with_capacity(n_runs);
    let mut json_bytes = 0;
    for _ in 0..n_runs.max(1) {
        let asked_at = Instant::now();
        json_bytes = json_of(store, &query.question).await?.len();
        times.push(asked_at.elapsed());
    }
    let plan = explain(store, &query.question).await?;
    let (median_ms, max_ms) = middle_and_most(times);
    Ok(Measurement {
        name: query.name.to_owned(),
        median_ms,
        max_ms,
        json_bytes,
        plan: Some(plan_facts(&plan, query)),
    })
}

async fn json_of(store: &Store, question: &ExplainTarget) -> anyhow::Result<Vec<u8>> {
    Ok(match question {
        ExplainTarget::Posts(query) => serde_json::to_vec(&list::list(store, query).await?)?,
        ExplainTarget::Series(query, step) => {
            serde_json::to_vec(&series::series(store, query, *step).await?)?
        }
        ExplainTarget::Breakdown(query, by, n_items_max) => {
            serde_json::to_vec(&breakdown::breakdown(store, query, *by, *n_items_max).await?)?
        }
        ExplainTarget::Lines(query, by, n_lines) => {
            serde_json::to_vec(&lines::lines(store, query, None, (*by, *n_lines)).await?)?
        }
    })
}

/// Measures the time until the first chunk of a full export is ready.
async fn first_chunk(store: &Store, n_runs: usize) -> anyhow::Result<Measurement> {
    let mut times = Vec::with_capacity(n_runs);
    let mut json_bytes = 0;
    for _ in 0..n_runs.max(1) {
        let asked_at = Instant::now();
        let mut pieces = Box::pin(list::export(store.clone(), PostsQuery::default()));
        let piece: Result<Vec<_>, StoreError> = pieces.next().await.unwrap_or_else(|| Ok(Vec::new()));
        json_bytes = serde_json::to_vec(&piece?)?.len();
        times.push(asked_at.elapsed());
    }
    let (median_ms, max_ms) = middle_and_most(times);
    Ok(Measurement { name: "export, first chunk".to_owned(), median_ms, max_ms, json_bytes, plan: None })
}

fn middle_and_most(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
    (ms(times.get(times.len() / 2)), ms(times.last()))
}

fn plan_facts(plan: &Plan, query: &BenchQuery) -> PlanFacts {
    let done = || plan.nodes.iter().filter(|node| node.n_loops > 0);
    let mut days: Vec<&str> =
        done().filter_map(|node| node.table.as_deref()?.rsplit_once('_')).map(|(_, day)| day).collect();
    days.retain(|day| day.bytes().all(|byte| byte.is_ascii_digit()));
    days.sort_unstable();
    days.dedup();
    let mut indexes: Vec<String> = done()
        .filter_map(|node| node.index.as_deref())
        .map(|index| index.split(|letter: char| letter.is_ascii_digit()).collect())
        .collect();
    indexes.sort();
    indexes.dedup();
    let large = |table: &String| LARGE.iter().any(|large| table.starts_with(large));
    let whole = done().filter(|node| node.reads_whole_table()).filter_map(|node| node.table.clone());
    let (needed, whole): (Vec<String>, Vec<String>) =
        whole.filter(large).partition(|table| query.needs_all_of(table));
    PlanFacts {
        planning_ms: plan.planning_ms,
        execution_ms: plan.execution_ms,
        pages: plan.n_pages,
        days_read: days.len(),
        days_wanted_whole: needed.len(),
        whole_tables: whole,
        indexes,
    }
}

/// Tables that no query may scan.
pub const LARGE: [&str; 4] =
    ["social_media_posts", "sentiment_analysis", "sentiment_rollup", "engagement_samples"];

fn rows(report: &Report) -> Vec<(String, String)> {
    let stored = format!(
        "{} over {} days, in {:.0} s ({:.0} per second)",
        report.n_posts, report.days, report.built_seconds, report.posts_stored_per_second
    );
    let mut rows = vec![("posts".to_owned(), stored)];
    for measured in &report.answers {
        let plan = measured.plan.as_ref().map_or_else(String::new, |plan| {
            let whole = if plan.whole_tables.is_empty() {
                String::new()
            } else {
                format!(", scanned: {}", plan.whole_tables.join(" "))
            };
            format!(
                "  (planned in {:.1} ms, ran {:.1} ms, {} pages, {} days{whole}; {})",
                plan.planning_ms,
                plan.execution_ms,
                plan.pages,
                plan.days_read,
                plan.indexes.join(" ")
            )
        });
        let times = format!("median {:.1} ms, max {:.1} ms{plan}", measured.median_ms, measured.max_ms);
        rows.push((measured.name.clone(), times));
    }
    let verdict = format!(
        "{:.1} ms of {:.0}; tables scanned: {}",
        report.slowest_median_ms, report.budget_ms, report.n_whole_tables_read
    );
    rows.push(("slowest median".to_owned(), verdict));
    rows
}
