//! When to ask, and when to look at something again. Pure: the time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Age of a post or comment after which it is not looked at any more.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How often and how long the host is asked.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Least time from one pass through a listing to the next.
    pub interval: Duration,
    /// Time from one look at a new post or comment to the next. It grows with the age.
    pub first_look: Duration,
    /// Longest time from one look to the next.
    pub last_look: Duration,
    /// Maximum time for a response.
    pub timeout: Duration,
    /// Number of requests that Reddit grants an app in ten minutes.
    pub n_requests_max: u64,
    /// Number of them that look at posts and comments again.
    pub n_looks_max: u64,
}

impl Pace {
    /// Returns when to look at something again: after a quarter of its age, within bounds; `None` if it is too old.
    pub(super) fn next_look(&self, created_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let age = now.duration_since(created_at);
        let quarter = Duration::try_from(age).unwrap_or_default() / 4;
        let wait = quarter.clamp(self.first_look, self.last_look.max(self.first_look));
        (age <= AGE_MAX).then(|| after(now, wait))
    }
}

/// Returns the time so much later.
pub(super) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_get_rarer_with_age_and_end() {
        let minute = Duration::from_secs(60);
        let pace = Pace {
            interval: minute,
            first_look: minute,
            last_look: minute * 1_440,
            timeout: minute,
            n_requests_max: 1_000,
            n_looks_max: 200,
        };
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let check = |age_minutes: i64, minutes: Option<i64>| {
            let next = pace.next_look(now - SignedDuration::from_mins(age_minutes), now);
            assert_eq!(next.map(|at| at.duration_since(now).as_mins()), minutes, "{age_minutes} min");
        };
        check(-5, Some(1));
        check(0, Some(1));
        check(4, Some(1));
        check(60, Some(15));
        check(24 * 60, Some(360));
        check(29 * 24 * 60, Some(1_440));
        check(31 * 24 * 60, None);
    }
}
