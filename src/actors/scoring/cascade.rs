//! State of the cascade that the pools share: the deep model's queue, its measured pace, and the posts admitted to it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::deferred_post::{DeferredPost, PermitPool, Permits};
use super::job_queue::JobQueue;
use crate::actors::runtime::clock::Clock;
use crate::inference::Tier;
use crate::inference::deferral::{Admission, ArrivalRate, Candidate, Load, Pace, WORK_TYPICAL, work};

/// Share of the latency budget. If a post has already used up more than this when it is scored, scoring is not keeping
/// up.
const LAG_SHARE: f64 = 0.5;

/// How long an overload lasts after it was last observed, in milliseconds. No post is admitted during that time,
/// because one quick batch among slow ones does not end an overload.
const OVERLOAD_LASTS_MS: i64 = 2_000;

/// How long the last measured pace is trusted while the deep model is idle. After that, the model is assumed to have at
/// least its default pace.
const PACE_LASTS: Duration = Duration::from_secs(10);

/// Weight of the newest batch in the moving average of the cost per text.
const WORK_EACH_NEWEST: f64 = 0.05;

/// Length, in seconds, of the period over which the tiers' shares are measured.
const SHARE_SECONDS: i64 = 60;

/// Posts from a batch that were admitted to the deep model.
pub struct Admitted {
    /// Indices of these posts in the batch, in ascending order.
    pub indices: Vec<usize>,
    /// Permits for these posts, released when their corrections are stored or dropped.
    pub permits: Permits,
}

/// Counts of recently stored and corrected posts, from which the shares of the tiers are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierCounts {
    /// Number of posts stored with a score from the fast model.
    pub n_stored: u64,
    /// Number of posts corrected by the deep model. They may include posts left behind by a dead process, which are not
    /// in `n_stored`.
    pub n_corrected: u64,
}

/// Settings that determine which posts a cascade admits.
#[derive(Debug, Clone, Copy)]
pub struct CascadeParams {
    /// How long after its arrival a post may be corrected; zero turns corrections off.
    pub budget: Duration,
    /// Number of threads that run the deep model.
    pub n_workers: usize,
    /// Number of unread stream entries above which scoring counts as falling behind.
    pub backlog_max: u64,
}

/// State shared by the stages of the cascade. It survives restarts of the stages.
pub struct Cascade {
    budget: Duration,
    n_workers: usize,
    backlog_max: u64,
    queue: JobQueue<DeferredPost>,
    permits: PermitPool,
    admission: Mutex<Admitting>,
    pace: Mutex<Pacing>,
    clock: Clock,
    begun_at: Instant,
    /// End of the last overload, in milliseconds after `begun_at`.
    overloaded_until_ms: AtomicI64,
    is_behind: AtomicBool,
    tally: Mutex<VecDeque<(i64, TierCounts)>>,
}

struct Admitting {
    admission: Admission,
    rate: ArrivalRate,
    last: Instant,
}

struct Pacing {
    pace: Pace,
    /// Batch that each worker is scoring: its cost, and when it started.
    under_way: Vec<Option<(usize, Instant)>>,
    /// Moving average of the cost per text.
    work_each: f64,
    /// When a worker last finished a batch that the model itself scored, at least in part.
    measured_at: Instant,
}

impl Cascade {
    /// Creates a cascade with an empty queue. Without a budget or workers, it defers no posts.
    pub fn new(params: CascadeParams) -> Self {
        let CascadeParams { budget, n_workers, backlog_max } = params;
        let clock = Clock::default();
        let begun_at = clock.now();
        Self {
            budget,
            n_workers,
            backlog_max,
            queue: JobQueue::new(Tier::Deep),
            permits: PermitPool::default(),
            admission: Mutex::new(Admitting {
                admission: Admission::default(),
                rate: ArrivalRate::default(),
                last: begun_at,
            }),
            pace: Mutex::new(Pacing {
                pace: Pace::default(),
                under_way: vec![None; n_workers],
                work_each: WORK_TYPICAL as f64,
                measured_at: begun_at,
            }),
            clock,
            begun_at,
            overloaded_until_ms: AtomicI64::new(0),
            is_behind: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// Returns whether uncertain posts are corrected by the deep model at all.
    pub fn is_on(&self) -> bool {
        !self.budget.is_zero() && self.n_workers > 0
    }

    /// Returns how long after its arrival a post may be corrected.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Returns the queue of the deep model, which holds posts and on-demand requests.
    pub fn queue(&self) -> &JobQueue<DeferredPost> {
        &self.queue
    }

    /// Returns the number of posts that hold permits: admitted or claimed, but neither corrected nor dropped yet.
    pub fn n_waiting(&self) -> usize {
        self.permits.n_held()
    }

    fn work_waiting(&self) -> usize {
        self.permits.work_held()
    }

    /// Returns whether scoring is not keeping up with arriving posts; if so, no more posts are admitted to the deep
    /// model.
    pub fn is_overloaded(&self) -> bool {
        self.is_on()
            && (self.is_behind.load(Ordering::Acquire)
                || self.now_ms() < self.overloaded_until_ms.load(Ordering::Acquire))
    }

    /// Returns the time in milliseconds after `begun_at`.
    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.since(self.begun_at).as_millis()).unwrap_or(i64::MAX)
    }

    /// Decides whether scoring is behind, based on the number of unread entries in the stream, which is `None` if Redis
    /// is down.
    pub fn observe_backlog(&self, n_unread: Option<u64>) {
        let is_behind = n_unread.is_some_and(|n_unread| n_unread > self.backlog_max);
        self.is_behind.store(is_behind, Ordering::Release);
    }

    /// Admits posts from a batch to the deep model. `lag` is the age of the oldest post in the batch.
    pub fn admit(&self, posts: &[Candidate], lag: Duration) -> Admitted {
        let nothing = Admitted { indices: Vec::new(), permits: self.no_permits() };
        if !self.is_on() {
            return nothing;
        }
        if lag > self.budget.mul_f64(LAG_SHARE) {
            self.overloaded_until_ms.store(self.now_ms() + OVERLOAD_LASTS_MS, Ordering::Release);
        }
        // Computed before the lock below is taken, so that a thread never holds both locks.
        let deep_per_second = self.work_per_second();
        let mut admitting = self.admission.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let since_last = now.saturating_duration_since(admitting.last);
        admitting.last = now;
        let load = Load {
            arriving_per_second: admitting.rate.count(posts.iter().map(|post| post.work).sum(), since_last),
            deep_per_second,
            n_waiting: self.n_waiting(),
            work_waiting: self.work_waiting(),
            budget: self.budget,
            is_overloaded: self.is_overloaded(),
        };
        let indices = admitting.admission.admit(posts, &load);
        let work = indices.iter().filter_map(|index| posts.get(*index)).map(|post| post.work).sum();
        // Still under the lock, so that two batches do not take the same permits.
        let permits = self.permits.take(indices.len(), work);
        Admitted { indices, permits }
    }

    /// Returns how many posts left behind by dead processes may be claimed: at most `n_max`, fewer if there is little
    /// spare capacity, and none under overload.
    pub fn permits_left(&self, n_max: usize) -> usize {
        if !self.is_on() || self.is_overloaded() {
            return 0;
        }
        let load = Load {
            arriving_per_second: 0.0,
            deep_per_second: self.work_per_second(),
            n_waiting: 0,
            work_waiting: 0,
            budget: self.budget,
            is_overloaded: false,
        };
        // New posts take precedence: they can still be corrected in time.
        let free = load.room().saturating_sub(2 * self.work_waiting());
        n_max.min(free / WORK_TYPICAL)
    }

    /// Takes a permit for a claimed post, whatever the load.
    pub fn permit(&self, text: &str) -> Permits {
        self.permits.take(1, work(text))
    }

    /// Returns an empty set of permits that others can be added to.
    pub fn no_permits(&self) -> Permits {
        self.permits.take(0, 0)
    }

    /// Records that a worker has started a batch of texts.
    pub fn begin<'a>(&self, worker: usize, texts: impl Iterator<Item = &'a str>) {
        let (n, work) = texts.fold((0, 0), |(n, sum), text| (n + 1, sum + work(text)));
        let mut pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pacing.work_each += WORK_EACH_NEWEST * (work as f64 / f64::from(n.max(1)) - pacing.work_each);
        if let Some(under_way) = pacing.under_way.get_mut(worker) {
            *under_way = Some((work, self.clock.now()));
        }
    }

    /// Records that a worker has finished its batch. `share_read` is the share of the texts that the model itself
    /// scored: cached texts would make the model look faster than it is.
    pub fn end(&self, worker: usize, share_read: f64) {
        let mut pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = pacing.under_way.get_mut(worker).and_then(Option::take);
        if let Some((work, since)) = under_way
            && share_read > 0.0
        {
            pacing.pace.measured(work as f64 * share_read, self.clock.since(since));
            pacing.measured_at = self.clock.now();
        }
    }

    /// Returns the pace of the deep model in texts per second, for texts of the average length seen recently.
    pub fn texts_per_second(&self) -> f64 {
        let work_each = self.pace.lock().unwrap_or_else(PoisonError::into_inner).work_each;
        self.work_per_second() / work_each.max(1.0)
    }

    fn work_per_second(&self) -> f64 {
        let pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let of_worker = |under_way: &Option<(usize, Instant)>| {
            let (work, so_far) =
                under_way.map_or((0, Duration::ZERO), |(work, since)| (work, self.clock.since(since)));
            pacing.pace.with_under_way(work, so_far)
        };
        // Not `sum`, which returns -0 without workers.
        pacing.under_way.iter().map(of_worker).fold(0.0, |all, of_one| all + of_one)
    }

    /// Estimates how long one worker would take to score these texts.
    pub fn expected(&self, texts: &[String]) -> Duration {
        let work: usize = texts.iter().map(|text| work(text)).sum();
        let mut per_worker = self.work_per_second() / self.n_workers.max(1) as f64;
        let pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if self.clock.since(pacing.measured_at) > PACE_LASTS && pacing.under_way.iter().all(Option::is_none) {
            // If there are no posts, only a request can show that the model is faster now.
            per_worker = per_worker.max(Pace::default().with_under_way(0, Duration::ZERO));
        }
        Duration::try_from_secs_f64(work as f64 / per_worker.max(1e-3)).unwrap_or(Duration::MAX)
    }

    /// Counts posts that were stored or corrected, for [`Self::counts`].
    pub fn count(&self, now: Timestamp, counts: TierCounts) {
        let second = now.as_second();
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match tally.back_mut() {
            Some((last, sum)) if *last == second => sum.add(counts),
            _ => tally.push_back((second, counts)),
        }
        while tally.front().is_some_and(|(first, _)| *first <= second - SHARE_SECONDS) {
            tally.pop_front();
        }
    }

    /// Returns how many posts were stored and corrected in the last minute.
    pub fn counts(&self, now: Timestamp) -> TierCounts {
        self.count(now, TierCounts::default());
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sum = TierCounts::default();
        tally.iter().for_each(|(_, counts)| sum.add(*counts));
        sum
    }
}

impl TierCounts {
    fn add(&mut self, other: Self) {
        self.n_stored += other.n_stored;
        self.n_corrected += other.n_corrected;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(5);

    const TEXT: &str = "not good, not bad, only slow";

    fn uncertain(n: usize) -> Vec<Candidate> {
        vec![Candidate { uncertainty: 0.9, work: work(TEXT) }; n]
    }

    fn of(budget: Duration, n_workers: usize) -> Cascade {
        let params = CascadeParams { budget, n_workers, backlog_max: 100 };
        let mut cascade = Cascade::new(params);
        cascade.clock = Clock::stopped();
        cascade
    }

    fn cascade() -> Cascade {
        of(Duration::from_secs(1), 2)
    }

    #[test]
    fn permits_are_released_however_a_post_ends() {
        let cascade = cascade();
        let mut admitted = cascade.admit(&uncertain(4), SOON);
        assert_eq!((admitted.indices.len(), cascade.n_waiting()), (4, 4));
        let one = admitted.permits.take_one(TEXT).unwrap();
        drop(admitted);
        assert_eq!((cascade.n_waiting(), cascade.work_waiting()), (1, work(TEXT)));
        let mut all = cascade.permit(&TEXT.repeat(2));
        all.join(one);
        assert_eq!(cascade.n_waiting(), 2);
        drop(all);
        assert_eq!((cascade.n_waiting(), cascade.work_waiting()), (0, 0));
    }

    #[test]
    fn posts_scored_late_are_an_overload() {
        let cascade = cascade();
        assert!(cascade.admit(&uncertain(1), Duration::from_millis(600)).indices.is_empty());
        assert!(cascade.is_overloaded());
        assert!(cascade.admit(&uncertain(1), SOON).indices.is_empty(), "one quick batch ended the overload");
        assert_eq!(cascade.permits_left(10), 0);
        cascade.clock.advance(Duration::from_secs(2));
        assert!(!cascade.is_overloaded());
    }

    #[test]
    fn a_backlog_in_the_stream_is_an_overload_for_as_long_as_it_lasts() {
        let cascade = cascade();
        cascade.observe_backlog(Some(101));
        assert!(cascade.is_overloaded() && cascade.admit(&uncertain(1), SOON).indices.is_empty());
        cascade.observe_backlog(Some(100));
        assert_eq!(cascade.admit(&uncertain(1), SOON).indices, [0]);
    }

    #[test]
    fn without_a_budget_or_a_model_nothing_is_admitted() {
        for off in [of(Duration::ZERO, 2), of(Duration::from_secs(1), 0)] {
            assert!(off.admit(&uncertain(1), SOON).indices.is_empty());
            assert!(!off.is_on() && !off.is_overloaded());
        }
        assert!(of(Duration::ZERO, 0).texts_per_second().is_sign_positive());
    }

    #[test]
    fn a_worker_without_cpu_admits_nothing() {
        let cascade = cascade();
        let before = cascade.work_per_second();
        let texts = || std::iter::repeat_n(TEXT, 16);
        cascade.begin(0, texts());
        cascade.clock.advance(Duration::from_secs(60));
        assert!(cascade.work_per_second() < before);
        cascade.end(0, 0.0);
        assert!(cascade.work_per_second() <= before, "cached texts were counted as scored");
        cascade.begin(0, texts());
        cascade.end(0, 1.0);
        assert!(cascade.work_per_second() > before, "16 texts in no time are fast");
    }

    #[test]
    fn a_request_of_long_texts_is_expected_to_take_longer() {
        let cascade = cascade();
        let long = TEXT.repeat(10);
        assert!(cascade.expected(&[long]) > 3 * cascade.expected(&[TEXT.to_owned()]));
    }

    #[test]
    fn the_shares_are_those_of_the_last_minute() {
        let cascade = cascade();
        let at = |second| Timestamp::from_second(second).unwrap();
        cascade.count(at(100), TierCounts { n_stored: 10, n_corrected: 1 });
        cascade.count(at(130), TierCounts { n_stored: 5, n_corrected: 2 });
        assert_eq!(cascade.counts(at(140)), TierCounts { n_stored: 15, n_corrected: 3 });
        assert_eq!(cascade.counts(at(160)), TierCounts { n_stored: 5, n_corrected: 2 });
    }
}
