//! Ranking of trending terms: chooses terms from the counts of two periods, sorts them, and computes their growth.

use std::collections::HashSet;

use jiff::Timestamp;

use super::authors::RELATIVE_ERROR;
use super::slice::Slice;
use super::tally::TermTally;
use crate::models::metrics::Window;
use crate::models::rollup::MICROS;
use crate::models::trends::{DistinctAuthors, TrendingTerm, Trends};

/// Posts added to both sides before terms are ranked, so that a term with three posts now and none before does not rank
/// above all others.
const PSEUDO_POSTS: f64 = 5.0;

/// Minimum number of posts that must contain a term for it to trend.
const POSTS_MIN: u64 = 2;

/// Minimum share of the rarer word's posts that must contain a pair for it to replace its two words.
const PAIR_SHARE: f64 = 0.5;

/// Minimum share of a word's posts that must contain a pair for it to make the word redundant.
const WORD_SHARE: f64 = 0.8;

/// Number of candidates examined for each term shown, because pairs hide their words.
const CANDIDATES_PER_TERM: usize = 4;

/// Counts for the two periods to compare.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// Counts for the window that ends now.
    pub now: Slice,
    /// Counts for the period before the window.
    pub before: Slice,
    /// Length of the period before the window, in seconds.
    pub seconds_before: i64,
}

/// Ranks the trending terms and returns at most `n_terms` of them.
pub fn rank(compared: &Compared, window: Window, n_terms: usize) -> Trends {
    let scale = window.seconds as f64 / compared.seconds_before.max(1) as f64;
    let is_heard = compared.before.n_posts > 0;
    let judge = Judge { now: &compared.now.terms, before: &compared.before.terms, scale, is_heard };
    let terms = judge.chosen(n_terms).into_iter().map(|term| judge.shown(term)).collect();
    Trends {
        window,
        count: compared.now.n_posts,
        missed: compared.now.n_missed,
        terms,
        authors: DistinctAuthors {
            distinct: whole(compared.now.authors.estimate()),
            previous: whole(compared.before.authors.estimate()),
            error: RELATIVE_ERROR,
        },
        as_of: window.to,
    }
}

/// Returns the window that a response reports.
pub fn window(from: i64, now: Timestamp) -> Window {
    let from = Timestamp::from_second(from).unwrap_or(now);
    Window { from, to: now, seconds: (now.as_second() - from.as_second()).max(1) }
}

struct Judge<'a> {
    now: &'a TermTally,
    before: &'a TermTally,
    scale: f64,
    /// Whether there is a preceding period.
    is_heard: bool,
}

impl Judge<'_> {
    /// Returns the terms that grew furthest beyond chance, followed by the most frequent of the others that grew.
    /// Without a preceding period, returns the most frequent ones.
    fn chosen(&self, n_terms: usize) -> Vec<&str> {
        let mut found: Vec<(f64, u64, &str)> = self
            .now
            .iter()
            .filter(|(term, count)| count.low >= POSTS_MIN && (!self.is_heard || self.growth(term) > 0.0))
            .map(|(term, count)| (self.gain(term), count.low, term))
            .collect();
        found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(b.2)));
        found.truncate(n_terms.saturating_mul(CANDIDATES_PER_TERM));
        let terms: Vec<&str> = found.into_iter().map(|(_, _, term)| term).collect();
        let pairs: Vec<&str> = terms.iter().copied().filter(|term| self.is_worthy_pair(term)).collect();
        let hidden: HashSet<&str> = pairs
            .iter()
            .flat_map(|pair| pair.split(' ').map(move |word| (*pair, word)))
            .filter(|(pair, word)| self.low(pair) >= WORD_SHARE * self.low(word))
            .map(|(_, word)| word)
            .collect();
        let is_shown = |term: &&str| match term.contains(' ') {
            true => self.is_worthy_pair(term),
            false => !hidden.contains(term),
        };
        terms.into_iter().filter(is_shown).take(n_terms).collect()
    }

    /// Returns how many posts contain the term beyond what the previous period and chance explain: the number of posts
    /// times the logarithm of their growth, reduced by two standard errors; 0 if the term has not grown.
    fn gain(&self, term: &str) -> f64 {
        let (now, before) = self.compared(term);
        let error = (1.0 / now + 1.0 / before).sqrt();
        now * ((now / before).ln() - 2.0 * error).max(0.0)
    }

    /// Returns the likely numbers of posts with a term now and before, both including [`PSEUDO_POSTS`]. The earlier
    /// number is scaled to the length of the window.
    fn compared(&self, term: &str) -> (f64, f64) {
        let now = self.now.likely(&self.now.get(term));
        let before = self.before.likely(&self.before.get(term)) * self.scale;
        (now + PSEUDO_POSTS, before + PSEUDO_POSTS)
    }

    fn is_worthy_pair(&self, term: &str) -> bool {
        let Some((first, second)) = term.split_once(' ') else {
            return false;
        };
        self.low(term) >= PAIR_SHARE * self.low(first).min(self.low(second))
    }

    fn low(&self, term: &str) -> f64 {
        self.now.get(term).low as f64
    }

    /// Returns the number of posts with the term in the preceding period, scaled to the length of this window.
    fn previous(&self, term: &str) -> u64 {
        whole(self.before.get(term).low as f64 * self.scale)
    }

    /// Returns the growth from the previous count to the current one. Both are taken as shown, so that the three
    /// figures agree.
    fn growth(&self, term: &str) -> f64 {
        self.now.get(term).low as f64 / self.previous(term).max(1) as f64 - 1.0
    }

    fn shown(&self, term: &str) -> TrendingTerm {
        let count = self.now.get(term);
        TrendingTerm {
            term: term.to_owned(),
            count: count.low,
            previous: self.previous(term),
            growth: self.is_heard.then(|| self.growth(term)),
            sentiment: (count.low > 0).then(|| count.sentiment_micros as f64 / MICROS / count.low as f64),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and counts are positive"
)]
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trends::slice::{PostBatch, TermPost};

    fn slice_of(posts: &[(&str, u32)]) -> Slice {
        let mut slice = Slice::default();
        let mut batch = PostBatch::default();
        for (text, n_times) in posts {
            for n in 0..*n_times {
                let author = Some(crate::trends::authors::hash_of("web", &format!("{text}{n}")));
                let post = TermPost {
                    at: 0,
                    text: (*text).to_owned(),
                    lang: None,
                    author,
                    sentiment_micros: 250_000,
                };
                batch.add(&post);
            }
        }
        slice.add(&batch);
        slice
    }

    fn ranked(now: &[(&str, u32)], before: &[(&str, u32)]) -> Trends {
        let compared = Compared { now: slice_of(now), before: slice_of(before), seconds_before: 300 };
        rank(&compared, window(1_800_000_000, Timestamp::from_second(1_800_000_300).unwrap()), 10)
    }

    fn terms(trends: &Trends) -> Vec<&str> {
        trends.terms.iter().map(|term| term.term.as_str()).collect()
    }

    #[test]
    fn terms_that_grew_beyond_chance_rank_above_terms_that_are_only_frequent() {
        let trends =
            ranked(&[("screen", 500), ("battery", 60), ("colour", 6)], &[("screen", 495), ("battery", 5)]);
        assert_eq!(terms(&trends), ["battery", "screen", "colour"]);
        let battery = &trends.terms[0];
        assert_eq!((battery.count, battery.previous, battery.sentiment), (60, 5, Some(0.25)));
        assert_eq!(battery.growth, Some(60.0 / 5.0 - 1.0));
        assert_eq!((trends.count, trends.missed), (566, 0));
        let near = |found: u64, exact: f64| (found as f64 / exact - 1.0).abs() < 3.0 * trends.authors.error;
        assert!(
            near(trends.authors.distinct, 566.0) && near(trends.authors.previous, 500.0),
            "{:?}",
            trends.authors
        );
    }

    #[test]
    fn a_rare_term_gains_little() {
        let trends = ranked(&[("rare", 3), ("battery", 60)], &[("battery", 5), ("other", 100)]);
        assert_eq!(terms(&trends), ["battery", "rare"]);
        assert_eq!((trends.terms[1].previous, trends.terms[1].growth), (0, Some(2.0)));
    }

    #[test]
    fn terms_that_fell_or_stayed_are_not_trending() {
        let before = [("happier", 7), ("screen", 500), ("battery", 40)];
        let trends = ranked(&[("happier", 31), ("screen", 320), ("battery", 40)], &before);
        assert_eq!(terms(&trends), ["happier"]);
    }

    /// The preceding slices kept few terms, so their counts are only lower bounds.
    #[test]
    fn growth_agrees_with_the_shown_counts_where_counts_are_bounds() {
        let mut before = slice_of(&[("happier", 19), ("screen", 12)]);
        before.terms.keep(1);
        assert!(before.terms.floor() > 0);
        let now = slice_of(&[("happier", 31)]);
        let compared = Compared { now, before, seconds_before: 300 };
        let window = window(1_800_000_000, Timestamp::from_second(1_800_000_300).unwrap());
        let happier = rank(&compared, window, 1).terms.remove(0);
        let expected = happier.count as f64 / happier.previous as f64 - 1.0;
        assert_eq!(happier.growth, Some(expected), "{happier:?}");
    }

    #[test]
    fn the_period_before_is_scaled_to_the_window() {
        let compared = Compared {
            now: slice_of(&[("steady", 120)]),
            before: slice_of(&[("steady", 200)]),
            seconds_before: 600,
        };
        let window = window(1_800_000_000, Timestamp::from_second(1_800_000_300).unwrap());
        let steady = rank(&compared, window, 1).terms.remove(0);
        assert_eq!((steady.previous, steady.growth), (100, Some(120.0 / 100.0 - 1.0)));
    }

    #[test]
    fn without_a_period_before_nothing_has_grown() {
        let trends = ranked(&[("battery", 9), ("screen", 12)], &[]);
        assert_eq!(terms(&trends), ["screen", "battery"]);
        assert_eq!(trends.terms[0].growth, None);
    }

    #[test]
    fn a_pair_hides_its_words_where_they_occur_together() {
        let trends = ranked(&[("battery drain", 50), ("battery", 5), ("drain", 100)], &[]);
        assert_eq!(terms(&trends), ["drain", "battery drain"]);
        let trends = ranked(&[("red battery", 3), ("red", 100), ("battery", 100)], &[]);
        assert_eq!(terms(&trends), ["battery", "red"]);
    }
}
