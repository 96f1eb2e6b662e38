//! ScoreBatch → RecordBatch, on worker threads.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler};
use jiff::Timestamp;
use tracing::{error, warn};

use super::downstream::Downstream;
use super::job_queue::{Job, JobQueue, LaneError, Request};
use super::messages::{RecordBatch, ScoreBatch};
use super::scoring::{score_posts, score_texts};
use super::supervisor::{Life, stage};
use super::vitals::Vitals;
use crate::enrich::Enricher;
use crate::inference::{Scorer, ScorerFactory};
use crate::telemetry::{INFERENCE_SECONDS, POSTS_SCORED_TOTAL};

/// How long a worker waits before it tries again to reach the aggregator.
const RETRY: Duration = Duration::from_millis(50);

/// How long a worker waits before it tries again to build a scorer.
const BUILD_RETRY: Duration = Duration::from_secs(1);

/// How often the workers are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A batch takes milliseconds; a worker that is this long at one is stuck in native code.
const STUCK_AFTER_MS: i64 = 30_000;

/// What an inference pool is made of.
#[derive(Clone)]
pub struct InferencePoolParams {
    /// Makes one scorer for each thread.
    pub factory: Arc<dyn ScorerFactory>,
    /// Derives language, place and products.
    pub enricher: Arc<Enricher>,
    /// What waits.
    pub queue: Arc<JobQueue>,
    /// Where scored posts go.
    pub downstream: Downstream<RecordBatch>,
    /// How many score at the same time.
    pub n_threads: usize,
}

/// Reads posts with a model, each thread with a session of its own.
///
/// A panic while scoring is caught and told to the ticket; it is no death of the stage. Batches are as large
/// as what has gathered since the last, so they grow with the load by themselves.
pub struct InferencePool {
    params: InferencePoolParams,
    alive: Arc<AtomicBool>,
    pulses: Vec<Arc<Pulse>>,
    life: Life,
}

/// How a worker is, for its pool to see: the heartbeat of the stage reaches the actor, not its threads.
#[derive(Default)]
struct Pulse {
    /// When it began what it is scoring, in milliseconds since 1970; 0 while it waits.
    busy_since_ms: AtomicI64,
    gone: AtomicBool,
}

stage!(InferencePool, "inference_pool");

impl InferencePool {
    /// A pool whose threads start with the actor.
    pub fn new(params: InferencePoolParams, life: Life) -> Self {
        Self { params, alive: Arc::new(AtomicBool::new(true)), pulses: Vec::new(), life }
    }

    /// A worker that is stuck or gone is the death of the stage: the supervisor builds another with fresh threads, and
    /// gives up on the process when that keeps happening. A thread stuck in native code cannot be ended.
    fn look_at_workers(&self) {
        let now = Timestamp::now().as_millisecond();
        for pulse in &self.pulses {
            let busy_since = pulse.busy_since_ms.load(Ordering::Acquire);
            let stuck = busy_since > 0 && now - busy_since > STUCK_AFTER_MS;
            assert!(!stuck, "an inference thread is stuck");
            assert!(!pulse.gone.load(Ordering::Acquire), "an inference thread has ended");
        }
    }
}

impl Actor for InferencePool {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        for n in 0..self.params.n_threads {
            let pulse = Arc::new(Pulse::default());
            self.pulses.push(Arc::clone(&pulse));
            let worker = Worker {
                pulse: Arc::clone(&pulse),
                params: self.params.clone(),
                alive: Arc::clone(&self.alive),
                vitals: Arc::clone(&self.life.vitals),
            };
            let spawned = thread::Builder::new().name(format!("inference-{n}")).spawn(move || worker.run());
            if let Err(error) = spawned {
                error!(%error, "no thread for inference");
                pulse.gone.store(true, Ordering::Release);
            }
        }
        context.run_interval(LOOK_EVERY, |pool, _| pool.look_at_workers());
    }
}

impl Drop for InferencePool {
    fn drop(&mut self) {
        self.alive.store(false, Ordering::Release);
        self.params.queue.wake_all();
    }
}

impl Handler<ScoreBatch> for InferencePool {
    type Result = ();

    fn handle(&mut self, batch: ScoreBatch, _: &mut Self::Context) {
        self.life.vitals.begin(1);
        self.params.queue.push_batch(batch);
    }
}

struct Worker {
    pulse: Arc<Pulse>,
    params: InferencePoolParams,
    alive: Arc<AtomicBool>,
    vitals: Arc<Vitals>,
}

impl Worker {
    fn run(&self) {
        let Some(mut scorer) = self.build_scorer() else {
            return;
        };
        while let Some(job) = self.params.queue.pop(&self.alive) {
            let healthy = match job {
                Job::Request(request) => self.timed(|| answer(scorer.as_mut(), request)),
                Job::Batch(batch) => self.score(scorer.as_mut(), batch),
            };
            if healthy {
                continue;
            }
            // A scorer that panicked may be in any state.
            let Some(fresh) = self.build_scorer() else {
                return;
            };
            scorer = fresh;
        }
    }

    fn build_scorer(&self) -> Option<Box<dyn Scorer>> {
        while self.alive.load(Ordering::Acquire) {
            match self.params.factory.build() {
                Ok(scorer) => return Some(scorer),
                Err(error) => error!(%error, "no scorer could be built"),
            }
            thread::sleep(BUILD_RETRY);
        }
        None
    }

    /// Does what may get stuck in native code, where the pool can see since when.
    fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        self.pulse.busy_since_ms.store(Timestamp::now().as_millisecond(), Ordering::Release);
        let done = work();
        self.pulse.busy_since_ms.store(0, Ordering::Release);
        done
    }

    /// Whether the scorer can be used again.
    fn score(&self, scorer: &mut dyn Scorer, batch: ScoreBatch) -> bool {
        let ScoreBatch { posts, ticket } = batch;
        let n_posts = u64::try_from(posts.len()).unwrap_or(u64::MAX);
        let started = Instant::now();
        let scoring = AssertUnwindSafe(|| score_posts(scorer, &self.params.enricher, posts));
        let scored = self.timed(|| catch_unwind(scoring));
        match scored {
            Ok(Ok(posts)) => {
                metrics::histogram!(INFERENCE_SECONDS).record(started.elapsed().as_secs_f64());
                metrics::counter!(POSTS_SCORED_TOTAL, "model" => scorer.model().name.clone())
                    .increment(n_posts);
                self.hand_on(RecordBatch { posts, ticket });
                self.vitals.finish(1);
                true
            }
            Ok(Err(error)) => {
                warn!(%error, n_posts, "a batch could not be scored");
                ticket.failed(error.to_string());
                self.vitals.fail(1);
                true
            }
            Err(panic) => {
                let reason = panic_message(panic.as_ref());
                warn!(reason, n_posts, "scoring a batch panicked");
                ticket.failed(format!("scoring panicked: {reason}"));
                self.vitals.fail(1);
                false
            }
        }
    }

    /// Waits for the aggregator rather than dropping the ticket: a stage that is being rebuilt says nothing
    /// about the posts.
    fn hand_on(&self, batch: RecordBatch) {
        while !self.params.downstream.is_reachable() {
            if !self.alive.load(Ordering::Acquire) {
                return;
            }
            thread::sleep(RETRY);
        }
        self.params.downstream.post(batch);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.pulse.gone.store(true, Ordering::Release);
    }
}

fn answer(scorer: &mut dyn Scorer, request: Request) -> bool {
    let scored = catch_unwind(AssertUnwindSafe(|| score_texts(scorer, &request.texts)));
    let (answer, healthy) = match scored {
        Ok(Ok(scores)) => (Ok(scores), true),
        Ok(Err(error)) => (Err(LaneError::Failed(error.to_string())), true),
        Err(panic) => (Err(LaneError::Failed(panic_message(panic.as_ref()).to_owned())), false),
    };
    // A caller that has hung up no longer wants it.
    let _ = request.answer.send(answer);
    healthy
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
