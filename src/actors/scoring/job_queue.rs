//! Job queue for worker threads, with two lanes: requests go ahead of posts.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::inference::Tier;
use crate::models::score::Score;
use crate::telemetry::INFERENCE_QUEUE_SECONDS;

/// Maximum number of queued requests. Any further request would take longer than people are willing to wait, so it is
/// refused with status 429.
pub const REQUESTS_WAITING_MAX: usize = 64;

/// Number of consecutive requests after which posts get their turn, so that the stream does not starve.
const REQUESTS_IN_A_ROW_MAX: usize = 4;

/// Interval at which an idle worker checks whether its pool is alive.
const PAUSE: Duration = Duration::from_millis(200);

/// Reason why a request got no scores.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnDemandError {
    /// Too many requests are already queued.
    #[error("too many texts are queued for scoring")]
    Busy,
    /// The model could not score the texts.
    #[error("the text could not be scored: {0}")]
    Failed(String),
}

/// Request to score texts on demand, outside the stream.
pub struct Request {
    /// Texts to score, at least one.
    pub texts: Vec<String>,
    /// Channel that returns the scores to the caller.
    pub response: oneshot::Sender<Result<Vec<Score>, OnDemandError>>,
}

/// Job that a worker thread takes from the queue.
pub enum Job<T> {
    /// Texts to score on demand.
    Request(Request),
    /// Units of posts from the stream.
    Batch(T),
}

struct Lanes<W> {
    requests: VecDeque<(Instant, Request)>,
    posts: VecDeque<W>,
    /// When each unit of posts was queued, for the waiting-time metric.
    since: VecDeque<Instant>,
    /// Number of requests taken since the last posts.
    n_requests_in_a_row: usize,
}

impl<W> Lanes<W> {
    fn next<T>(&mut self, tier: Tier, take: impl Fn(&mut VecDeque<W>) -> Option<T>) -> Option<Job<T>> {
        let waited = |lane: &'static str, since: Instant| {
            let seconds = since.elapsed().as_secs_f64();
            metrics::histogram!(INFERENCE_QUEUE_SECONDS, "tier" => tier.as_str(), "lane" => lane)
                .record(seconds);
        };
        if self.n_requests_in_a_row < REQUESTS_IN_A_ROW_MAX || self.posts.is_empty() {
            while let Some((since, request)) = self.requests.pop_front() {
                if !request.response.is_closed() {
                    self.n_requests_in_a_row += 1;
                    waited("requests", since);
                    return Some(Job::Request(request));
                }
            }
        }
        self.n_requests_in_a_row = 0;
        let job = take(&mut self.posts);
        let n_taken = self.since.len().saturating_sub(self.posts.len());
        self.since.drain(..n_taken).for_each(|since| waited("posts", since));
        job.map(Job::Batch)
    }
}

/// Queue with two lanes, one for requests and one for posts in units of type `W`. It survives restarts of its pool, so
/// no queued job is lost when the pool dies.
pub struct JobQueue<W> {
    tier: Tier,
    lanes: Mutex<Lanes<W>>,
    arrived: Condvar,
}

impl<W> JobQueue<W> {
    /// Creates an empty queue. `tier` labels its metrics.
    pub fn new(tier: Tier) -> Self {
        let lanes = Lanes {
            requests: VecDeque::new(),
            posts: VecDeque::new(),
            since: VecDeque::new(),
            n_requests_in_a_row: 0,
        };
        Self { tier, lanes: Mutex::new(lanes), arrived: Condvar::new() }
    }

    /// Adds posts. Tickets or permits limit their number.
    pub fn push(&self, posts: W) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.posts.push_back(posts);
        lanes.since.push_back(Instant::now());
        drop(lanes);
        self.arrived.notify_one();
    }

    /// Adds a request.
    ///
    /// # Errors
    /// [`OnDemandError::Busy`] if [`REQUESTS_WAITING_MAX`] requests are already queued.
    pub fn push_request(&self, request: Request) -> Result<(), OnDemandError> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        // Cancelled requests must not keep others out.
        lanes.requests.retain(|(_, waiting)| !waiting.response.is_closed());
        if lanes.requests.len() >= REQUESTS_WAITING_MAX {
            return Err(OnDemandError::Busy);
        }
        lanes.requests.push_back((Instant::now(), request));
        drop(lanes);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for the next job. Returns `None` once `alive` is false, which means that the pool is dead.
    pub fn pop(&self, alive: &AtomicBool) -> Option<Job<W>> {
        self.pop_some(alive, VecDeque::pop_front)
    }

    /// Waits for the next job. `take` removes as many units of posts as it wants from the front of the queue, and
    /// returns `None` if there are none.
    pub fn pop_some<T>(
        &self,
        alive: &AtomicBool,
        take: impl Fn(&mut VecDeque<W>) -> Option<T>,
    ) -> Option<Job<T>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        while alive.load(Ordering::Acquire) {
            if let Some(job) = lanes.next(self.tier, &take) {
                return Some(job);
            }
            lanes = self.arrived.wait_timeout(lanes, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }

    /// Wakes every worker, so that those of a dead pool exit.
    pub fn wake_all(&self) {
        self.arrived.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> (Request, oneshot::Receiver<Result<Vec<Score>, OnDemandError>>) {
        let (response, scores) = oneshot::channel();
        (Request { texts: vec!["x".to_owned()], response }, scores)
    }

    #[test]
    fn a_full_lane_refuses_at_once() {
        let queue = JobQueue::<u32>::new(Tier::Swift);
        let waiting: Vec<_> = (0..REQUESTS_WAITING_MAX)
            .map(|_| {
                let (request, scores) = request();
                queue.push_request(request).unwrap();
                scores
            })
            .collect();
        assert_eq!(queue.push_request(request().0).unwrap_err(), OnDemandError::Busy);
        drop(waiting);
        assert!(queue.push_request(request().0).is_ok());
    }

    #[test]
    fn a_request_whose_caller_has_gone_is_skipped() {
        let queue = JobQueue::<u32>::new(Tier::Swift);
        let (gone, scores) = request();
        queue.push_request(gone).unwrap();
        drop(scores);
        let (kept, _scores) = request();
        queue.push_request(kept).unwrap();
        let Some(Job::Request(next)) = queue.pop(&AtomicBool::new(true)) else { panic!("no request") };
        assert!(!next.response.is_closed());
    }

    /// Takes all jobs. Returns 0 for each request and the number itself for posts.
    fn all(queue: &JobQueue<u32>) -> Vec<u32> {
        let mut lanes = queue.lanes.lock().unwrap();
        let next = || lanes.next(Tier::Swift, VecDeque::pop_front);
        std::iter::from_fn(next)
            .map(|job| match job {
                Job::Request(_) => 0,
                Job::Batch(number) => number,
            })
            .collect()
    }

    #[test]
    fn requests_go_first_and_posts_do_not_starve() {
        let queue = JobQueue::<u32>::new(Tier::Swift);
        queue.push(1);
        queue.push(2);
        let waiting: Vec<_> = (0..6)
            .map(|_| {
                let (request, scores) = request();
                queue.push_request(request).unwrap();
                scores
            })
            .collect();
        assert_eq!(all(&queue), [0, 0, 0, 0, 1, 0, 0, 2]);
        drop(waiting);
    }

    #[test]
    fn the_wait_of_each_lane_is_measured() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            let queue = JobQueue::<u32>::new(Tier::Deep);
            let (request, _scores) = request();
            queue.push_request(request).unwrap();
            (1..=3).for_each(|number| queue.push(number));
            let alive = AtomicBool::new(true);
            queue.pop(&alive).unwrap();
            queue.pop_some(&alive, |posts| Some(posts.drain(..2).collect::<Vec<_>>())).unwrap();
        });
        let told = recorder.handle().render();
        for (lane, n_waited) in [("requests", 1), ("posts", 2)] {
            let line = format!(
                "groundswell_inference_queue_seconds_count{{tier=\"deep\",lane=\"{lane}\"}} {n_waited}"
            );
            assert!(told.contains(&line), "{line} is not in {told}");
        }
    }

    #[test]
    fn the_workers_of_a_dead_pool_exit() {
        assert!(JobQueue::<u32>::new(Tier::Swift).pop(&AtomicBool::new(false)).is_none());
    }
}
