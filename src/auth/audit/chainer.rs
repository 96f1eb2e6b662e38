//! Links entries, signs checkpoints, and lets old months expire.
//!
//! Every process has a chainer, and a lock in the database lets one at a time extend the chain. An entry waits for at most
//! [`STEP_EVERY`] while any process runs. Until it is linked, someone with access to the database can remove it and its place
//! in the queue unnoticed; they can neither change it nor add one, because it is sealed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Map, json};
use tokio::sync::watch;
use tracing::error;

use super::entry::Entry;
use super::keys::AuditKeys;
use super::{checkpoint, checkpoint_file};
use crate::models::audit::{
    Action, AuditActor, ChainEnd, Checkpoint, CheckpointKind, SealedRow, SignedCheckpoint, Waiting,
};
use crate::store::audit::chain::{self, Extension};
use crate::store::audit::{checkpoints, retention};
use crate::store::{Store, StoreError, audit};
use crate::telemetry::{AUDIT_CHECKPOINTS_TOTAL, AUDIT_ENTRIES_CHAINED_TOTAL};

/// Interval between searches for entries to link.
pub const STEP_EVERY: Duration = Duration::from_millis(500);

/// Maximum number of entries linked in one transaction.
const BATCH_MAX: usize = 2_000;

/// Number of links after which a checkpoint is due.
const CHECKPOINT_EVERY_LINKS: i64 = 1_000;

/// Time after which a checkpoint is due if there are new links.
const CHECKPOINT_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Interval between searches for months that have expired.
const EXPIRE_EVERY: Duration = Duration::from_secs(3_600);

/// How long the end of a process waits for another chainer, which holds the lock for a transaction.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval between attempts to get the lock at the end of a process.
const FINISH_RETRY_EVERY: Duration = Duration::from_millis(20);

/// Outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More entries may wait.
    More,
    /// No more entries wait.
    Done,
    /// Another chainer holds the lock.
    Busy,
}

/// Parameters of a [`Chainer`].
#[derive(Debug, Clone)]
pub struct ChainerParams {
    /// Keys for links and checkpoints.
    pub keys: Arc<AuditKeys>,
    /// File to which checkpoints are appended.
    pub file: Option<PathBuf>,
    /// Number of whole months for which entries are kept; `None` keeps all.
    pub retention_months: Option<u32>,
}

/// Links entries and signs checkpoints.
pub struct Chainer {
    store: Store,
    params: ChainerParams,
    /// End of the chain when this process last saw it, or by the last checkpoint in the file.
    known: Option<ChainEnd>,
    /// Number in the last checkpoint that was appended to the file.
    written_seq: i64,
    /// Receives each new checkpoint.
    newest: watch::Sender<Option<SignedCheckpoint>>,
    expired_at: Option<Instant>,
}

impl Chainer {
    /// Creates a chainer. `newest` receives each new checkpoint.
    pub fn new(store: Store, params: ChainerParams, newest: watch::Sender<Option<SignedCheckpoint>>) -> Self {
        let stated = params.file.as_ref().and_then(|file| checkpoint_file::read(file).ok());
        let own = params.keys.public_key();
        let stated = stated.and_then(|file| {
            let mut own = file.checkpoints.into_iter().filter(|signed| signed.public_key == own);
            own.rfind(checkpoint::is_signed).map(|signed| signed.checkpoint.end)
        });
        let written_seq = stated.map_or(0, |end| end.seq);
        Self { store, params, known: stated, written_seq, newest, expired_at: None }
    }

    /// Returns the number of links when this chainer last extended the chain.
    pub fn n_linked(&self) -> u64 {
        self.known.map_or(0, |end| end.seq.unsigned_abs())
    }

    /// Links what waits.
    ///
    /// # Errors
    /// If PostgreSQL fails. What was not linked waits for the next step.
    pub async fn step(&mut self) -> Result<Step, StoreError> {
        self.notice_truncation().await?;
        let keys = Arc::clone(&self.params.keys);
        let link = |end, waiting| extension(&keys, end, waiting);
        let Some(extended) = chain::extend(&self.store, BATCH_MAX, link).await? else {
            return Ok(Step::Busy);
        };
        self.known = Some(extended.end);
        metrics::counter!(AUDIT_ENTRIES_CHAINED_TOTAL)
            .increment(u64::try_from(extended.n_taken).unwrap_or_default());
        self.checkpoint_if_due(extended.end).await?;
        if self.expired_at.is_none_or(|at| at.elapsed() >= EXPIRE_EVERY) {
            self.expire().await?;
            self.expired_at = Some(Instant::now());
        }
        Ok(if extended.n_taken == BATCH_MAX { Step::More } else { Step::Done })
    }

    /// Links everything that waits and signs a last checkpoint, for the end of the process.
    ///
    /// # Errors
    /// If PostgreSQL fails.
    pub async fn finish(&mut self) -> Result<(), StoreError> {
        // A task of this process that was just aborted may still hold the lock, until the server ends its transaction.
        let began_at = Instant::now();
        loop {
            match self.step().await? {
                Step::Done => break,
                Step::More => {}
                Step::Busy if began_at.elapsed() < FINISH_TIMEOUT => {
                    tokio::time::sleep(FINISH_RETRY_EVERY).await;
                }
                // Another process links what is left.
                Step::Busy => return Ok(()),
            }
        }
        let Some(end) = self.known.filter(|end| end.seq > 0) else {
            return Ok(());
        };
        let newest = checkpoints::newest(&self.store).await?;
        if newest.is_none_or(|newest| newest.checkpoint.end != end) {
            self.sign_checkpoint(end).await?;
        }
        Ok(())
    }

    /// Records that the chain no longer contains what was once its end.
    async fn notice_truncation(&mut self) -> Result<(), StoreError> {
        let Some(known) = self.known else {
            return Ok(());
        };
        if chain::contains(&self.store, &known).await? {
            return Ok(());
        }
        error!(
            seq = known.seq,
            "the audit log was truncated or written anew: run `groundswell audit verify`"
        );
        let mut details = Map::new();
        details.insert("problem".to_owned(), json!("truncated"));
        details.insert("seq".to_owned(), json!(known.seq));
        details.insert("hash".to_owned(), json!(hex::encode(known.hash)));
        audit::insert(&self.store, &[note(&self.params.keys, None, details)]).await?;
        self.known = None;
        Ok(())
    }

    async fn checkpoint_if_due(&mut self, end: ChainEnd) -> Result<(), StoreError> {
        let newest = checkpoints::newest(&self.store).await?;
        let (last_seq, last_at) = newest
            .as_ref()
            .map_or((0, Timestamp::UNIX_EPOCH), |signed| (signed.checkpoint.end.seq, signed.checkpoint.at));
        let n_new = end.seq.saturating_sub(last_seq);
        let is_old = Timestamp::now().duration_since(last_at) >= CHECKPOINT_EVERY;
        if n_new >= CHECKPOINT_EVERY_LINKS || (n_new > 0 && is_old) {
            return self.sign_checkpoint(end).await;
        }
        // Another process may have signed it, or the file could not be written before.
        if let Some(newest) = newest.filter(|newest| newest.checkpoint.end.seq > self.written_seq) {
            self.publish(newest).await;
        }
        Ok(())
    }

    async fn sign_checkpoint(&mut self, end: ChainEnd) -> Result<(), StoreError> {
        let kind = CheckpointKind::Head;
        let checkpoint = Checkpoint { kind, end, at: now_in_micros(), expired_before: None };
        let signed = checkpoint::sign(&self.params.keys, checkpoint);
        checkpoints::insert(&self.store, &signed).await?;
        count("database", true);
        self.publish(signed).await;
        Ok(())
    }

    /// Appends a checkpoint to the file and hands it to the publisher.
    async fn publish(&mut self, signed: SignedCheckpoint) {
        let seq = signed.checkpoint.end.seq;
        if let Some(path) = self.params.file.clone() {
            let line = signed.clone();
            // unsupervised: writing a line ends, and the chainer waits for it
            let written = tokio::task::spawn_blocking(move || checkpoint_file::append(&path, &line)).await;
            let outcome = written.map_err(std::io::Error::other).flatten();
            count("file", outcome.is_ok());
            if let Err(error) = outcome {
                error!(%error, "a checkpoint of the audit log was not appended to the file, retrying");
                return;
            }
        }
        self.written_seq = seq;
        self.newest.send_replace(Some(signed));
    }

    /// Deletes months that are older than the retention period.
    async fn expire(&mut self) -> Result<(), StoreError> {
        let Some(months) = self.params.retention_months else {
            return Ok(());
        };
        let now = now_in_micros();
        let before = now.to_zoned(TimeZone::UTC).checked_sub(i64::from(months).months());
        let Ok(before) = before.map(|before| before.timestamp()) else {
            return Ok(());
        };
        let keys = Arc::clone(&self.params.keys);
        let mut tombstone = None;
        let n_months = retention::expire(&self.store, before, |end, start| {
            let kind = CheckpointKind::Tombstone;
            let checkpoint = Checkpoint { kind, end, at: now, expired_before: Some(start) };
            let signed = checkpoint::sign(&keys, checkpoint);
            tombstone = Some(signed.clone());
            signed
        });
        let n_months = n_months.await?;
        if let Some(signed) = tombstone.filter(|_| n_months > 0) {
            let written_seq = self.written_seq;
            self.publish(signed).await;
            self.written_seq = self.written_seq.max(written_seq);
        }
        Ok(())
    }
}

/// Returns the links for what waits. Entries that vanished or do not match their seals are not linked; notes about them are.
fn extension(keys: &AuditKeys, mut end: ChainEnd, waiting: Vec<Waiting>) -> Extension {
    let mut extension = Extension::default();
    for Waiting { id, sealed } in waiting {
        // A row of another key cannot be checked here; the verification, which may have that key, can.
        let is_intact =
            |sealed: &SealedRow| sealed.sealed_by != keys.fingerprint() || keys.verify_seal(sealed);
        let problem = match &sealed {
            None => "deleted",
            Some(sealed) if !is_intact(sealed) => "edited",
            Some(sealed) => {
                let (link, next) = keys.link(sealed, &end);
                extension.links.push(link);
                end = next;
                continue;
            }
        };
        error!(%id, problem, "an entry of the audit log was tampered with before it was chained");
        let mut details = Map::new();
        details.insert("problem".to_owned(), json!(problem));
        extension.notes.push(note(keys, Some(id.to_string()), details));
    }
    extension.end = Some(end);
    extension
}

/// Returns a sealed entry about tampering.
fn note(keys: &AuditKeys, object: Option<String>, payload: Map<String, serde_json::Value>) -> SealedRow {
    let (actor, action) = (AuditActor::SYSTEM, Action::AuditTampered);
    keys.seal(Entry { actor, action, object, from: None, payload }.into_row(Timestamp::now()))
}

fn count(destination: &'static str, is_stored: bool) {
    let outcome = if is_stored { "stored" } else { "failed" };
    metrics::counter!(AUDIT_CHECKPOINTS_TOTAL, "destination" => destination, "outcome" => outcome)
        .increment(1);
}

/// Returns the current time in whole microseconds, the precision of what is signed and stored.
fn now_in_micros() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}
