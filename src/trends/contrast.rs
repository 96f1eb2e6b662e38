//! What some posts speak of more than others do.

use std::collections::HashMap;

use super::terms::terms_of;

/// Posts added to either side of each term, so that one that the others never name does not say everything.
const PSEUDO_POSTS: f64 = 0.5;

/// Fewer posts than this name a term by chance.
const POSTS_MIN: u32 = 3;

/// Standard errors that the log-odds of a term must be above those of the others.
const DEVIATIONS_MIN: f64 = 2.5;

/// A term that some posts use more often.
#[derive(Debug, Clone, PartialEq)]
pub struct TellingTerm {
    /// The term.
    pub term: String,
    /// Posts that name it.
    pub count: u32,
    /// Posts that would, if these posts were like the others.
    pub expected: f64,
    /// By how many standard errors their log-odds differ.
    pub deviations: f64,
}

/// Posts, and in how many of them each term is.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    n_posts: u32,
    terms: HashMap<String, u32>,
}

impl Counted {
    /// Counts one more.
    pub fn read(&mut self, text: &str, lang: Option<&str>) {
        self.n_posts += 1;
        for term in terms_of(text, lang) {
            *self.terms.entry(term).or_default() += 1;
        }
    }

    /// The variance of [`Self::odds`], after Woolf and Haldane. What nearly all posts name is as uncertain as what hardly any
    /// does.
    fn variance(&self, n_posts: u32) -> f64 {
        let (with, all) = (f64::from(n_posts), f64::from(self.n_posts));
        1.0 / (with + PSEUDO_POSTS) + 1.0 / (all - with + PSEUDO_POSTS)
    }

    fn odds(&self, n_posts: u32) -> f64 {
        let (with, all) = (f64::from(n_posts), f64::from(self.n_posts));
        ((with + PSEUDO_POSTS) / (all - with + PSEUDO_POSTS)).ln()
    }
}

/// The terms that tell `these` from `others`, the most telling first: by the z-score of their log-odds ratio, which weighs
/// how much more often a term is used by how sure that is (Monroe, Colaresi and Quinn, "Fightin' Words", 2008). Nothing
/// without others to compare with.
pub fn telling_terms(these: &Counted, others: &Counted, n_max: usize) -> Vec<TellingTerm> {
    if others.n_posts == 0 {
        return Vec::new();
    }
    let scale = f64::from(these.n_posts) / f64::from(others.n_posts);
    let judged = |(term, &count): (&String, &u32)| {
        let elsewhere = others.terms.get(term).copied().unwrap_or(0);
        let variance = these.variance(count) + others.variance(elsewhere);
        let deviations = (these.odds(count) - others.odds(elsewhere)) / variance.sqrt();
        TellingTerm { term: term.clone(), count, expected: f64::from(elsewhere) * scale, deviations }
    };
    let mut found: Vec<TellingTerm> = these
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

    fn counted(posts: &[(&str, u32)]) -> Counted {
        let mut counted = Counted::default();
        for (text, n_times) in posts {
            (0..*n_times).for_each(|_| counted.read(text, Some("en")));
        }
        counted
    }

    #[test]
    fn what_is_used_more_often_is_told_and_what_always_is_not() {
        let these = counted(&[("phone battery", 40), ("phone", 20), ("colour", 2)]);
        let others = counted(&[("phone", 500), ("phone battery", 30), ("screen", 100)]);
        let found = telling_terms(&these, &others, 5);
        let terms: Vec<&str> = found.iter().map(|found| found.term.as_str()).collect();
        assert_eq!(terms, ["battery", "phone battery"]);
        assert_eq!(found[0].count, 40);
        assert!((found[0].expected - 30.0 * 62.0 / 630.0).abs() < 1e-9);
    }

    #[test]
    fn what_all_posts_of_both_name_tells_nothing() {
        let found = telling_terms(&counted(&[("phone battery", 200)]), &counted(&[("phone", 60)]), 5);
        assert!(found.iter().all(|found| found.term != "phone"), "{found:?}");
    }

    #[test]
    fn without_others_nothing_is_telling() {
        assert!(telling_terms(&counted(&[("battery", 50)]), &Counted::default(), 5).is_empty());
    }
}
