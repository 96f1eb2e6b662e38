//! State of one service condition, with delays, hysteresis and flap damping.

use jiff::{SignedDuration, Timestamp};

/// Maximum time between closing and reopening for a condition to count as flapping.
const FLAP_WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Maximum time for which a condition must be over before its alert closes. Even a condition that flaps all day alerts
/// operators no more often than this.
const CALM_MAX: SignedDuration = SignedDuration::from_mins(30);

/// Delays before operators are notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// How long the condition must hold before the alert opens.
    pub hold: SignedDuration,
    /// How long the condition must be over before the alert closes. The time doubles whenever the alert reopens within
    /// an hour.
    pub calm: SignedDuration,
}

/// Change that operators are notified of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The condition has held for long enough.
    Opened,
    /// The condition has been over for long enough.
    Closed,
}

/// Where a condition stands between quiet and alerting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Inactive,
    Pending {
        since: Timestamp,
    },
    Open {
        since: Timestamp,
        opened_at: Timestamp,
        calm_since: Option<Timestamp>,
    },
}

/// State of one condition, which concerns either the whole service or one stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Series {
    phase: Phase,
    /// Number of successive openings, each within [`FLAP_WINDOW`] of the previous closing.
    n_openings: u32,
    closed_at: Option<Timestamp>,
}

impl Series {
    /// Advances the state, given whether the condition holds now. Returns the change to report, if any.
    pub fn step(&mut self, holds: bool, now: Timestamp, pace: Pace) -> Option<Change> {
        let (next, change) = match (self.phase, holds) {
            (Phase::Inactive, false) | (Phase::Pending { .. }, false) => (Phase::Inactive, None),
            (Phase::Inactive, true) => self.pending(now, now, pace),
            (Phase::Pending { since }, true) => self.pending(since, now, pace),
            (Phase::Open { since, opened_at, .. }, true) => {
                (Phase::Open { since, opened_at, calm_since: None }, None)
            }
            (Phase::Open { since, opened_at, calm_since }, false) => {
                let calm_since = calm_since.unwrap_or(now);
                if now.duration_since(calm_since) >= self.calm_needed(pace) {
                    self.closed_at = Some(now);
                    (Phase::Inactive, Some(Change::Closed))
                } else {
                    (Phase::Open { since, opened_at, calm_since: Some(calm_since) }, None)
                }
            }
        };
        self.phase = next;
        change
    }

    /// Returns when the condition began to hold and when its alert opened, or `None` if it is not open.
    pub fn open_since(&self) -> Option<(Timestamp, Timestamp)> {
        match self.phase {
            Phase::Open { since, opened_at, .. } => Some((since, opened_at)),
            Phase::Inactive | Phase::Pending { .. } => None,
        }
    }

    /// Returns whether the state no longer influences anything and can be deleted.
    pub fn is_forgettable(&self, now: Timestamp) -> bool {
        self.phase == Phase::Inactive && !self.flapped(now)
    }

    fn flapped(&self, now: Timestamp) -> bool {
        self.closed_at.is_some_and(|at| now.duration_since(at) < FLAP_WINDOW)
    }

    fn pending(&mut self, since: Timestamp, now: Timestamp, pace: Pace) -> (Phase, Option<Change>) {
        if now.duration_since(since) < pace.hold {
            return (Phase::Pending { since }, None);
        }
        self.n_openings = if self.flapped(now) { self.n_openings.saturating_add(1) } else { 1 };
        (Phase::Open { since, opened_at: now, calm_since: None }, Some(Change::Opened))
    }

    fn calm_needed(&self, pace: Pace) -> SignedDuration {
        let n_doublings = self.n_openings.saturating_sub(1).min(16);
        let needed = pace.calm.checked_mul(1 << n_doublings).unwrap_or(CALM_MAX);
        needed.min(CALM_MAX.max(pace.calm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { hold: SignedDuration::from_secs(15), calm: SignedDuration::from_secs(30) };

    /// Returns the changes in a condition, each with the second at which it occurs. `holds` says whether the condition
    /// holds at a given second.
    fn changes(holds: impl Fn(i64) -> bool, seconds: i64) -> Vec<(i64, Change)> {
        let mut series = Series::default();
        let at = |second| Timestamp::from_second(1_800_000_000 + second).unwrap();
        (0..seconds)
            .filter_map(|second| Some((second, series.step(holds(second), at(second), PACE)?)))
            .collect()
    }

    #[test]
    fn an_alert_opens_after_the_hold_off_and_closes_after_the_calm() {
        use Change::{Closed, Opened};
        assert_eq!(changes(|second| (10..60).contains(&second), 200), [(25, Opened), (90, Closed)]);
    }

    #[test]
    fn a_condition_that_ends_before_the_hold_off_never_notifies() {
        assert_eq!(changes(|second| second % 20 < 14, 3_600), []);
    }

    #[test]
    fn a_dip_within_the_calm_closes_nothing() {
        assert_eq!(changes(|second| second % 40 < 20, 600).len(), 1);
    }

    #[test]
    fn a_condition_that_flaps_all_day_notifies_a_few_times_per_hour() {
        // Down for a minute, then up for a minute: 720 outages per day.
        let n_changes = changes(|second| second % 120 < 60, 86_400).len();
        assert!((2..=24).contains(&n_changes), "{n_changes}");
        // Without flap damping each outage would notify twice.
        let first_hour = changes(|second| second % 120 < 60, 3_600).len();
        assert!(first_hour <= 6, "{first_hour}");
    }
}
