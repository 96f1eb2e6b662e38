//! ScoreBatch → RecordBatch. Worker threads score the posts with the fast model.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler};
use jiff::Timestamp;
use tracing::warn;

use super::messages::{RecordBatch, ScoreBatch};
use super::runtime::downstream::Downstream;
use super::runtime::stage_metrics::StageMetrics;
use super::runtime::supervisor::{StageContext, stage};
use super::scoring::cascade::Cascade;
use super::scoring::job_queue::{Job, JobQueue};
use super::scoring::score_posts::{Scored, score_posts};
use super::scoring::worker_threads::{CHECK_EVERY, Presence, Workers, WorkersParams};
use crate::enrich::Enricher;
use crate::inference::{Scorer, ScorerFactory};
use crate::models::post::ScoredPost;
use crate::telemetry::{INFERENCE_SECONDS, POSTS_SCORED_TOTAL};

/// Time after which a worker counts as stuck in native code. A batch normally takes milliseconds.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// Dependencies and size of an inference pool.
#[derive(Clone)]
pub struct InferencePoolParams {
    /// Factory that gives each thread its scorer.
    pub factory: Arc<dyn ScorerFactory>,
    /// Derives the language, location and products of posts.
    pub enricher: Arc<Enricher>,
    /// Queue for batches from the stream and for on-demand requests.
    pub queue: Arc<JobQueue<ScoreBatch>>,
    /// Cascade that admits uncertain posts to the deep model.
    pub cascade: Arc<Cascade>,
    /// Stage that stores the posts scored here.
    pub downstream: Downstream<RecordBatch>,
    /// Number of worker threads, each with a scorer of its own.
    pub n_threads: usize,
}

/// Stage that scores posts with the fast model and defers uncertain posts to the deep model. Each thread has its own
/// model session.
///
/// If a scorer panics, the panic is caught, the ticket fails, and the stage survives. A batch contains the posts that
/// have accumulated since the last one, so batches grow with the load.
pub struct InferencePool {
    params: InferencePoolParams,
    workers: Option<Workers>,
    stage: StageContext,
}

stage!(InferencePool, "inference_pool");

impl InferencePool {
    /// Creates a pool whose threads start with the actor.
    pub fn new(params: InferencePoolParams, stage: StageContext) -> Self {
        Self { params, workers: None, stage }
    }

    fn check_workers(&self) {
        if let Some(workers) = &self.workers {
            workers.check();
        }
    }
}

impl Actor for InferencePool {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let worker = Worker { params: self.params.clone(), stage_metrics: Arc::clone(&self.stage.metrics) };
        let params =
            WorkersParams { name: "inference", n_threads: self.params.n_threads, stuck_after: STUCK_AFTER };
        self.workers = Some(Workers::start(params, move |presence| worker.run(presence)));
        context.run_interval(CHECK_EVERY, |pool, _| pool.check_workers());
    }
}

impl Drop for InferencePool {
    fn drop(&mut self) {
        if let Some(workers) = &self.workers {
            workers.dismiss();
        }
        self.params.queue.wake_all();
    }
}

impl Handler<ScoreBatch> for InferencePool {
    type Result = ();

    fn handle(&mut self, batch: ScoreBatch, _: &mut Self::Context) {
        self.stage.metrics.begin(1);
        self.params.queue.push(batch);
    }
}

/// Resources that a worker thread needs to score posts.
#[derive(Clone)]
struct Worker {
    params: InferencePoolParams,
    stage_metrics: Arc<StageMetrics>,
}

impl Worker {
    fn run(&self, presence: &Presence) {
        let Some(mut scorer) = presence.build_scorer(self.params.factory.as_ref()) else {
            return;
        };
        while let Some(job) = self.params.queue.pop(presence.alive_flag()) {
            let healthy = match job {
                Job::Request(request) => presence.respond(scorer.as_mut(), request),
                Job::Batch(batch) => self.score(presence, scorer.as_mut(), batch),
            };
            if healthy {
                continue;
            }
            // A scorer that panicked may be in any state.
            let Some(fresh) = presence.build_scorer(self.params.factory.as_ref()) else {
                return;
            };
            scorer = fresh;
        }
    }

    /// Scores a batch and returns whether the scorer can still be used.
    fn score(&self, presence: &Presence, scorer: &mut dyn Scorer, batch: ScoreBatch) -> bool {
        let ScoreBatch { posts, ticket } = batch;
        let n_posts = u64::try_from(posts.len()).unwrap_or(u64::MAX);
        let started = Instant::now();
        let scored = presence.attempt(|| score_posts(scorer, &self.params.enricher, posts));
        let (reason, healthy) = match scored {
            Ok(Ok(scored)) => {
                metrics::histogram!(INFERENCE_SECONDS).record(started.elapsed().as_secs_f64());
                metrics::counter!(POSTS_SCORED_TOTAL, "model" => scorer.model().name.clone())
                    .increment(n_posts);
                let Scored { mut posts, candidates } = scored;
                let admitted = self.params.cascade.admit(&candidates, lag_of(&posts));
                for index in admitted.indices {
                    if let Some(scored) = posts.get_mut(index) {
                        scored.awaits_correction = true;
                    }
                }
                let batch = RecordBatch { posts, ticket, permits: admitted.permits };
                presence.forward(&self.params.downstream, batch);
                self.stage_metrics.finish(1);
                return true;
            }
            Ok(Err(error)) => (error.to_string(), true),
            Err(panic) => (format!("scoring panicked: {panic}"), false),
        };
        warn!(reason, n_posts, "a batch could not be scored");
        ticket.failed(reason);
        self.stage_metrics.fail(1);
        healthy
    }
}

/// Returns the time since the oldest post of a batch was accepted.
fn lag_of(posts: &[ScoredPost]) -> Duration {
    let Some(oldest) = posts.iter().map(|scored| scored.post.received_at).min() else {
        return Duration::ZERO;
    };
    Duration::try_from(Timestamp::now().duration_since(oldest)).unwrap_or(Duration::ZERO)
}
