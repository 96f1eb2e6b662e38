//! Approximate counts of the most frequent terms, in bounded memory.

use std::collections::HashMap;

/// Bounds on the number of posts that contain a term.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TermCount {
    /// Lower bound: the number of posts that certainly contain the term.
    pub low: u64,
    /// Upper bound, minus the floor that all terms share; see [`TermTally`].
    excess: u64,
    /// Sum of the sentiment of the posts in `low`, in millionths.
    pub sentiment_micros: i64,
}

/// Number and sentiment of posts that contain a given term.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occurrences {
    /// Number of posts that contain the term.
    pub n_posts: u64,
    /// Sum of the sentiment of these posts, in millionths.
    pub sentiment_micros: i64,
}

/// Misra-Gries counts of terms, with lower bounds.
///
/// The true count of a kept term lies between `low` and `floor + excess`, and that of any other term between 0 and the
/// floor. Whenever there are twice as many terms as `k`, they are cut back to `k`. The floor is therefore at most the
/// sum of all counts divided by `k`: a cut that raises it by `d` removes at least `d` from each of `k` terms.
///
/// Merging adds all counts and drops none, so order and grouping do not matter, and the bounds add up as well (Agarwal
/// et al., "Mergeable summaries", 2012). A merged tally is as large as its parts combined until [`Self::keep`] shrinks
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermTally {
    floor: u64,
    terms: HashMap<Box<str>, TermCount>,
}

/// A term's row in the encoding: the term, `low`, `excess` and `sentiment_micros`.
pub type TermRow = (String, u64, u64, i64);

impl TermTally {
    /// Adds posts that contain a term, and keeps at most twice `n_kept` terms afterwards.
    pub fn add(&mut self, term: &str, occurrences: Occurrences, n_kept: usize) {
        let Occurrences { n_posts, sentiment_micros } = occurrences;
        let seen = TermCount { low: n_posts, excess: n_posts, sentiment_micros };
        match self.terms.get_mut(term) {
            Some(count) => count.add(&seen),
            None => {
                self.terms.insert(term.into(), seen);
            }
        }
        if self.terms.len() >= n_kept.max(1) * 2 {
            self.keep(n_kept);
        }
    }

    /// Adds the counts of another tally, without dropping terms.
    pub fn merge(&mut self, other: &Self) {
        self.floor += other.floor;
        for (term, count) in &other.terms {
            match self.terms.get_mut(term) {
                Some(mine) => mine.add(count),
                None => {
                    self.terms.insert(term.clone(), *count);
                }
            }
        }
    }

    /// Drops all except the `n_kept` most frequent terms; keeps fewer if several terms tie for last place.
    pub fn keep(&mut self, n_kept: usize) {
        if self.terms.len() <= n_kept {
            return;
        }
        let mut excesses: Vec<u64> = self.terms.values().map(|count| count.excess).collect();
        let (_, &mut cut, _) = excesses.select_nth_unstable_by(n_kept, |a, b| b.cmp(a));
        self.terms.retain(|_, count| {
            count.excess = count.excess.saturating_sub(cut);
            count.excess > 0
        });
        self.floor += cut;
    }

    /// Returns the kept terms and their bounds, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TermCount)> {
        self.terms.iter().map(|(term, count)| (term.as_ref(), count))
    }

    /// Returns how many terms are kept.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Returns whether no term is kept.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Returns the bounds on a term's count; zeros if the term is not kept.
    pub fn get(&self, term: &str) -> TermCount {
        self.terms.get(term).copied().unwrap_or_default()
    }

    /// Returns the upper bound on the number of posts that contain a kept term.
    pub fn high(&self, count: &TermCount) -> u64 {
        self.floor + count.excess
    }

    /// Returns the midpoint between the two bounds.
    pub fn likely(&self, count: &TermCount) -> f64 {
        (count.low + self.high(count)) as f64 / 2.0
    }

    /// Returns the upper bound on the number of posts that contain any term that is not kept.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Encodes the floor and all terms, for other processes. The rows are sorted by term, so equal tallies have equal
    /// encodings.
    pub fn to_rows(&self) -> (u64, Vec<TermRow>) {
        let row = |(term, count): (&str, &TermCount)| {
            (term.to_owned(), count.low, count.excess, count.sentiment_micros)
        };
        let mut rows: Vec<TermRow> = self.iter().map(row).collect();
        rows.sort_unstable();
        (self.floor, rows)
    }

    /// Restores a tally from the parts that [`Self::to_rows`] returned.
    pub fn from_rows(floor: u64, rows: Vec<TermRow>) -> Self {
        let count = |(term, low, excess, sentiment_micros): TermRow| {
            (term.into_boxed_str(), TermCount { low, excess, sentiment_micros })
        };
        Self { floor, terms: rows.into_iter().map(count).collect() }
    }
}

impl TermCount {
    fn add(&mut self, other: &Self) {
        self.low += other.low;
        self.excess += other.excess;
        self.sentiment_micros += other.sentiment_micros;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const N_KEPT: usize = 8;

    fn tally_of(words: &[u8]) -> TermTally {
        let mut tally = TermTally::default();
        for word in words {
            let occurrences = Occurrences { n_posts: 1, sentiment_micros: i64::from(*word) };
            tally.add(&word.to_string(), occurrences, N_KEPT);
        }
        tally
    }

    fn merged(tallies: &[&TermTally]) -> TermTally {
        let mut all = TermTally::default();
        tallies.iter().for_each(|tally| all.merge(tally));
        all
    }

    fn exact(words: &[u8]) -> HashMap<String, u64> {
        let mut counts = HashMap::new();
        words.iter().for_each(|word| *counts.entry(word.to_string()).or_default() += 1);
        counts
    }

    /// Generates a few frequent words and many rare ones, as in natural language.
    fn words() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![0..6_u8, 0..=255_u8], 0..600)
    }

    fn assert_bounds(tally: &TermTally, exact: &HashMap<String, u64>) {
        for (term, &n) in exact {
            let count = tally.get(term);
            assert!(count.low <= n && n <= tally.high(&count), "{term}: {n} is not within {count:?}");
        }
    }

    proptest! {
        #[test]
        fn every_true_count_lies_within_its_bounds(words in words()) {
            let tally = tally_of(&words);
            assert_bounds(&tally, &exact(&words));
            prop_assert!(tally.floor() as usize <= words.len() / N_KEPT);
            prop_assert!(tally.len() < N_KEPT * 2);
        }

        #[test]
        fn it_does_not_matter_who_is_merged_with_whom(a in words(), b in words(), c in words()) {
            let (a_tally, b_tally, c_tally) = (tally_of(&a), tally_of(&b), tally_of(&c));
            let all = merged(&[&a_tally, &b_tally, &c_tally]);
            let left = merged(&[&merged(&[&a_tally, &b_tally]), &c_tally]);
            let right = merged(&[&a_tally, &merged(&[&c_tally, &b_tally])]);
            prop_assert_eq!(&left, &right);
            prop_assert_eq!(&all, &left);
            let mut cut = all;
            cut.keep(N_KEPT);
            let said = [a, b, c].concat();
            assert_bounds(&cut, &exact(&said));
            prop_assert!(cut.len() <= N_KEPT);
        }

        #[test]
        fn a_tally_that_travelled_is_the_same(words in words()) {
            let tally = tally_of(&words);
            let (floor, rows) = tally.to_rows();
            prop_assert_eq!(TermTally::from_rows(floor, rows), tally);
        }
    }

    #[test]
    fn while_there_is_room_every_count_is_exact() {
        let tally = tally_of(&[1, 2, 1, 3, 1]);
        let one = tally.get("1");
        assert_eq!((one.low, tally.high(&one), one.sentiment_micros, tally.floor()), (3, 3, 3, 0));
    }
}
