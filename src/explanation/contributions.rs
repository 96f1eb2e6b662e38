//! Products, platforms, channels and cities whose numbers of posts changed most.

use super::share;
use crate::models::explanation::{ComparedKey, ComparedPeriods, Contribution};

/// Maximum number of contributions listed.
const CONTRIBUTIONS_MAX: usize = 12;

/// Returns the keys whose numbers of posts changed, largest change first. A key that all posts of both periods have in
/// common distinguishes nothing and is left out.
pub(super) fn largest(compared: &ComparedPeriods) -> Vec<Contribution> {
    let of_key = |ComparedKey { by, key, now, before }: &ComparedKey| Contribution {
        by: *by,
        key: key.clone(),
        count: *now,
        share: share(*now, compared.now.count),
        previous_count: *before,
        change: now - before,
    };
    let is_common = |found: &Contribution| {
        found.count == compared.now.count && found.previous_count == compared.before.count
    };
    let changed = compared.keys.iter().map(of_key).filter(|found| found.change != 0 && !is_common(found));
    let mut all: Vec<Contribution> = changed.collect();
    // The sort is stable, so that of equal changes the first dimension wins.
    all.sort_by_key(|found| std::cmp::Reverse(found.change.abs()));
    all.truncate(CONTRIBUTIONS_MAX);
    all
}

#[cfg(test)]
mod tests {
    use super::super::testing::compared;
    use super::*;
    use crate::models::explore::BreakdownBy;

    #[test]
    fn the_largest_changes_come_first_and_keys_that_did_not_change_are_left_out() {
        let mut compared = compared(200, 100);
        let key = |by, key: &str, now, before| ComparedKey { by, key: key.to_owned(), now, before };
        compared.keys = vec![
            key(BreakdownBy::Product, "same", 50, 50),
            key(BreakdownBy::Product, "gone", 0, 40),
            key(BreakdownBy::City, "new", 120, 0),
            key(BreakdownBy::Channel, "", 200, 100),
        ];
        let found: Vec<(String, i64, f64)> =
            largest(&compared).into_iter().map(|found| (found.key, found.change, found.share)).collect();
        assert_eq!(found, [("new".to_owned(), 120, 0.6), ("gone".to_owned(), -40, 0.0)]);
    }
}
