//! Terms that a period uses more often than another.

use super::share;
use crate::models::explanation::{ExplainedTerm, SampledPost};
use crate::trends::contrast::{TermCounts, distinctive_terms};
use crate::trends::terms::terms_of;

/// Maximum number of terms listed.
const TERMS_MAX: usize = 10;

/// Maximum number of terms to choose from, before words that only occur in a listed pair are left out.
const CANDIDATES_MAX: usize = 40;

/// Posts of a period, and their groups of near copies.
type Grouped<'a> = (&'a [SampledPost], &'a [Vec<usize>]);

/// Returns the most distinctive terms of a period.
///
/// They are ranked by the z-score of their log-odds with near copies counted once; shares count every post.
pub(super) fn explained(now: Grouped<'_>, before: Grouped<'_>) -> Vec<ExplainedTerm> {
    let (these, these_once) = counted(now);
    let (others, others_once) = counted(before);
    let found = distinctive_terms(&these_once, &others_once, CANDIDATES_MAX);
    let terms: Vec<ExplainedTerm> = found
        .into_iter()
        .map(|found| {
            let (count, elsewhere) = (these.count(&found.term), others.count(&found.term));
            ExplainedTerm {
                count: i64::from(count),
                share: share(count.into(), these.n_posts().into()),
                previous_share: share(elsewhere.into(), others.n_posts().into()),
                deviations: found.deviations,
                term: found.term,
            }
        })
        .collect();
    let mut shown = without_parts(&terms);
    shown.truncate(TERMS_MAX);
    shown
}

/// Leaves out words that occur hardly anywhere but in a listed pair.
fn without_parts(terms: &[ExplainedTerm]) -> Vec<ExplainedTerm> {
    let is_part = |word: &ExplainedTerm| {
        terms.iter().any(|pair| {
            let mut words = pair.term.split(' ');
            pair.term != word.term && words.any(|part| part == word.term) && pair.count * 10 >= word.count * 8
        })
    };
    terms.iter().filter(|term| !is_part(term)).cloned().collect()
}

/// Counts the terms of all posts, and again with one post of each group.
fn counted((posts, groups): Grouped<'_>) -> (TermCounts, TermCounts) {
    let (mut all, mut once) = (TermCounts::default(), TermCounts::default());
    for group in groups {
        for (place, sampled) in group.iter().filter_map(|index| posts.get(*index)).enumerate() {
            let terms = terms_of(&sampled.post.text, sampled.post.lang.as_deref());
            all.add_terms(&terms);
            if place == 0 {
                once.add_terms(&terms);
            }
        }
    }
    (all, once)
}

#[cfg(test)]
mod tests {
    use super::super::near_copies::groups;
    use super::super::testing::sampled;
    use super::*;

    fn texts(kinds: &[(&str, usize)]) -> Vec<String> {
        let of_kind =
            |(text, n): &(&str, usize)| (0..*n).map(move |i| text.replace("{}", &format!("x{i}y"))).collect();
        kinds.iter().flat_map(|kind| -> Vec<String> { of_kind(kind) }).collect()
    }

    fn found(now: &[(&str, usize)], before: &[(&str, usize)]) -> Vec<(String, i64, f64)> {
        let of = |kinds: &[(&str, usize)]| {
            let texts = texts(kinds);
            sampled(&texts.iter().map(String::as_str).collect::<Vec<&str>>())
        };
        let (now, before) = (of(now), of(before));
        let terms = explained((&now, &groups(&now)), (&before, &groups(&before)));
        terms.into_iter().map(|term| (term.term, term.count, term.previous_share)).collect()
    }

    #[test]
    fn a_term_of_many_texts_is_found_with_its_shares() {
        let terms =
            found(&[("{} recall phone", 40), ("{} phone", 60)], &[("{} phone", 98), ("{} recall phone", 2)]);
        assert_eq!(terms, [("recall phone".to_owned(), 40, 0.02)]);
    }

    #[test]
    fn one_text_that_is_repeated_has_no_distinctive_terms() {
        let copied = "our new recall notice concerns every battery sold since last may";
        let terms = found(&[(copied, 60), ("{} phone", 40)], &[("{} phone", 100)]);
        assert_eq!(terms, []);
    }
}
