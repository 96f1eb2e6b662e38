//! Limits on one evaluation and their fair division among rules, so that a rule on a hundred thousand products does not
//! delay the alerts of other rules.

/// Maximum number of series and changes in one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Series that are pending or have an alert, across all rules. Once the limit is reached, each rule still gets an
    /// equal share, so there are at most twice as many.
    pub series: usize,
    /// Series that can become pending in one evaluation.
    pub taken_up: usize,
    /// Other changes to series, including withdrawals of alerts.
    pub changed: usize,
    /// Open alerts whose values can be updated.
    pub refreshed: usize,
    /// Series that can be deleted in one evaluation.
    pub forgotten: usize,
}

impl Default for Limits {
    /// Nobody looks at ten thousand alerts, and an evaluation of twice as many takes well under a second. Each row
    /// written keeps the database busy for about 50 µs, during which posts wait.
    fn default() -> Self {
        Self { series: 10_000, taken_up: 1_000, changed: 1_000, refreshed: 1_000, forgotten: 5_000 }
    }
}

/// How many series a rule wants to track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Number of its series that are already pending or have an alert.
    pub n_held: usize,
    /// Number of its series that would become pending.
    pub n_new: usize,
}

/// How many series each rule may add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allotment {
    /// Number of series that may become pending now, for each rule.
    pub taken_up: Vec<usize>,
    /// Number of series, across all rules, that fit within the limit on series but must wait for a later evaluation.
    pub n_waiting: usize,
    /// Number of series that exceed the limit on series.
    pub n_over_limit: usize,
}

impl Limits {
    /// Divides the free places among the rules: first an equal share for each rule, then the rest, so that a small
    /// demand is always met.
    ///
    /// `n_held` is the number of series held by all rules, including those that currently demand none, and `n_rules` is
    /// the total number of rules. `turn` rotates which rule comes first if there is less than one place for each.
    pub fn allot(&self, demands: &[Demand], (n_held, n_rules): (usize, usize), turn: usize) -> Allotment {
        let share = self.series / n_rules.max(1);
        let own: Vec<usize> =
            demands.iter().map(|demand| demand.n_new.min(share.saturating_sub(demand.n_held))).collect();
        let n_own: usize = own.iter().sum();
        let common = self.series.saturating_sub(n_held).saturating_sub(n_own);
        let mut taken_up = fair(&own, self.taken_up, turn);
        let n_taken_up: usize = taken_up.iter().sum();
        let more: Vec<usize> = demands.iter().zip(&own).map(|(demand, own)| demand.n_new - own).collect();
        let n_more: usize = more.iter().sum();
        let of_common = fair(&more, common.min(self.taken_up.saturating_sub(n_taken_up)), turn);
        taken_up.iter_mut().zip(of_common).for_each(|(taken_up, more)| *taken_up += more);
        let n_taken_up: usize = taken_up.iter().sum();
        let n_roomy = n_own + n_more.min(common);
        Allotment { taken_up, n_waiting: n_roomy - n_taken_up, n_over_limit: n_more.saturating_sub(common) }
    }
}

/// Divides `room` so that no rule gets more than it wants and rules that want the same number differ by at most one.
fn fair(wanted: &[usize], mut room: usize, turn: usize) -> Vec<usize> {
    let n = wanted.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|i| (wanted.get(*i).copied(), (i + turn) % n.max(1)));
    let mut given = vec![0; n];
    for (n_before, i) in order.into_iter().enumerate() {
        if let (Some(wanted), Some(given)) = (wanted.get(i), given.get_mut(i)) {
            *given = (*wanted).min(room / (n - n_before));
            room -= *given;
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { series: 100, taken_up: 20, changed: 0, refreshed: 0, forgotten: 0 };

    fn check(
        demands: &[(usize, usize)],
        (n_held, n_rules): (usize, usize),
        expected: (&[usize], usize, usize),
    ) {
        let demands: Vec<Demand> =
            demands.iter().map(|(n_held, n_new)| Demand { n_held: *n_held, n_new: *n_new }).collect();
        let allotted = LIMITS.allot(&demands, (n_held, n_rules), 0);
        assert_eq!(
            (&allotted.taken_up[..], allotted.n_waiting, allotted.n_over_limit),
            expected,
            "{demands:?} {n_held} {n_rules}"
        );
    }

    #[test]
    fn a_small_demand_is_met_whatever_the_others_are() {
        check(&[(0, 1), (0, 65_000)], (0, 2), (&[1, 19], 80, 64_901));
        check(&[(0, 3), (0, 4)], (0, 2), (&[3, 4], 0, 0));
        check(&[], (0, 0), (&[], 0, 0));
    }

    #[test]
    fn a_rule_without_series_gets_a_share_even_where_others_hold_everything() {
        check(&[(100, 65_000), (0, 1)], (100, 2), (&[0, 1], 0, 65_000));
        check(&[(0, 60)], (500, 2), (&[20], 30, 10));
    }

    #[test]
    fn unused_shares_go_to_the_other_rules() {
        check(&[(70, 40)], (70, 10), (&[20], 10, 10));
    }

    #[test]
    fn with_less_than_one_for_each_rule_they_take_turns() {
        let demands = [Demand { n_held: 0, n_new: 1 }; 50];
        let mut n_turns = [0; 50];
        for turn in 0..50 {
            let allotted = LIMITS.allot(&demands, (0, 50), turn);
            assert_eq!(allotted.taken_up.iter().sum::<usize>(), 20);
            n_turns.iter_mut().zip(allotted.taken_up).for_each(|(n, taken_up)| *n += taken_up);
        }
        assert!(n_turns.iter().all(|n| *n == 20), "{n_turns:?}");
    }
}
