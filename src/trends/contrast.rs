//! Terms that one set of posts uses more often than another.

use std::collections::{HashMap, HashSet};

use super::terms::terms_of;

/// Posts added to both sides for each term, so that a term that the other posts never use is not infinitely
/// distinctive.
const PSEUDO_POSTS: f64 = 0.5;

/// Minimum number of posts that must contain a term. Fewer could be chance.
const POSTS_MIN: u32 = 3;

/// Minimum difference between the log-odds of a term in the two sets of posts, in standard errors.
const DEVIATIONS_MIN: f64 = 2.5;

/// A term that one set of posts uses more often than another.
#[derive(Debug, Clone, PartialEq)]
pub struct DistinctiveTerm {
    /// The term, in lower case; a hashtag includes its `#`.
    pub term: String,
    /// Number of posts in the set that contain the term.
    pub count: u32,
    /// Number of posts that would contain the term if it were as frequent as in the other set.
    pub expected: f64,
    /// Difference between the log-odds of the term in the two sets, in standard errors.
    pub deviations: f64,
}

/// Number of posts, in total and for each term that they contain.
#[derive(Debug, Clone, Default)]
pub struct TermCounts {
    n_posts: u32,
    terms: HashMap<String, u32>,
}

impl TermCounts {
    /// Counts a post and its distinct terms. `lang` selects the stop words to leave out.
    pub fn add(&mut self, text: &str, lang: Option<&str>) {
        self.add_terms(&terms_of(text, lang));
    }

    /// Counts a post that contains these terms.
    pub fn add_terms(&mut self, terms: &HashSet<String>) {
        self.n_posts += 1;
        for term in terms {
            match self.terms.get_mut(term) {
                Some(count) => *count += 1,
                None => {
                    self.terms.insert(term.clone(), 1);
                }
            }
        }
    }

    /// Returns the number of posts counted.
    pub fn n_posts(&self) -> u32 {
        self.n_posts
    }

    /// Returns the number of posts that contain a term.
    pub fn count(&self, term: &str) -> u32 {
        self.terms.get(term).copied().unwrap_or_default()
    }

    /// Returns the variance of [`Self::odds`] (Woolf, Haldane). It is as large for a term in nearly all posts as for
    /// one in hardly any.
    fn variance(&self, n_posts: u32) -> f64 {
        let (with, all) = (f64::from(n_posts), f64::from(self.n_posts));
        1.0 / (with + PSEUDO_POSTS) + 1.0 / (all - with + PSEUDO_POSTS)
    }

    fn odds(&self, n_posts: u32) -> f64 {
        let (with, all) = (f64::from(n_posts), f64::from(self.n_posts));
        ((with + PSEUDO_POSTS) / (all - with + PSEUDO_POSTS)).ln()
    }
}

/// Returns the terms that distinguish `these` from `others`, the most distinctive first. They are ranked by the z-score
/// of their log-odds ratio, which combines how much more often a term is used with how certain that difference is
/// (Monroe, Colaresi and Quinn, "Fightin' Words", 2008). Empty if there are no other posts to compare with.
pub fn distinctive_terms(these: &TermCounts, others: &TermCounts, n_max: usize) -> Vec<DistinctiveTerm> {
    if others.n_posts == 0 {
        return Vec::new();
    }
    let scale = f64::from(these.n_posts) / f64::from(others.n_posts);
    let judged = |(term, &count): (&String, &u32)| {
        let elsewhere = others.terms.get(term).copied().unwrap_or(0);
        let variance = these.variance(count) + others.variance(elsewhere);
        let deviations = (these.odds(count) - others.odds(elsewhere)) / variance.sqrt();
        DistinctiveTerm { term: term.clone(), count, expected: f64::from(elsewhere) * scale, deviations }
    };
    let mut found: Vec<DistinctiveTerm> = these
        .terms
        .iter()
        .filter(|(_, count)| **count >= POSTS_MIN)
        .map(judged)
        .filter(|found| found.deviations >= DEVIATIONS_MIN)
        .collect();
    found.sort_unstable_by(|a, b| b.deviations.total_cmp(&a.deviations).then_with(|| a.term.cmp(&b.term)));
    found.truncate(n_max);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(posts: &[(&str, u32)]) -> TermCounts {
        let mut counted = TermCounts::default();
        for (text, n_times) in posts {
            (0..*n_times).for_each(|_| counted.add(text, Some("en")));
        }
        counted
    }

    #[test]
    fn a_term_used_more_often_is_distinctive_and_one_used_always_is_not() {
        let these = counted(&[("phone battery", 40), ("phone", 20), ("colour", 2)]);
        let others = counted(&[("phone", 500), ("phone battery", 30), ("screen", 100)]);
        let found = distinctive_terms(&these, &others, 5);
        let terms: Vec<&str> = found.iter().map(|found| found.term.as_str()).collect();
        assert_eq!(terms, ["battery", "phone battery"]);
        assert_eq!(found[0].count, 40);
        assert!((found[0].expected - 30.0 * 62.0 / 630.0).abs() < 1e-9);
    }

    #[test]
    fn a_term_in_all_posts_is_not_distinctive() {
        let found = distinctive_terms(&counted(&[("phone battery", 200)]), &counted(&[("phone", 60)]), 5);
        assert!(found.iter().all(|found| found.term != "phone"), "{found:?}");
    }

    #[test]
    fn without_other_posts_no_term_is_distinctive() {
        assert!(distinctive_terms(&counted(&[("battery", 50)]), &TermCounts::default(), 5).is_empty());
    }
}
