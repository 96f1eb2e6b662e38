//! Deferral: selects the posts that the slower, more accurate model rescores, within its capacity.
//!
//! Pure: the load and the elapsed time are arguments.

use std::time::Duration;

use super::Prediction;
use crate::models::score::CHURN_HIGH;

/// Maximum distance from the churn threshold at which a risk is considered uncertain. Closer to the threshold, the two
/// models often disagree about which side the risk is on; farther away, hardly ever.
const CHURN_UNCERTAINTY_WIDTH: f32 = 0.2;

/// Share of the latency budget that a post may spend in the queue. The rest is for the two transactions and the model's
/// run, whose durations vary.
const WAIT_SHARE: f64 = 0.5;

/// Maximum number of queued posts, whatever the budget. It bounds memory.
const WAITING_MAX: usize = 4_096;

/// Ratio of the share of work admitted when the queue is empty to the share that can be processed. The queue grows
/// until both are equal; with a gain of two, that happens when half of the room is used, far from both limits.
const GAIN: f64 = 2.0;

/// Number of recent uncertainties kept: enough for a stable threshold, few enough to adapt to a new subject within
/// seconds.
const N_RECENT: usize = 1_024;

/// Time constant of the averaged arrival rate, in seconds.
const RATE_SECONDS: f64 = 1.0;

/// Pace assumed before the first measurement, in tokens per second: roughly that of a slow core.
const PACE_FIRST: f64 = 1_500.0;

/// Typical number of bytes per token, used because posts are admitted before the slower model has tokenized them.
const BYTES_PER_TOKEN: usize = 4;

/// Fixed cost of a text, in tokens.
const WORK_EACH: usize = 4;

/// Maximum cost of a text, in tokens; longer texts are truncated.
const WORK_MAX: usize = 192;

/// Assumed cost of an unknown text, in tokens: about what a tweet costs.
pub const WORK_TYPICAL: usize = 30;

/// Estimates the cost of a text in tokens. The cost grows with the length of the text, up to a limit.
pub fn work(text: &str) -> usize {
    (WORK_EACH + text.len() / BYTES_PER_TOKEN).min(WORK_MAX)
}

/// A post that could be rescored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Uncertainty of its first prediction, 0 to 1; see [`uncertainty`].
    pub uncertainty: f32,
    /// Estimated cost of scoring it, in tokens; see [`work`].
    pub work: usize,
}

/// Weight of the newest measurement in the moving average.
const NEWEST_WEIGHT: f64 = 0.2;

/// Returns the uncertainty of a prediction, 0 to 1: how close the runner-up label is to the likeliest one, or the churn
/// risk to its threshold, whichever is closer.
///
/// Ignores whether the model could process the text at all: where one model fails, the other seldom succeeds.
pub fn uncertainty(prediction: &Prediction) -> f32 {
    let mut ranked = prediction.sentiment;
    ranked.sort_unstable_by(|a, b| b.total_cmp(a));
    let [first, second, _] = ranked;
    let sentiment = 1.0 - (first - second);
    let churn = 1.0 - (prediction.churn_risk - CHURN_HIGH).abs() / CHURN_UNCERTAINTY_WIDTH;
    sentiment.max(churn).clamp(0.0, 1.0)
}

/// Load on the slower model at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Work that arrives per second, in tokens.
    pub arriving_per_second: f64,
    /// Work that the slower model completes per second while busy, in tokens.
    pub deep_per_second: f64,
    /// Number of posts admitted but not yet corrected.
    pub n_waiting: usize,
    /// Total work of the posts in `n_waiting`, in tokens.
    pub work_waiting: usize,
    /// Latency budget: how long after its arrival a post may still be corrected.
    pub budget: Duration,
    /// Whether posts are queueing for their first score. If so, no post is scored twice.
    pub is_overloaded: bool,
}

impl Load {
    /// Returns how many tokens of work may be queued if even the last post is to be corrected within the budget.
    pub fn room(&self) -> usize {
        whole(self.deep_per_second * self.budget.as_secs_f64() * WAIT_SHARE)
    }

    /// Returns a load that admits `share` of the work and has room for batches of a few thousand posts. Used to
    /// evaluate the selection in isolation.
    pub fn for_share(share: f64, arriving_per_second: f64) -> Self {
        Self {
            arriving_per_second,
            deep_per_second: share / GAIN * arriving_per_second,
            n_waiting: 0,
            work_waiting: 0,
            budget: Duration::from_secs(60),
            is_overloaded: false,
        }
    }

    /// Returns the share of arriving work to admit: everything when idle, nothing when overloaded, and less as the
    /// queue grows.
    fn share(&self) -> f64 {
        if self.is_overloaded || self.budget.is_zero() {
            return 0.0;
        }
        let free = (1.0 - self.work_waiting as f64 / self.room().max(1) as f64).clamp(0.0, 1.0);
        let readable = self.deep_per_second / self.arriving_per_second.max(f64::MIN_POSITIVE);
        (GAIN * free * readable).min(1.0)
    }
}

/// Selects the posts that are most worth rescoring.
///
/// The selection is not random: a threshold follows recent uncertainties, so the admitted posts are the most uncertain
/// ones, even if every batch consists of a single post.
#[derive(Debug, Default)]
pub struct Admission {
    recent: Vec<f32>,
    next: usize,
}

impl Admission {
    /// Returns the indices of the admitted posts of a batch, in ascending order. The posts never need more room than
    /// there is, with one exception: when the queue is empty, one post is admitted no matter how slow the slower model
    /// has been, because only a completed post shows that it has recovered.
    pub fn admit(&mut self, posts: &[Candidate], load: &Load) -> Vec<usize> {
        for post in posts {
            self.remember(post.uncertainty);
        }
        let share = load.share();
        if share <= 0.0 {
            return Vec::new();
        }
        let threshold = self.threshold(share);
        let mut chosen: Vec<(usize, &Candidate)> =
            posts.iter().enumerate().filter(|(_, post)| post.uncertainty >= threshold).collect();
        // Fills the room with the most uncertain posts.
        chosen.sort_by(|(_, a), (_, b)| b.uncertainty.total_cmp(&a.uncertainty));
        let (mut n, mut work) = (load.n_waiting, load.work_waiting);
        let fits = |(_, post): &(usize, &Candidate)| {
            let is_first = n == 0;
            n += 1;
            work += post.work;
            is_first || (n <= WAITING_MAX && work <= load.room())
        };
        let mut indices: Vec<usize> = chosen.into_iter().take_while(fits).map(|(index, _)| index).collect();
        indices.sort_unstable();
        indices
    }

    fn remember(&mut self, uncertainty: f32) {
        match self.recent.get_mut(self.next) {
            Some(oldest) => *oldest = uncertainty,
            None => self.recent.push(uncertainty),
        }
        self.next = (self.next + 1) % N_RECENT;
    }

    /// Returns the threshold that a fraction `share` of the recent uncertainties reaches or exceeds.
    fn threshold(&self, share: f64) -> f32 {
        if share >= 1.0 {
            return 0.0;
        }
        let n_above = whole(share * self.recent.len() as f64);
        // If the share amounts to less than one of the kept values, only the maximum is admitted.
        let Some(rank) = self.recent.len().checked_sub(n_above.max(1)) else {
            return f32::INFINITY;
        };
        let mut ranked = self.recent.clone();
        let (_, threshold, _) = ranked.select_nth_unstable_by(rank, f32::total_cmp);
        *threshold
    }
}

/// Arrival rate of work, exponentially weighted over about the last second.
#[derive(Debug, Default, Clone, Copy)]
pub struct ArrivalRate {
    per_second: f64,
}

impl ArrivalRate {
    /// Adds the work that arrived during `since_last`, and returns the current rate.
    pub fn count(&mut self, work: usize, since_last: Duration) -> f64 {
        let kept = (-since_last.as_secs_f64() / RATE_SECONDS).exp();
        self.per_second = self.per_second * kept + work as f64 / RATE_SECONDS;
        self.per_second
    }
}

/// Work that one worker of the slower model completes per second while busy: a moving average that favours recent runs.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    per_second: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { per_second: PACE_FIRST }
    }
}

impl Pace {
    /// Records a completed run: how many tokens it processed and how long it took.
    pub fn measured(&mut self, work: f64, took: Duration) {
        let newest = work / took.as_secs_f64().max(1e-6);
        self.per_second += NEWEST_WEIGHT * (newest - self.per_second);
    }

    /// Returns the pace in tokens per second, lowered if a run of `work` tokens has been in progress for too long. A
    /// worker that gets no CPU time completes nothing and must not be credited with its former pace.
    pub fn with_under_way(&self, work: usize, so_far: Duration) -> f64 {
        if work == 0 {
            return self.per_second;
        }
        self.per_second.min(work as f64 / so_far.as_secs_f64().max(1e-6))
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

    fn prediction(sentiment: [f32; 3], churn_risk: f32) -> Prediction {
        Prediction { sentiment, emotion: [0.0; 7], toxicity: 0.0, churn_risk, uncertain: false }
    }

    /// Returns a load of posts costing 1 token each.
    fn load(arriving_per_second: f64, n_waiting: usize) -> Load {
        let (budget, work_waiting) = (Duration::from_secs(1), n_waiting);
        Load {
            arriving_per_second,
            deep_per_second: 200.0,
            n_waiting,
            work_waiting,
            budget,
            is_overloaded: false,
        }
    }

    fn each(uncertainties: &[f32]) -> Vec<Candidate> {
        uncertainties.iter().map(|uncertainty| Candidate { uncertainty: *uncertainty, work: 1 }).collect()
    }

    /// Returns `n` pseudo-random numbers, the same on every call.
    fn uncertainties(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7_919) % 1_000) as f32 / 1_000.0).collect()
    }

    #[test]
    fn a_close_call_is_more_uncertain_than_a_clear_one() {
        let check = |sentiment, churn, expected: f32| {
            let found = uncertainty(&prediction(sentiment, churn));
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
        assert_eq!(Admission::default().admit(&each(&uncertainties(40)), &load(40.0, 0)).len(), 40);
    }

    #[test]
    fn where_memory_is_the_limit_the_most_uncertain_are_also_admitted() {
        let all: Vec<f32> = uncertainties(6_000);
        let load = Load { deep_per_second: 1e6, ..load(1.0, 0) };
        let chosen = Admission::default().admit(&each(&all), &load);
        assert_eq!(chosen.len(), WAITING_MAX);
        let mut ranked = all.clone();
        ranked.sort_unstable_by(|a, b| b.total_cmp(a));
        assert!(chosen.iter().all(|i| all[*i] >= ranked[WAITING_MAX - 1]));
    }

    #[test]
    fn long_texts_take_the_room_of_many_short_ones() {
        let of = |text: &str, n: usize| vec![Candidate { uncertainty: 0.9, work: work(text) }; n];
        let n_admitted = |posts: &[Candidate]| {
            Admission::default().admit(posts, &Load { deep_per_second: 6_000.0, ..load(1.0, 0) }).len()
        };
        assert_eq!(n_admitted(&of("not good, not bad, only slow", 1_000)), 272);
        assert_eq!(n_admitted(&of(&"not good, not bad ".repeat(40), 1_000)), 16);
    }

    #[test]
    fn overloaded_nothing_goes_on() {
        let load = Load { is_overloaded: true, ..load(1.0, 0) };
        assert!(Admission::default().admit(&each(&[1.0; 40]), &load).is_empty());
    }

    #[test]
    fn without_a_budget_nothing_goes_on() {
        let load = Load { budget: Duration::ZERO, ..load(1.0, 0) };
        assert!(Admission::default().admit(&each(&[1.0]), &load).is_empty());
    }

    #[test]
    fn a_nearly_stopped_model_is_probed_with_single_posts() {
        let stopped = |n_waiting| Load { deep_per_second: 0.01, ..load(1_000.0, n_waiting) };
        let mut admission = Admission::default();
        assert_eq!(admission.admit(&each(&uncertainties(40)), &stopped(0)).len(), 1);
        assert!(admission.admit(&each(&uncertainties(40)), &stopped(1)).is_empty());
    }

    #[test]
    fn under_load_the_most_uncertain_are_admitted_up_to_capacity() {
        let mut admission = Admission::default();
        let all = uncertainties(20_000);
        let (mut waiting, mut admitted) = (0.0_f64, Vec::new());
        // A thousand per second, in pairs; capacity is 200 per second.
        for pair in all.chunks(2) {
            let chosen = admission.admit(&each(pair), &load(1_000.0, waiting as usize));
            waiting = (waiting + chosen.len() as f64 - 0.4).max(0.0);
            admitted.extend(chosen.iter().map(|i| pair[*i]));
        }
        let share = admitted.len() as f64 / all.len() as f64;
        assert!((0.17..0.23).contains(&share), "{share}");
        let mean = admitted.iter().sum::<f32>() / admitted.len() as f32;
        assert!(mean > 0.85, "they are not the most uncertain: {mean}");
    }

    #[test]
    fn the_selection_can_be_evaluated_at_any_share() {
        let all = uncertainties(10_000);
        for share in [0.05, 0.3, 0.9] {
            let mut admission = Admission::default();
            let load = Load::for_share(share, 1_000.0);
            let n: usize = all.chunks(2).map(|pair| admission.admit(&each(pair), &load).len()).sum();
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
    fn a_worker_without_cpu_does_not_count_as_fast() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            pace.measured(16.0, Duration::from_millis(80));
        }
        assert!((190.0..210.0).contains(&pace.with_under_way(16, Duration::from_millis(10))));
        assert!(pace.with_under_way(16, Duration::from_secs(8)) < 3.0);
    }

    proptest! {
        /// The admitted work never exceeds what can be corrected within the budget.
        #[test]
        fn never_more_is_admitted_than_there_is_room_for(
            posts in prop::collection::vec((0.0_f32..=1.0, 1_usize..200), 0..600),
            n_waiting in 0_usize..500,
            work_each in 1_usize..200,
            deep_per_second in 0.0_f64..60_000.0,
            arriving_per_second in 0.0_f64..600_000.0,
            budget_ms in 0_u64..5_000,
        ) {
            let budget = Duration::from_millis(budget_ms);
            let posts: Vec<_> = posts.into_iter().map(|(uncertainty, work)| Candidate { uncertainty, work }).collect();
            let work_waiting = n_waiting * work_each;
            let is_overloaded = false;
            let load =
                Load { arriving_per_second, deep_per_second, n_waiting, work_waiting, budget, is_overloaded };
            let mut admission = Admission::default();
            for _ in 0..3 {
                let chosen = admission.admit(&posts, &load);
                let work: usize = chosen.iter().map(|i| posts[*i].work).sum();
                let is_trial = n_waiting == 0 && chosen.len() == 1;
                prop_assert!(chosen.is_empty() || is_trial || work_waiting + work <= load.room());
                prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert!(chosen.iter().all(|i| *i < posts.len()));
            }
        }

        /// No rejected post is more uncertain than an admitted one.
        #[test]
        fn the_most_uncertain_are_admitted_first(uncertainties in prop::collection::vec(0.0_f32..=1.0, 1..600), n_waiting in 0_usize..120) {
            let chosen = Admission::default().admit(&each(&uncertainties), &load(1_000.0, n_waiting));
            let admitted = chosen.iter().map(|i| uncertainties[*i]).fold(f32::INFINITY, f32::min);
            let left = (0..uncertainties.len()).filter(|i| !chosen.contains(i)).map(|i| uncertainties[i]).fold(0.0, f32::max);
            prop_assert!(chosen.is_empty() || admitted >= left, "{admitted} went on, {left} did not");
        }
    }
}
