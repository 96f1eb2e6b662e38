//! Live windows: sums of the deltas committed in the last few minutes, which every dashboard shows.
//!
//! Pure: time is an argument. A delta carries the revision of its row after the change, which shows whether a rebuilt
//! window already contains the delta and whether an earlier one is missing.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::anomaly::chart_peaks;
use crate::models::metrics::{
    Breakdown, KeyCount, LiveMetrics, LiveRate, LiveTrend, LiveWindow, StepProgress, Summary, TrendPoint,
    Window,
};
use crate::models::rollup::{BUCKET_SECONDS, Dimension, RollupKey, Sums, bucket_of, complete_until};

/// Length of the live trend in seconds.
pub const TREND_SECONDS: i64 = 300;

/// Maximum number of rows per bucket. It bounds memory, because senders choose the keys. Normal traffic has a few
/// hundred.
const ROWS_PER_BUCKET_MAX: i64 = 1_600;

/// Maximum number of cities whose location is kept.
const LOCATIONS_MAX: usize = 50_000;

/// Maximum number of keys per dimension in a frame. The keys with the most posts are included.
const ITEMS_MAX: usize = 50;

/// Number of seconds over which the rate of posts is averaged.
const RATE_SECONDS: i64 = 10;

/// Error returned when a delta is missing, which means that the window no longer equals the committed sums.
#[derive(Debug, PartialEq, Eq)]
pub struct Missed;

/// Sums of the last few minutes, by bucket, source, dimension and key.
#[derive(Debug, Default)]
pub struct LiveWindows {
    window: LiveWindow,
    rows: BTreeMap<RollupKey, Sums>,
    /// Whether rows were dropped because there were too many; if so, an absent row does not prove that a delta is
    /// missing.
    truncated: bool,
    locations: HashMap<String, (f64, f64)>,
    /// Seconds in which posts were committed, each with the number of posts stored and the number shown in the live
    /// feed.
    stored: VecDeque<(i64, u64, u64)>,
}

impl LiveWindows {
    /// Creates empty windows. `window` is the length of the live window.
    pub fn new(window: LiveWindow) -> Self {
        Self { window, ..Self::default() }
    }

    /// Returns the number of seconds for which rows are kept: the length of the longest window plus two buckets.
    const fn kept_seconds(&self) -> i64 {
        let window = self.window.seconds();
        let longest = if window > TREND_SECONDS { window } else { TREND_SECONDS };
        longest + 2 * BUCKET_SECONDS
    }

    /// Returns the maximum number of rows across all buckets.
    pub fn n_rows_max(&self) -> usize {
        usize::try_from(self.kept_seconds() / BUCKET_SECONDS * ROWS_PER_BUCKET_MAX).unwrap_or(usize::MAX)
    }

    /// Returns the start of the oldest bucket whose rows are kept.
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        back(now, self.kept_seconds())
    }

    /// Replaces all rows with rows read from PostgreSQL.
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
    /// [`Missed`] if an earlier delta for a row never arrived. The other rows are still added, and the caller must
    /// rebuild.
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

    /// Adds the locations of cities, which frames include for maps.
    pub fn locate(&mut self, locations: impl IntoIterator<Item = (String, (f64, f64))>) {
        for (city, location) in locations {
            if self.locations.len() < LOCATIONS_MAX || self.locations.contains_key(&city) {
                self.locations.insert(city, location);
            }
        }
    }

    /// Adds to the counts behind the rate: posts stored, and those of them that the live feed showed.
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

    /// Drops rows that are too old for any window.
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

    /// Returns the live window: the newest complete buckets. A window that contained the unfinished bucket would grow
    /// and shrink with it, and posts from a steady source would seem to come in waves.
    pub fn window(&self, now: Timestamp) -> Window {
        let (to, seconds) = (complete_until(now, BUCKET_SECONDS), self.window.seconds());
        Window { from: back(to, seconds), to, seconds }
    }

    /// Returns the live window as dashboards show it.
    pub fn live(&self, now: Timestamp) -> LiveMetrics {
        let window = self.window(now);
        let mut groups: HashMap<(Dimension, &str), Sums> = HashMap::new();
        let mut sources: BTreeMap<&str, i64> = BTreeMap::new();
        for (key, sums) in self.rows_in(window) {
            groups.entry((key.dimension, key.key.as_str())).or_default().add(sums);
            if key.dimension == Dimension::Overall {
                *sources.entry(key.source.as_str()).or_default() += sums.count;
            }
        }
        let overall = groups.get(&(Dimension::Overall, "")).copied().unwrap_or_default();
        let items = |dimension| self.items(&groups, dimension);
        LiveMetrics {
            window,
            overall: Summary::from(&overall),
            geo: items(Dimension::City),
            products: items(Dimension::Product),
            channels: items(Dimension::Channel),
            platforms: items(Dimension::Platform),
            sources: sources
                .into_iter()
                .filter(|(_, count)| *count != 0)
                .map(|(key, count)| KeyCount { key: key.to_owned(), count })
                .collect(),
            rate: self.rate(now),
            trend: self.trend(now),
        }
    }

    fn rows_in(&self, window: Window) -> impl Iterator<Item = (&RollupKey, &Sums)> {
        self.rows.iter().filter(move |(key, _)| key.bucket >= window.from && key.bucket < window.to)
    }

    fn items(&self, groups: &HashMap<(Dimension, &str), Sums>, dimension: Dimension) -> Vec<Breakdown> {
        let mut items: Vec<(&str, &Sums)> = groups
            .iter()
            // A row remains when all of its posts have been erased.
            .filter(|((of, _), sums)| *of == dimension && sums.count != 0)
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
        let items = steps.iter().map(|(from, sums)| {
            let to = from.saturating_add(SignedDuration::from_secs(BUCKET_SECONDS)).unwrap_or(Timestamp::MAX);
            let progress = StepProgress::of((*from, to), now);
            TrendPoint { from: *from, progress, summary: Summary::from(sums) }
        });
        let items: Vec<TrendPoint> = items.collect();
        LiveTrend { step_seconds: BUCKET_SECONDS, peaks: chart_peaks::of_trend(&items), items }
    }
}

/// Returns the start of the bucket that contains the moment `seconds` before `now`.
fn back(now: Timestamp, seconds: i64) -> Timestamp {
    bucket_of(now.saturating_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::post::Source;

    const NOW: i64 = 1_800_000_000;

    /// The bucket before `NOW` is complete.
    fn now() -> Timestamp {
        Timestamp::from_second(NOW + 1).unwrap()
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
            assert_eq!(live.window.seconds, seconds);
        }
    }

    /// Thirty posts a second, each counted half a second after it was written, for two minutes.
    #[test]
    fn a_steady_source_shows_a_steady_count_and_rate() {
        let mut windows = LiveWindows::default();
        let mut revisions: HashMap<Timestamp, i64> = HashMap::new();
        for tenth in -700..1_200 {
            let now = Timestamp::from_millisecond(NOW * 1_000 + tenth * 100).unwrap();
            let (mut key, mut sums) = row(0, 0, 3);
            key.bucket = bucket_of(now - SignedDuration::from_millis(500));
            let revision = revisions.entry(key.bucket).or_default();
            *revision += 1;
            sums.revision = *revision;
            windows.apply(vec![(key, sums)], now).unwrap();
            windows.forget(now);
            if tenth < 0 || tenth % 3 != 0 {
                continue;
            }
            let live = windows.live(now);
            let (from, to) = (live.window.from, live.window.to);
            assert_eq!((live.window.seconds, to.duration_since(from).as_secs()), (60, 60));
            assert!((1_782..=1_818).contains(&live.overall.count), "{now}: {}", live.overall.count);
            for step in live.trend.items.iter().rev().take(7) {
                let TrendPoint { progress: StepProgress { seconds, complete }, summary, .. } = step;
                let lag = if *complete { 0.0 } else { 0.6 * 30.0 };
                let expected = seconds * 30.0;
                assert!((expected - lag..=expected).contains(&(summary.count as f64)), "{now}: {step:?}");
            }
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
        /// Whatever mixture of rows and deltas arrives, the window equals the committed sums.
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
