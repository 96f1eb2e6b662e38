//! Threads that score, and how their stage sees whether they are well.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::error;

use super::job_queue::{OnDemandError, Request};
use super::scored_post::score_texts;
use crate::actors::runtime::downstream::{Downstream, Ticketed};
use crate::inference::{Scorer, ScorerFactory};

/// How often a stage looks at its workers.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a worker waits before it tries again to build a scorer: twice as long each time.
const BUILD_RETRY: Duration = Duration::from_secs(1);

/// Up to this. What keeps a scorer from being built for long waits for a person.
const BUILD_RETRY_MAX: Duration = Duration::from_secs(60);

/// How long a worker waits before it tries again to reach the stage behind it.
const HAND_ON_RETRY: Duration = Duration::from_millis(50);

/// What kind of workers.
#[derive(Debug, Clone, Copy)]
pub struct WorkersParams {
    /// What the threads' names begin with.
    pub name: &'static str,
    /// How many work at the same time.
    pub n_threads: usize,
    /// A worker that is this long at one piece of work is stuck in native code.
    pub stuck_after: Duration,
}

/// The threads of one incarnation of a pool.
pub struct Workers {
    params: WorkersParams,
    alive: Arc<AtomicBool>,
    pulses: Vec<Arc<Pulse>>,
}

/// How a worker is, for its pool to see: the heartbeat of the stage reaches the actor, not its threads.
#[derive(Default)]
struct Pulse {
    /// When it began what it is scoring, in milliseconds since 1970; 0 while it waits.
    busy_since_ms: AtomicI64,
    gone: AtomicBool,
}

impl Workers {
    /// Starts the threads; each does `work`, which should return once [`Presence::alive`] is false.
    pub fn start(params: WorkersParams, work: impl Fn(&Presence) + Clone + Send + 'static) -> Self {
        let mut workers = Self { params, alive: Arc::new(AtomicBool::new(true)), pulses: Vec::new() };
        for n in 0..params.n_threads {
            let pulse = Arc::new(Pulse::default());
            workers.pulses.push(Arc::clone(&pulse));
            let presence =
                Presence { number: n, pulse: Arc::clone(&pulse), alive: Arc::clone(&workers.alive) };
            let work = work.clone();
            let body = move || work(&presence);
            if let Err(error) = thread::Builder::new().name(format!("{}-{n}", params.name)).spawn(body) {
                error!(%error, "no thread for inference");
                pulse.gone.store(true, Ordering::Release);
            }
        }
        workers
    }

    /// A worker that is stuck or gone is the death of the stage: the supervisor builds another with fresh threads, and
    /// gives up on the process when that keeps happening. A thread stuck in native code cannot be ended.
    ///
    /// # Panics
    /// Then.
    pub fn look(&self) {
        let now = Timestamp::now().as_millisecond();
        let timeout = i64::try_from(self.params.stuck_after.as_millis()).unwrap_or(i64::MAX);
        for pulse in &self.pulses {
            let busy_since = pulse.busy_since_ms.load(Ordering::Acquire);
            let stuck = busy_since > 0 && now - busy_since > timeout;
            assert!(!stuck, "an inference thread is stuck");
            assert!(!pulse.gone.load(Ordering::Acquire), "an inference thread has ended");
        }
    }

    /// Sends them home, once they have finished what they are at. Wake those that wait.
    pub fn dismiss(&self) {
        self.alive.store(false, Ordering::Release);
    }
}

/// A worker as its own thread holds it. Dropping it is seen by the pool.
pub struct Presence {
    number: usize,
    pulse: Arc<Pulse>,
    alive: Arc<AtomicBool>,
}

impl Presence {
    /// Which of the workers, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// False once the pool is dead.
    pub fn alive(&self) -> &AtomicBool {
        &self.alive
    }

    /// Whether the pool lives.
    pub fn is_wanted(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// A scorer, however long that takes; `None` once the pool is dead.
    pub fn build_scorer(&self, factory: &dyn ScorerFactory) -> Option<Box<dyn Scorer>> {
        let mut wait = BUILD_RETRY;
        while self.is_wanted() {
            match factory.build() {
                Ok(scorer) => return Some(scorer),
                Err(error) => error!(%error, ?wait, "no scorer could be built"),
            }
            self.rest(wait);
            wait = (wait * 2).min(BUILD_RETRY_MAX);
        }
        None
    }

    /// Sleeps, but no longer than the pool lives.
    fn rest(&self, wait: Duration) {
        let until = Instant::now() + wait;
        while self.is_wanted() && Instant::now() < until {
            thread::sleep(BUILD_RETRY.min(until.saturating_duration_since(Instant::now())));
        }
    }

    /// Does what may get stuck in native code or panic, where the pool can see since when.
    ///
    /// # Errors
    /// What the panic said. A scorer that panicked may be in any state: build another.
    pub fn attempt<T>(&self, work: impl FnOnce() -> T) -> Result<T, String> {
        self.pulse.busy_since_ms.store(Timestamp::now().as_millisecond(), Ordering::Release);
        let done = catch_unwind(AssertUnwindSafe(work));
        self.pulse.busy_since_ms.store(0, Ordering::Release);
        done.map_err(|panic| message_of(panic.as_ref()).to_owned())
    }

    /// Answers somebody who waits. Whether the scorer can be used again.
    pub fn answer(&self, scorer: &mut dyn Scorer, request: Request) -> bool {
        let scored = self.attempt(|| score_texts(scorer, &request.texts));
        let (answer, healthy) = match scored {
            Ok(Ok(scores)) => (Ok(scores), true),
            Ok(Err(error)) => (Err(OnDemandError::Failed(error.to_string())), true),
            Err(panic) => (Err(OnDemandError::Failed(panic)), false),
        };
        // A caller that has hung up no longer wants it.
        let _ = request.answer.send(answer);
        healthy
    }

    /// Hands on what was done. Waits for a stage that is being rebuilt, which says nothing about the posts: doing it all
    /// again would cost more. Drops the message once the pool is dead.
    pub fn hand_on<M>(&self, downstream: &Downstream<M>, message: M)
    where
        M: Ticketed + Send,
        M::Result: Send,
    {
        while !downstream.is_reachable() {
            if !self.is_wanted() {
                return;
            }
            thread::sleep(HAND_ON_RETRY);
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
