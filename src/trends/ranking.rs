//! Ranking of trending terms: selects terms from slices, sorts them, and computes their growth.

use std::collections::HashSet;

use jiff::Timestamp;

use super::authors::RELATIVE_ERROR;
use super::slice::Slice;
use super::tally::TermTally;
use crate::models::metrics::Window;
use crate::models::rollup::MICROS;
use crate::models::trends::{DistinctAuthors, TrendingTerm, Trends};

/// Posts added to both sides before they are compared: a term with three posts now and none before has grown not
/// infinitely, but by 60 %.
const PSEUDO_POSTS: f64 = 5.0;

/// Minimum number of posts for a term to trend.
const POSTS_MIN: u64 = 2;

/// Minimum share of a rarer word's posts that a pair must have to replace its two words.
const PAIR_SHARE: f64 = 0.5;

/// Share of a word's posts above which a pair makes the word itself redundant.
const WORD_SHARE: f64 = 0.8;

/// Number of candidates examined per term shown, because pairs hide their words.
const CANDIDATES_PER_TERM: usize = 4;

/// Two windows to compare.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// The window that ends now.
    pub now: Slice,
    /// The period before it.
    pub before: Slice,
    /// Length of the preceding period in seconds.
    pub seconds_before: i64,
}

/// Returns at most `n_terms` trending terms.
pub fn rank(compared: &Compared, window: Window, n_terms: usize) -> Trends {
    let scale = window.seconds as f64 / compared.seconds_before.max(1) as f64;
    let judge = Judge { now: &compared.now.terms, before: &compared.before.terms, scale };
    let is_heard = compared.before.n_posts > 0;
    let terms = judge.chosen(n_terms).into_iter().map(|term| judge.shown(term, is_heard)).collect();
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

/// Returns a response's window.
pub fn window(from: i64, now: Timestamp) -> Window {
    let from = Timestamp::from_second(from).unwrap_or(now);
    Window { from, to: now, seconds: (now.as_second() - from.as_second()).max(1) }
}

struct Judge<'a> {
    now: &'a TermTally,
    before: &'a TermTally,
    scale: f64,
}

impl Judge<'_> {
    /// Returns the terms that grew most, followed by the most frequent ones.
    fn chosen(&self, n_terms: usize) -> Vec<&str> {
        let mut found: Vec<(f64, u64, &str)> = self
            .now
            .iter()
            .filter(|(_, count)| count.low >= POSTS_MIN)
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

    /// Returns how many more posts than before contain the term, beyond chance: its number of posts times the logarithm
    /// of its growth, less two standard errors of that logarithm; 0 if it has not grown.
    fn gain(&self, term: &str) -> f64 {
        let (now, before) = self.compared(term);
        let error = (1.0 / now + 1.0 / before).sqrt();
        now * ((now / before).ln() - 2.0 * error).max(0.0)
    }

    /// Returns the likely number of posts now and before, the latter scaled to the length of this window, both
    /// including [`PSEUDO_POSTS`].
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

    fn shown(&self, term: &str, is_heard: bool) -> TrendingTerm {
        let count = self.now.get(term);
        let (now, before) = self.compared(term);
        TrendingTerm {
            term: term.to_owned(),
            count: count.low,
            previous: whole(self.before.get(term).low as f64 * self.scale),
            growth: is_heard.then_some(now / before - 1.0),
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
        assert_eq!(battery.growth, Some(65.0 / 10.0 - 1.0));
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
        let trends = ranked(&[("rare", 3)], &[("other", 100)]);
        assert_eq!(trends.terms[0].growth, Some(8.0 / 5.0 - 1.0));
    }

    #[test]
    fn the_period_before_is_scaled_to_the_window() {
        let compared = Compared {
            now: slice_of(&[("steady", 100)]),
            before: slice_of(&[("steady", 200)]),
            seconds_before: 600,
        };
        let window = window(1_800_000_000, Timestamp::from_second(1_800_000_300).unwrap());
        let steady = rank(&compared, window, 1).terms.remove(0);
        assert_eq!((steady.previous, steady.growth), (100, Some(0.0)));
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
