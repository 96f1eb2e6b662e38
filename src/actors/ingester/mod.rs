//! Stream → ScoreBatch; acknowledges when the ticket says so, claims what was abandoned.

mod poison_isolation; // batches to be tried again: smaller, alone, not for ever

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, WrapFuture};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use self::poison_isolation::{Suspect, Suspects};
use super::messages::ScoreBatch;
use super::runtime::downstream::Downstream;
use super::runtime::stage_metrics::StageMetrics;
use super::runtime::supervisor::{Stage as _, StageContext, stage};
use super::runtime::ticket::{Settled, Settlement, Ticket};
use crate::models::error_log::ErrorKind;
use crate::stream::{Burial, Consumer, Delivered, EntryId, StreamError};
use crate::telemetry::{
    BATCHES_IN_FLIGHT, BATCHES_SETTLED_TOTAL, ENTRIES_BURIED_TOTAL, ENTRIES_READ_TOTAL, errors,
};

/// How long a read waits for the first entry. Only bounds how late a stopping process notices.
const READ_BLOCK: Duration = Duration::from_millis(500);

/// How often entries whose consumer fell silent are looked for.
const CLAIM_EVERY: Duration = Duration::from_millis(1_500);

/// How often Redis is told that entries in flight are still being worked on, so that nobody claims them.
/// Must be well below the claim idle time.
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// How long to wait after Redis could not be reached.
const REDIS_RETRY: Duration = Duration::from_millis(250);

/// How long to wait in one go for the next stage; between two waits, settlements are handled.
const STAGE_RETRY: Duration = Duration::from_millis(250);

/// After this many failures alone, a post is dead.
pub const ATTEMPTS_MAX: u32 = 3;

/// After the process has ended this often while a post was handled alone, the post is dead too. More than
/// [`ATTEMPTS_MAX`], because people restart processes for reasons of their own.
const ENDINGS_MAX: u32 = 10;

/// What an ingester is made of.
#[derive(Clone)]
pub struct IngesterParams {
    /// This process's place in the consumer group.
    pub consumer: Arc<Consumer>,
    /// Where batches go.
    pub downstream: Downstream<ScoreBatch>,
    /// Posts in a batch, at most.
    pub batch_size: usize,
    /// How many places there are; a ticket holds one.
    pub batches_in_flight: usize,
    /// Places for batches in flight. They belong to the process, so that batches of an incarnation that died still
    /// count. Bounds what a burst piles up in memory; the rest waits in Redis.
    pub places: Arc<Semaphore>,
    /// How long an entry must have been silent before it is taken from its consumer.
    pub claim_idle: Duration,
    /// When cancelled, nothing more is read; what is in flight still settles.
    pub drain: CancellationToken,
    /// Cancelled by the ingester once it drains and nothing is in flight.
    pub drained: CancellationToken,
}

/// Reads the stream and answers for every entry it has read until the entry is stored or buried.
///
/// An entry is acknowledged only when its ticket says `Recorded`. Whatever else happens, it stays pending in
/// Redis, and this or another process delivers it again.
pub struct Ingester {
    params: IngesterParams,
    stage: StageContext,
}

stage!(Ingester, "ingester");

impl Ingester {
    /// An ingester that starts reading with the actor.
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

type Reading = BoxFuture<'static, Result<Vec<Delivered>, StreamError>>;

/// One incarnation's work.
struct Run {
    params: IngesterParams,
    stage_metrics: Arc<StageMetrics>,
    places: Arc<Semaphore>,
    report: mpsc::Sender<Settled>,
    settled: mpsc::Receiver<Settled>,
    in_flight: HashMap<u64, InFlight>,
    n_issued: u64,
    suspects: Suspects,
    reading: Option<Reading>,
    /// Stored, but Redis could not be told yet.
    unacknowledged: Vec<EntryId>,
    claimed_at: Instant,
    kept_at: Instant,
}

struct InFlight {
    entries: Vec<Delivered>,
    /// Whether nothing else was in flight, so that its failure is its own.
    alone: bool,
    /// Attempts alone so far, this one included; 0 for a batch.
    attempts: u32,
}

impl Run {
    fn new(params: IngesterParams, stage_metrics: Arc<StageMetrics>) -> Self {
        // As wide as there are places, so that a ticket's report always fits.
        let (report, settled) = mpsc::channel(params.batches_in_flight.max(1));
        Self {
            places: Arc::clone(&params.places),
            suspects: Suspects::new(params.batch_size),
            params,
            stage_metrics,
            report,
            settled,
            in_flight: HashMap::new(),
            n_issued: 0,
            reading: None,
            unacknowledged: Vec::new(),
            claimed_at: Instant::now(),
            kept_at: Instant::now(),
        }
    }

    async fn run(mut self) {
        let mut was_away = false;
        loop {
            match self.turn().await {
                Ok(()) => was_away = false,
                Err(error) => {
                    if !error.is_unavailable() {
                        error!(%error, "redis refuses to work with the ingester");
                    } else if !was_away {
                        warn!(%error, "redis is away, the ingester waits");
                    }
                    was_away = true;
                    tokio::time::sleep(REDIS_RETRY).await;
                }
            }
        }
    }

    /// One turn of the loop: settle, keep, claim, then issue or read. Errors are Redis being away.
    async fn turn(&mut self) -> Result<(), StreamError> {
        while let Ok(settled) = self.settled.try_recv() {
            self.settle(settled);
        }
        self.acknowledge().await?;
        self.keep().await?;
        metrics::gauge!(BATCHES_IN_FLIGHT).set(self.in_flight.len() as f64);
        if self.params.drain.is_cancelled() && self.reading.is_none() {
            return self.drain().await;
        }
        // Whatever joined it now could be blamed for its failure, or it for theirs.
        if self.in_flight.values().any(|batch| batch.alone) {
            self.next_settlement(STAGE_RETRY).await;
            return Ok(());
        }
        if !self.suspects.is_empty() {
            return self.try_suspect().await;
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

    /// Reads the next batch, unless a settlement comes first. The read goes on meanwhile: giving it up could
    /// lose an answer that is already on its way, and with it seconds until the entries are claimed.
    async fn read_or_settle(&mut self) -> Result<(), StreamError> {
        // What is read now could not be handed on: it waits better in Redis.
        if self.places.available_permits() == 0 || !self.params.downstream.is_reachable() {
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
        let sound = self.bury_broken(entries).await?;
        self.issue(InFlight { entries: sound, alone: false, attempts: 0 }).await;
        Ok(())
    }

    /// Takes over what other consumers, or earlier incarnations of this one, have left behind.
    async fn claim(&mut self) -> Result<(), StreamError> {
        let claimed = self.params.consumer.claim(self.params.claim_idle, self.params.batch_size).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        metrics::counter!(ENTRIES_READ_TOTAL, "how" => "claimed").increment(count(&claimed));
        let known: HashSet<EntryId> = self.known();
        let unknown = claimed.into_iter().filter(|entry| !known.contains(&entry.id)).collect();
        let sound = self.bury_broken(unknown).await?;
        self.suspects.claimed(sound);
        // More may be waiting; look again at once.
        self.claimed_at = Instant::now().checked_sub(CLAIM_EVERY).unwrap_or(self.claimed_at);
        Ok(())
    }

    fn known(&self) -> HashSet<EntryId> {
        let in_flight =
            self.in_flight.values().flat_map(|batch| batch.entries.iter().map(|entry| entry.id.clone()));
        in_flight.chain(self.suspects.ids()).chain(self.unacknowledged.iter().cloned()).collect()
    }

    /// Tries the next suspect once nothing else is in flight, so that no other post can be blamed or killed.
    async fn try_suspect(&mut self) -> Result<(), StreamError> {
        let isolated = self.suspects.next_needs_isolation();
        if (isolated && !self.in_flight.is_empty()) || self.places.available_permits() == 0 {
            self.next_settlement(STAGE_RETRY).await;
            return Ok(());
        }
        if self.params.downstream.wait_until_reachable(STAGE_RETRY).await.is_err() {
            return Ok(());
        }
        let Some(mut suspect) = self.suspects.next() else {
            return Ok(());
        };
        if let [only] = suspect.entries.as_slice() {
            // Noted before it starts: an attempt that ends the process must count too.
            match self.params.consumer.note_attempt(&only.id).await {
                Ok(attempts) => suspect.attempts = attempts,
                Err(error) => {
                    self.suspects.again(suspect);
                    return Err(error);
                }
            }
            if suspect.attempts > ENDINGS_MAX {
                suspect.reason.get_or_insert_with(|| "the process ended while it was handled".to_owned());
                self.suspects.failed(suspect, true);
                return Ok(());
            }
        }
        self.issue(InFlight { entries: suspect.entries, alone: isolated, attempts: suspect.attempts }).await;
        Ok(())
    }

    async fn issue(&mut self, batch: InFlight) {
        if batch.entries.is_empty() {
            return;
        }
        let posts = batch.entries.iter().filter_map(|entry| entry.content.as_ref().ok().cloned()).collect();
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return;
        };
        // While the next stage is being rebuilt, the batch waits here; that says nothing about its posts.
        while self.params.downstream.wait_until_reachable(STAGE_RETRY).await.is_err() {}
        self.n_issued += 1;
        self.stage_metrics.begin(1);
        self.in_flight.insert(self.n_issued, batch);
        let ticket = Ticket::issue(self.n_issued, place, self.report.clone());
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
            "a batch was not stored, it will be tried again"
        );
        let blamed = batch.alone || name == "failed";
        let suspect = Suspect { entries: batch.entries, reason: Some(reason), attempts: batch.attempts };
        self.suspects.failed(suspect, blamed);
    }

    async fn acknowledge(&mut self) -> Result<(), StreamError> {
        self.bury_condemned().await?;
        if self.unacknowledged.is_empty() {
            return Ok(());
        }
        self.params.consumer.acknowledge(&self.unacknowledged).await?;
        self.unacknowledged.clear();
        Ok(())
    }

    async fn keep(&mut self) -> Result<(), StreamError> {
        if self.kept_at.elapsed() < KEEP_EVERY {
            return Ok(());
        }
        let known: Vec<EntryId> = self.known().into_iter().collect();
        if !known.is_empty() {
            self.params.consumer.renew(&known).await?;
        }
        self.kept_at = Instant::now();
        Ok(())
    }

    /// Decides over posts that failed alone: another attempt, or the dead letters.
    async fn bury_condemned(&mut self) -> Result<(), StreamError> {
        while let Some(accused) = self.suspects.accused() {
            if accused.attempts < ATTEMPTS_MAX {
                self.suspects.acquit();
                continue;
            }
            let reason = accused.reason.clone().unwrap_or_default();
            let attempts = accused.attempts.min(ATTEMPTS_MAX);
            for entry in &accused.entries {
                warn!(entry = %entry.id, attempts, reason, "a post failed every attempt alone, it moves to the dead letters");
                let burial = Burial {
                    id: entry.id.clone(),
                    reason: reason.clone(),
                    attempts,
                    died_at: Timestamp::now(),
                };
                self.params.consumer.bury(&burial).await?;
                metrics::counter!(ENTRIES_BURIED_TOTAL, "why" => "poison").increment(1);
                errors::record(ErrorKind::DeadLetter, Ingester::NAME, burial.reason);
            }
            self.suspects.condemn();
        }
        Ok(())
    }

    async fn bury_broken(&mut self, entries: Vec<Delivered>) -> Result<Vec<Delivered>, StreamError> {
        let mut sound = Vec::with_capacity(entries.len());
        for entry in entries {
            let Err(broken) = &entry.content else {
                sound.push(entry);
                continue;
            };
            warn!(entry = %entry.id, reason = broken.reason, "a broken entry moves to the dead letters");
            let burial = Burial {
                id: entry.id,
                reason: broken.reason.clone(),
                attempts: 0,
                died_at: Timestamp::now(),
            };
            // If Redis goes away in between, the sound ones are claimed again like any others.
            self.params.consumer.bury(&burial).await?;
            metrics::counter!(ENTRIES_BURIED_TOTAL, "why" => "broken").increment(1);
            errors::record(ErrorKind::DeadLetter, Ingester::NAME, burial.reason);
        }
        Ok(sound)
    }
}

fn count(entries: &[Delivered]) -> u64 {
    u64::try_from(entries.len()).unwrap_or(u64::MAX)
}
