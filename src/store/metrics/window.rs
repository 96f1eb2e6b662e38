//! Time windows of metrics calls, aligned to bucket boundaries. Pure: the current time is an argument.

use jiff::{SignedDuration, Timestamp};

use super::resolution::COMPACT_AFTER_SECONDS;
use crate::models::metrics::Window;
use crate::models::rollup::BUCKET_SECONDS;
use crate::store::StoreError;
use crate::store::posts::filter::PostFilter;

/// Width of a minute bucket, into which fine buckets are compacted.
const MINUTE_SECONDS: i64 = 60;

/// Possible step widths of a trend. The first one that makes at most [`TREND_STEPS_MAX`] steps is used: 10 s for five
/// minutes, a minute for an hour, 15 minutes for a day, 2 hours for a week.
const TREND_STEPS_SECONDS: [i64; 9] = [10, 60, 300, 900, 3_600, 7_200, 21_600, 86_400, 604_800];

/// Maximum number of steps, because a chart cannot show more points separately.
const TREND_STEPS_MAX: i64 = 100;

/// Metrics query.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsQuery {
    /// Start of the window by event time, inclusive; rounded down to a bucket boundary.
    pub from: Timestamp,
    /// End of the window, exclusive; rounded up.
    pub to: Timestamp,
    /// Filter on posts within the window.
    pub filter: MetricsFilter,
}

/// Filter on posts. Absent fields match every post; `""` matches posts without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsFilter {
    /// Product that the posts mention.
    pub product: Option<String>,
    /// Platform of the posts.
    pub platform: Option<String>,
    /// Channel of the posts.
    pub channel: Option<String>,
    /// City of the posts.
    pub city: Option<String>,
    /// Source of the posts.
    pub source: Option<String>,
}

impl From<MetricsFilter> for PostFilter {
    fn from(filter: MetricsFilter) -> Self {
        let MetricsFilter { product, platform, channel, city, source } = filter;
        Self { product, platform, channel, city, source, ..Self::default() }
    }
}

impl MetricsQuery {
    /// Returns a query for the last `seconds`, ending with the bucket that contains `now`, so that the window is exactly
    /// that long.
    pub fn last(seconds: i64, now: Timestamp, filter: MetricsFilter) -> Self {
        let edge = if seconds > COMPACT_AFTER_SECONDS / 2 { MINUTE_SECONDS } else { BUCKET_SECONDS };
        let to = round_up(now.as_second() + 1, edge);
        Self { from: at(to.saturating_sub(seconds)), to: at(to), filter }
    }
}

/// Rounds a window to bucket boundaries, so that every bucket is entirely inside or outside.
pub(in crate::store) fn window_of(
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Result<Window, StoreError> {
    let edge = edge_of(from, now);
    let from = from.as_second().div_euclid(edge) * edge;
    // A fraction of a second counts as a whole one.
    let to = round_up(to.as_second() + i64::from(to.subsec_nanosecond() > 0), edge);
    // PostgreSQL supports fewer years than jiff.
    if from >= to || from < 0 || at(to).as_second() != to {
        return Err(StoreError::BadWindow);
    }
    Ok(Window { from: at(from), to: at(to), seconds: to - from })
}

/// Returns the alignment of windows in seconds. Old rows may span a minute; a window that begins within one would lose or
/// gain the rest of it.
pub(in crate::store) fn edge_of(from: Timestamp, now: Timestamp) -> i64 {
    let fine = SignedDuration::from_secs(COMPACT_AFTER_SECONDS / 2);
    if now.duration_since(from) > fine { MINUTE_SECONDS } else { BUCKET_SECONDS }
}

pub(in crate::store) fn step_of(window: Window, edge: i64) -> i64 {
    let fits = |step: &&i64| **step >= edge && window.seconds <= **step * TREND_STEPS_MAX;
    TREND_STEPS_SECONDS.iter().find(fits).copied().unwrap_or_else(|| {
        // For ranges of years: as many whole days as make the allowed number of steps.
        round_up(window.seconds / TREND_STEPS_MAX + 1, 86_400)
    })
}

pub(in crate::store) fn round_up(seconds: i64, edge: i64) -> i64 {
    (seconds + edge - 1).div_euclid(edge) * edge
}

/// Converts seconds to a timestamp. They are out of range only if `window_of` rejects them anyway.
pub(in crate::store) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ts(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_minute_is_sixty_seconds_long_and_holds_now() {
        for now in ["2026-03-29T00:59:59.999999999Z", "2026-03-29T01:00:00Z", "2026-12-31T23:59:54.2Z"] {
            for (seconds, n_steps) in [(60, 6), (300, 30), (3_600, 60), (86_400, 96), (604_800, 84)] {
                let now = ts(now);
                let query = MetricsQuery::last(seconds, now, MetricsFilter::default());
                let window = window_of(query.from, query.to, now).unwrap();
                assert_eq!((window.from, window.to, window.seconds), (query.from, query.to, seconds));
                assert!(window.to > now && window.to.duration_since(now) <= SignedDuration::from_secs(60));
                assert_eq!(seconds / step_of(window, edge_of(window.from, now)), n_steps);
            }
        }
    }

    #[test]
    fn windows_align_to_buckets_and_to_minutes_where_rows_may_be_minutes() {
        let now = ts("2026-11-21T12:00:00Z");
        let check = |from: &str, to: &str, expected: (&str, &str)| {
            let query = MetricsQuery { from: ts(from), to: ts(to), filter: MetricsFilter::default() };
            let window = window_of(query.from, query.to, now).unwrap();
            assert_eq!((window.from, window.to), (ts(expected.0), ts(expected.1)));
        };
        check(
            "2026-11-21T11:00:01Z",
            "2026-11-21T11:00:02Z",
            ("2026-11-21T11:00:00Z", "2026-11-21T11:00:10Z"),
        );
        check(
            "2026-11-21T11:00:10Z",
            "2026-11-21T11:00:20Z",
            ("2026-11-21T11:00:10Z", "2026-11-21T11:00:20Z"),
        );
        check(
            "2026-11-21T11:00:10Z",
            "2026-11-21T11:00:20.5Z",
            ("2026-11-21T11:00:10Z", "2026-11-21T11:00:30Z"),
        );
        check(
            "2026-11-18T11:00:10Z",
            "2026-11-18T11:00:20Z",
            ("2026-11-18T11:00:00Z", "2026-11-18T11:01:00Z"),
        );
    }

    #[test]
    fn a_window_that_is_empty_or_outside_the_calendar_is_rejected() {
        let now = ts("2026-11-21T12:00:00Z");
        let check = |from: Timestamp, to: Timestamp| {
            let query = MetricsQuery { from, to, filter: MetricsFilter::default() };
            assert!(matches!(window_of(query.from, query.to, now), Err(StoreError::BadWindow)));
        };
        check(now, now);
        check(now, now - SignedDuration::from_secs(60));
        check(Timestamp::MIN, now);
        check(now, Timestamp::MAX);
    }

    #[test]
    fn a_trend_never_has_more_steps_than_a_chart_shows() {
        for days in [1, 2, 30, 90, 365, 3_650] {
            let window = Window { from: at(0), to: at(days * 86_400), seconds: days * 86_400 };
            assert!(window.seconds / step_of(window, 60) <= TREND_STEPS_MAX, "{days} days");
        }
    }
}
