//! Decides when to search, and when to check a video again. Pure: the time is an argument.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Maximum age of a video whose comments are read. Most comments are written in its first days.
const COMMENTS_AGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Maximum age of a video that is checked.
const AGE_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Intervals, timeout and quotas of requests.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Minimum interval between searches for a query.
    pub interval: Duration,
    /// Interval between checks of a new video. It grows with the age of the video.
    pub first_look: Duration,
    /// Longest interval between checks of a video.
    pub last_look: Duration,
    /// Timeout of a request.
    pub timeout: Duration,
    /// Number of searches that Google grants per day.
    pub n_searches_max: u64,
    /// Number of units that Google grants per day for all other requests.
    pub n_units_max: u64,
}

impl Pace {
    /// Returns when to check a video again: after a quarter of its age, within limits. A video is thus checked about 30
    /// times in its first week.
    pub(super) fn next_look(&self, published_at: Timestamp, now: Timestamp) -> Timestamp {
        let age = Duration::try_from(now.duration_since(published_at)).unwrap_or_default();
        after(now, (age / 4).clamp(self.first_look, self.last_look.max(self.first_look)))
    }

    /// Returns when to read the comments of a video again; `None` if it is too old.
    pub(super) fn next_comments(&self, published_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let is_young = now.duration_since(published_at) <= COMMENTS_AGE_MAX;
        is_young.then(|| self.next_look(published_at, now))
    }
}

/// Returns whether a video is too old to be checked.
pub(super) fn is_old(published_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(published_at) > AGE_MAX
}

/// Rest of the day's searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Budget {
    /// Number of searches left.
    pub n_left: u64,
    /// Number of searches that it takes to search for all queries once.
    pub n_each: u64,
    /// Time until the quota is renewed.
    pub until_reset: Duration,
}

impl Budget {
    /// Returns the interval between searches for a query: `wanted`, or longer if the budget would not last otherwise.
    /// If the budget does not suffice for one more round, returns `wanted`.
    pub(super) fn spread(self, wanted: Duration) -> Duration {
        let n_rounds = u32::try_from(self.n_left / self.n_each.max(1)).unwrap_or(u32::MAX);
        self.until_reset.checked_div(n_rounds).map_or(wanted, |longer| wanted.max(longer))
    }
}

/// Adds a duration to a time, up to the latest possible time.
pub(super) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn looks_get_rarer_as_a_video_ages() {
        let pace = Pace {
            interval: HOUR,
            first_look: HOUR / 4,
            last_look: HOUR * 24,
            timeout: HOUR,
            n_searches_max: 100,
            n_units_max: 10_000,
        };
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let check = |age_hours: i64, minutes: i64, hears_comments: bool| {
            let published_at = now - SignedDuration::from_hours(age_hours);
            let next = pace.next_look(published_at, now);
            assert_eq!(next.duration_since(now).as_mins(), minutes, "{age_hours} h");
            let comments = pace.next_comments(published_at, now);
            assert_eq!(comments, hears_comments.then_some(next), "{age_hours} h");
        };
        check(-5, 15, true);
        check(0, 15, true);
        check(1, 15, true);
        check(4, 60, true);
        check(24, 6 * 60, true);
        check(7 * 24, 24 * 60, true);
        check(8 * 24, 24 * 60, false);
        assert!(is_old(now - SignedDuration::from_hours(31 * 24), now));
        assert!(!is_old(now - SignedDuration::from_hours(29 * 24), now));
    }

    #[test]
    fn searches_are_spread_over_the_day() {
        let check = |n_left, n_each, hours: u32, expected: Duration| {
            let budget = Budget { n_left, n_each, until_reset: HOUR * hours };
            assert_eq!(budget.spread(HOUR), expected, "{budget:?}");
        };
        check(100, 1, 24, HOUR);
        check(100, 4, 24, HOUR);
        check(100, 5, 24, HOUR * 24 / 20);
        check(100, 10, 24, HOUR * 24 / 10);
        check(10, 5, 12, HOUR * 6);
        check(4, 5, 12, HOUR);
        check(0, 5, 12, HOUR);
        check(100, 0, 24, HOUR);
    }
}
