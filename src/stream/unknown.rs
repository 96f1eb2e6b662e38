//! Entries of a version or kind that this process does not know. A newer process put them there, as in a rolling upgrade:
//! they stay pending until one that knows them takes them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tracing::warn;

use super::entry::{KIND, VERSION, first};
use crate::models::stage_health::UnknownEntries;
use crate::telemetry::UNKNOWN_ENTRIES;

/// How often the same is said in the log.
const REPEAT_AFTER: Duration = Duration::from_secs(600);

/// Sorts told apart. A process meets one or two; whatever goes beyond is somebody's mistake, and is counted together.
const SORTS_MAX: usize = 16;

/// The longest name of a version or kind.
const NAME_BYTES_MAX: usize = 32;

/// A version and a kind, as an entry says them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sort {
    pub version: String,
    pub kind: String,
}

impl Sort {
    /// The sort of an entry, if this process does not know it. What names no version or kind in letters that one would
    /// have is no entry of another version, but a broken one of this. The script of `Consumer::claim` decides alike.
    pub fn unknown_of(fields: &[(Bytes, Bytes)]) -> Option<Self> {
        let text = |name| first(fields, name).and_then(|value| std::str::from_utf8(value).ok());
        let (version, kind) = (text("v"), text("kind"));
        let is_unknown = version.is_some_and(|version| is_name(version) && version != VERSION)
            || kind.is_some_and(|kind| is_name(kind) && kind != KIND);
        is_unknown.then(|| Self::named(version.unwrap_or_default(), kind.unwrap_or_default()))
    }

    /// An entry without a kind is a post.
    pub fn named(version: &str, kind: &str) -> Self {
        let kind = if kind.is_empty() { KIND } else { kind };
        Self { version: version.to_owned(), kind: kind.to_owned() }
    }

    /// For the log and the figures: neither may grow with what others write.
    fn others() -> Self {
        Self { version: "other".to_owned(), kind: "other".to_owned() }
    }
}

fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_of_name)
}

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

    fn check(fields: &[(&'static str, &'static [u8])], sort: Option<(&str, &str)>) {
        let fields: Vec<(Bytes, Bytes)> =
            fields.iter().map(|(name, value)| (Bytes::from(*name), Bytes::from(*value))).collect();
        let sort = sort.map(|(version, kind)| Sort { version: version.into(), kind: kind.into() });
        assert_eq!(Sort::unknown_of(&fields), sort, "{fields:?}");
    }

    #[test]
    fn an_entry_of_another_version_or_kind_is_told_from_a_broken_one() {
        check(&[("v", b"1")], None);
        check(&[("v", b"1"), ("kind", b"post")], None);
        check(&[("v", b"2")], Some(("2", "post")));
        check(&[("v", b"1"), ("kind", b"analysis.job")], Some(("1", "analysis.job")));
        check(&[("kind", b"job")], Some(("", "job")));
        check(&[], None);
        check(&[("v", b"")], None);
        check(&[("v", b"\xff")], None);
        check(&[("v", b"2 or 3")], None);
        check(&[("v", b"222222222222222222222222222222222")], None);
    }

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
