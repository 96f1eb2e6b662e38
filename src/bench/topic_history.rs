//! Benchmark of a topic's history: how fast a topic is applied to stored posts, how much that delays new posts on their
//! way to the socket, and whether the rollups are exact afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::explore::{CorpusParams, Filled, fill};
use super::open_loop::{self, Latency, RunParams};
use super::posts::{Supply, TextsParams};
use super::server::Server;
use crate::models::topic_history::{TopicJob, TopicJobState};
use crate::store::metrics::recount;
use crate::store::operations::explain::vacuum;

/// Duration of the uncounted load at the start, during which PostgreSQL plans its statements and allocates pages.
const WARM_UP: Duration = Duration::from_secs(5);

/// How long the socket must be silent before a measurement ends.
const SILENCE: Duration = Duration::from_secs(10);

/// Interval between polls of the job.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How long the job may go on after the load ended.
const JOB_TIMEOUT: Duration = Duration::from_secs(3_600);

/// Share of the stored posts that contain the topic's word, approximately.
const MATCHED_SHARE: f64 = 0.1;

/// Settings for `bench topic-history`.
#[derive(Debug, Clone)]
pub struct TopicHistoryParams {
    /// Where the texts of the new posts come from, and how they are recombined.
    pub texts: TextsParams,
    /// Number of stored posts.
    pub n_posts: usize,
    /// Number of days over which they are spread.
    pub days: u32,
    /// Duration of each load in seconds: one runs before the job, one while it runs.
    pub seconds: u64,
    /// Posts sent per second.
    pub per_second: u32,
    /// Whether to print one JSON object instead of a table.
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    posts_stored: usize,
    days: u32,
    query: String,
    posts_read: u64,
    posts_changed: u64,
    job_seconds: f64,
    posts_read_per_second: f64,
    /// Share of the second load during which the job ran.
    load_beside_job: f64,
    arrival_to_socket_ms_before: Latency,
    arrival_to_socket_ms_during: Latency,
    /// Number of rows in which the rollups differ from a recount.
    rollups_that_differ: usize,
    recount_seconds: f64,
}

/// Fills a fresh server, measures the latency of new posts before and while a topic is applied to the stored ones, and
/// recounts all rollups.
///
/// # Errors
/// If the server fails to start or stops responding, or the job fails. A figure that misses its target is not an error.
pub async fn run(params: TopicHistoryParams) -> anyhow::Result<()> {
    let mut texts = Supply::open(&params.texts)?;
    let server = Server::start(&[]).await?;
    let corpus = CorpusParams { n_posts: params.n_posts, days: params.days, until: Timestamp::now() };
    let filled = fill(&server.store, corpus, |_| {}).await?;
    vacuum(&server.store).await?;
    latency(&server, &mut texts, (&params, "warm-up", WARM_UP)).await?;
    let length = Duration::from_secs(params.seconds);
    let before = latency(&server, &mut texts, (&params, "before", length)).await?;

    let query = query(&filled)?;
    let history = create_topic(&server, &query).await?;
    // New posts are matched against the topic from the start of the job, so the seconds before it count as well.
    let days = params.days + 1;
    let _: Value = post(&history, &json!({ "days": days })).await?;
    let load_began_at = Instant::now();
    let (during, finished) =
        tokio::join!(latency(&server, &mut texts, (&params, "during", length)), finished(&history));
    let Finished { job, began_at, ended_at } = finished?;
    let job_seconds = ended_at.duration_since(began_at).as_secs_f64();
    let load_ended_at = load_began_at + length;
    let beside_job = load_ended_at.min(ended_at).saturating_duration_since(began_at);

    let recount_began_at = Instant::now();
    let differences = recount::differences(&server.store).await?;
    let report = Report {
        posts_stored: filled.n_posts,
        days: params.days,
        query,
        posts_read: job.posts_read,
        posts_changed: job.posts_changed,
        job_seconds,
        posts_read_per_second: job.posts_read as f64 / job_seconds,
        load_beside_job: beside_job.as_secs_f64() / length.as_secs_f64(),
        arrival_to_socket_ms_before: before,
        arrival_to_socket_ms_during: during?,
        rollups_that_differ: differences.len(),
        recount_seconds: recount_began_at.elapsed().as_secs_f64(),
    };
    server.stop().await?;
    super::print(&report, &rows(&report), params.json)
}

fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let sums = match report.rollups_that_differ {
        0 => "exact".to_owned(),
        n => format!("{n} rows differ"),
    };
    vec![
        ("stored posts", format!("{} over {} days", report.posts_stored, report.days)),
        ("query", report.query.clone()),
        (
            "job",
            format!(
                "{} posts read, {} changed in {:.0} s: {:.0} posts/s",
                report.posts_read, report.posts_changed, report.job_seconds, report.posts_read_per_second
            ),
        ),
        ("load beside the job", format!("{:.0} % of it", 100.0 * report.load_beside_job)),
        ("arrival to socket before", report.arrival_to_socket_ms_before.summary()),
        ("arrival to socket during", report.arrival_to_socket_ms_during.summary()),
        ("rollups", format!("{sums}, recounted in {:.0} s", report.recount_seconds)),
    ]
}

async fn latency(
    server: &Server,
    texts: &mut Supply,
    (params, name, length): (&TopicHistoryParams, &'static str, Duration),
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

/// Returns the word whose share of the stored posts is nearest to [`MATCHED_SHARE`].
fn query(filled: &Filled) -> anyhow::Result<String> {
    // Word frequencies are those of a tenth of the posts.
    let wanted = MATCHED_SHARE * filled.n_posts as f64 / 10.0;
    let distance = |n: usize| (n as f64 - wanted).abs();
    let words = filled.words.iter().filter(|(word, _)| word.chars().all(char::is_alphabetic));
    let nearest = words.min_by(|a, b| distance(*a.1).total_cmp(&distance(*b.1)).then(a.0.cmp(b.0)));
    nearest.map(|(word, _)| word.clone()).context("the stored posts have no words")
}

/// Creates a topic and returns the URL of its jobs.
async fn create_topic(server: &Server, query: &str) -> anyhow::Result<String> {
    let url = format!("{}/api/v1/topics", server.info.address);
    let made: Value = post(&url, &json!({ "name": "Benchmark", "kind": "issue", "query": query })).await?;
    let id = made.get("id").and_then(Value::as_str).context("a topic without an id")?;
    Ok(format!("{url}/{id}/history"))
}

/// Job that is done, and when it was first seen to run and to be done.
struct Finished {
    job: TopicJob,
    began_at: Instant,
    ended_at: Instant,
}

/// Waits until the newest job is done. It is queued at first, until the server knows the topic.
async fn finished(history: &str) -> anyhow::Result<Finished> {
    let waiting = async {
        let mut began_at = None;
        loop {
            let mut jobs: Value = reqwest::get(history).await?.error_for_status()?.json().await?;
            let job = jobs.pointer_mut("/items/0").context("no job")?.take();
            let job: TopicJob = serde_json::from_value(job)?;
            if job.state != TopicJobState::Queued {
                began_at.get_or_insert_with(Instant::now);
            }
            if job.finished_at.is_some() {
                ensure!(job.state == TopicJobState::Done, "the job failed: {:?}", job.error);
                let ended_at = Instant::now();
                return Ok(Finished { job, began_at: began_at.unwrap_or(ended_at), ended_at });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::time::timeout(JOB_TIMEOUT, waiting).await.context("the job does not end")?
}

async fn post<T: DeserializeOwned>(url: &str, body: &Value) -> anyhow::Result<T> {
    let response = reqwest::Client::new().post(url).json(body).send().await?;
    Ok(response.error_for_status()?.json().await?)
}
