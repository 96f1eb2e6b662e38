//! Which posts a slower and better model should read again, and how many of them it can.
//!
//! Pure: the load, and the time that passed, come in as numbers.

use std::time::Duration;

use super::Reading;
use crate::models::score::CHURN_HIGH;

/// How near to the churn threshold a risk is called doubtful. Within it, the two models often disagree on which side it
/// is; beyond it, hardly ever.
const CHURN_DOUBT_WIDTH: f32 = 0.2;

/// The part of the latency budget that may be spent waiting. The rest is for the two transactions and for the reading
/// itself, whose times vary.
const WAIT_SHARE: f64 = 0.5;

/// Posts that may wait, whatever the budget: what bounds the memory.
const WAITING_MAX: usize = 4_096;

/// The share admitted while nothing waits, over the share that can be read: what waits can only grow to the point at
/// which both are equal. Two makes that half of the room, far from both ends.
const GAIN: f64 = 2.0;

/// Doubts remembered. Enough that the threshold hardly trembles, few enough that it follows a new subject within
/// seconds.
const N_RECENT: usize = 1_024;

/// Over how long the rate of arrival is a mean.
const RATE_SECONDS: f64 = 1.0;

/// Before anything was measured: what two slow cores read.
const DEEP_PER_SECOND_FIRST: f64 = 50.0;

/// How much a newer measurement counts against all before it.
const NEWEST_WEIGHT: f64 = 0.2;

/// How unsure a reading is, 0 to 1: how close the runner-up label is to the likeliest, or the churn risk to its
/// threshold, whichever is closer.
///
/// Whether the model could read the text at all is no part of it: where one cannot, another seldom can.
pub fn doubt(reading: &Reading) -> f32 {
    let mut ranked = reading.sentiment;
    ranked.sort_unstable_by(|a, b| b.total_cmp(a));
    let [first, second, _] = ranked;
    let sentiment = 1.0 - (first - second);
    let churn = 1.0 - (reading.churn_risk - CHURN_HIGH).abs() / CHURN_DOUBT_WIDTH;
    sentiment.max(churn).clamp(0.0, 1.0)
}

/// What the slower model has before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Posts that arrive each second.
    pub arriving_per_second: f64,
    /// Texts the slower model reads each second while it has any.
    pub deep_per_second: f64,
    /// Posts that were admitted and not yet corrected.
    pub n_waiting: usize,
    /// How long after its arrival a post may be corrected.
    pub budget: Duration,
    /// Posts wait to be scored at all: nothing may be spent on scoring any twice.
    pub is_overloaded: bool,
}

impl Load {
    /// Posts that may wait so that the last of them is still corrected within the budget.
    ///
    /// One at least, however slow the slower model was: only a post that it reads tells that it is faster now.
    pub fn room(&self) -> usize {
        if self.budget.is_zero() {
            return 0;
        }
        whole(self.deep_per_second * self.budget.as_secs_f64() * WAIT_SHARE).clamp(1, WAITING_MAX)
    }

    /// A load under which that share is admitted, and what may wait limits no batch of up to some thousand posts: for
    /// judging the choice alone.
    pub fn for_share(share: f64, arriving_per_second: f64) -> Self {
        Self {
            arriving_per_second,
            deep_per_second: share / GAIN * arriving_per_second,
            n_waiting: 0,
            budget: Duration::from_secs(60),
            is_overloaded: false,
        }
    }

    /// The share of what arrives that can be admitted: all when idle, none when overloaded, and the less the more waits.
    fn share(&self) -> f64 {
        let room = self.room();
        if self.is_overloaded || room == 0 {
            return 0.0;
        }
        let free = (1.0 - self.n_waiting as f64 / room as f64).clamp(0.0, 1.0);
        let readable = self.deep_per_second / self.arriving_per_second.max(f64::MIN_POSITIVE);
        (GAIN * free * readable).min(1.0)
    }
}

/// Picks the posts that are worth reading again.
///
/// Not at random: a threshold follows the doubts seen lately, so that the share that can be read is the most doubtful
/// one, also over batches of a single post.
#[derive(Debug, Default)]
pub struct Admission {
    recent: Vec<f32>,
    next: usize,
}

impl Admission {
    /// Which of a batch go on, as indices into `doubts`, ascending. Never more than there is room for.
    pub fn admit(&mut self, doubts: &[f32], load: &Load) -> Vec<usize> {
        for doubt in doubts {
            self.remember(*doubt);
        }
        let share = load.share();
        let threshold = self.threshold(share);
        let mut chosen: Vec<usize> =
            doubts.iter().enumerate().filter(|(_, doubt)| **doubt >= threshold).map(|(i, _)| i).collect();
        let room = load.room().saturating_sub(load.n_waiting);
        let n_max = if share <= 0.0 { 0 } else { room };
        if chosen.len() > n_max {
            let doubt_of = |i: &usize| doubts.get(*i).copied().unwrap_or(0.0);
            chosen.sort_by(|a, b| doubt_of(b).total_cmp(&doubt_of(a)));
            chosen.truncate(n_max);
            chosen.sort_unstable();
        }
        chosen
    }

    fn remember(&mut self, doubt: f32) {
        match self.recent.get_mut(self.next) {
            Some(oldest) => *oldest = doubt,
            None => self.recent.push(doubt),
        }
        self.next = (self.next + 1) % N_RECENT;
    }

    /// The doubt that `share` of the recent ones reach.
    fn threshold(&self, share: f64) -> f32 {
        if share >= 1.0 {
            return 0.0;
        }
        let n_above = whole(share * self.recent.len() as f64);
        // A share of less than one in all that is remembered lets only the worst through.
        let Some(rank) = self.recent.len().checked_sub(n_above.max(1)) else {
            return f32::INFINITY;
        };
        let mut ranked = self.recent.clone();
        let (_, threshold, _) = ranked.select_nth_unstable_by(rank, f32::total_cmp);
        *threshold
    }
}

/// A rate of arrival that forgets: the mean over about the last second.
#[derive(Debug, Default, Clone, Copy)]
pub struct ArrivalRate {
    per_second: f64,
}

impl ArrivalRate {
    /// Counts `n` that arrived in `since_last`, and answers the rate as it is now.
    pub fn count(&mut self, n: usize, since_last: Duration) -> f64 {
        let kept = (-since_last.as_secs_f64() / RATE_SECONDS).exp();
        self.per_second = self.per_second * kept + n as f64 / RATE_SECONDS;
        self.per_second
    }
}

/// What one worker of the slower model reads each second while it has work: a mean in which newer runs count more.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    per_second: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { per_second: DEEP_PER_SECOND_FIRST }
    }
}

impl Pace {
    /// Takes in a run of `n` texts.
    pub fn measured(&mut self, n: usize, took: Duration) {
        let newest = n as f64 / took.as_secs_f64().max(1e-6);
        self.per_second += NEWEST_WEIGHT * (newest - self.per_second);
    }

    /// The pace, given that a run of `n` texts has been under way for so long: a worker that gets no processor finishes
    /// nothing, and must not be taken for as fast as it was.
    pub fn with_under_way(&self, n: usize, so_far: Duration) -> f64 {
        if n == 0 {
            return self.per_second;
        }
        self.per_second.min(n as f64 / so_far.as_secs_f64().max(1e-6))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to what fits")]
fn whole(value: f64) -> usize {
    value.clamp(0.0, 1e9) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(sentiment: [f32; 3], churn_risk: f32) -> Reading {
        Reading { sentiment, emotion: [0.0; 7], toxicity: 0.0, churn_risk, doubtful: false }
    }

    fn load(arriving_per_second: f64, n_waiting: usize) -> Load {
        let budget = Duration::from_secs(1);
        Load { arriving_per_second, deep_per_second: 200.0, n_waiting, budget, is_overloaded: false }
    }

    /// Numbers that look drawn and are always the same.
    fn doubts(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7_919) % 1_000) as f32 / 1_000.0).collect()
    }

    #[test]
    fn a_close_call_is_more_doubtful_than_a_clear_one() {
        let check = |sentiment, churn, expected: f32| {
            let found = doubt(&reading(sentiment, churn));
            assert!((found - expected).abs() < 1e-5, "{sentiment:?} {churn}: {found}");
        };
        check([0.0, 0.0, 1.0], 0.0, 0.0);
        check([0.5, 0.5, 0.0], 0.0, 1.0);
        check([0.2, 0.3, 0.5], 0.0, 0.8);
        check([0.0, 0.0, 1.0], 0.8, 1.0);
        check([0.0, 0.0, 1.0], 0.7, 0.5);
        check([0.0, 0.0, 1.0], 1.0, 0.0);
    }

    #[test]
    fn idle_everything_goes_on() {
        assert_eq!(Admission::default().admit(&doubts(40), &load(40.0, 0)).len(), 40);
    }

    #[test]
    fn where_memory_is_the_limit_the_most_doubtful_go_on_too() {
        let all: Vec<f32> = doubts(6_000);
        let load = Load { deep_per_second: 1e6, ..load(1.0, 0) };
        let chosen = Admission::default().admit(&all, &load);
        assert_eq!(chosen.len(), WAITING_MAX);
        let mut ranked = all.clone();
        ranked.sort_unstable_by(|a, b| b.total_cmp(a));
        assert!(chosen.iter().all(|i| all[*i] >= ranked[WAITING_MAX - 1]));
    }

    #[test]
    fn overloaded_nothing_goes_on() {
        let load = Load { is_overloaded: true, ..load(1.0, 0) };
        assert!(Admission::default().admit(&[1.0; 40], &load).is_empty());
    }

    #[test]
    fn without_a_budget_nothing_goes_on() {
        let load = Load { budget: Duration::ZERO, ..load(1.0, 0) };
        assert!(Admission::default().admit(&[1.0], &load).is_empty());
    }

    #[test]
    fn a_model_that_was_next_to_stopped_is_tried_with_one_post_at_a_time() {
        let stopped = |n_waiting| Load { deep_per_second: 0.01, ..load(1_000.0, n_waiting) };
        let mut admission = Admission::default();
        assert_eq!(admission.admit(&doubts(40), &stopped(0)).len(), 1);
        assert!(admission.admit(&doubts(40), &stopped(1)).is_empty());
    }

    #[test]
    fn under_load_the_most_doubtful_go_on_and_as_many_as_can_be_read() {
        let mut admission = Admission::default();
        let all = doubts(20_000);
        let (mut waiting, mut admitted) = (0.0_f64, Vec::new());
        // A thousand a second, in pairs; 200 a second are read.
        for pair in all.chunks(2) {
            let chosen = admission.admit(pair, &load(1_000.0, waiting as usize));
            waiting = (waiting + chosen.len() as f64 - 0.4).max(0.0);
            admitted.extend(chosen.iter().map(|i| pair[*i]));
        }
        let share = admitted.len() as f64 / all.len() as f64;
        assert!((0.17..0.23).contains(&share), "{share}");
        let mean = admitted.iter().sum::<f32>() / admitted.len() as f32;
        assert!(mean > 0.85, "they are not the most doubtful: {mean}");
    }

    #[test]
    fn the_choice_can_be_judged_at_any_share() {
        let all = doubts(10_000);
        for share in [0.05, 0.3, 0.9] {
            let mut admission = Admission::default();
            let load = Load::for_share(share, 1_000.0);
            let n: usize = all.chunks(2).map(|pair| admission.admit(pair, &load).len()).sum();
            let found = n as f64 / all.len() as f64;
            assert!((found - share).abs() < 0.02, "{found} instead of {share}");
        }
    }

    #[test]
    fn the_rate_of_a_steady_flow_is_its_rate() {
        let mut rate = ArrivalRate::default();
        let found = (0..5_000).map(|_| rate.count(2, Duration::from_millis(2))).last().unwrap();
        assert!((950.0..1_050.0).contains(&found), "{found}");
        assert!(rate.count(1, Duration::from_secs(60)) < 1.1);
    }

    #[test]
    fn a_worker_that_gets_no_processor_is_not_taken_for_fast() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            pace.measured(16, Duration::from_millis(80));
        }
        assert!((190.0..210.0).contains(&pace.with_under_way(16, Duration::from_millis(10))));
        assert!(pace.with_under_way(16, Duration::from_secs(8)) < 3.0);
    }

    proptest! {
        /// Whatever comes, no more is admitted than can be corrected within the budget.
        #[test]
        fn never_more_is_admitted_than_there_is_room_for(
            doubts in prop::collection::vec(0.0_f32..=1.0, 0..600),
            n_waiting in 0_usize..500,
            deep_per_second in 0.0_f64..2_000.0,
            arriving_per_second in 0.0_f64..20_000.0,
            budget_ms in 0_u64..5_000,
        ) {
            let budget = Duration::from_millis(budget_ms);
            let load = Load { arriving_per_second, deep_per_second, n_waiting, budget, is_overloaded: false };
            let mut admission = Admission::default();
            for _ in 0..3 {
                let chosen = admission.admit(&doubts, &load);
                prop_assert!(chosen.is_empty() || n_waiting + chosen.len() <= load.room());
                prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(chosen.iter().all(|i| *i < doubts.len()));
            }
        }

        /// Whoever stays behind is no more doubtful than whoever goes on.
        #[test]
        fn the_most_doubtful_go_first(doubts in prop::collection::vec(0.0_f32..=1.0, 1..600), n_waiting in 0_usize..120) {
            let chosen = Admission::default().admit(&doubts, &load(1_000.0, n_waiting));
            let admitted = chosen.iter().map(|i| doubts[*i]).fold(f32::INFINITY, f32::min);
            let left = (0..doubts.len()).filter(|i| !chosen.contains(i)).map(|i| doubts[i]).fold(0.0, f32::max);
            prop_assert!(chosen.is_empty() || admitted >= left, "{admitted} went on, {left} did not");
        }
    }
}
