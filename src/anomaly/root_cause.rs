//! Root causes: finds the anomalous series that explain the others.
//!
//! A burst of posts about one product is at the same time a burst on its platform, in its channel and overall. Users
//! get a single alert, on the series that explains the rest.

use super::judge::{Change, Recent};
use crate::models::alert::Scope;
use crate::models::rollup::Dimension;

/// Maximum number of root causes. If there are more, a single alert covers all posts.
const ROOT_CAUSES_MAX: usize = 3;

/// Anomalous series that may be a root cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Posts that the series covers.
    pub scope: Scope,
    /// How far the series deviates from what is expected.
    pub change: Change,
    /// Sums that were measured.
    pub recent: Recent,
    /// Sums that were expected.
    pub usual: Recent,
}

impl Candidate {
    /// Returns the strength, weighted so that the narrower of two series wins if their anomalies are equally strong.
    fn weight(&self) -> f64 {
        let narrowness = match self.scope.dimension {
            Dimension::Product => 1.5,
            Dimension::Channel | Dimension::City => 1.2,
            Dimension::Platform => 1.1,
            Dimension::Overall => 1.0,
        };
        self.change.deviations.min(100.0) * narrowness
    }

    /// Returns the sums of another series without the excess of this one.
    fn subtracted_from(&self, recent: &Recent) -> Recent {
        let rest = |of: fn(&Recent) -> super::history::StepSums| {
            let (sums, usual) = (of(&self.recent), of(&self.usual));
            // Sentiment may be above or below what is expected, so it is not clamped as counts are.
            let mut excess = sums.without(&usual);
            excess.sentiment = sums.sentiment - usual.sentiment;
            of(recent).without(&excess)
        };
        Recent { to: recent.to, five: rest(|recent| recent.five), fifteen: rest(|recent| recent.fifteen) }
    }
}

/// Returns the indices of the candidates that no other candidate explains. `is_unusual` judges a candidate by the sums
/// that remain after the excess of a root cause is removed. Candidates in `open` are already root causes.
pub fn root_causes(
    candidates: &[Candidate],
    open: &[Candidate],
    is_unusual: impl Fn(&Candidate, &Recent) -> bool,
) -> Vec<usize> {
    let mut order: Vec<(usize, &Candidate)> = candidates.iter().enumerate().collect();
    order.sort_by(|a, b| b.1.weight().total_cmp(&a.1.weight()));
    let mut chosen: Vec<(usize, &Candidate)> = Vec::new();
    for (index, candidate) in order {
        let mut rest = candidate.recent;
        let mut is_explained = false;
        let others = open.iter().chain(chosen.iter().map(|(_, root_cause)| *root_cause));
        // Posts about two different products are different posts.
        for root_cause in others.filter(|root_cause| root_cause.scope.dimension != candidate.scope.dimension)
        {
            is_explained |= !is_unusual(candidate, &root_cause.subtracted_from(&candidate.recent));
            rest = root_cause.subtracted_from(&rest);
        }
        // The overall series may be the sum of several products.
        let overall = candidate.scope.dimension == Dimension::Overall;
        is_explained |= overall && !is_unusual(candidate, &rest);
        if !is_explained {
            chosen.push((index, candidate));
        }
    }
    if chosen.len() > ROOT_CAUSES_MAX
        && let Some(overall) = candidates.iter().position(|candidate| candidate.scope == Scope::overall())
    {
        return vec![overall];
    }
    chosen.into_iter().map(|(index, _)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::history::StepSums;
    use crate::anomaly::judge::Metric;

    fn candidate(dimension: Dimension, key: &str, [count, usual]: [f32; 2]) -> Candidate {
        let sums = |count: f32| StepSums { count, ..StepSums::default() };
        let recent = |count: f32| Recent { to: 0, five: sums(count), fifteen: sums(count * 3.0) };
        let change = Change {
            metric: Metric::Volume,
            value: f64::from(count),
            baseline: f64::from(usual),
            low: 0.0,
            high: 0.0,
            deviations: f64::from(count / usual),
            n_posts: f64::from(count),
            strength: 2.0,
        };
        let scope = Scope { dimension, key: key.to_owned() };
        Candidate { scope, change, recent: recent(count), usual: recent(usual) }
    }

    fn check(candidates: &[Candidate], open: &[Candidate], expected: &[&str]) {
        let twice =
            |candidate: &Candidate, recent: &Recent| recent.five.count > candidate.usual.five.count * 2.0;
        let found = root_causes(candidates, open, twice);
        let found: Vec<&str> = found.into_iter().map(|index| candidates[index].scope.key.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_burst_is_attributed_to_the_narrowest_series_that_explains_it() {
        let product = candidate(Dimension::Product, "phone", [300.0, 50.0]);
        let platform = candidate(Dimension::Platform, "web", [400.0, 150.0]);
        let overall = candidate(Dimension::Overall, "", [500.0, 230.0]);
        check(&[overall.clone(), platform.clone(), product.clone()], &[], &["phone"]);
        check(&[overall.clone(), platform], &[product], &[]);
        check(&[overall], &[], &[""]);
    }

    #[test]
    fn two_bursts_have_two_root_causes_and_many_have_one() {
        let one = candidate(Dimension::Product, "phone", [300.0, 50.0]);
        let other = candidate(Dimension::Product, "case", [900.0, 60.0]);
        check(&[one.clone(), other], &[], &["case", "phone"]);
        let mut many: Vec<_> = ["a", "b", "c", "d"]
            .iter()
            .zip([300.0, 310.0, 320.0, 330.0])
            .map(|(key, count)| candidate(Dimension::Product, key, [count, 50.0]))
            .collect();
        many.push(candidate(Dimension::Overall, "", [2_000.0, 900.0]));
        check(&many, &[], &[""]);
    }
}
