//! Entries of a version or kind that this process does not know. A newer process put them there, as in a rolling upgrade:
//! they stay pending until one that knows them takes them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::schema::EntrySchema;
use crate::models::stage_health::UnknownEntries;
use crate::telemetry::UNKNOWN_ENTRIES;

/// How often the same is said in the log.
const LOG_INTERVAL: Duration = Duration::from_secs(600);

/// Sorts told apart. A process meets one or two; whatever goes beyond is somebody's mistake, and is counted together.
const SCHEMAS_MAX: usize = 16;

/// What of it waits, as far as this process has seen.
#[derive(Debug, Default)]
pub(super) struct UnknownEntryTracker {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Met on the present walk through what is pending.
    found: BTreeMap<EntrySchema, u64>,
    /// Met on the last whole one.
    pending: BTreeMap<EntrySchema, u64>,
    logged_at: BTreeMap<EntrySchema, Instant>,
}

impl UnknownEntryTracker {
    /// An entry was read, and is left pending.
    pub fn record(&self, schema: EntrySchema) {
        self.lock().log(schema);
    }

    /// An entry is pending, and was left so.
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

    /// All that is pending was looked at.
    pub fn scan_finished(&self) {
        let mut state = self.lock();
        state.pending = std::mem::take(&mut state.found);
        let n_pending: u64 = state.pending.values().sum();
        metrics::gauge!(UNKNOWN_ENTRIES).set(n_pending as f64);
    }

    /// What waits, by version and kind.
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
        warn!(version, kind, "entries of an unknown version or kind wait in the stream for a newer process");
        self.logged_at.insert(schema, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_what_the_last_whole_walk_met() {
        let unknown = UnknownEntryTracker::default();
        for n in 0..40 {
            unknown.skipped(EntrySchema::named(&n.to_string(), ""));
        }
        assert!(unknown.pending().is_empty(), "the walk is not over");
        unknown.scan_finished();
        let pending = unknown.pending();
        assert_eq!(pending.len(), SCHEMAS_MAX + 1, "the sorts are bounded");
        assert_eq!(pending.iter().map(|schema| schema.waiting).sum::<u64>(), 40);
        unknown.scan_finished();
        assert!(unknown.pending().is_empty(), "somebody has taken them");
    }
}
