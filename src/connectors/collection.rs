//! Runs a connector: puts its batches on the stream, erases what the network deleted, and then saves the position.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::retry_delay::RetryDelay;
use super::{Batch, Connector, ConnectorError, Erasure};
use crate::models::id::SourceId;
use crate::models::new_post::{self, AcceptContext, AcceptedPost};
use crate::models::post;
use crate::models::source::{Network, SourceCounts, SourceReport, SourceState};
use crate::stream::{Producer, StreamError};
use crate::telemetry::{SOURCE_GAPS_TOTAL, SOURCE_POSTS_TOTAL};

/// Interval between reports while only counters change.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Interval between checks of whether a full stream has room again, and first pause before retrying Redis or the
/// ledger.
const PAUSE: Duration = Duration::from_millis(250);

/// Longest pause before retrying Redis or the ledger.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Number of stream entries above which a source that is catching up waits, so that new posts do not queue behind old
/// ones.
const CATCHING_UP_ENTRIES_MAX: u64 = 1_000;

/// How long a source that is catching up waits for the stream to drain before it sends a batch anyway. With other busy
/// sources, the stream may never drain.
const CATCHING_UP_WAIT_MAX: Duration = Duration::from_secs(1);

/// Interval between attempts while the network refuses requests until a person changes something, such as a key. A
/// proxy in front of a network may also refuse them for a while.
const RECHECK_EVERY: Duration = Duration::from_secs(900);

/// Age of the newest post above which a source counts as catching up.
const CATCHING_UP_LAG: Duration = Duration::from_secs(30);

/// Stores the positions and reports of a run, and erases posts.
pub trait Ledger: Send + Sync {
    /// Stores a report. Returns false if the run is over because another process or another run has taken over.
    fn report<'a>(&'a self, report: &'a SourceReport) -> BoxFuture<'a, Result<bool, LedgerError>>;

    /// Erases posts and authors, and returns the number of stored posts that were erased. Repeating an erasure has no
    /// effect.
    fn erase<'a>(&'a self, erasures: &'a [Erasure]) -> BoxFuture<'a, Result<u64, LedgerError>>;
}

/// Error for a ledger that could not be reached or refused a change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// Dependencies and limits of a run.
pub struct CollectionParams {
    /// Source that the run belongs to.
    pub source: SourceId,
    /// Network that the connector reads.
    pub network: Network,
    /// Writes posts to the stream.
    pub producer: Producer,
    /// Number of stream entries at which the run pauses.
    pub high_water: u64,
    /// Maximum age of a post; older ones are rejected.
    pub retention: Duration,
    /// Saves positions and reports, and erases posts.
    pub ledger: Arc<dyn Ledger>,
    /// Cancelled to stop the run. The next run reads again whatever is not on the stream by then.
    pub stop: CancellationToken,
}

/// Runs a connector until it is stopped, or until the ledger says that another run has taken over.
pub async fn collect(connector: &mut dyn Connector, params: &CollectionParams) {
    let mut run = Run {
        params,
        report: unchanged(SourceState::Waiting),
        reported: None,
        reported_at: Instant::now(),
        ledger_answers: true,
        lag: Duration::ZERO,
    };
    // Cancelling in the middle of a batch loses nothing, because its position is not saved.
    tokio::select! {
        () = params.stop.cancelled() => {}
        () = run.collect(connector) => {}
    }
}

/// Returns a report that contains only a state.
fn unchanged(state: SourceState) -> SourceReport {
    SourceReport {
        state,
        reason: None,
        checkpoint: None,
        lag_seconds: None,
        last_post_at: None,
        counts: SourceCounts::default(),
        gaps: Vec::new(),
    }
}

/// Error for a run that is over because another one has taken over.
struct Superseded;

struct Run<'a> {
    params: &'a CollectionParams,
    /// Counts and positions that have not been reported yet.
    report: SourceReport,
    /// State and reason in the last report.
    reported: Option<(SourceState, Option<String>)>,
    reported_at: Instant,
    /// Whether the ledger accepted the last report.
    ledger_answers: bool,
    /// Lag of the last items.
    lag: Duration,
}

impl Run<'_> {
    async fn collect(&mut self, connector: &mut dyn Connector) {
        let mut delay = RetryDelay::default();
        loop {
            let outcome = match connector.next_batch().await {
                Ok(batch) => {
                    delay.reset();
                    self.take(batch, connector.notice()).await
                }
                Err(error) => self.wait_after(&error, &mut delay).await,
            };
            if outcome.is_err() {
                return;
            }
        }
    }

    /// Puts a batch on the stream, applies its erasures, and notes its position. `notice` is reported while there is no
    /// error.
    async fn take(&mut self, batch: Batch, notice: Option<String>) -> Result<(), Superseded> {
        let n_offered = count(batch.posts.len());
        // If nothing has been received for a while, the source has caught up.
        self.lag = batch.lag.unwrap_or(if batch.is_empty() { Duration::ZERO } else { self.lag });
        let accepted = self.accept(batch.posts);
        let counts = &mut self.report.counts;
        counts.offered += n_offered + batch.n_unreadable;
        counts.rejected += n_offered - count(accepted.len()) + batch.n_unreadable;
        for chunk in accepted.chunks(500) {
            self.publish(chunk).await?;
        }
        self.report.counts.stored += count(accepted.len());
        self.record_metrics(n_offered + batch.n_unreadable, count(accepted.len()));
        if !batch.erasures.is_empty() {
            self.erase(&batch.erasures).await?;
        }
        if let Some(gap) = batch.gap {
            metrics::counter!(SOURCE_GAPS_TOTAL, "network" => self.params.network.as_str()).increment(1);
            self.report.gaps.push(gap);
        }
        // From here on, everything before this position is on the stream.
        self.report.checkpoint = batch.checkpoint.or_else(|| self.report.checkpoint.take());
        if let Some(lag) = batch.lag {
            self.report.lag_seconds = Some(lag.as_secs_f64());
            self.report.last_post_at = Some(Timestamp::now());
        }
        let state = if self.is_catching_up() { SourceState::CatchingUp } else { SourceState::Running };
        self.enter(state, notice.as_deref());
        self.report_if_due().await
    }

    fn is_catching_up(&self) -> bool {
        self.lag > CATCHING_UP_LAG
    }

    fn accept(&self, posts: Vec<new_post::NewPost>) -> Vec<AcceptedPost> {
        let context = AcceptContext {
            now: Timestamp::now(),
            retention: self.params.retention,
            source: post::Source::new(self.params.network.as_str()),
            connector: Some(self.params.source),
        };
        let accept = |mut post| {
            new_post::clean_handle(&mut post);
            new_post::accept(post, &context).ok()
        };
        posts.into_iter().filter_map(accept).collect()
    }

    fn record_metrics(&self, n_offered: u64, n_stored: u64) {
        let network = self.params.network.as_str();
        for (outcome, n) in [("stored", n_stored), ("rejected", n_offered - n_stored)] {
            metrics::counter!(SOURCE_POSTS_TOTAL, "network" => network, "outcome" => outcome).increment(n);
        }
    }

    /// Writes posts to the stream, retrying until it succeeds.
    async fn publish(&mut self, posts: &[AcceptedPost]) -> Result<(), Superseded> {
        let mut pause = PAUSE;
        let begun = Instant::now();
        loop {
            let yields = self.is_catching_up() && begun.elapsed() < CATCHING_UP_WAIT_MAX;
            match self.attempt(posts, yields).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    pause = PAUSE;
                    match yields {
                        true => self.enter(SourceState::CatchingUp, Some("newer posts take precedence")),
                        false => self.enter(SourceState::Waiting, Some("the stream is full")),
                    }
                }
                Err(error) => {
                    self.enter(SourceState::Waiting, Some(&format!("redis does not accept posts: {error}")));
                    pause = (2 * pause).min(PAUSE_MAX);
                }
            }
            self.report_if_due().await?;
            tokio::time::sleep(pause).await;
        }
    }

    /// Writes posts to the stream. Returns false if it has no room, or if the posts yield to others and it is not
    /// nearly empty.
    async fn attempt(&self, posts: &[AcceptedPost], yields: bool) -> Result<bool, StreamError> {
        let CollectionParams { producer, high_water, .. } = self.params;
        let n = count(posts.len());
        let limit = match yields {
            true => CATCHING_UP_ENTRIES_MAX.saturating_add(n).min(*high_water),
            false => *high_water,
        };
        if !producer.has_room(limit, n).await? {
            return Ok(false);
        }
        producer.publish(posts).await?;
        Ok(true)
    }

    /// Erases posts and authors, retrying until it succeeds.
    async fn erase(&mut self, erasures: &[Erasure]) -> Result<(), Superseded> {
        let mut pause = PAUSE;
        loop {
            match self.params.ledger.erase(erasures).await {
                Ok(n_erased) => {
                    self.report.counts.erased += n_erased;
                    return Ok(());
                }
                Err(error) => self.enter(SourceState::Waiting, Some(&format!("cannot erase posts: {error}"))),
            }
            self.report_if_due().await?;
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(PAUSE_MAX);
        }
    }

    /// Reports why the connector yields nothing, and waits before the next attempt. The wait is long if a person must
    /// first change something.
    async fn wait_after(&mut self, error: &ConnectorError, delay: &mut RetryDelay) -> Result<(), Superseded> {
        if !error.is_temporary() {
            self.enter(error.state(), Some(&error.to_string()));
            return self.wait(RECHECK_EVERY).await;
        }
        let wait = delay.after(error, rand::random());
        let again = Timestamp::now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        let times = match delay.n_failures() {
            1 => String::new(),
            n => format!(" (attempt {n})"),
        };
        let reason = format!("{error}{times}; next attempt at {}", again.strftime("%H:%M:%S UTC"));
        self.enter(error.state(), Some(&reason));
        self.wait(wait).await
    }

    /// Waits for the given time, or until the run is over, and keeps reporting in the meantime.
    async fn wait(&mut self, wait: Duration) -> Result<(), Superseded> {
        let until = Instant::now() + wait;
        loop {
            self.report_if_due().await?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(REPORT_EVERY)).await;
        }
    }

    fn enter(&mut self, state: SourceState, reason: Option<&str>) {
        self.report.state = state;
        self.report.reason = reason.map(str::to_owned);
    }

    /// Reports if the state or reason has changed, or a second has passed since the last report.
    async fn report_if_due(&mut self) -> Result<(), Superseded> {
        let now = (self.report.state, self.report.reason.clone());
        let is_news = self.ledger_answers && self.reported.as_ref() != Some(&now);
        if !is_news && self.reported_at.elapsed() < REPORT_EVERY {
            return Ok(());
        }
        let outcome = self.params.ledger.report(&self.report).await;
        self.ledger_answers = outcome.is_ok();
        self.reported_at = Instant::now();
        match outcome {
            Ok(true) => {
                self.report =
                    SourceReport { reason: self.report.reason.take(), ..unchanged(self.report.state) };
                self.reported = Some(now);
                Ok(())
            }
            Ok(false) => Err(Superseded),
            // The report is retried later; its contents are kept until then.
            Err(_) => Ok(()),
        }
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
