//! Accepts entries for the audit log and inserts them in batches.
//!
//! A request waits until its entry is stored. Entries of concurrent requests share a statement and a commit, so requests
//! wait for one or two commits, however many there are.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc, oneshot};
use tracing::{error, warn};

use super::entry::Entry;
use super::keys::AuditKeys;
use super::refusals::{Refusal, Refusals};
use crate::models::audit::SealedRow;
use crate::store::{Store, StoreError, audit};
use crate::telemetry::{AUDIT_ENTRIES_LOST_TOTAL, AUDIT_ENTRIES_STORED_TOTAL};

/// Maximum number of entries that wait to be inserted. Further requests wait for room.
const QUEUE_MAX: usize = 4_096;

/// Maximum number of entries per statement.
const BATCH_MAX: usize = 512;

/// How long a request waits for its entry. Longer than the timeout of a statement, whose error says more.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Interval at which counted refusals are looked through.
const REFUSALS_EVERY: Duration = Duration::from_secs(5);

/// The entry is not part of the audit log, or it is unknown whether it is.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the audit log did not accept an entry: {reason}")]
pub struct AuditError {
    /// Cause, for logs.
    pub reason: String,
}

/// Accepts entries. Clones share one queue.
#[derive(Clone)]
pub struct Auditor {
    keys: Arc<AuditKeys>,
    queue: mpsc::Sender<Queued>,
    refusals: Arc<Refusals>,
}

/// Entry that waits to be inserted.
struct Queued {
    sealed: SealedRow,
    /// Receives the outcome; `None` if nobody waits for it.
    outcome: Option<oneshot::Sender<Result<(), AuditError>>>,
}

/// End of the queue from which entries are inserted. It outlives each incarnation of the task that does so.
#[derive(Clone)]
pub struct AuditWriter {
    queue: Arc<Mutex<mpsc::Receiver<Queued>>>,
    auditor: Auditor,
}

/// Creates an auditor and the writer that must run for its entries to be inserted.
pub fn auditor(keys: Arc<AuditKeys>) -> (Auditor, AuditWriter) {
    let (queue, entries) = mpsc::channel(QUEUE_MAX);
    let auditor = Auditor { keys, queue, refusals: Arc::default() };
    let writer = AuditWriter { queue: Arc::new(Mutex::new(entries)), auditor: auditor.clone() };
    (auditor, writer)
}

/// Seals and stores an entry, for a program that records few and has no writer.
///
/// # Errors
/// If the entry was not stored, or it is unknown whether it was.
pub async fn record_alone(keys: &AuditKeys, store: &Store, entry: Entry) -> Result<(), AuditError> {
    let sealed = keys.seal(entry.into_row(Timestamp::now()));
    audit::insert(store, &[sealed]).await.map_err(|error| AuditError { reason: error.to_string() })
}

impl Auditor {
    /// Records an entry, and returns once it is stored.
    ///
    /// The entry is stored even if the caller is dropped while it waits.
    ///
    /// # Errors
    /// If the entry was not stored, or it is unknown whether it was.
    pub async fn record(&self, entry: Entry) -> Result<(), AuditError> {
        let (answer, outcome) = oneshot::channel();
        let queued = Queued { sealed: self.sealed(entry), outcome: Some(answer) };
        let waiting = async {
            let lost = |_| AuditError { reason: "the writer is gone".to_owned() };
            self.queue.send(queued).await.map_err(|_| lost(()))?;
            outcome.await.map_err(|_| lost(()))?
        };
        let late = |_| AuditError { reason: "no answer within the limit".to_owned() };
        let outcome = tokio::time::timeout(WAIT_MAX, waiting).await.map_err(late).flatten();
        outcome.inspect_err(|error| {
            metrics::counter!(AUDIT_ENTRIES_LOST_TOTAL).increment(1);
            error!(%error, "a change may be missing from the audit log");
        })
    }

    /// Counts a refused request. Each caller and address has at most one entry per minute, with the number of requests.
    pub fn refuse(&self, refusal: Refusal) {
        if let Some(entry) = self.refusals.add(refusal, Timestamp::now()) {
            self.record_later(entry);
        }
    }

    /// Records an entry without waiting. If it cannot be stored, it is counted and logged.
    fn record_later(&self, entry: Entry) {
        let queued = Queued { sealed: self.sealed(entry), outcome: None };
        if self.queue.try_send(queued).is_err() {
            metrics::counter!(AUDIT_ENTRIES_LOST_TOTAL).increment(1);
            warn!("refused requests are missing from the audit log, because its queue is full");
        }
    }

    fn sealed(&self, entry: Entry) -> SealedRow {
        self.keys.seal(entry.into_row(Timestamp::now()))
    }
}

impl AuditWriter {
    /// Inserts the entries that have accumulated, or waits for the next one. Returns their number.
    pub async fn write_next(&self, store: &Store) -> usize {
        let mut queue = self.queue.lock().await;
        let mut batch = Vec::new();
        // Counted refusals become entries although no request follows.
        if let Ok(n_received) =
            tokio::time::timeout(REFUSALS_EVERY, queue.recv_many(&mut batch, BATCH_MAX)).await
            && n_received == 0
        {
            // The queue cannot be closed, because this end holds a sender, too.
            return 0;
        }
        let due = self.auditor.refusals.due(Timestamp::now());
        batch.extend(
            due.into_iter().map(|entry| Queued { sealed: self.auditor.sealed(entry), outcome: None }),
        );
        drop(queue);
        let n_entries = batch.len();
        if n_entries > 0 {
            insert(store, batch).await;
        }
        n_entries
    }

    /// Inserts everything that waits, and all refusals that were counted. For the end of the process.
    pub async fn flush(&self, store: &Store) {
        let mut batch = Vec::new();
        {
            let mut queue = self.queue.lock().await;
            while let Ok(queued) = queue.try_recv() {
                batch.push(queued);
            }
        }
        let due = self.auditor.refusals.take_all();
        batch.extend(
            due.into_iter().map(|entry| Queued { sealed: self.auditor.sealed(entry), outcome: None }),
        );
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(BATCH_MAX));
            insert(store, std::mem::replace(&mut batch, rest)).await;
        }
    }
}

/// Inserts a batch, and tells those who wait. If the server rejects the batch, each entry is inserted alone, so that one
/// cannot take the others down.
async fn insert(store: &Store, batch: Vec<Queued>) {
    let (rows, outcomes): (Vec<SealedRow>, Vec<_>) =
        batch.into_iter().map(|queued| (queued.sealed, queued.outcome)).unzip();
    let outcome = audit::insert(store, &rows).await;
    match outcome {
        Err(StoreError::Refused { .. }) if rows.len() > 1 => {
            for (row, answer) in rows.iter().zip(outcomes) {
                tell(answer, audit::insert(store, std::slice::from_ref(row)).await);
            }
        }
        outcome => {
            let outcome = outcome.map_err(|error| AuditError { reason: error.to_string() });
            for answer in outcomes {
                tell_one(answer, outcome.clone());
            }
        }
    }
}

fn tell(answer: Option<oneshot::Sender<Result<(), AuditError>>>, outcome: Result<(), StoreError>) {
    tell_one(answer, outcome.map_err(|error| AuditError { reason: error.to_string() }));
}

fn tell_one(answer: Option<oneshot::Sender<Result<(), AuditError>>>, outcome: Result<(), AuditError>) {
    if outcome.is_ok() {
        metrics::counter!(AUDIT_ENTRIES_STORED_TOTAL).increment(1);
    }
    match (answer, outcome) {
        // The caller may be gone.
        (Some(answer), outcome) => drop(answer.send(outcome)),
        (None, Err(error)) => {
            metrics::counter!(AUDIT_ENTRIES_LOST_TOTAL).increment(1);
            warn!(%error, "refused requests are missing from the audit log");
        }
        (None, Ok(())) => {}
    }
}
