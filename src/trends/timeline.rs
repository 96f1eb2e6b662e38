//! Which slices there are, and which of them make a window.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::slice::{Gathered, HeardPost, Slice, TERMS_TOLD};

/// A stretch of time that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, ToSchema)]
#[schema(as = TrendSpan)]
pub enum Span {
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

impl Span {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::FiveMinutes, Self::Hour, Self::Day];

    /// Its name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "24h",
        }
    }

    /// Seconds of one of its slices. A window has twenty to twenty-five: more would be more to merge, fewer would make its
    /// start jump visibly.
    pub const fn slice_seconds(self) -> i64 {
        match self {
            Self::FiveMinutes => 15,
            Self::Hour => 180,
            Self::Day => 3_600,
        }
    }

    /// Slices of a whole window.
    pub const fn n_slices(self) -> i64 {
        match self {
            Self::FiveMinutes | Self::Hour => 20,
            Self::Day => 24,
        }
    }

    /// Seconds of a whole window.
    pub const fn seconds(self) -> i64 {
        self.slice_seconds() * self.n_slices()
    }

    /// The start of the slice that a moment falls into.
    pub const fn slice_of(self, at: i64) -> i64 {
        at.div_euclid(self.slice_seconds()) * self.slice_seconds()
    }

    /// Where the window that ends now begins: on a slice, so that it is up to one slice longer than its name says.
    pub const fn window_from(self, now: i64) -> i64 {
        self.slice_of(now) - self.seconds()
    }

    /// Where the period before that begins.
    pub const fn previous_from(self, now: i64) -> i64 {
        self.window_from(now) - self.seconds()
    }
}

/// The slices of one process: of every span, for its window and the period before. At most 134, so some 20 MB when every
/// one of them is full.
#[derive(Debug, Default)]
pub struct Timeline {
    slices: BTreeMap<(Span, i64), Kept>,
    n_changes: u64,
}

#[derive(Debug, Default)]
struct Kept {
    slice: Slice,
    /// The number of its last change, and of the last that others were told.
    changed: u64,
    told: u64,
}

/// A slice that others should be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Where it begins.
    pub start: i64,
    /// The slice, packed.
    pub packed: Vec<u8>,
    /// Which state of it this is.
    pub change: u64,
}

impl Timeline {
    /// Counts posts into the slices of their event times. Those too old for a span are in none of its windows.
    pub fn record(&mut self, posts: &[HeardPost], now: i64) {
        // Every slice begins on a slice of the shortest span.
        let mut moments: BTreeMap<i64, Gathered> = BTreeMap::new();
        for post in posts {
            moments.entry(Span::FiveMinutes.slice_of(post.at)).or_default().read(post);
        }
        for (moment, gathered) in &moments {
            for span in Span::ALL {
                if span.slice_of(*moment) >= span.previous_from(now) {
                    self.change(span, *moment, |slice| slice.add(gathered));
                }
            }
        }
    }

    /// Notes posts that were stored and not read.
    pub fn miss(&mut self, n_posts: u64, now: i64) {
        for span in Span::ALL {
            self.change(span, now, |slice| slice.n_missed += n_posts);
        }
    }

    fn change(&mut self, span: Span, at: i64, change: impl FnOnce(&mut Slice)) {
        self.n_changes += 1;
        let kept = self.slices.entry((span, span.slice_of(at))).or_default();
        kept.changed = self.n_changes;
        change(&mut kept.slice);
    }

    /// The slices of a span that changed since others were told.
    pub fn news(&self, span: Span) -> Vec<News> {
        let changed = self.of(span).filter(|(_, kept)| kept.changed > kept.told);
        changed.map(|(start, kept)| News { start, packed: kept.slice.pack(), change: kept.changed }).collect()
    }

    /// Others were told this state of a slice.
    pub fn told(&mut self, span: Span, start: i64, change: u64) {
        if let Some(kept) = self.slices.get_mut(&(span, start)) {
            kept.told = kept.told.max(change);
        }
    }

    /// Forgets the slices of a span that are in no window any more, and answers where they began; of slices that are past,
    /// keeps what others are told.
    pub fn forget(&mut self, span: Span, now: i64) -> Vec<i64> {
        let oldest = span.previous_from(now);
        let gone: Vec<i64> = self.of(span).map(|(start, _)| start).filter(|start| *start < oldest).collect();
        for start in &gone {
            self.slices.remove(&(span, *start));
        }
        let past = span.slice_of(now) - span.slice_seconds();
        let settled = self.slices.range_mut((span, i64::MIN)..(span, past));
        settled.for_each(|(_, kept)| kept.slice.terms.keep(TERMS_TOLD));
        gone
    }

    fn of(&self, span: Span) -> impl Iterator<Item = (i64, &Kept)> {
        self.slices.range((span, i64::MIN)..=(span, i64::MAX)).map(|((_, start), kept)| (*start, kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_007;

    fn post(at: i64) -> HeardPost {
        HeardPost { at, text: "battery".to_owned(), lang: None, author: None, sentiment_micros: 0 }
    }

    fn n_posts(news: &[News], from: i64, to: i64) -> u64 {
        let within = news.iter().filter(|news| (from..to).contains(&news.start));
        within.map(|news| Slice::unpack(&news.packed).unwrap().n_posts).sum()
    }

    #[test]
    fn a_window_and_the_period_before_hold_each_post_once() {
        for span in Span::ALL {
            let mut timeline = Timeline::default();
            let (from, previous) = (span.window_from(NOW), span.previous_from(NOW));
            timeline.record(&[post(NOW), post(from), post(from - 1), post(previous)], NOW);
            timeline.record(&[post(previous - 1)], NOW);
            let news = timeline.news(span);
            assert_eq!((n_posts(&news, from, NOW + 1), n_posts(&news, previous, from)), (2, 2), "{span:?}");
        }
    }

    #[test]
    fn what_was_told_is_not_told_again_until_it_changes() {
        let mut timeline = Timeline::default();
        timeline.record(&[post(NOW)], NOW);
        let news = timeline.news(Span::Hour).remove(0);
        timeline.record(&[post(NOW)], NOW);
        timeline.told(Span::Hour, news.start, news.change);
        let newer = timeline.news(Span::Hour).remove(0);
        assert_eq!(Slice::unpack(&newer.packed).unwrap().n_posts, 2);
        timeline.told(Span::Hour, newer.start, newer.change);
        assert!(timeline.news(Span::Hour).is_empty());
        assert_eq!(timeline.news(Span::Day).len(), 1);
        timeline.miss(7, NOW);
        assert_eq!(timeline.news(Span::Hour).len(), 1);
    }

    #[test]
    fn memory_is_bounded_by_the_windows() {
        let mut timeline = Timeline::default();
        let mut n_forgotten = 0;
        for minute in 0..3 * 24 * 60 {
            let now = NOW + minute * 60;
            timeline.record(&[post(now), post(now - 400), post(now - 8_000)], now);
            n_forgotten += Span::ALL.map(|span| timeline.forget(span, now).len()).into_iter().sum::<usize>();
        }
        assert!(timeline.slices.len() <= 134, "{} slices", timeline.slices.len());
        assert!(n_forgotten > 1_000);
    }
}
