//! The slices that a process keeps, and which of them make up each window.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::slice::{PostBatch, Slice, TERMS_PUBLISHED, TermPost};

/// A window of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, ToSchema)]
#[schema(as = TrendSpan)]
pub enum TrendWindow {
    /// The last five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// The last hour.
    #[serde(rename = "1h")]
    Hour,
    /// The last day.
    #[serde(rename = "24h")]
    Day,
}

impl TrendWindow {
    /// All windows, the shortest first.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// Returns the name used in URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }

    /// Returns the length of a slice in seconds. A window has twenty to twenty-five slices: more would take longer to
    /// merge, fewer would make its start jump visibly.
    pub const fn slice_seconds(self) -> i64 {
        match self {
            Self::FiveMinutes => 15,
            Self::Hour => 180,
            Self::Day => 3_600,
        }
    }

    /// Returns the number of slices in a whole window.
    pub const fn n_slices(self) -> i64 {
        match self {
            Self::FiveMinutes | Self::Hour => 20,
            Self::Day => 24,
        }
    }

    /// Returns the length of a whole window in seconds.
    pub const fn seconds(self) -> i64 {
        self.slice_seconds() * self.n_slices()
    }

    /// Returns the start of the slice that contains a time.
    pub const fn slice_of(self, at: i64) -> i64 {
        at.div_euclid(self.slice_seconds()) * self.slice_seconds()
    }

    /// Returns the start of the window that ends now. It is a slice boundary, so the window is up to one slice longer
    /// than its name says.
    pub const fn window_from(self, now: i64) -> i64 {
        self.slice_of(now) - self.seconds()
    }

    /// Returns the start of the preceding period.
    pub const fn previous_from(self, now: i64) -> i64 {
        self.window_from(now) - self.seconds()
    }
}

/// One process's slices: for every window, those of the window and of the preceding period. There are at most 134,
/// about 20 MB if all are full.
#[derive(Debug, Default)]
pub struct Timeline {
    slices: BTreeMap<(TrendWindow, i64), TrackedSlice>,
    n_changes: u64,
}

#[derive(Debug, Default)]
struct TrackedSlice {
    slice: Slice,
    /// Version of the last change, and the last version that was published.
    changed: u64,
    published: u64,
}

/// A slice to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceUpdate {
    /// Start of the slice.
    pub start: i64,
    /// The encoded slice.
    pub packed: Vec<u8>,
    /// Version of the slice.
    pub change: u64,
}

impl Timeline {
    /// Counts posts in the slices of their event times. Posts older than a window are not counted in it.
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

    /// Records posts that were stored but not counted.
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

    /// Returns the slices of a window that changed since they were published.
    pub fn updates(&self, span: TrendWindow) -> Vec<SliceUpdate> {
        let changed = self.of(span).filter(|(_, kept)| kept.changed > kept.published);
        changed
            .map(|(start, kept)| SliceUpdate { start, packed: kept.slice.pack(), change: kept.changed })
            .collect()
    }

    /// Records that this version of a slice was published.
    pub fn published(&mut self, span: TrendWindow, start: i64, change: u64) {
        if let Some(kept) = self.slices.get_mut(&(span, start)) {
            kept.published = kept.published.max(change);
        }
    }

    /// Drops the slices that are no longer in any window and returns their starts; reduces past slices to the terms
    /// that are published.
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
