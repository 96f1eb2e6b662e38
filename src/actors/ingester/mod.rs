//! Stream → ScoreBatch. Reads entries, acknowledges them once their ticket is settled as recorded, and claims entries
//! that other consumers abandoned.

mod poison_isolation; // retries of failed batches, in ever smaller parts

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use self::poison_isolation::{RetryBatch, RetryQueue};
use super::messages::ScoreBatch;
use super::runtime::downstream::Downstream;
use super::runtime::stage_metrics::StageMetrics;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use super::runtime::ticket::{Settled, Settlement, Ticket};
use crate::models::error_log::ErrorKind;
use crate::models::new_post::AcceptedPost;
use crate::stream::{Consumer, DeadLetterRequest, Delivered, EntryId, StreamError, decode_post};
use crate::telemetry::{
    BATCHES_IN_FLIGHT, BATCHES_SETTLED_TOTAL, ENTRIES_BURIED_TOTAL, ENTRIES_READ_TOTAL, errors,
};

/// How long a read waits for the first entry. It also bounds how long a process takes to notice that it must stop.
const READ_BLOCK: Duration = Duration::from_millis(500);

/// Interval at which entries held by silent consumers are claimed.
const CLAIM_EVERY: Duration = Duration::from_millis(1_500);

/// Interval at which claims on entries in flight are renewed, so that no other consumer takes these entries. It must be
/// well below the idle time after which entries are claimed.
const RENEW_EVERY: Duration = Duration::from_secs(1);

/// Pause before another attempt when Redis cannot be reached.
const REDIS_RETRY: Duration = Duration::from_millis(250);

/// How long to wait for the next stage before handling settlements again.
const STAGE_RETRY: Duration = Duration::from_millis(250);

/// Number of failed attempts in isolation after which a post is dead-lettered.
pub const ATTEMPTS_MAX: u32 = 3;

/// Number of times that the process may die during an isolated attempt before the post is dead-lettered. Higher than
/// [`ATTEMPTS_MAX`], because processes are also restarted for other reasons.
const ENDINGS_MAX: u32 = 10;

/// Dependencies and limits of an ingester.
#[derive(Clone)]
pub struct IngesterParams {
    /// Membership of this process in the consumer group.
    pub consumer: Arc<Consumer>,
    /// Stage that scores the batches read here.
    pub downstream: Downstream<ScoreBatch>,
    /// Maximum number of posts in a batch.
    pub batch_size: usize,
    /// Maximum number of batches in flight, which is the number of permits.
    pub batches_in_flight: usize,
    /// Permits for batches in flight, one per ticket. They belong to the process, so the batches of a dead incarnation
    /// still count. They bound memory during a burst; the excess load queues in Redis.
    pub permits: Arc<Semaphore>,
    /// How long an entry must be idle before it may be claimed from another consumer.
    pub claim_idle: Duration,
    /// Token whose cancellation stops the reading. Batches in flight can still settle.
    pub drain: CancellationToken,
    /// Token that the ingester cancels once it has stopped reading and no batch is in flight.
    pub drained: CancellationToken,
}

/// Stage that reads the stream and is responsible for every entry until it is stored or dead-lettered.
///
/// An entry is acknowledged only after its ticket has been settled as `Recorded`. Otherwise it stays pending in Redis,
/// where this process or another one claims it later.
pub struct Ingester {
    params: IngesterParams,
    stage: StageContext,
}

stage!(Ingester, "ingester");

impl Ingester {
    /// Creates an ingester, which starts reading when the actor starts.
    pub fn new(params: IngesterParams, stage: StageContext) -> Self {
        Self { params, stage }
    }
}

impl Actor for Ingester {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let run = Run::new(self.params.clone(), Arc::clone(&self.stage.metrics));
        context.spawn(run.run().into_actor(self));
    }
}

type PendingRead = BoxFuture<'static, Result<Vec<Delivered>, StreamError>>;

/// State of one incarnation of the stage.
struct Run {
    params: IngesterParams,
    stage_metrics: Arc<StageMetrics>,
    permits: Arc<Semaphore>,
    report: mpsc::Sender<Settled>,
    settled: mpsc::Receiver<Settled>,
    in_flight: HashMap<u64, InFlight>,
    n_issued: u64,
    retries: RetryQueue,
    reading: Option<PendingRead>,
    /// Entries that are stored but not acknowledged yet.
    unacknowledged: Vec<EntryId>,
    claimed_at: Instant,
    renewed_at: Instant,
}

struct InFlight {
    entries: Vec<Delivered>,
    /// Whether nothing else was in flight; if so, only this batch can be the cause of a failure.
    alone: bool,
    /// Number of attempts in isolation, including this one; 0 for an ordinary batch.
    attempts: u32,
}

impl Run {
    fn new(params: IngesterParams, stage_metrics: Arc<StageMetrics>) -> Self {
        // As many slots as permits, so that the report of a ticket always fits.
        let (report, settled) = mpsc::channel(params.batches_in_flight.max(1));
        Self {
            permits: Arc::clone(&params.permits),
            retries: RetryQueue::new(params.batch_size),
            params,
            stage_metrics,
            report,
            settled,
            in_flight: HashMap::new(),
            n_issued: 0,
            reading: None,
            unacknowledged: Vec::new(),
            claimed_at: Instant::now(),
            renewed_at: Instant::now(),
        }
    }

    async fn run(mut self) {
        let mut was_away = false;
        loop {
            match self.turn().await {
                Ok(()) => was_away = false,
                Err(error) => {
                    if !error.is_unavailable() {
                        error!(%error, "redis rejected a command of the ingester");
                    } else if !was_away {
                        warn!(%error, "redis is unavailable, the ingester waits");
                    }
                    was_away = true;
                    tokio::time::sleep(REDIS_RETRY).await;
                }
            }
        }
    }

    /// Runs one iteration: handles settlements, renews and claims entries, then issues or reads a batch. An error means
    /// that Redis is down.
    async fn turn(&mut self) -> Result<(), StreamError> {
        while let Ok(settled) = self.settled.try_recv() {
            self.settle(settled);
        }
        self.acknowledge().await?;
        self.renew().await?;
        metrics::gauge!(BATCHES_IN_FLIGHT).set(self.in_flight.len() as f64);
        if self.params.drain.is_cancelled() && self.reading.is_none() {
            return self.drain().await;
        }
        // Another batch in flight could cause the batch to fail, or be affected by it.
        if self.in_flight.values().any(|batch| batch.alone) {
            self.next_settlement(STAGE_RETRY).await;
            return Ok(());
        }
        if !self.retries.is_empty() {
            return self.retry_next().await;
        }
        if self.claimed_at.elapsed() >= CLAIM_EVERY {
            self.claimed_at = Instant::now();
            return self.claim().await;
        }
        self.read_or_settle().await
    }

    async fn drain(&mut self) -> Result<(), StreamError> {
        if self.in_flight.is_empty() && self.unacknowledged.is_empty() {
            self.params.drained.cancel();
        }
        self.next_settlement(STAGE_RETRY).await;
        Ok(())
    }

    async fn next_settlement(&mut self, timeout: Duration) {
        if let Ok(Some(settled)) = tokio::time::timeout(timeout, self.settled.recv()).await {
            self.settle(settled);
        }
    }

    /// Reads the next batch, unless a settlement arrives first. In that case the read continues in the background,
    /// because cancelling it could lose a reply in transit, whose entries could then be claimed only seconds later.
    async fn read_or_settle(&mut self) -> Result<(), StreamError> {
        // A batch read now could not be forwarded, so it stays in Redis.
        if self.permits.available_permits() == 0 || !self.params.downstream.is_reachable() {
            self.next_settlement(STAGE_RETRY).await;
            return Ok(());
        }
        let consumer = Arc::clone(&self.params.consumer);
        let batch_size = self.params.batch_size;
        let reading = self
            .reading
            .get_or_insert_with(|| Box::pin(async move { consumer.read(batch_size, READ_BLOCK).await }));
        let entries = tokio::select! {
            biased;
            Some(settled) = self.settled.recv() => {
                self.settle(settled);
                return Ok(());
            }
            entries = reading => entries,
        };
        self.reading = None;
        let entries = entries?;
        metrics::counter!(ENTRIES_READ_TOTAL, "how" => "read").increment(count(&entries));
        let (entries, posts) = self.decoded(entries).await?;
        self.issue(InFlight { entries, alone: false, attempts: 0 }, posts).await;
        Ok(())
    }

    /// Claims entries that other consumers or earlier incarnations left pending.
    async fn claim(&mut self) -> Result<(), StreamError> {
        let claimed = self.params.consumer.claim(self.params.claim_idle, self.params.batch_size).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        metrics::counter!(ENTRIES_READ_TOTAL, "how" => "claimed").increment(count(&claimed));
        let known: HashSet<EntryId> = self.known();
        let unknown = claimed.into_iter().filter(|entry| !known.contains(&entry.id)).collect();
        let (sound, _) = self.decoded(unknown).await?;
        self.retries.claimed(sound);
        // There may be more, so claim again at once.
        self.claimed_at = Instant::now().checked_sub(CLAIM_EVERY).unwrap_or(self.claimed_at);
        Ok(())
    }

    fn known(&self) -> HashSet<EntryId> {
        let in_flight =
            self.in_flight.values().flat_map(|batch| batch.entries.iter().map(|entry| entry.id.clone()));
        in_flight.chain(self.retries.ids()).chain(self.unacknowledged.iter().cloned()).collect()
    }

    /// Retries the next batch. If it needs isolation, this waits until nothing else is in flight, so that no other
    /// batch can be affected.
    async fn retry_next(&mut self) -> Result<(), StreamError> {
        let isolated = self.retries.next_needs_isolation();
        if (isolated && !self.in_flight.is_empty()) || self.permits.available_permits() == 0 {
            self.next_settlement(STAGE_RETRY).await;
            return Ok(());
        }
        if self.params.downstream.wait_until_reachable(STAGE_RETRY).await.is_err() {
            return Ok(());
        }
        let Some(mut batch) = self.retries.next() else {
            return Ok(());
        };
        if let [only] = batch.entries.as_slice() {
            // Recorded before it starts: an attempt that ends the process must count too.
            match self.params.consumer.note_attempt(&only.id).await {
                Ok(attempts) => batch.attempts = attempts,
                Err(error) => {
                    self.retries.put_back(batch);
                    return Err(error);
                }
            }
            if batch.attempts > ENDINGS_MAX {
                batch.reason.get_or_insert_with(|| "the process ended while it was handled".to_owned());
                self.retries.add_failed(batch, true);
                return Ok(());
            }
        }
        // Only sound entries are retried.
        let posts = batch.entries.iter().filter_map(|entry| decode_post(&entry.fields).ok()).collect();
        let batch = InFlight { entries: batch.entries, alone: isolated, attempts: batch.attempts };
        self.issue(batch, posts).await;
        Ok(())
    }

    /// Passes posts on with a ticket, and keeps their entries until it is settled.
    async fn issue(&mut self, batch: InFlight, posts: Vec<AcceptedPost>) {
        if batch.entries.is_empty() {
            return;
        }
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return;
        };
        // While the next stage restarts, the batch waits here; its posts are not at fault.
        while self.params.downstream.wait_until_reachable(STAGE_RETRY).await.is_err() {}
        self.n_issued += 1;
        self.stage_metrics.begin(1);
        self.in_flight.insert(self.n_issued, batch);
        let ticket = Ticket::issue(self.n_issued, permit, self.report.clone());
        self.params.downstream.post(ScoreBatch { posts, ticket });
    }

    fn settle(&mut self, settled: Settled) {
        let Some(batch) = self.in_flight.remove(&settled.batch) else {
            return;
        };
        let name = match &settled.settlement {
            Settlement::Recorded => "recorded",
            Settlement::Failed { .. } => "failed",
            Settlement::Abandoned => "abandoned",
        };
        metrics::counter!(BATCHES_SETTLED_TOTAL, "settlement" => name).increment(1);
        let reason = match settled.settlement {
            Settlement::Recorded => {
                self.stage_metrics.finish(1);
                self.unacknowledged.extend(batch.entries.into_iter().map(|entry| entry.id));
                return;
            }
            Settlement::Failed { reason } => reason,
            Settlement::Abandoned => "the stage that held it died".to_owned(),
        };
        self.stage_metrics.fail(1);
        warn!(
            n_posts = batch.entries.len(),
            alone = batch.alone,
            reason,
            "a batch was not stored, it will be retried"
        );
        let is_at_fault = batch.alone || name == "failed";
        let failed = RetryBatch { entries: batch.entries, reason: Some(reason), attempts: batch.attempts };
        self.retries.add_failed(failed, is_at_fault);
    }

    async fn acknowledge(&mut self) -> Result<(), StreamError> {
        self.dead_letter_poison().await?;
        if self.unacknowledged.is_empty() {
            return Ok(());
        }
        self.params.consumer.acknowledge(&self.unacknowledged).await?;
        self.unacknowledged.clear();
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), StreamError> {
        if self.renewed_at.elapsed() < RENEW_EVERY {
            return Ok(());
        }
        let known: Vec<EntryId> = self.known().into_iter().collect();
        if !known.is_empty() {
            self.params.consumer.renew(&known).await?;
        }
        self.renewed_at = Instant::now();
        Ok(())
    }

    /// Dead-letters the posts that have failed in isolation too often, and retries the others.
    async fn dead_letter_poison(&mut self) -> Result<(), StreamError> {
        while let Some(failed) = self.retries.failed_alone() {
            if failed.attempts < ATTEMPTS_MAX {
                self.retries.retry_failed_alone();
                continue;
            }
            let reason = failed.reason.clone().unwrap_or_default();
            let attempts = failed.attempts.min(ATTEMPTS_MAX);
            for entry in &failed.entries {
                warn!(entry = %entry.id, attempts, reason, "a post failed every attempt alone, moving it to the dead letters");
                let request = DeadLetterRequest {
                    id: entry.id.clone(),
                    reason: reason.clone(),
                    attempts,
                    died_at: Timestamp::now(),
                };
                self.params.consumer.dead_letter(&request).await?;
                metrics::counter!(ENTRIES_BURIED_TOTAL, "why" => "poison").increment(1);
                errors::record(ErrorKind::DeadLetter, Ingester::NAME, request.reason);
            }
            self.retries.remove_failed_alone();
        }
        Ok(())
    }

    /// Decodes the posts of entries, and moves those entries that contain none to the dead letters. Returns the others
    /// with their posts.
    async fn decoded(
        &mut self,
        entries: Vec<Delivered>,
    ) -> Result<(Vec<Delivered>, Vec<AcceptedPost>), StreamError> {
        let (mut sound, mut posts) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for entry in entries {
            let reason = match decode_post(&entry.fields) {
                Ok(post) => {
                    sound.push(entry);
                    posts.push(post);
                    continue;
                }
                Err(reason) => reason,
            };
            warn!(entry = %entry.id, reason, "moving a broken entry to the dead letters");
            let request = DeadLetterRequest { id: entry.id, reason, attempts: 0, died_at: Timestamp::now() };
            // If Redis goes down in between, the valid entries are claimed again like all others.
            self.params.consumer.dead_letter(&request).await?;
            metrics::counter!(ENTRIES_BURIED_TOTAL, "why" => "broken").increment(1);
            errors::record(ErrorKind::DeadLetter, Ingester::NAME, request.reason);
        }
        Ok((sound, posts))
    }
}

fn count(entries: &[Delivered]) -> u64 {
    u64::try_from(entries.len()).unwrap_or(u64::MAX)
}
