//! Limits of one evaluation, and their fair share among rules: a rule about a hundred thousand products must not delay the
//! alerts of other rules.

/// The bounds of one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Series that hold, or are about to, of all rules together. Beyond it each rule still has its equal share, so there
    /// are at most twice as many.
    pub series: usize,
    /// Series that begin to hold in one evaluation.
    pub taken_up: usize,
    /// Series that change otherwise, and alerts that are withdrawn.
    pub changed: usize,
    /// Alerts that go on and whose figures are brought up to date.
    pub refreshed: usize,
    /// Series that are forgotten.
    pub forgotten: usize,
}

impl Default for Limits {
    /// Nobody looks at ten thousand alerts, and a turn over twice as many stays well below a second. Each row written costs
    /// the server some 50 µs, which posts have to wait for too.
    fn default() -> Self {
        Self { series: 10_000, taken_up: 1_000, changed: 1_000, refreshed: 1_000, forgotten: 5_000 }
    }
}

/// What one rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Series that hold already, or are about to.
    pub n_held: usize,
    /// Series that would begin to.
    pub n_wanted: usize,
}

/// What rules get of what they ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allotted {
    /// For each rule, how many series begin to hold now.
    pub taken_up: Vec<usize>,
    /// Of all rules, those for which there is room, but not in this evaluation.
    pub n_waiting: usize,
    /// Those for which there is no room.
    pub n_no_room: usize,
}

impl Limits {
    /// Shares what room there is. First everybody's equal share, then the rest, always so that who asks for little gets it.
    ///
    /// `n_held` is what all rules hold, those that ask for nothing now included, and `n_rules` how many rules there are;
    /// `turn` moves who comes first where there is less than one for each.
    pub fn allot(&self, demands: &[Demand], (n_held, n_rules): (usize, usize), turn: usize) -> Allotted {
        let share = self.series / n_rules.max(1);
        let own: Vec<usize> =
            demands.iter().map(|demand| demand.n_wanted.min(share.saturating_sub(demand.n_held))).collect();
        let n_own: usize = own.iter().sum();
        let common = self.series.saturating_sub(n_held).saturating_sub(n_own);
        let mut taken_up = fair(&own, self.taken_up, turn);
        let n_taken_up: usize = taken_up.iter().sum();
        let more: Vec<usize> = demands.iter().zip(&own).map(|(demand, own)| demand.n_wanted - own).collect();
        let n_more: usize = more.iter().sum();
        let of_common = fair(&more, common.min(self.taken_up.saturating_sub(n_taken_up)), turn);
        taken_up.iter_mut().zip(of_common).for_each(|(taken_up, more)| *taken_up += more);
        let n_taken_up: usize = taken_up.iter().sum();
        let n_roomy = n_own + n_more.min(common);
        Allotted { taken_up, n_waiting: n_roomy - n_taken_up, n_no_room: n_more.saturating_sub(common) }
    }
}

/// Shares so that nobody gets more than they ask for, and nobody less than another who asks for as much, but for one.
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
        let demands: Vec<Demand> = demands
            .iter()
            .map(|(n_held, n_wanted)| Demand { n_held: *n_held, n_wanted: *n_wanted })
            .collect();
        let allotted = LIMITS.allot(&demands, (n_held, n_rules), 0);
        assert_eq!(
            (&allotted.taken_up[..], allotted.n_waiting, allotted.n_no_room),
            expected,
            "{demands:?} {n_held} {n_rules}"
        );
    }

    #[test]
    fn who_asks_for_little_gets_it_whatever_others_ask_for() {
        check(&[(0, 1), (0, 65_000)], (0, 2), (&[1, 19], 80, 64_901));
        check(&[(0, 3), (0, 4)], (0, 2), (&[3, 4], 0, 0));
        check(&[], (0, 0), (&[], 0, 0));
    }

    #[test]
    fn who_holds_nothing_gets_a_share_even_where_others_hold_everything() {
        check(&[(100, 65_000), (0, 1)], (100, 2), (&[0, 1], 0, 65_000));
        check(&[(0, 60)], (500, 2), (&[20], 30, 10));
    }

    #[test]
    fn what_the_others_do_not_ask_for_is_everybodys() {
        check(&[(70, 40)], (70, 10), (&[20], 10, 10));
    }

    #[test]
    fn where_there_is_less_than_one_for_each_everybody_has_a_turn() {
        let demands = [Demand { n_held: 0, n_wanted: 1 }; 50];
        let mut n_turns = [0; 50];
        for turn in 0..50 {
            let allotted = LIMITS.allot(&demands, (0, 50), turn);
            assert_eq!(allotted.taken_up.iter().sum::<usize>(), 20);
            n_turns.iter_mut().zip(allotted.taken_up).for_each(|(n, taken_up)| *n += taken_up);
        }
        assert!(n_turns.iter().all(|n| *n == 20), "{n_turns:?}");
    }
}
