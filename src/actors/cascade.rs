//! What the stages of the cascade share: what waits for the deep model, how fast it is, and which posts it shall read.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::job_queue::JobQueue;
use crate::inference::Tier;
use crate::inference::deferral::{Admission, ArrivalRate, Load, Pace};
use crate::models::post::ScoredPost;

/// A post that was scored this part of the budget after its arrival shows that scoring itself does not keep up.
const LAG_SHARE: f64 = 0.5;

/// How long an overload is shown, and nothing admitted, after it was last seen: batches that happen to be quick between
/// slow ones are no end of it.
const OVERLOAD_LASTS_MS: i64 = 2_000;

/// How long a slow pace of the deep model is believed in while it has nothing to read.
const PACE_LASTS: Duration = Duration::from_secs(10);

/// Over how long the shares of the tiers are shown.
const SHARE_SECONDS: i64 = 60;

/// A post that waits for the deep model.
pub struct Deferred {
    /// The post with its first score.
    pub scored: Arc<ScoredPost>,
    /// When that was committed; nobody knows of a post that another process left behind.
    pub committed_at: Option<Instant>,
    /// Its place among those that wait.
    pub place: Places,
}

/// Holds places among the posts that wait; they are free again when it is dropped, wherever that happens.
pub struct Places {
    n: usize,
    taken: Arc<AtomicUsize>,
}

impl Places {
    /// Splits off one; `None` where there is none left.
    pub fn take_one(&mut self) -> Option<Self> {
        self.n = self.n.checked_sub(1)?;
        Some(Self { n: 1, taken: Arc::clone(&self.taken) })
    }

    /// Adds those of another.
    pub fn join(&mut self, mut other: Self) {
        self.n += std::mem::take(&mut other.n);
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.n, Ordering::AcqRel);
    }
}

/// Which posts of a batch the deep model shall read.
pub struct Admitted {
    /// Their indices, ascending.
    pub indices: Vec<usize>,
    /// A place for each.
    pub places: Places,
}

/// The share of posts whose score each tier gave, of those stored lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TierCounts {
    /// Posts stored.
    pub n_stored: u64,
    /// Posts corrected; those of a dead process among them were stored before.
    pub n_corrected: u64,
}

/// Shared by every stage of the cascade, and outlives any incarnation of them.
pub struct Cascade {
    budget: Duration,
    n_workers: usize,
    queue: JobQueue<Deferred>,
    taken: Arc<AtomicUsize>,
    admission: Mutex<Admitting>,
    pace: Mutex<Pacing>,
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
    /// What each worker has under way: how many texts, since when.
    under_way: Vec<Option<(usize, Instant)>>,
    /// When a worker last finished anything.
    measured_at: Instant,
}

impl Cascade {
    /// A cascade in which nothing waits. A budget of zero, or no workers, is one that corrects nothing.
    pub fn new(budget: Duration, n_workers: usize) -> Self {
        Self {
            budget,
            n_workers,
            queue: JobQueue::new(Tier::Deep),
            taken: Arc::default(),
            admission: Mutex::new(Admitting {
                admission: Admission::default(),
                rate: ArrivalRate::default(),
                last: Instant::now(),
            }),
            pace: Mutex::new(Pacing {
                pace: Pace::default(),
                under_way: vec![None; n_workers],
                measured_at: Instant::now(),
            }),
            overloaded_until_ms: AtomicI64::new(0),
            is_behind: AtomicBool::new(false),
            tally: Mutex::default(),
        }
    }

    /// Whether posts are corrected at all.
    pub fn is_on(&self) -> bool {
        !self.budget.is_zero() && self.n_workers > 0
    }

    /// How long after its arrival a post may be corrected.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// What waits for the deep model.
    pub fn queue(&self) -> &JobQueue<Deferred> {
        &self.queue
    }

    /// Posts that were admitted and not yet corrected.
    pub fn n_waiting(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Whether scoring does not keep up with what arrives, so that nothing is scored twice.
    pub fn is_overloaded(&self) -> bool {
        self.is_on()
            && (self.is_behind.load(Ordering::Acquire)
                || Timestamp::now().as_millisecond() < self.overloaded_until_ms.load(Ordering::Acquire))
    }

    /// Tells whether more entries wait in the stream than are in anybody's hands.
    pub fn set_behind(&self, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::Release);
    }

    /// Picks those of a batch that the deep model shall read. `lag` is how long the oldest of them took from its arrival.
    pub fn admit(&self, doubts: &[f32], lag: Duration) -> Admitted {
        let nothing = Admitted { indices: Vec::new(), places: self.places(0) };
        if !self.is_on() {
            return nothing;
        }
        if lag > self.budget.mul_f64(LAG_SHARE) {
            let until = Timestamp::now().as_millisecond() + OVERLOAD_LASTS_MS;
            self.overloaded_until_ms.store(until, Ordering::Release);
        }
        // Before the lock below: threads of low priority hold the one behind this, and every scoring thread wants both.
        let deep_per_second = self.deep_per_second();
        let mut admitting = self.admission.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let since_last = now.saturating_duration_since(admitting.last);
        admitting.last = now;
        let load = Load {
            arriving_per_second: admitting.rate.count(doubts.len(), since_last),
            deep_per_second,
            n_waiting: self.n_waiting(),
            budget: self.budget,
            is_overloaded: self.is_overloaded(),
        };
        let indices = admitting.admission.admit(doubts, &load);
        // Still under the lock, so that two batches do not take the same room.
        let places = self.places(indices.len());
        Admitted { indices, places }
    }

    /// Places for posts that nobody admitted: what a dead process left behind. Fewer than asked for where there is no
    /// room, and none under overload.
    pub fn places_left(&self, n_max: usize) -> usize {
        if !self.is_on() || self.is_overloaded() {
            return 0;
        }
        let load = Load {
            arriving_per_second: 0.0,
            deep_per_second: self.deep_per_second(),
            n_waiting: 0,
            budget: self.budget,
            is_overloaded: false,
        };
        // What has just arrived goes first: it can still be corrected in time.
        load.room().saturating_sub(2 * self.n_waiting()).min(n_max)
    }

    /// Takes places without asking whether there is room.
    pub fn places(&self, n: usize) -> Places {
        self.taken.fetch_add(n, Ordering::AcqRel);
        Places { n, taken: Arc::clone(&self.taken) }
    }

    /// Notes that a worker begins with `n` texts.
    pub fn begin(&self, worker: usize, n: usize) {
        let mut pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = pacing.under_way.get_mut(worker) {
            *under_way = Some((n, Instant::now()));
        }
    }

    /// Notes that it has finished, and how many of the texts the model itself has read: any other would make it look
    /// faster than it is.
    pub fn end(&self, worker: usize, n_read: usize) {
        let mut pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = pacing.under_way.get_mut(worker).and_then(Option::take);
        if let Some((_, since)) = under_way
            && n_read > 0
        {
            pacing.pace.measured(n_read, since.elapsed());
            pacing.measured_at = Instant::now();
        }
    }

    /// Texts the deep model reads each second while it has any.
    pub fn deep_per_second(&self) -> f64 {
        let pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let of_worker = |under_way: &Option<(usize, Instant)>| {
            let (n, so_far) = under_way.map_or((0, Duration::ZERO), |(n, since)| (n, since.elapsed()));
            pacing.pace.with_under_way(n, so_far)
        };
        // Not `sum`, which answers -0 where there is no worker.
        pacing.under_way.iter().map(of_worker).fold(0.0, |all, of_one| all + of_one)
    }

    /// How long the deep model would take for a request of `n` texts, which one worker reads.
    pub fn expected(&self, n: usize) -> Duration {
        let mut per_worker = self.deep_per_second() / self.n_workers.max(1) as f64;
        let pacing = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pacing.measured_at.elapsed() > PACE_LASTS && pacing.under_way.iter().all(Option::is_none) {
            // Where no posts come, only a request can tell that it is faster now.
            per_worker = per_worker.max(Pace::default().with_under_way(0, Duration::ZERO));
        }
        Duration::try_from_secs_f64(n as f64 / per_worker.max(1e-3)).unwrap_or(Duration::MAX)
    }

    /// Counts what was stored and corrected, for the shares.
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

    /// What was stored and corrected in the last minute.
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

    fn cascade() -> Cascade {
        Cascade::new(Duration::from_secs(1), 2)
    }

    #[test]
    fn places_are_free_again_however_a_post_ends() {
        let cascade = cascade();
        let mut admitted = cascade.admit(&[0.9; 4], SOON);
        assert_eq!((admitted.indices.len(), cascade.n_waiting()), (4, 4));
        let one = admitted.places.take_one().unwrap();
        drop(admitted);
        assert_eq!(cascade.n_waiting(), 1);
        let mut all = cascade.places(2);
        all.join(one);
        assert_eq!(cascade.n_waiting(), 3);
        drop(all);
        assert_eq!(cascade.n_waiting(), 0);
    }

    #[test]
    fn posts_that_come_to_scoring_late_are_an_overload() {
        let cascade = cascade();
        assert!(cascade.admit(&[0.9], Duration::from_millis(600)).indices.is_empty());
        assert!(cascade.is_overloaded());
        assert!(
            cascade.admit(&[0.9], SOON).indices.is_empty(),
            "an overload ends with its first quick batch"
        );
        assert_eq!(cascade.places_left(10), 0);
    }

    #[test]
    fn a_backlog_in_the_stream_is_an_overload_for_as_long_as_it_lasts() {
        let cascade = cascade();
        cascade.set_behind(true);
        assert!(cascade.is_overloaded() && cascade.admit(&[0.9], SOON).indices.is_empty());
        cascade.set_behind(false);
        assert_eq!(cascade.admit(&[0.9], SOON).indices, [0]);
    }

    #[test]
    fn without_a_budget_or_a_model_nothing_is_admitted() {
        for off in [Cascade::new(Duration::ZERO, 2), Cascade::new(Duration::from_secs(1), 0)] {
            assert!(off.admit(&[1.0], SOON).indices.is_empty());
            assert!(!off.is_on() && !off.is_overloaded());
        }
        assert!(Cascade::new(Duration::ZERO, 0).deep_per_second().is_sign_positive());
    }

    #[test]
    fn a_worker_that_gets_no_processor_leaves_no_room() {
        let cascade = cascade();
        let before = cascade.deep_per_second();
        cascade.begin(0, 16);
        assert!(cascade.deep_per_second() <= before);
        cascade.end(0, 0);
        assert!(cascade.deep_per_second() <= before, "what was remembered was taken for read");
        cascade.begin(0, 16);
        cascade.end(0, 16);
        assert!(cascade.deep_per_second() > before, "16 texts in no time are fast");
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
