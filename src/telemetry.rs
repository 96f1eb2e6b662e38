//! Setup of tracing and metrics, and the definitions of all metrics.

mod broken_requests; // requests that are not HTTP
pub mod errors; // recent errors
pub mod log_limit; // limit on lines that strangers can cause
pub mod process; // resource usage of this process

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use broken_requests::OtherEvents;

/// Declares every metric of the process: its name, its kind, its unit and, as its doc comment, its `HELP` text.
macro_rules! metrics_of_the_process {
    ($($(#[doc = $help:literal])+ $constant:ident: $describe:ident($unit:ident) = $name:literal;)+) => {
        $($(#[doc = $help])+ pub const $constant: &str = $name;)+

        /// Registers the `HELP` text and unit of every metric. Call it before any metric is recorded.
        fn describe() {
            $(metrics::$describe!($name, metrics::Unit::$unit, concat!($($help),+).trim());)+
        }
    };
}

metrics_of_the_process! {
    /// Seconds that a sender waited for a stage to respond, by `stage`.
    STAGE_WAIT_SECONDS: describe_histogram(Seconds) = "groundswell_stage_wait_seconds";
    /// Restarts of a stage, by `stage`.
    STAGE_RESTARTS_TOTAL: describe_counter(Count) = "groundswell_stage_restarts_total";
    /// Batches that hold a permit for work in flight.
    BATCHES_IN_FLIGHT: describe_gauge(Count) = "groundswell_batches_in_flight";
    /// Entries read from the stream, by `how` (`read`, `claimed`).
    ENTRIES_READ_TOTAL: describe_counter(Count) = "groundswell_entries_read_total";
    /// Entries dead-lettered, by `why` (`broken`, `poison`).
    ENTRIES_BURIED_TOTAL: describe_counter(Count) = "groundswell_entries_buried_total";
    /// Stream entries of a version or kind that this process does not know, waiting for a newer process.
    UNKNOWN_ENTRIES: describe_gauge(Count) = "groundswell_unknown_entries";
    /// Batches settled, by `settlement` (`recorded`, `failed`, `abandoned`).
    BATCHES_SETTLED_TOTAL: describe_counter(Count) = "groundswell_batches_settled_total";
    /// Posts stored for the first time.
    POSTS_STORED_TOTAL: describe_counter(Count) = "groundswell_posts_stored_total";
    /// Posts delivered again after they were stored.
    POSTS_DUPLICATE_TOTAL: describe_counter(Count) = "groundswell_posts_duplicate_total";
    /// Seconds per inference of one batch.
    INFERENCE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_seconds";
    /// Seconds that work waited for an inference thread, by `tier` and `lane` (`requests`, `posts`).
    INFERENCE_QUEUE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_queue_seconds";
    /// Seconds to tokenize a batch, by `tier`.
    INFERENCE_TOKENIZE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_tokenize_seconds";
    /// Seconds per run of a network, by `tier`.
    INFERENCE_RUN_SECONDS: describe_histogram(Seconds) = "groundswell_inference_run_seconds";
    /// Seconds to decode a network's output into scores, by `tier`.
    INFERENCE_DECODE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_decode_seconds";
    /// Texts whose scores were cached, by `tier`.
    CACHE_HITS_TOTAL: describe_counter(Count) = "groundswell_cache_hits_total";
    /// Texts that had to be scored, by `tier`.
    CACHE_MISSES_TOTAL: describe_counter(Count) = "groundswell_cache_misses_total";
    /// Posts that networks delivered, by `network` and `outcome`: `stored` (put on the stream), `rejected`.
    SOURCE_POSTS_TOTAL: describe_counter(Count) = "groundswell_source_posts_total";
    /// Periods from which posts of a source may be missing, by `network`.
    SOURCE_GAPS_TOTAL: describe_counter(Count) = "groundswell_source_gaps_total";
    /// Posts scored, by `model`.
    POSTS_SCORED_TOTAL: describe_counter(Count) = "groundswell_posts_scored_total";
    /// Seconds per transaction that stores posts.
    COMMIT_SECONDS: describe_histogram(Seconds) = "groundswell_commit_seconds";
    /// Posts per transaction that stores posts, duplicates included.
    COMMIT_POSTS: describe_histogram(Count) = "groundswell_commit_posts";
    /// Seconds from a post's acceptance to its commit.
    POST_COMMIT_SECONDS: describe_histogram(Seconds) = "groundswell_post_commit_seconds";
    /// Corrections, by `outcome`: `applied`, `superseded` (another correction came first, or the post expired),
    /// `given_up` (the deep model cannot score the post).
    CORRECTIONS_TOTAL: describe_counter(Count) = "groundswell_corrections_total";
    /// Seconds from a post's commit to the commit of its correction.
    CORRECTION_SECONDS: describe_histogram(Seconds) = "groundswell_correction_seconds";
    /// Posts awaiting a correction.
    AWAITING_CORRECTION: describe_gauge(Count) = "groundswell_awaiting_correction";
    /// Seconds in which no post was admitted to the deep model because scoring had fallen behind.
    OVERLOAD_SECONDS_TOTAL: describe_counter(Seconds) = "groundswell_overload_seconds_total";
    /// Posts scored by a tier, by `tier`; a corrected post counts in both.
    TIER_POSTS_TOTAL: describe_counter(Count) = "groundswell_tier_posts_total";
    /// Rebuilds of the live windows from PostgreSQL.
    WINDOW_HEALS_TOTAL: describe_counter(Count) = "groundswell_window_heals_total";
    /// Stored posts that were not counted into trends because too many arrived at once.
    TREND_POSTS_MISSED_TOTAL: describe_counter(Count) = "groundswell_trend_posts_missed_total";
    /// Frames delivered to sockets.
    FRAMES_DELIVERED_TOTAL: describe_counter(Count) = "groundswell_frames_delivered_total";
    /// Posts not delivered to sessions that read too slowly or asked for fewer, by `why` (`slow`, `rate`).
    FRAMES_SKIPPED_TOTAL: describe_counter(Count) = "groundswell_frames_skipped_total";
    /// Connections aborted because their peers stopped reading.
    SOCKETS_EVICTED_TOTAL: describe_counter(Count) = "groundswell_sockets_evicted_total";
    /// Sessions that reconnected with an id, by `recovered` (`true`, `false`).
    RECOVERIES_TOTAL: describe_counter(Count) = "groundswell_recoveries_total";
    /// Updates that the broadcaster missed and recovered from history.
    CATCH_UPS_TOTAL: describe_counter(Count) = "groundswell_catch_up_updates_total";
    /// Number of times that all sessions had to reconnect because updates were lost.
    POSITIONS_LOST_TOTAL: describe_counter(Count) = "groundswell_positions_lost_total";
    /// Live sockets that are open in this process.
    SOCKETS_OPEN: describe_gauge(Count) = "groundswell_sockets_open";
    /// Alerts opened, by `rule`.
    ALERTS_OPENED_TOTAL: describe_counter(Count) = "groundswell_alerts_opened_total";
    /// Seconds per evaluation of the alert rules, including the measurement.
    ALERT_TURN_SECONDS: describe_histogram(Seconds) = "groundswell_alert_turn_seconds";
    /// Work that the last evaluation of the alert rules deferred, by `what`: `rules`, `series`, `waiting`, `no_room`,
    /// `updates`, `notices`, `pushes`; see `alerting.left_out` of `/api/v1/system`.
    ALERT_LEFT_OUT: describe_gauge(Count) = "groundswell_alert_left_out";
    /// Notification attempts, by `kind` of channel and `outcome`: `sent`, `failed`.
    NOTIFICATIONS_TOTAL: describe_counter(Count) = "groundswell_notifications_total";
    /// Attempts to send a report, by `outcome`: `sent`, `failed`.
    REPORTS_TOTAL: describe_counter(Count) = "groundswell_reports_total";
    /// Service alerts open in this process, by `condition`.
    SERVICE_ALERTS_OPEN: describe_gauge(Count) = "groundswell_service_alerts_open";
    /// Service alert attempts, by `kind` of channel and `outcome`: `sent`, `failed`.
    SERVICE_NOTIFICATIONS_TOTAL: describe_counter(Count) = "groundswell_service_notifications_total";
    /// Errors in this process, by `kind` and `origin` (a stage or another part of the process).
    ERRORS_TOTAL: describe_counter(Count) = "groundswell_errors_total";
    /// Length of the live window. All processes report the same value: aggregate `groundswell_live_*` with max, because
    /// a sum counts posts twice.
    LIVE_WINDOW_SECONDS: describe_gauge(Seconds) = "groundswell_live_window_seconds";
    /// Posts in the live window across all processes, by `sentiment`. Each process reports all of them: aggregate with
    /// max.
    LIVE_POSTS: describe_gauge(Count) = "groundswell_live_posts";
    /// Posts per minute in the live window across all processes, by `sentiment`. Aggregate with max.
    LIVE_POSTS_PER_MINUTE: describe_gauge(Count) = "groundswell_live_posts_per_minute";
    /// Mean sentiment of posts in the live window across all processes, -1 to 1; NaN without posts. Aggregate with max.
    LIVE_SENTIMENT_AVERAGE: describe_gauge(Count) = "groundswell_live_sentiment_average";
    /// Mean churn risk of posts in the live window across all processes, 0 to 1; NaN without posts. Aggregate with max.
    LIVE_CHURN_RISK_AVERAGE: describe_gauge(Count) = "groundswell_live_churn_risk_average";
    /// Posts at high churn risk in the live window across all processes. Aggregate with max.
    LIVE_CHURN_HIGH_POSTS: describe_gauge(Count) = "groundswell_live_churn_high_posts";
    /// Mean toxicity of posts in the live window across all processes, 0 to 1; NaN without posts. Aggregate with max.
    LIVE_TOXICITY_AVERAGE: describe_gauge(Count) = "groundswell_live_toxicity_average";
    /// Open alerts about posts across all processes, by `rule` and `severity`. Aggregate with max.
    OPEN_ALERTS: describe_gauge(Count) = "groundswell_open_alerts";
    /// Stream entries not yet stored, across all processes. Aggregate with max.
    STREAM_LENGTH: describe_gauge(Count) = "groundswell_stream_length";
    /// Dead letters across all processes. Aggregate with max.
    DEAD_LETTERS: describe_gauge(Count) = "groundswell_dead_letters";
    /// Bytes available to this process on the disk that holds its data directory.
    DISK_FREE_BYTES: describe_gauge(Bytes) = "groundswell_disk_free_bytes";
    /// Size in bytes of the disk that holds the data directory.
    DISK_TOTAL_BYTES: describe_gauge(Bytes) = "groundswell_disk_total_bytes";
    /// Exports that this process is serving.
    EXPORTS_OPEN: describe_gauge(Count) = "groundswell_exports_open";
    /// Exports rejected because the limit on concurrent exports was reached.
    EXPORTS_REFUSED_TOTAL: describe_counter(Count) = "groundswell_exports_refused_total";
    /// Exports aborted because their clients stopped reading.
    EXPORTS_STALLED_TOTAL: describe_counter(Count) = "groundswell_exports_stalled_total";
    /// Calls refused because the caller's quota was used up, by `class` of route.
    RATE_LIMITED_TOTAL: describe_counter(Count) = "groundswell_rate_limited_total";
    /// Calls whose rate limit this process decided alone because Redis did not respond.
    RATE_LIMIT_FALLBACKS_TOTAL: describe_counter(Count) = "groundswell_rate_limit_fallbacks_total";
    /// Seconds per request, by `route`, `method` and `status`.
    HTTP_REQUEST_SECONDS: describe_histogram(Seconds) = "groundswell_http_request_seconds";
    /// Entries stored in the audit log.
    AUDIT_ENTRIES_STORED_TOTAL: describe_counter(Count) = "groundswell_audit_entries_stored_total";
    /// Entries that the audit log may lack, because they were not stored.
    AUDIT_ENTRIES_LOST_TOTAL: describe_counter(Count) = "groundswell_audit_entries_lost_total";
    /// Entries linked to the chain of the audit log.
    AUDIT_ENTRIES_CHAINED_TOTAL: describe_counter(Count) = "groundswell_audit_entries_chained_total";
    /// Checkpoints of the audit log, by `destination` (`database`, `file`, `webhook`) and `outcome` (`stored`, `failed`).
    AUDIT_CHECKPOINTS_TOTAL: describe_counter(Count) = "groundswell_audit_checkpoints_total";
    /// Requests that were not valid HTTP, or whose connections failed, by `why` (`malformed`, `connection`).
    HTTP_BROKEN_REQUESTS_TOTAL: describe_counter(Count) = "groundswell_http_broken_requests_total";
    /// Requests with a token, a ticket or a share link that was refused.
    HTTP_REFUSED_CREDENTIALS_TOTAL: describe_counter(Count) = "groundswell_http_refused_credentials_total";
}

/// Upper bounds of the buckets of every `_seconds` histogram. OpenTelemetry recommends them for HTTP, except for the
/// finest ones, which were added because most stages take only a few milliseconds.
const SECONDS_BUCKETS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Interval at which the recorder's upkeep runs. Without it, histogram samples accumulate in memory.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts logging to standard error, as text on a terminal and as JSON anywhere else. `filter` has the syntax of
/// `tracing_subscriber`; if it is invalid, `info` applies.
pub fn init_tracing(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() {
        lines.map_event_format(OtherEvents).boxed()
    } else {
        lines.json().map_event_format(OtherEvents).boxed()
    };
    let lines = lines.with_filter(filter);
    // A second initialisation, as in a test binary, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(errors::layer())
        .with(broken_requests::Counter)
        .try_init();
}

/// Installs the process's metrics recorder, unless it is already installed, and returns its handle. Servers in the same
/// process share the recorder. [`run_upkeep`] keeps it small.
///
/// # Errors
/// If another recorder is already installed.
pub fn init_metrics() -> anyhow::Result<PrometheusHandle> {
    static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let handle = install()?;
    Ok(installed.insert(handle).clone())
}

fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)?
        .set_buckets_for_metric(
            Matcher::Full(COMMIT_POSTS.to_owned()),
            &[1.0, 5.0, 25.0, 100.0, 250.0, 500.0, 1000.0],
        )?
        .install_recorder()?;
    describe();
    Ok(handle)
}

/// Runs the recorder's upkeep forever, and calls `done` each time it has run. Also logs how many requests were broken.
pub async fn run_upkeep(metrics: PrometheusHandle, done: impl Fn()) {
    loop {
        tokio::time::sleep(UPKEEP_EVERY).await;
        let metrics = metrics.clone();
        // The upkeep takes milliseconds, which would delay the connections of an async thread.
        // unsupervised: aggregating histograms ends, and the caller waits for it
        if tokio::task::spawn_blocking(move || metrics.run_upkeep()).await.is_err() {
            return;
        }
        broken_requests::report(Instant::now());
        done();
    }
}
