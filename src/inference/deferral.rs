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

/// Before anything was measured: what a slow core reads, in tokens a second.
const PACE_FIRST: f64 = 1_500.0;

/// Bytes that make a token, in most texts. Posts are admitted before the slower model's tokenizer has seen them.
const BYTES_PER_TOKEN: usize = 4;

/// What any text costs beside its words, in tokens.
const WORK_EACH: usize = 4;

/// Longer texts are not read to their end.
const WORK_MAX: usize = 192;

/// What a text costs of which nothing is known yet: a tweet.
pub const WORK_TYPICAL: usize = 30;

/// About what reading a text costs, in tokens: long texts must not be admitted as if they were short.
pub fn work(text: &str) -> usize {
    (WORK_EACH + text.len() / BYTES_PER_TOKEN).min(WORK_MAX)
}

/// A post that could be read again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// How unsure its reading is: see [`doubt`].
    pub doubt: f32,
    /// What reading it costs: see [`work`].
    pub work: usize,
}

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
    /// Work that arrives each second.
    pub arriving_per_second: f64,
    /// Work that the slower model does each second while it has any.
    pub deep_per_second: f64,
    /// Posts that were admitted and not yet corrected.
    pub n_waiting: usize,
    /// Their work.
    pub work_waiting: usize,
    /// How long after its arrival a post may be corrected.
    pub budget: Duration,
    /// Posts wait to be scored at all: nothing may be spent on scoring any twice.
    pub is_overloaded: bool,
}

impl Load {
    /// Work that may wait so that the last of it is still done within the budget.
    pub fn room(&self) -> usize {
        whole(self.deep_per_second * self.budget.as_secs_f64() * WAIT_SHARE)
    }

    /// A load under which that share is admitted, and what may wait limits no batch of up to some thousand posts: for
    /// judging the choice alone.
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

    /// The share of what arrives that can be admitted: all when idle, none when overloaded, and the less the more waits.
    fn share(&self) -> f64 {
        if self.is_overloaded || self.budget.is_zero() {
            return 0.0;
        }
        let free = (1.0 - self.work_waiting as f64 / self.room().max(1) as f64).clamp(0.0, 1.0);
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
    /// Which of a batch go on, as indices, ascending. Never more than there is room for, but one where nothing waits,
    /// however slow the slower model was: only a post that it reads tells that it is faster now.
    pub fn admit(&mut self, posts: &[Candidate], load: &Load) -> Vec<usize> {
        for post in posts {
            self.remember(post.doubt);
        }
        let share = load.share();
        if share <= 0.0 {
            return Vec::new();
        }
        let threshold = self.threshold(share);
        let mut chosen: Vec<(usize, &Candidate)> =
            posts.iter().enumerate().filter(|(_, post)| post.doubt >= threshold).collect();
        // So that the most doubtful have the room that there is.
        chosen.sort_by(|(_, a), (_, b)| b.doubt.total_cmp(&a.doubt));
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
    /// Counts what arrived in `since_last`, and answers the rate as it is now.
    pub fn count(&mut self, work: usize, since_last: Duration) -> f64 {
        let kept = (-since_last.as_secs_f64() / RATE_SECONDS).exp();
        self.per_second = self.per_second * kept + work as f64 / RATE_SECONDS;
        self.per_second
    }
}

/// The work that one worker of the slower model does each second while it has any: a mean in which newer runs count more.
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
    /// Takes in a run.
    pub fn measured(&mut self, work: f64, took: Duration) {
        let newest = work / took.as_secs_f64().max(1e-6);
        self.per_second += NEWEST_WEIGHT * (newest - self.per_second);
    }

    /// The pace, given that a run has been under way for so long: a worker that gets no processor finishes
    /// nothing, and must not be taken for as fast as it was.
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

    fn reading(sentiment: [f32; 3], churn_risk: f32) -> Reading {
        Reading { sentiment, emotion: [0.0; 7], toxicity: 0.0, churn_risk, doubtful: false }
    }

    /// Of posts that are work of one each.
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

    fn each(doubts: &[f32]) -> Vec<Candidate> {
        doubts.iter().map(|doubt| Candidate { doubt: *doubt, work: 1 }).collect()
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
        assert_eq!(Admission::default().admit(&each(&doubts(40)), &load(40.0, 0)).len(), 40);
    }

    #[test]
    fn where_memory_is_the_limit_the_most_doubtful_go_on_too() {
        let all: Vec<f32> = doubts(6_000);
        let load = Load { deep_per_second: 1e6, ..load(1.0, 0) };
        let chosen = Admission::default().admit(&each(&all), &load);
        assert_eq!(chosen.len(), WAITING_MAX);
        let mut ranked = all.clone();
        ranked.sort_unstable_by(|a, b| b.total_cmp(a));
        assert!(chosen.iter().all(|i| all[*i] >= ranked[WAITING_MAX - 1]));
    }

    #[test]
    fn long_texts_take_the_room_of_many_short_ones() {
        let of = |text: &str, n: usize| vec![Candidate { doubt: 0.9, work: work(text) }; n];
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
    fn a_model_that_was_next_to_stopped_is_tried_with_one_post_at_a_time() {
        let stopped = |n_waiting| Load { deep_per_second: 0.01, ..load(1_000.0, n_waiting) };
        let mut admission = Admission::default();
        assert_eq!(admission.admit(&each(&doubts(40)), &stopped(0)).len(), 1);
        assert!(admission.admit(&each(&doubts(40)), &stopped(1)).is_empty());
    }

    #[test]
    fn under_load_the_most_doubtful_go_on_and_as_many_as_can_be_read() {
        let mut admission = Admission::default();
        let all = doubts(20_000);
        let (mut waiting, mut admitted) = (0.0_f64, Vec::new());
        // A thousand a second, in pairs; 200 a second are read.
        for pair in all.chunks(2) {
            let chosen = admission.admit(&each(pair), &load(1_000.0, waiting as usize));
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
    fn a_worker_that_gets_no_processor_is_not_taken_for_fast() {
        let mut pace = Pace::default();
        for _ in 0..50 {
            pace.measured(16.0, Duration::from_millis(80));
        }
        assert!((190.0..210.0).contains(&pace.with_under_way(16, Duration::from_millis(10))));
        assert!(pace.with_under_way(16, Duration::from_secs(8)) < 3.0);
    }

    proptest! {
        /// Whatever comes, no more is admitted than can be corrected within the budget.
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
            let posts: Vec<_> = posts.into_iter().map(|(doubt, work)| Candidate { doubt, work }).collect();
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

        /// Whoever stays behind is no more doubtful than whoever goes on.
        #[test]
        fn the_most_doubtful_go_first(doubts in prop::collection::vec(0.0_f32..=1.0, 1..600), n_waiting in 0_usize..120) {
            let chosen = Admission::default().admit(&each(&doubts), &load(1_000.0, n_waiting));
            let admitted = chosen.iter().map(|i| doubts[*i]).fold(f32::INFINITY, f32::min);
            let left = (0..doubts.len()).filter(|i| !chosen.contains(i)).map(|i| doubts[i]).fold(0.0, f32::max);
            prop_assert!(chosen.is_empty() || admitted >= left, "{admitted} went on, {left} did not");
        }
    }
}
