//! Which of many series says best what happened.
//!
//! A burst about one product is one on its platform, in its channel and overall as well. People should hear of it once,
//! from the series that says most.

use super::judge::{Change, Recent};
use crate::models::alert::Scope;
use crate::models::rollup::Dimension;

/// More leaders than this at once, and something has happened to everything.
const LEADERS_MAX: usize = 3;

/// A series that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Which series.
    pub scope: Scope,
    /// How far it went.
    pub change: Change,
    /// What was heard.
    pub recent: Recent,
    /// What would have been.
    pub usual: Recent,
}

impl Candidate {
    /// Of two that say the same, the narrower says more.
    fn weight(&self) -> f64 {
        let narrowness = match self.scope.dimension {
            Dimension::Product => 1.5,
            Dimension::Channel | Dimension::City => 1.2,
            Dimension::Platform => 1.1,
            Dimension::Overall => 1.0,
        };
        self.change.deviations.min(100.0) * narrowness
    }

    /// What is left of another series without what is unusual in this one.
    fn taken_from(&self, recent: &Recent) -> Recent {
        let rest = |of: fn(&Recent) -> super::history::Heard| {
            let (heard, usual) = (of(&self.recent), of(&self.usual));
            // Sentiment may be above or below what is usual, so it is not clamped as counts are.
            let mut excess = heard.without(&usual);
            excess.sentiment = heard.sentiment - usual.sentiment;
            of(recent).without(&excess)
        };
        Recent { to: recent.to, five: rest(|recent| recent.five), fifteen: rest(|recent| recent.fifteen) }
    }
}

/// The places of those candidates that nothing else explains. `is_unusual` judges one of them by other minutes than its
/// own: by those that are left when what is unusual in a leader is taken away. Those in `open` are leaders already.
pub fn leaders(
    candidates: &[Candidate],
    open: &[Candidate],
    is_unusual: impl Fn(&Candidate, &Recent) -> bool,
) -> Vec<usize> {
    let mut order: Vec<(usize, &Candidate)> = candidates.iter().enumerate().collect();
    order.sort_by(|a, b| b.1.weight().total_cmp(&a.1.weight()));
    let mut chosen: Vec<(usize, &Candidate)> = Vec::new();
    for (place, candidate) in order {
        let mut rest = candidate.recent;
        let mut is_explained = false;
        let others = open.iter().chain(chosen.iter().map(|(_, leader)| *leader));
        // Two products are spoken of in different posts.
        for leader in others.filter(|leader| leader.scope.dimension != candidate.scope.dimension) {
            is_explained |= !is_unusual(candidate, &leader.taken_from(&candidate.recent));
            rest = leader.taken_from(&rest);
        }
        // Everything may be what several products are together.
        let overall = candidate.scope.dimension == Dimension::Overall;
        is_explained |= overall && !is_unusual(candidate, &rest);
        if !is_explained {
            chosen.push((place, candidate));
        }
    }
    if chosen.len() > LEADERS_MAX
        && let Some(overall) = candidates.iter().position(|candidate| candidate.scope == Scope::overall())
    {
        return vec![overall];
    }
    chosen.into_iter().map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::history::Heard;
    use crate::anomaly::judge::Metric;

    fn candidate(dimension: Dimension, key: &str, [count, usual]: [f32; 2]) -> Candidate {
        let heard = |count: f32| Heard { count, ..Heard::default() };
        let recent = |count: f32| Recent { to: 0, five: heard(count), fifteen: heard(count * 3.0) };
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
        let found = leaders(candidates, open, twice);
        let found: Vec<&str> = found.into_iter().map(|place| candidates[place].scope.key.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_burst_is_told_by_the_narrowest_series_that_explains_it() {
        let product = candidate(Dimension::Product, "phone", [300.0, 50.0]);
        let platform = candidate(Dimension::Platform, "web", [400.0, 150.0]);
        let overall = candidate(Dimension::Overall, "", [500.0, 230.0]);
        check(&[overall.clone(), platform.clone(), product.clone()], &[], &["phone"]);
        check(&[overall.clone(), platform], &[product], &[]);
        check(&[overall], &[], &[""]);
    }

    #[test]
    fn two_bursts_are_told_twice_and_many_once() {
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
