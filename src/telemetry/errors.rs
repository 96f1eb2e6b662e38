//! Recent errors of this process: counts per minute for one day, and the latest messages.
//!
//! The log is global, like the metrics recorder. It is bounded: kinds and origins come from the program's own text, and
//! both minutes and messages expire.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::ERRORS_TOTAL;
use crate::models::error_log::{ErrorKind, ErrorMessage, ErrorOrigin, ErrorOverview, ErrorStep, ErrorWindow};
use crate::models::metrics::Window;

/// Maximum number of minutes that error counts cover: one day and the current minute.
const MINUTES_MAX: i64 = 24 * 60 + 1;

/// Maximum number of messages to keep. Repeated messages share one entry.
const MESSAGES_MAX: usize = 100;

/// Maximum number of characters kept per message.
const MESSAGE_CHARACTERS_MAX: usize = 400;

static JOURNAL: Mutex<Journal> = Mutex::new(Journal::new());

/// Counts an error. `origin` names a stage or another part of the process.
pub fn count(kind: ErrorKind, origin: &'static str) {
    note(kind, origin, None);
}

/// Counts an error and keeps its message.
pub fn record(kind: ErrorKind, origin: &'static str, message: impl Into<String>) {
    note(kind, origin, Some(message.into()));
}

fn note(kind: ErrorKind, origin: &'static str, message: Option<String>) {
    metrics::counter!(ERRORS_TOTAL, "kind" => kind.as_str(), "origin" => origin).increment(1);
    let mut journal = JOURNAL.lock().unwrap_or_else(PoisonError::into_inner);
    journal.note((kind, origin), message, Timestamp::now());
}

/// Returns the errors that occurred in this window, which ends now.
pub fn overview(window: ErrorWindow) -> ErrorOverview {
    JOURNAL.lock().unwrap_or_else(PoisonError::into_inner).overview(window, Timestamp::now())
}

/// Log of recent errors. Callers pass the time, so it reads no clock.
#[derive(Debug)]
struct Journal {
    minutes: BTreeMap<i64, BTreeMap<(ErrorKind, &'static str), u64>>,
    /// Recent messages, ordered by when each last occurred.
    messages: VecDeque<ErrorMessage>,
}

impl Journal {
    const fn new() -> Self {
        Self { minutes: BTreeMap::new(), messages: VecDeque::new() }
    }

    fn note(&mut self, (kind, origin): (ErrorKind, &'static str), message: Option<String>, now: Timestamp) {
        let minute = minute_of(now);
        let count = self.minutes.entry(minute).or_default().entry((kind, origin)).or_default();
        *count = count.saturating_add(1);
        self.minutes = self.minutes.split_off(&(minute - MINUTES_MAX + 1));
        let Some(mut message) = message else {
            return;
        };
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
            message.truncate(end);
            message.push('…');
        }
        let is_same =
            |known: &ErrorMessage| known.kind == kind && known.origin == origin && known.message == message;
        let known = self.messages.iter().position(is_same).and_then(|at| self.messages.remove(at));
        let (first_at, count) = known.map_or((now, 0), |known| (known.first_at, known.count));
        let count = count.saturating_add(1);
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.pop_front();
        }
        let origin = origin.to_owned();
        self.messages.push_back(ErrorMessage { at: now, first_at, count, kind, origin, message });
    }

    fn overview(&self, window: ErrorWindow, now: Timestamp) -> ErrorOverview {
        let (n_steps, step_minutes) = window.steps();
        let newest = minute_of(now).div_euclid(step_minutes);
        let oldest = newest - n_steps + 1;
        let mut steps: BTreeMap<i64, BTreeMap<ErrorKind, u64>> =
            (oldest..=newest).map(|step| (step, BTreeMap::new())).collect();
        let mut origins: BTreeMap<(&'static str, ErrorKind), u64> = BTreeMap::new();
        for (minute, counts) in &self.minutes {
            let Some(step) = steps.get_mut(&minute.div_euclid(step_minutes)) else {
                continue;
            };
            for ((kind, origin), n_times) in counts {
                *step.entry(*kind).or_default() += n_times;
                *origins.entry((origin, *kind)).or_default() += n_times;
            }
        }
        let from = start_of(oldest * step_minutes);
        let origin = |((origin, kind), count): ((&str, ErrorKind), u64)| ErrorOrigin {
            origin: origin.to_owned(),
            kind,
            count,
        };
        let mut origins: Vec<ErrorOrigin> = origins.into_iter().map(origin).collect();
        origins.sort_by_key(|origin| std::cmp::Reverse(origin.count));
        let recent = self.messages.iter().rev().filter(|message| message.at >= from);
        ErrorOverview {
            window: Window { from, to: now, seconds: now.as_second() - from.as_second() },
            step_seconds: step_minutes * 60,
            steps: steps
                .into_iter()
                .map(|(step, counts)| ErrorStep { from: start_of(step * step_minutes), counts })
                .collect(),
            origins,
            recent: recent.cloned().collect(),
        }
    }
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

fn start_of(minute: i64) -> Timestamp {
    let since = SignedDuration::from_secs(minute.saturating_mul(60));
    Timestamp::UNIX_EPOCH.saturating_add(since).unwrap_or(Timestamp::MIN)
}

/// Returns a tracing layer that records what this program logs at the WARN and ERROR levels.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> impl Layer<S> {
    LogCounter.with_filter(LevelFilter::WARN)
}

struct LogCounter;

impl<S: Subscriber> Layer<S> for LogCounter {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(origin) = origin_of(event.metadata().target()) else {
            return;
        };
        let kind =
            if *event.metadata().level() == Level::ERROR { ErrorKind::Error } else { ErrorKind::Warning };
        let mut text = EventText::default();
        event.record(&mut text);
        record(kind, origin, text.0);
    }
}

/// Returns the part of the program that a module belongs to, such as `notifier` or `store`; `None` for modules of other
/// crates.
fn origin_of(target: &'static str) -> Option<&'static str> {
    let path = target.strip_prefix(env!("CARGO_PKG_NAME"))?;
    let mut names = path.split("::").filter(|name| !name.is_empty());
    match names.next() {
        // Two stages have public names that differ from their modules.
        Some("actors") => match names.next() {
            Some("anomaly_detector") => Some("signal_watcher"),
            Some("maintenance") => Some("housekeeper"),
            module => module.or(Some("actors")),
        },
        first => first.or(Some("main")),
    }
}

/// Text of an event: its message and its cause, but none of its other fields, so that repeated events have equal texts.
#[derive(Default)]
struct EventText(String);

impl Visit for EventText {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string never fails.
        let _ = match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{rest}")
            }
            "stage" | "condition" | "error" | "inside" | "reason" => write!(self.0, ": {value:?}"),
            _ => Ok(()),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn errors_are_counted_by_the_minute_and_expire_after_a_day() {
        let mut journal = Journal::new();
        for second in [0, 30, 61, 3_000] {
            journal.note((ErrorKind::Restart, "notifier"), None, at(second));
        }
        journal.note((ErrorKind::Error, "store"), None, at(3_000));
        let hour = journal.overview(ErrorWindow::Hour, at(3_001));
        assert_eq!((hour.steps.len(), hour.step_seconds), (60, 60));
        let counts: Vec<u64> = hour.steps.iter().flat_map(|step| step.counts.values().copied()).collect();
        assert_eq!(counts, [2, 1, 1, 1]);
        assert_eq!((hour.origins[0].origin.as_str(), hour.origins[0].count), ("notifier", 4));
        for (window, n_steps) in [(ErrorWindow::SixHours, 72), (ErrorWindow::Day, 96)] {
            let overview = journal.overview(window, at(3_001));
            let n_times: u64 = overview.steps.iter().flat_map(|step| step.counts.values()).sum();
            assert_eq!((overview.steps.len(), n_times), (n_steps, 5));
        }
        for minute in 0..10_000 {
            journal.note((ErrorKind::Warning, "store"), None, at(minute * 60));
        }
        assert_eq!(journal.minutes.len(), usize::try_from(MINUTES_MAX).unwrap());
        assert!(
            journal.overview(ErrorWindow::Day, at(10_000 * 60)).origins.iter().all(|it| it.origin == "store")
        );
    }

    #[test]
    fn a_repeated_message_takes_one_entry_with_its_count() {
        let mut journal = Journal::new();
        let mut record = |message: &str, second| {
            journal.note((ErrorKind::Error, "store"), Some(message.to_owned()), at(second));
        };
        record("first", 0);
        (1..1_000).for_each(|second| record("again", second));
        record(&"long".repeat(1_000), 1_000);
        let recent = journal.overview(ErrorWindow::Hour, at(1_000)).recent;
        let merged: Vec<(u64, &str)> =
            recent.iter().skip(1).map(|it| (it.count, it.message.as_str())).collect();
        assert_eq!(merged, [(999, "again"), (1, "first")]);
        assert_eq!((recent[1].first_at, recent[1].at), (at(1), at(999)));
        assert_eq!(recent[0].message.chars().count(), MESSAGE_CHARACTERS_MAX + 1);
        for n in 0..1_000 {
            journal.note((ErrorKind::Error, "store"), Some(n.to_string()), at(1_000));
        }
        assert_eq!(journal.messages.len(), MESSAGES_MAX);
        assert!(journal.overview(ErrorWindow::Hour, at(200_000)).recent.is_empty());
    }

    #[test]
    fn modules_belong_to_stages_and_other_crates_to_none() {
        let check = |target, expected| assert_eq!(origin_of(target), expected, "{target}");
        check("groundswell::actors::notifier", Some("notifier"));
        check("groundswell::actors::broadcaster::outbox", Some("broadcaster"));
        check("groundswell::actors::anomaly_detector::monitored_series", Some("signal_watcher"));
        check("groundswell::actors::maintenance", Some("housekeeper"));
        check("groundswell::store::outbox", Some("store"));
        check("groundswell", Some("main"));
        check("tokio_postgres::connection", None);
    }

    #[test]
    fn logged_warnings_and_errors_are_recorded_with_their_messages() {
        let subscriber = tracing_subscriber::registry().with(layer());
        tracing::subscriber::with_default(subscriber, || {
            let error = "connection closed";
            tracing::warn!(target: "groundswell::telemetry_test", %error, port = 7, "the sea is away");
            tracing::info!(target: "groundswell::telemetry_test", "all is well");
            tracing::error!(target: "elsewhere", "not ours");
        });
        let recent = overview(ErrorWindow::Hour).recent;
        let ours: Vec<_> = recent.iter().filter(|it| it.origin == "telemetry_test").collect();
        assert_eq!(ours.len(), 1);
        assert_eq!(
            (ours[0].kind, ours[0].message.as_str()),
            (ErrorKind::Warning, "the sea is away: connection closed")
        );
        assert!(recent.iter().all(|it| it.message != "not ours"));
    }
}
