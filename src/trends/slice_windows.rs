//! A process's slices, and the windows that they make up.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::slice::{PostBatch, Slice, TERMS_PUBLISHED, TermPost};

/// Length of a window that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, ToSchema)]
#[schema(as = TrendSpan)]
pub enum TrendWindow {
    /// Last five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// Last hour.
    #[serde(rename = "1h")]
    Hour,
    /// Last 24 hours.
    #[serde(rename = "24h")]
    Day,
}

impl TrendWindow {
    /// All windows, from the shortest to the longest.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// Returns the name of the window in URLs, such as `5m`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }

    /// Returns the length of a slice in seconds. A window consists of twenty to twenty-five slices: more would take
    /// longer to merge, and fewer would make its start jump visibly.
    pub const fn slice_seconds(self) -> i64 {
        match self {
            Self::FiveMinutes => 15,
            Self::Hour => 180,
            Self::Day => 3_600,
        }
    }

    /// Returns how many slices a complete window consists of.
    pub const fn n_slices(self) -> i64 {
        match self {
            Self::FiveMinutes | Self::Hour => 20,
            Self::Day => 24,
        }
    }

    /// Returns the length of a complete window in seconds.
    pub const fn seconds(self) -> i64 {
        self.slice_seconds() * self.n_slices()
    }

    /// Returns the start of the slice that contains a time, both in seconds since 1970.
    pub const fn slice_of(self, at: i64) -> i64 {
        at.div_euclid(self.slice_seconds()) * self.slice_seconds()
    }

    /// Returns the start of the window that ends now, in seconds since 1970. It is the start of a slice, so the window
    /// is up to one slice longer than its name says.
    pub const fn window_from(self, now: i64) -> i64 {
        self.slice_of(now) - self.seconds()
    }

    /// Returns the start of the period that precedes the window, in seconds since 1970.
    pub const fn previous_from(self, now: i64) -> i64 {
        self.window_from(now) - self.seconds()
    }
}

/// Slices of one process, for every window and the period before it. There are at most 134 slices, which take up about
/// 20 MB if all are full.
#[derive(Debug, Default)]
pub struct Timeline {
    slices: BTreeMap<(TrendWindow, i64), TrackedSlice>,
    n_changes: u64,
}

#[derive(Debug, Default)]
struct TrackedSlice {
    slice: Slice,
    /// Version of the slice after its last change, and the version that was last published.
    changed: u64,
    published: u64,
}

/// An encoded slice that is due for publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceUpdate {
    /// Start of the slice, in seconds since 1970.
    pub start: i64,
    /// Counts of the slice, encoded by [`Slice::pack`].
    pub packed: Vec<u8>,
    /// Version of the slice, to be confirmed with [`Timeline::published`].
    pub change: u64,
}

impl Timeline {
    /// Counts posts in the slices that contain their event times. A post that is too old for a window is not counted in
    /// it.
    pub fn record(&mut self, posts: &[TermPost], now: i64) {
        // Every slice boundary is also a boundary of the shortest window's slices.
        let mut moments: BTreeMap<i64, PostBatch> = BTreeMap::new();
        for post in posts {
            moments.entry(TrendWindow::FiveMinutes.slice_of(post.at)).or_default().add(post);
        }
        for (moment, batch) in &moments {
            for span in TrendWindow::ALL {
                if span.slice_of(*moment) >= span.previous_from(now) {
                    self.change(span, *moment, |slice| slice.add(batch));
                }
            }
        }
    }

    /// Records how many posts were stored but not counted.
    pub fn record_missed(&mut self, n_posts: u64, now: i64) {
        for span in TrendWindow::ALL {
            self.change(span, now, |slice| slice.n_missed += n_posts);
        }
    }

    fn change(&mut self, span: TrendWindow, at: i64, change: impl FnOnce(&mut Slice)) {
        self.n_changes += 1;
        let kept = self.slices.entry((span, span.slice_of(at))).or_default();
        kept.changed = self.n_changes;
        change(&mut kept.slice);
    }

    /// Returns the slices of a window that have changed since they were last published.
    pub fn updates(&self, span: TrendWindow) -> Vec<SliceUpdate> {
        let changed = self.of(span).filter(|(_, kept)| kept.changed > kept.published);
        changed
            .map(|(start, kept)| SliceUpdate { start, packed: kept.slice.pack(), change: kept.changed })
            .collect()
    }

    /// Records that a version of a slice has been published.
    pub fn published(&mut self, span: TrendWindow, start: i64, change: u64) {
        if let Some(kept) = self.slices.get_mut(&(span, start)) {
            kept.published = kept.published.max(change);
        }
    }

    /// Drops the slices that no window covers any more and returns their starts. Reduces slices whose period is over to
    /// the terms that are published.
    pub fn forget(&mut self, span: TrendWindow, now: i64) -> Vec<i64> {
        let oldest = span.previous_from(now);
        let gone: Vec<i64> = self.of(span).map(|(start, _)| start).filter(|start| *start < oldest).collect();
        for start in &gone {
            self.slices.remove(&(span, *start));
        }
        let past = span.slice_of(now) - span.slice_seconds();
        let settled = self.slices.range_mut((span, i64::MIN)..(span, past));
        settled.for_each(|(_, kept)| kept.slice.terms.keep(TERMS_PUBLISHED));
        gone
    }

    fn of(&self, span: TrendWindow) -> impl Iterator<Item = (i64, &TrackedSlice)> {
        self.slices.range((span, i64::MIN)..=(span, i64::MAX)).map(|((_, start), kept)| (*start, kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_007;

    fn post(at: i64) -> TermPost {
        TermPost { at, text: "battery".to_owned(), lang: None, author: None, sentiment_micros: 0 }
    }

    fn n_posts(updates: &[SliceUpdate], from: i64, to: i64) -> u64 {
        let within = updates.iter().filter(|updates| (from..to).contains(&updates.start));
        within.map(|updates| Slice::unpack(&updates.packed).unwrap().n_posts).sum()
    }

    #[test]
    fn a_window_and_the_period_before_hold_each_post_once() {
        for span in TrendWindow::ALL {
            let mut timeline = Timeline::default();
            let (from, previous) = (span.window_from(NOW), span.previous_from(NOW));
            timeline.record(&[post(NOW), post(from), post(from - 1), post(previous)], NOW);
            timeline.record(&[post(previous - 1)], NOW);
            let updates = timeline.updates(span);
            assert_eq!(
                (n_posts(&updates, from, NOW + 1), n_posts(&updates, previous, from)),
                (2, 2),
                "{span:?}"
            );
        }
    }

    #[test]
    fn a_published_slice_is_not_published_again_until_it_changes() {
        let mut timeline = Timeline::default();
        timeline.record(&[post(NOW)], NOW);
        let updates = timeline.updates(TrendWindow::Hour).remove(0);
        timeline.record(&[post(NOW)], NOW);
        timeline.published(TrendWindow::Hour, updates.start, updates.change);
        let newer = timeline.updates(TrendWindow::Hour).remove(0);
        assert_eq!(Slice::unpack(&newer.packed).unwrap().n_posts, 2);
        timeline.published(TrendWindow::Hour, newer.start, newer.change);
        assert!(timeline.updates(TrendWindow::Hour).is_empty());
        assert_eq!(timeline.updates(TrendWindow::Day).len(), 1);
        timeline.record_missed(7, NOW);
        assert_eq!(timeline.updates(TrendWindow::Hour).len(), 1);
    }

    #[test]
    fn memory_is_bounded_by_the_windows() {
        let mut timeline = Timeline::default();
        let mut n_forgotten = 0;
        for minute in 0..3 * 24 * 60 {
            let now = NOW + minute * 60;
            timeline.record(&[post(now), post(now - 400), post(now - 8_000)], now);
            n_forgotten +=
                TrendWindow::ALL.map(|span| timeline.forget(span, now).len()).into_iter().sum::<usize>();
        }
        assert!(timeline.slices.len() <= 134, "{} slices", timeline.slices.len());
        assert!(n_forgotten > 1_000);
    }
}
