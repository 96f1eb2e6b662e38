//! Entries of a version or kind that this process does not know. A newer process put them there, as in a rolling upgrade:
//! they stay pending until one that knows them takes them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::schema::Sort;
use crate::models::stage_health::UnknownEntries;
use crate::telemetry::UNKNOWN_ENTRIES;

/// How often the same is said in the log.
const REPEAT_AFTER: Duration = Duration::from_secs(600);

/// Sorts told apart. A process meets one or two; whatever goes beyond is somebody's mistake, and is counted together.
const SORTS_MAX: usize = 16;

/// What of it waits, as far as this process has seen.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Met on the present walk through what is pending.
    met: BTreeMap<Sort, u64>,
    /// Met on the last whole one.
    waiting: BTreeMap<Sort, u64>,
    said_at: BTreeMap<Sort, Instant>,
}

impl Unknown {
    /// An entry was read, and is left pending.
    pub fn read(&self, sort: Sort) {
        self.lock().say(sort);
    }

    /// An entry is pending, and was left so.
    pub fn passed_over(&self, sort: Sort) {
        let mut state = self.lock();
        let sort =
            if state.met.len() < SORTS_MAX || state.met.contains_key(&sort) { sort } else { Sort::others() };
        *state.met.entry(sort.clone()).or_default() += 1;
        state.say(sort);
    }

    /// All that is pending was looked at.
    pub fn walked(&self) {
        let mut state = self.lock();
        state.waiting = std::mem::take(&mut state.met);
        let n_waiting: u64 = state.waiting.values().sum();
        metrics::gauge!(UNKNOWN_ENTRIES).set(n_waiting as f64);
    }

    /// What waits, by version and kind.
    pub fn waiting(&self) -> Vec<UnknownEntries> {
        let row = |(sort, n): (&Sort, &u64)| UnknownEntries {
            version: sort.version.clone(),
            kind: sort.kind.clone(),
            waiting: *n,
        };
        self.lock().waiting.iter().map(row).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn say(&mut self, sort: Sort) {
        let is_new = !self.said_at.contains_key(&sort);
        if is_new && self.said_at.len() >= SORTS_MAX {
            return;
        }
        if !is_new && self.said_at.get(&sort).is_some_and(|at| at.elapsed() < REPEAT_AFTER) {
            return;
        }
        let Sort { version, kind } = &sort;
        warn!(version, kind, "entries of an unknown version or kind wait in the stream for a newer process");
        self.said_at.insert(sort, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_what_the_last_whole_walk_met() {
        let unknown = Unknown::default();
        for n in 0..40 {
            unknown.passed_over(Sort::named(&n.to_string(), ""));
        }
        assert!(unknown.waiting().is_empty(), "the walk is not over");
        unknown.walked();
        let waiting = unknown.waiting();
        assert_eq!(waiting.len(), SORTS_MAX + 1, "the sorts are bounded");
        assert_eq!(waiting.iter().map(|sort| sort.waiting).sum::<u64>(), 40);
        unknown.walked();
        assert!(unknown.waiting().is_empty(), "somebody has taken them");
    }
}
