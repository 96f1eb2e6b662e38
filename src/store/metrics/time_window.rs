//! Time windows for metrics calls, aligned to bucket boundaries. Pure: the current time is an argument.

use jiff::{SignedDuration, Timestamp};

use super::compaction_age::COMPACT_AFTER_SECONDS;
use crate::models::metrics::Window;
use crate::models::rollup::{BUCKET_SECONDS, complete_until};
use crate::store::StoreError;
use crate::store::posts::filter::PostFilter;

/// Width of the minute buckets that fine buckets are compacted into, in seconds.
pub(in crate::store) const MINUTE_SECONDS: i64 = 60;

/// Possible step lengths for a trend, in seconds. The trend uses the first one that results in at most
/// [`TREND_STEPS_MAX`] steps: 10 s for five minutes, a minute for an hour, 15 minutes for a day, 2 hours for a week.
const TREND_STEPS_SECONDS: [i64; 9] = [10, 60, 300, 900, 3_600, 7_200, 21_600, 86_400, 604_800];

/// Maximum number of steps in a trend. A chart cannot show more points separately.
const TREND_STEPS_MAX: i64 = 100;

/// Window and filter for a metrics call.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsQuery {
    /// Start of the window by event time, inclusive; rounded down to a bucket boundary.
    pub from: Timestamp,
    /// End of the window, exclusive; rounded up to a bucket boundary.
    pub to: Timestamp,
    /// Filter that posts within the window must match.
    pub filter: MetricsFilter,
}

/// Filter on posts. Absent fields match every post; `""` matches posts without a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsFilter {
    /// Keeps only posts that mention this product.
    pub product: Option<String>,
    /// Keeps only posts from this platform.
    pub platform: Option<String>,
    /// Keeps only posts from this channel.
    pub channel: Option<String>,
    /// Keeps only posts from this city.
    pub city: Option<String>,
    /// Keeps only posts from this source.
    pub source: Option<String>,
}

impl From<MetricsFilter> for PostFilter {
    fn from(filter: MetricsFilter) -> Self {
        let MetricsFilter { product, platform, channel, city, source } = filter;
        Self {
            product: product.into(),
            platform: platform.into(),
            channel: channel.into(),
            city: city.into(),
            source: source.into(),
            ..Self::default()
        }
    }
}

impl MetricsQuery {
    /// Returns a query for the newest complete buckets that make up `seconds`, or for complete minutes where the rows of
    /// the window or of the equally long period before it may cover whole minutes. The window is always exactly that
    /// long, so its sums stay constant for a steady source, and so is the period before it, which clients compare it
    /// with.
    pub fn last(seconds: i64, now: Timestamp, filter: MetricsFilter) -> Self {
        let (from, to) = last_complete(seconds, 2 * seconds, now);
        Self { from, to, filter }
    }

    /// Returns a query for the last `seconds` that includes the posts of the unfinished bucket and therefore ends up to
    /// one bucket ahead. It suits ranges that are listed as well as counted.
    pub fn until_now(seconds: i64, now: Timestamp, filter: MetricsFilter) -> Self {
        let edge = if seconds > COMPACT_AFTER_SECONDS / 2 { MINUTE_SECONDS } else { BUCKET_SECONDS };
        let to = round_up(now.as_second() + 1, edge);
        Self { from: at(to.saturating_sub(seconds)), to: at(to), filter }
    }
}

/// Returns the start and end of the newest complete buckets that make up `seconds`, or of complete minutes if the rows
/// of the last `reach_seconds` may cover whole minutes.
pub(in crate::store) fn last_complete(
    seconds: i64,
    reach_seconds: i64,
    now: Timestamp,
) -> (Timestamp, Timestamp) {
    // A window of complete buckets begins up to two of them earlier than its length suggests.
    let is_fine = reach_seconds + 2 * BUCKET_SECONDS <= COMPACT_AFTER_SECONDS / 2;
    let to = complete_until(now, if is_fine { BUCKET_SECONDS } else { MINUTE_SECONDS });
    (at(to.as_second().saturating_sub(seconds)), to)
}

/// Rounds a window to bucket boundaries, so that every bucket is either entirely inside or entirely outside.
pub(in crate::store) fn window_of(
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Result<Window, StoreError> {
    window_on(from, to, edge_of(from, now))
}

/// Rounds a window to multiples of `edge`, in seconds.
pub(in crate::store) fn window_on(from: Timestamp, to: Timestamp, edge: i64) -> Result<Window, StoreError> {
    let from = from.as_second().div_euclid(edge) * edge;
    // A fraction of a second counts as a whole one.
    let to = round_up(to.as_second() + i64::from(to.subsec_nanosecond() > 0), edge);
    // PostgreSQL supports fewer years than jiff.
    if from >= to || from < 0 || at(to).as_second() != to {
        return Err(StoreError::BadWindow);
    }
    Ok(Window { from: at(from), to: at(to), seconds: to - from })
}

/// Returns the alignment of a window, in seconds. Old rows may cover a whole minute, so a window that starts partway
/// through a minute would count the row of that minute entirely or not at all.
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

/// Converts Unix seconds to a timestamp. `window_of` rejects a window whose seconds are out of range.
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
    fn the_last_minute_is_sixty_seconds_long_and_complete() {
        for now in ["2026-03-29T00:59:59.999999999Z", "2026-03-29T01:00:00Z", "2026-12-31T23:59:54.2Z"] {
            for (seconds, n_steps) in
                [(60, 6), (300, 30), (3_600, 60), (5_340, 89), (5_400, 90), (86_400, 96), (604_800, 84)]
            {
                let now = ts(now);
                let query = MetricsQuery::last(seconds, now, MetricsFilter::default());
                let window = window_of(query.from, query.to, now).unwrap();
                assert_eq!((window.from, window.to, window.seconds), (query.from, query.to, seconds));
                let edge = if seconds >= 3_600 { 61 } else { 11 };
                assert!(window.to < now && now.duration_since(window.to) <= SignedDuration::from_secs(edge));
                let step = step_of(window, edge_of(window.from, now));
                assert_eq!((seconds + step - 1) / step, n_steps);
            }
        }
    }

    /// Checks that at a steady rate, the window has the same count at any moment, once its posts are committed.
    #[test]
    fn a_steady_source_has_a_steady_count_in_every_window() {
        let start = ts("2026-11-21T12:00:00Z");
        for (seconds, expected) in [(60, 1_800), (300, 9_000)] {
            for tenth in 0..1_200 {
                let now = start + SignedDuration::from_millis(tenth * 100);
                let MetricsQuery { from, to, .. } =
                    MetricsQuery::last(seconds, now, MetricsFilter::default());
                // Thirty posts a second until half a second ago; later ones have not arrived yet.
                let committed = (now - SignedDuration::from_millis(500)).as_millisecond();
                let until = to.as_millisecond().min(committed);
                let n_posts = (until - from.as_millisecond()) * 30 / 1_000;
                assert_eq!(n_posts, expected, "{now}");
            }
        }
    }

    /// Checks the comparison that clients make with the preceding period, which they request by its times.
    #[test]
    fn the_period_before_a_window_is_as_long_and_ends_where_the_window_begins() {
        for second in 0..120 {
            let now = ts("2026-11-21T12:00:00Z") + SignedDuration::from_secs(second);
            for seconds in [60, 300, 900, 2_640, 2_700, 3_600, 5_400, 86_400, 604_800] {
                let MetricsQuery { from, to, .. } =
                    MetricsQuery::last(seconds, now, MetricsFilter::default());
                let window = window_of(from, to, now).unwrap();
                // Requested slightly later, before the window has moved on.
                let later = now + SignedDuration::from_secs(9);
                let before = window_of(at(from.as_second() - seconds), from, later).unwrap();
                assert_eq!((before.to, before.seconds), (window.from, seconds), "{seconds} s at {now}");
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
