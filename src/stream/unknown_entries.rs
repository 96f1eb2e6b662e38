//! Entries of a version or kind that this process does not know. They were added by a newer process, for example during
//! a rolling upgrade, and stay pending until a process that knows them claims them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::entry_schema::EntrySchema;
use crate::models::system_health::UnknownEntries;
use crate::telemetry::UNKNOWN_ENTRIES;

/// Minimum interval between two log messages about the same schema.
const LOG_INTERVAL: Duration = Duration::from_secs(600);

/// Maximum number of schemas that are tracked separately. A process normally encounters one or two; any further ones
/// are counted together.
const SCHEMAS_MAX: usize = 16;

/// Pending unknown entries that this process has seen.
#[derive(Debug, Default)]
pub(super) struct UnknownEntryTracker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Number of entries of each schema that the current scan of the pending entries has found so far.
    found: BTreeMap<EntrySchema, u64>,
    /// Number of entries of each schema that the last full scan found.
    pending: BTreeMap<EntrySchema, u64>,
    logged_at: BTreeMap<EntrySchema, Instant>,
}

impl UnknownEntryTracker {
    /// Records a new entry that this process read but leaves pending.
    pub fn record(&self, schema: EntrySchema) {
        self.lock().log(schema);
    }

    /// Records a pending entry that the scan skipped.
    pub fn skipped(&self, schema: EntrySchema) {
        let mut state = self.lock();
        let schema = if state.found.len() < SCHEMAS_MAX || state.found.contains_key(&schema) {
            schema
        } else {
            EntrySchema::other()
        };
        *state.found.entry(schema.clone()).or_default() += 1;
        state.log(schema);
    }

    /// Records that the scan has reached the end of the pending entries.
    pub fn scan_finished(&self) {
        let mut state = self.lock();
        state.pending = std::mem::take(&mut state.found);
        let n_pending: u64 = state.pending.values().sum();
        metrics::gauge!(UNKNOWN_ENTRIES).set(n_pending as f64);
    }

    /// Returns the number of pending entries by version and kind.
    pub fn pending(&self) -> Vec<UnknownEntries> {
        let row = |(schema, n): (&EntrySchema, &u64)| UnknownEntries {
            version: schema.version.clone(),
            kind: schema.kind.clone(),
            waiting: *n,
        };
        self.lock().pending.iter().map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn log(&mut self, schema: EntrySchema) {
        let is_new = !self.logged_at.contains_key(&schema);
        if is_new && self.logged_at.len() >= SCHEMAS_MAX {
            return;
        }
        if !is_new && self.logged_at.get(&schema).is_some_and(|at| at.elapsed() < LOG_INTERVAL) {
            return;
        }
        let EntrySchema { version, kind } = &schema;
        warn!(version, kind, "entries of an unknown version or kind stay pending for a newer process");
        self.logged_at.insert(schema, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_entries_are_those_of_the_last_full_scan() {
        let unknown = UnknownEntryTracker::default();
        for n in 0..40 {
            unknown.skipped(EntrySchema::named(&n.to_string(), "", "post"));
        }
        assert!(unknown.pending().is_empty(), "the scan is not finished");
        unknown.scan_finished();
        let pending = unknown.pending();
        assert_eq!(pending.len(), SCHEMAS_MAX + 1, "the number of schemas is bounded");
        assert_eq!(pending.iter().map(|schema| schema.waiting).sum::<u64>(), 40);
        unknown.scan_finished();
        assert!(unknown.pending().is_empty(), "another process has claimed them");
    }
}
