//! Tracing and metrics: how they are set up, and the names of all metrics.

pub mod errors; // what went wrong of late
pub mod process; // what this process uses of its machine

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Declares every metric of the process: its name, its kind and, from the doc comment, its `HELP` text.
macro_rules! metrics_of_the_process {
    ($($(#[doc = $help:literal])+ $constant:ident: $describe:ident($unit:ident) = $name:literal;)+) => {
        $($(#[doc = $help])+ pub const $constant: &str = $name;)+

        /// Gives every metric its `HELP` text and unit, before the first is recorded.
        fn describe() {
            $(metrics::$describe!($name, metrics::Unit::$unit, concat!($($help),+).trim());)+
        }
    };
}

metrics_of_the_process! {
    /// Seconds a message waited for its stage to answer, by `stage`.
    STAGE_WAIT_SECONDS: describe_histogram(Seconds) = "groundswell_stage_wait_seconds";
    /// Times a stage was rebuilt, by `stage`.
    STAGE_RESTARTS_TOTAL: describe_counter(Count) = "groundswell_stage_restarts_total";
    /// Batches holding a place in flight.
    BATCHES_IN_FLIGHT: describe_gauge(Count) = "groundswell_batches_in_flight";
    /// Entries read from the stream, by `how` (`read`, `claimed`).
    ENTRIES_READ_TOTAL: describe_counter(Count) = "groundswell_entries_read_total";
    /// Entries moved to the dead letters, by `why` (`broken`, `poison`).
    ENTRIES_BURIED_TOTAL: describe_counter(Count) = "groundswell_entries_buried_total";
    /// Entries of a version or kind that this process does not know, waiting for one that does.
    UNKNOWN_ENTRIES: describe_gauge(Count) = "groundswell_unknown_entries";
    /// Batches settled, by `settlement` (`recorded`, `failed`, `abandoned`).
    BATCHES_SETTLED_TOTAL: describe_counter(Count) = "groundswell_batches_settled_total";
    /// Posts stored for the first time.
    POSTS_STORED_TOTAL: describe_counter(Count) = "groundswell_posts_stored_total";
    /// Posts delivered again after they were stored.
    POSTS_DUPLICATE_TOTAL: describe_counter(Count) = "groundswell_posts_duplicate_total";
    /// Seconds the inference of one batch took.
    INFERENCE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_seconds";
    /// Seconds that something waited for a thread that scores, by `tier` and `lane` (`requests`, `posts`).
    INFERENCE_QUEUE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_queue_seconds";
    /// Seconds that turning a batch into tokens took, by `tier`.
    INFERENCE_TOKENIZE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_tokenize_seconds";
    /// Seconds that one run of a network took, by `tier`.
    INFERENCE_RUN_SECONDS: describe_histogram(Seconds) = "groundswell_inference_run_seconds";
    /// Seconds that turning a network's answers into readings took, by `tier`.
    INFERENCE_DECODE_SECONDS: describe_histogram(Seconds) = "groundswell_inference_decode_seconds";
    /// Texts whose reading was known, by `tier`.
    CACHE_HITS_TOTAL: describe_counter(Count) = "groundswell_cache_hits_total";
    /// Texts that had to be read, by `tier`.
    CACHE_MISSES_TOTAL: describe_counter(Count) = "groundswell_cache_misses_total";
    /// Posts scored, by `model`.
    POSTS_SCORED_TOTAL: describe_counter(Count) = "groundswell_posts_scored_total";
    /// Seconds one transaction took.
    COMMIT_SECONDS: describe_histogram(Seconds) = "groundswell_commit_seconds";
    /// Posts in one transaction.
    COMMIT_POSTS: describe_histogram(Count) = "groundswell_commit_posts";
    /// Seconds from a post's acceptance to its commit.
    POST_COMMIT_SECONDS: describe_histogram(Seconds) = "groundswell_post_commit_seconds";
    /// Corrections, by `outcome`: `applied`, `superseded` (somebody else was first, or the post has expired), `given_up` (the
    /// deep model cannot read the post).
    CORRECTIONS_TOTAL: describe_counter(Count) = "groundswell_corrections_total";
    /// Seconds from a post's commit to the commit of its correction.
    CORRECTION_SECONDS: describe_histogram(Seconds) = "groundswell_correction_seconds";
    /// Posts that await a correction.
    AWAITING_CORRECTION: describe_gauge(Count) = "groundswell_awaiting_correction";
    /// Seconds in which nothing was admitted to the deep model, because scoring did not keep up.
    OVERLOAD_SECONDS_TOTAL: describe_counter(Seconds) = "groundswell_overload_seconds_total";
    /// Posts whose score a tier gave, by `tier`; a corrected post counts in both.
    TIER_POSTS_TOTAL: describe_counter(Count) = "groundswell_tier_posts_total";
    /// Times the live windows were rebuilt from Postgres.
    WINDOW_HEALS_TOTAL: describe_counter(Count) = "groundswell_window_heals_total";
    /// Posts that were stored and not counted into trends, because too many came at once.
    TREND_POSTS_MISSED_TOTAL: describe_counter(Count) = "groundswell_trend_posts_missed_total";
    /// Frames delivered to sockets.
    FRAMES_DELIVERED_TOTAL: describe_counter(Count) = "groundswell_frames_delivered_total";
    /// Posts left out for sessions that read too slowly or asked for fewer, by `why` (`slow`, `rate`).
    FRAMES_SKIPPED_TOTAL: describe_counter(Count) = "groundswell_frames_skipped_total";
    /// Connections ended because their peers did not read.
    SOCKETS_EVICTED_TOTAL: describe_counter(Count) = "groundswell_sockets_evicted_total";
    /// Sessions that reconnected with an id, by `recovered` (`true`, `false`).
    RECOVERIES_TOTAL: describe_counter(Count) = "groundswell_recoveries_total";
    /// Updates that the broadcaster missed and read from history.
    CATCH_UPS_TOTAL: describe_counter(Count) = "groundswell_catch_up_updates_total";
    /// Times updates were lost for good and all sessions were told to reconnect.
    POSITIONS_LOST_TOTAL: describe_counter(Count) = "groundswell_positions_lost_total";
    /// Sockets open.
    SOCKETS_OPEN: describe_gauge(Count) = "groundswell_sockets_open";
    /// Alerts opened, by `rule`.
    ALERTS_OPENED_TOTAL: describe_counter(Count) = "groundswell_alerts_opened_total";
    /// Seconds one evaluation of the alert rules took, measuring included.
    ALERT_TURN_SECONDS: describe_histogram(Seconds) = "groundswell_alert_turn_seconds";
    /// What the last evaluation of the alert rules left for later, by `what`: `rules`, `series`, `waiting`, `no_room`,
    /// `updates`, `notices`, `pushes`; see `alerting.left_out` of `/api/v1/system`.
    ALERT_LEFT_OUT: describe_gauge(Count) = "groundswell_alert_left_out";
    /// Notification attempts, by `kind` of channel and `outcome`: `sent`, `failed`.
    NOTIFICATIONS_TOTAL: describe_counter(Count) = "groundswell_notifications_total";
    /// Service alerts open in this process, by `condition`.
    SERVICE_ALERTS_OPEN: describe_gauge(Count) = "groundswell_service_alerts_open";
    /// Service alert attempts, by `kind` of channel and `outcome`: `sent`, `failed`.
    SERVICE_NOTIFICATIONS_TOTAL: describe_counter(Count) = "groundswell_service_notifications_total";
    /// Errors in this process, by `kind` and `origin` (a stage or another part of the process).
    ERRORS_TOTAL: describe_counter(Count) = "groundswell_errors_total";
    /// Length of the live window. The same in all processes: aggregate `groundswell_live_*` with max, a sum counts posts twice.
    LIVE_WINDOW_SECONDS: describe_gauge(Seconds) = "groundswell_live_window_seconds";
    /// Posts of all processes in the live window, by `sentiment`. Each process tells all of them: aggregate with max.
    LIVE_POSTS: describe_gauge(Count) = "groundswell_live_posts";
    /// Posts a minute of all processes over the live window, by `sentiment`. Aggregate with max.
    LIVE_POSTS_PER_MINUTE: describe_gauge(Count) = "groundswell_live_posts_per_minute";
    /// Mean sentiment of all processes' posts in the live window, -1 to 1; NaN without posts. Aggregate with max.
    LIVE_SENTIMENT_AVERAGE: describe_gauge(Count) = "groundswell_live_sentiment_average";
    /// Mean churn risk of all processes' posts in the live window, 0 to 1; NaN without posts. Aggregate with max.
    LIVE_CHURN_RISK_AVERAGE: describe_gauge(Count) = "groundswell_live_churn_risk_average";
    /// Posts of all processes at high churn risk in the live window. Aggregate with max.
    LIVE_CHURN_HIGH_POSTS: describe_gauge(Count) = "groundswell_live_churn_high_posts";
    /// Mean toxicity of all processes' posts in the live window, 0 to 1; NaN without posts. Aggregate with max.
    LIVE_TOXICITY_AVERAGE: describe_gauge(Count) = "groundswell_live_toxicity_average";
    /// Alerts about what posts say that are open, of all processes, by `rule` and `severity`. Aggregate with max.
    OPEN_ALERTS: describe_gauge(Count) = "groundswell_open_alerts";
    /// Entries in the stream that are not yet stored, of all processes. Aggregate with max.
    STREAM_LENGTH: describe_gauge(Count) = "groundswell_stream_length";
    /// Dead letters, of all processes. Aggregate with max.
    DEAD_LETTERS: describe_gauge(Count) = "groundswell_dead_letters";
    /// Bytes that this process may still write on the disk of its data folder.
    DISK_FREE_BYTES: describe_gauge(Bytes) = "groundswell_disk_free_bytes";
    /// Bytes of the disk of the data folder.
    DISK_TOTAL_BYTES: describe_gauge(Bytes) = "groundswell_disk_total_bytes";
    /// Exports under way.
    EXPORTS_OPEN: describe_gauge(Count) = "groundswell_exports_open";
    /// Exports refused because as many as may be were under way.
    EXPORTS_REFUSED_TOTAL: describe_counter(Count) = "groundswell_exports_refused_total";
    /// Exports ended because their clients took nothing.
    EXPORTS_STALLED_TOTAL: describe_counter(Count) = "groundswell_exports_stalled_total";
    /// Seconds a request took, by `route`, `method` and `status`.
    HTTP_REQUEST_SECONDS: describe_histogram(Seconds) = "groundswell_http_request_seconds";
}

/// Bounds of every `_seconds` histogram: those OpenTelemetry recommends for HTTP, with finer low ones, since
/// most of our stages take a few milliseconds.
const SECONDS_BUCKETS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The recorder keeps every sample of a histogram until it is folded away; without this, memory grows.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Logs to standard error: lines for people on a terminal, JSON elsewhere. `filter` is in
/// `tracing_subscriber`'s syntax; an invalid one falls back to `info`.
pub fn init_tracing(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() { lines.boxed() } else { lines.json().boxed() };
    // A second initialisation, as in a test binary, keeps the first.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).with(errors::layer()).try_init();
}

/// Installs the metrics recorder of the process, once; [`keep_tidy`] keeps it small. Servers that share a process share
/// it.
///
/// # Errors
/// When another recorder is already installed.
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

/// Folds samples away for ever, and says each time that it did.
pub async fn keep_tidy(metrics: PrometheusHandle, done: impl Fn()) {
    loop {
        tokio::time::sleep(UPKEEP_EVERY).await;
        let metrics = metrics.clone();
        // Folding takes milliseconds, which a thread for connections does not have.
        if tokio::task::spawn_blocking(move || metrics.run_upkeep()).await.is_err() {
            return;
        }
        done();
    }
}
