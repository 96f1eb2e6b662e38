//! Worker threads for scoring, and how their pool monitors them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::error;

use super::job_queue::{OnDemandError, Request};
use super::score_posts::score_texts;
use crate::actors::runtime::downstream::{Downstream, Ticketed};
use crate::inference::{Scorer, ScorerFactory};

/// Interval at which a pool checks its workers.
pub const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Wait before another attempt to build a scorer. It doubles with each attempt.
const BUILD_RETRY: Duration = Duration::from_secs(1);

/// Maximum wait between attempts to build a scorer. If a scorer cannot be built for a long time, someone has to
/// intervene.
const BUILD_RETRY_MAX: Duration = Duration::from_secs(60);

/// Wait before another attempt to reach the next stage.
const FORWARD_RETRY: Duration = Duration::from_millis(50);

/// Number of workers in a pool, and how the pool monitors them.
#[derive(Debug, Clone, Copy)]
pub struct WorkersParams {
    /// Prefix of the thread names, which end with the index of the worker.
    pub name: &'static str,
    /// Number of worker threads to start.
    pub n_threads: usize,
    /// Time after which a worker that has not finished its job counts as stuck, presumably in native code.
    pub stuck_after: Duration,
}

/// Worker threads of one incarnation of a pool.
pub struct Workers {
    params: WorkersParams,
    alive: Arc<AtomicBool>,
    pulses: Vec<Arc<Pulse>>,
}

/// State of a worker as seen by its pool. Heartbeats of the stage reach only the actor, not its workers.
#[derive(Default)]
struct Pulse {
    /// When the current job started, in milliseconds since 1970; 0 while the worker is idle.
    busy_since_ms: AtomicI64,
    gone: AtomicBool,
}

impl Workers {
    /// Starts the threads, each of which runs `work`, which should return once [`Presence::alive_flag`] is false.
    pub fn start(params: WorkersParams, work: impl Fn(&Presence) + Clone + Send + 'static) -> Self {
        let mut workers = Self { params, alive: Arc::new(AtomicBool::new(true)), pulses: Vec::new() };
        for n in 0..params.n_threads {
            let pulse = Arc::new(Pulse::default());
            workers.pulses.push(Arc::clone(&pulse));
            let presence =
                Presence { number: n, pulse: Arc::clone(&pulse), alive: Arc::clone(&workers.alive) };
            let work = work.clone();
            let body = move || work(&presence);
            // unsupervised: the pool checks its threads every second
            if let Err(error) = thread::Builder::new().name(format!("{}-{n}", params.name)).spawn(body) {
                error!(%error, "a thread for inference could not be started");
                pulse.gone.store(true, Ordering::Release);
            }
        }
        workers
    }

    /// Checks that no worker is stuck or gone.
    ///
    /// # Panics
    /// If a worker is stuck or gone. The panic kills the stage: the supervisor restarts it with new threads, and ends
    /// the process if this happens repeatedly. A thread that is stuck in native code cannot be ended.
    pub fn check(&self) {
        let now = Timestamp::now().as_millisecond();
        let timeout = i64::try_from(self.params.stuck_after.as_millis()).unwrap_or(i64::MAX);
        for pulse in &self.pulses {
            let busy_since = pulse.busy_since_ms.load(Ordering::Acquire);
            let stuck = busy_since > 0 && now - busy_since > timeout;
            assert!(!stuck, "an inference thread is stuck");
            assert!(!pulse.gone.load(Ordering::Acquire), "an inference thread has ended");
        }
    }

    /// Tells the workers to exit after their current job. The caller must wake idle workers.
    pub fn dismiss(&self) {
        self.alive.store(false, Ordering::Release);
    }
}

/// Worker as seen by its own thread. The pool notices if the thread drops it.
pub struct Presence {
    number: usize,
    pulse: Arc<Pulse>,
    alive: Arc<AtomicBool>,
}

impl Presence {
    /// Returns the index of the worker within its pool.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the flag that becomes false when the pool dies.
    pub fn alive_flag(&self) -> &AtomicBool {
        &self.alive
    }

    /// Returns whether the pool is alive and the worker should therefore carry on.
    pub fn is_pool_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// Builds a scorer, retrying until it succeeds. Returns `None` once the pool is dead.
    pub fn build_scorer(&self, factory: &dyn ScorerFactory) -> Option<Box<dyn Scorer>> {
        let mut wait = BUILD_RETRY;
        while self.is_pool_alive() {
            match factory.build() {
                Ok(scorer) => return Some(scorer),
                Err(error) => error!(%error, ?wait, "a scorer could not be built"),
            }
            self.rest(wait);
            wait = (wait * 2).min(BUILD_RETRY_MAX);
        }
        None
    }

    /// Sleeps for `wait`, or until the pool dies.
    fn rest(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while self.is_pool_alive() && Instant::now() < until {
            thread::sleep(BUILD_RETRY.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Runs work that may panic or get stuck in native code. Its start is recorded, so that the pool notices if it gets
    /// stuck.
    ///
    /// # Errors
    /// The panic message. A scorer that panicked may be in any state, so build a new one.
    pub fn attempt<T>(&self, work: impl FnOnce() -> T) -> Result<T, String> {
        self.pulse.busy_since_ms.store(Timestamp::now().as_millisecond(), Ordering::Release);
        let done = catch_unwind(AssertUnwindSafe(work));
        self.pulse.busy_since_ms.store(0, Ordering::Release);
        done.map_err(|panic| message_of(panic.as_ref()).to_owned())
    }

    /// Scores a request, and returns whether the scorer can still be used.
    pub fn respond(&self, scorer: &mut dyn Scorer, request: Request) -> bool {
        let scored = self.attempt(|| score_texts(scorer, &request.texts));
        let (response, healthy) = match scored {
            Ok(Ok(scores)) => (Ok(scores), true),
            Ok(Err(error)) => (Err(OnDemandError::Failed(error.to_string())), true),
            Err(panic) => (Err(OnDemandError::Failed(panic)), false),
        };
        // A caller that has gone no longer receives the response.
        let _ = request.response.send(response);
        healthy
    }

    /// Forwards a result to the next stage. While that stage restarts, this waits, because scoring again would cost
    /// more. Drops the message once the pool is dead.
    pub fn forward<M>(&self, downstream: &Downstream<M>, message: M)
    where
        M: Ticketed + Send,
        M::Result: Send,
    {
        while !downstream.is_reachable() {
            if !self.is_pool_alive() {
                return;
            }
            thread::sleep(FORWARD_RETRY);
        }
        downstream.post(message);
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.pulse.gone.store(true, Ordering::Release);
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
