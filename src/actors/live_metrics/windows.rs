//! Live windows: sums of the deltas committed in the last few minutes, as every dashboard shows them.
//!
//! Pure: time is an argument. A delta carries the revision of its row after the change, so a delta that a rebuilt window
//! already contains is recognized, and a missed one is detected.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::models::metrics::{
    Breakdown, KeyCount, LiveMetrics, LiveRate, LiveTrend, LiveWindow, Summary, TrendPoint, Window,
};
use crate::models::rollup::{BUCKET_SECONDS, Dimension, RollupKey, Sums, bucket_of};

/// Length of the live trend in seconds.
pub const TREND_SECONDS: i64 = 300;

/// Maximum number of rows per bucket. Post senders choose the keys, so memory needs this bound. Honest traffic has a few
/// hundred.
const ROWS_PER_BUCKET_MAX: i64 = 1_600;

/// Maximum number of cities whose location is kept.
const LOCATIONS_MAX: usize = 50_000;

/// Maximum number of keys per dimension in a frame. Those with the most posts are shown.
const ITEMS_MAX: usize = 50;

/// Period over which the rate is averaged.
const RATE_SECONDS: i64 = 10;

/// Error returned when a delta was missed: the window no longer equals the committed sums.
#[derive(Debug, PartialEq, Eq)]
pub struct Missed;

/// Sums of the last few minutes, by bucket, source, dimension and key.
#[derive(Debug, Default)]
pub struct LiveWindows {
    window: LiveWindow,
    rows: BTreeMap<RollupKey, Sums>,
    /// Whether rows were dropped because the maximum was reached, so that an absent row was not necessarily missed.
    truncated: bool,
    locations: HashMap<String, (f64, f64)>,
    /// Number of posts stored and shown, by second of the commit.
    stored: VecDeque<(i64, u64, u64)>,
}

impl LiveWindows {
    /// Creates empty windows for a live window of this length.
    pub fn new(window: LiveWindow) -> Self {
        Self { window, ..Self::default() }
    }

    /// Returns how many seconds of rows are kept: the longest window, and two more buckets.
    const fn kept_seconds(&self) -> i64 {
        let window = self.window.seconds();
        let longest = if window > TREND_SECONDS { window } else { TREND_SECONDS };
        longest + 2 * BUCKET_SECONDS
    }

    /// Returns the maximum number of rows.
    pub fn n_rows_max(&self) -> usize {
        usize::try_from(self.kept_seconds() / BUCKET_SECONDS * ROWS_PER_BUCKET_MAX).unwrap_or(usize::MAX)
    }

    /// Returns the start of the oldest bucket that is kept.
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        back(now, self.kept_seconds())
    }

    /// Replaces all rows with the rows read from PostgreSQL.
    pub fn rebuild(
        &mut self,
        rows: Vec<(RollupKey, Sums)>,
        locations: impl IntoIterator<Item = (String, (f64, f64))>,
    ) {
        self.truncated = rows.len() >= self.n_rows_max();
        self.rows = rows.into_iter().collect();
        self.locations.extend(locations);
    }

    /// Adds the delta of one transaction.
    ///
    /// # Errors
    /// [`Missed`] when an earlier delta of a row never arrived. The other rows are still added; the caller rebuilds.
    pub fn apply(&mut self, delta: Vec<(RollupKey, Sums)>, now: Timestamp) -> Result<(), Missed> {
        let (oldest, n_rows_max) = (self.horizon(now), self.n_rows_max());
        let mut outcome = Ok(());
        for (key, sums) in delta {
            if key.bucket < oldest {
                continue;
            }
            // Rows of the overall dimension are always kept: there is one per bucket and source.
            if key.dimension != Dimension::Overall && !self.rows.contains_key(&key) {
                self.truncated |= self.rows.len() >= n_rows_max;
                if self.rows.len() >= n_rows_max || (self.truncated && sums.revision > 1) {
                    continue;
                }
            }
            let row = self.rows.entry(key).or_default();
            if sums.revision <= row.revision {
                continue;
            }
            if sums.revision > row.revision + 1 {
                outcome = Err(Missed);
            }
            let revision = sums.revision;
            row.add(&sums);
            row.revision = revision;
        }
        outcome
    }

    /// Records the locations of cities.
    pub fn locate(&mut self, locations: impl IntoIterator<Item = (String, (f64, f64))>) {
        for (city, location) in locations {
            if self.locations.len() < LOCATIONS_MAX || self.locations.contains_key(&city) {
                self.locations.insert(city, location);
            }
        }
    }

    /// Counts stored posts, and how many of them are shown, for the rate.
    pub fn count(&mut self, now: Timestamp, n_stored: u64, n_shown: u64) {
        let second = now.as_second();
        match self.stored.back_mut() {
            Some(last) if last.0 == second => {
                last.1 += n_stored;
                last.2 += n_shown;
            }
            _ => self.stored.push_back((second, n_stored, n_shown)),
        }
        self.forget(now);
    }

    /// Drops rows that no window covers anymore.
    pub fn forget(&mut self, now: Timestamp) {
        let oldest = self.horizon(now);
        while let Some(first) = self.rows.first_entry() {
            if first.key().bucket >= oldest {
                break;
            }
            first.remove();
        }
        while self.stored.front().is_some_and(|first| first.0 < now.as_second() - RATE_SECONDS) {
            self.stored.pop_front();
        }
    }

    /// Returns the live window as dashboards show it.
    pub fn live(&self, now: Timestamp) -> LiveMetrics {
        let from = back(now, self.window.seconds());
        let mut groups: HashMap<(Dimension, &str), Sums> = HashMap::new();
        let mut sources: BTreeMap<&str, i64> = BTreeMap::new();
        for (key, sums) in self.between(from, now) {
            groups.entry((key.dimension, key.key.as_str())).or_default().add(sums);
            if key.dimension == Dimension::Overall {
                *sources.entry(key.source.as_str()).or_default() += sums.count;
            }
        }
        let overall = groups.get(&(Dimension::Overall, "")).copied().unwrap_or_default();
        let items = |dimension| self.items(&groups, dimension);
        LiveMetrics {
            window: Window { from, to: now, seconds: now.as_second() - from.as_second() },
            overall: Summary::from(&overall),
            geo: items(Dimension::City),
            products: items(Dimension::Product),
            channels: items(Dimension::Channel),
            platforms: items(Dimension::Platform),
            sources: sources
                .into_iter()
                .map(|(key, count)| KeyCount { key: key.to_owned(), count })
                .collect(),
            rate: self.rate(now),
            trend: self.trend(now),
        }
    }

    /// Returns the rows of a window. Future rows come from posters whose clocks run ahead; they count once their time comes.
    fn between(&self, from: Timestamp, now: Timestamp) -> impl Iterator<Item = (&RollupKey, &Sums)> {
        self.rows.iter().filter(move |(key, _)| key.bucket >= from && key.bucket <= now)
    }

    fn items(&self, groups: &HashMap<(Dimension, &str), Sums>, dimension: Dimension) -> Vec<Breakdown> {
        let mut items: Vec<(&str, &Sums)> = groups
            .iter()
            .filter(|((of, _), _)| *of == dimension)
            .map(|((_, key), sums)| (*key, sums))
            .collect();
        items.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(b.0)));
        items.truncate(ITEMS_MAX);
        let location = |key: &str| (dimension == Dimension::City).then(|| self.locations.get(key)).flatten();
        let breakdown = |(key, sums): (&str, &Sums)| Breakdown {
            key: key.to_owned(),
            lat: location(key).map(|at| at.0),
            lon: location(key).map(|at| at.1),
            summary: Summary::from(sums),
        };
        items.into_iter().map(breakdown).collect()
    }

    fn rate(&self, now: Timestamp) -> LiveRate {
        let recent = self.stored.iter().filter(|(second, ..)| *second >= now.as_second() - RATE_SECONDS);
        let (n_stored, n_shown) =
            recent.fold((0, 0), |sum, (_, stored, shown)| (sum.0 + stored, sum.1 + shown));
        let share = if n_stored == 0 { 1.0 } else { n_shown as f64 / n_stored as f64 };
        LiveRate { posts_per_second: n_stored as f64 / RATE_SECONDS as f64, feed_share: share.min(1.0) }
    }

    fn trend(&self, now: Timestamp) -> LiveTrend {
        let mut steps: BTreeMap<Timestamp, Sums> = BTreeMap::new();
        let mut step = back(now, TREND_SECONDS - BUCKET_SECONDS);
        while step <= now {
            steps.insert(step, Sums::default());
            step = step.saturating_add(SignedDuration::from_secs(BUCKET_SECONDS)).unwrap_or(Timestamp::MAX);
        }
        for (key, sums) in self.rows.iter().filter(|(key, _)| key.dimension == Dimension::Overall) {
            if let Some(step) = steps.get_mut(&key.bucket) {
                step.add(sums);
            }
        }
        let items = steps.iter().map(|(from, sums)| TrendPoint { from: *from, summary: Summary::from(sums) });
        LiveTrend { step_seconds: BUCKET_SECONDS, items: items.collect() }
    }
}

/// Returns the start of a window that ends now. The start lies on a bucket boundary, so the window is up to one bucket
/// longer.
fn back(now: Timestamp, seconds: i64) -> Timestamp {
    bucket_of(now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::post::Source;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn row(seconds_ago: i64, revision: i64, count: i64) -> (RollupKey, Sums) {
        let key = RollupKey {
            bucket: bucket_of(Timestamp::from_second(NOW - seconds_ago).unwrap()),
            source: Source::new(Source::HTTP),
            dimension: Dimension::Overall,
            key: String::new(),
        };
        (key, Sums { count, positive: count, revision, ..Sums::default() })
    }

    fn count(windows: &LiveWindows) -> i64 {
        windows.live(now()).overall.count
    }

    #[test]
    fn deltas_add_up() {
        let mut windows = LiveWindows::default();
        windows.apply(vec![row(5, 1, 3)], now()).unwrap();
        windows.apply(vec![row(5, 2, 4)], now()).unwrap();
        assert_eq!(count(&windows), 7);
    }

    #[test]
    fn a_delta_that_a_rebuilt_window_contains_is_not_added_twice() {
        let mut windows = LiveWindows::default();
        windows.rebuild(vec![row(5, 2, 7)], []);
        windows.apply(vec![row(5, 2, 4)], now()).unwrap();
        assert_eq!(count(&windows), 7);
    }

    #[test]
    fn a_missed_delta_is_detected() {
        let mut windows = LiveWindows::default();
        windows.apply(vec![row(5, 1, 3)], now()).unwrap();
        assert_eq!(windows.apply(vec![row(5, 3, 4)], now()), Err(Missed));
    }

    #[test]
    fn posts_older_than_a_minute_leave_the_window_but_not_the_trend() {
        let mut windows = LiveWindows::default();
        windows.apply(vec![row(120, 1, 3), row(5, 1, 1)], now()).unwrap();
        assert_eq!(count(&windows), 1);
        let trend: i64 = windows.live(now()).trend.items.iter().map(|item| item.summary.count).sum();
        assert_eq!(trend, 4);
    }

    #[test]
    fn a_longer_window_keeps_posts_longer_and_reports_its_length() {
        for (seconds, expected) in [(10, 1), (60, 1), (120, 4), (900, 12)] {
            let mut windows = LiveWindows::new(LiveWindow::of_seconds(seconds).unwrap());
            windows.apply(vec![row(800, 1, 8), row(120, 1, 3), row(5, 1, 1)], now()).unwrap();
            windows.forget(now());
            let live = windows.live(now());
            assert_eq!(live.overall.count, expected, "{seconds}");
            assert!((seconds..seconds + BUCKET_SECONDS).contains(&live.window.seconds));
        }
    }

    #[test]
    fn the_trend_has_thirty_steps_also_without_posts() {
        assert_eq!(LiveWindows::default().live(now()).trend.items.len(), 30);
    }

    #[test]
    fn rows_beyond_the_horizon_are_forgotten() {
        let mut windows = LiveWindows::default();
        windows.rebuild(vec![row(4_000, 1, 3), row(5, 1, 1)], []);
        windows.forget(now());
        assert_eq!(windows.rows.len(), 1);
    }

    proptest! {
        /// Whatever mix of snapshot and deltas arrives, the window equals the committed sums.
        #[test]
        fn a_rebuilt_window_equals_the_committed_sums(counts in prop::collection::vec(1_i64..50, 1..40), at in 0_usize..40) {
            let snapshot_after = at.min(counts.len());
            let snapshot: i64 = counts.iter().take(snapshot_after).sum();
            let mut windows = LiveWindows::default();
            if snapshot_after > 0 {
                windows.rebuild(vec![row(5, i64::try_from(snapshot_after).unwrap(), snapshot)], []);
            }
            // Every delta arrives, including those that the snapshot contains.
            for (i, n) in counts.iter().enumerate() {
                windows.apply(vec![row(5, i64::try_from(i).unwrap() + 1, *n)], now()).unwrap();
            }
            prop_assert_eq!(count(&windows), counts.iter().sum::<i64>());
        }
    }
}
