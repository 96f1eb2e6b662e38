//! Deferred posts → CorrectBatch. Worker threads score them only on idle CPU.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::messages::{CorrectBatch, Rescored};
use super::runtime::downstream::Downstream;
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::stage_metrics::StageMetrics;
use super::runtime::supervisor::{StageContext, stage};
use super::scoring::cascade::Cascade;
use super::scoring::deferred_post::DeferredPost;
use super::scoring::job_queue::Job;
use super::scoring::score_posts::rescore_posts;
use super::scoring::worker_threads::{CHECK_EVERY, Presence, Workers, WorkersParams};
use crate::inference::{Scorer, ScorerFactory};
use crate::models::post::ScoredPost;
use crate::store::Store;
use crate::store::posts::corrections;

/// Interval at which the pool claims posts that dead processes left behind.
const CLAIM_EVERY: Duration = Duration::from_secs(3);

/// Length of the lease on a claimed post, which is far longer than a correction takes.
const LEASE: Duration = Duration::from_secs(60);

/// Maximum number of posts claimed at a time.
const CLAIMED_MAX: usize = 256;

/// Maximum number of texts in a batch. Larger batches are slightly faster per text but take much longer to finish.
const N_TEXTS_MAX: usize = 16;

/// Maximum number of bytes of text in a batch, because long texts take a long time to score and a request may have to
/// wait for them.
const N_BYTES_MAX: usize = 6_000;

/// Time after which a worker counts as stuck. It is longer than for the fast model, because a batch may wait minutes
/// for idle CPU on a busy machine.
const STUCK_AFTER: Duration = Duration::from_secs(300);

/// Dependencies and size of a deep pool.
#[derive(Clone)]
pub struct DeepPoolParams {
    /// Factory that gives each thread its scorer.
    pub factory: Arc<dyn ScorerFactory>,
    /// Holds the queue of deferred posts and the measured pace of the model.
    pub cascade: Arc<Cascade>,
    /// Stage that stores this pool's corrections.
    pub downstream: Downstream<CorrectBatch>,
    /// Stores the posts that await a correction.
    pub store: Store,
    /// Whether to claim posts that dead processes left behind. Set only if this process has an aggregator to store the
    /// corrections.
    pub claims_posts: bool,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
    /// Number of worker threads, each with a scorer of its own.
    pub n_threads: usize,
}

/// Stage that rescores uncertain posts with the deep model. In `serve`, each thread runs the model in a child process,
/// on CPU time that would otherwise be idle.
///
/// No correction is lost when the stage dies, because every post that awaits one has a row in the store. A post that
/// this pool or another process dropped is claimed again once the lease of its row has expired.
pub struct DeepPool {
    params: DeepPoolParams,
    workers: Option<Workers>,
    claim: ExclusiveTask,
    stage: StageContext,
}

stage!(DeepPool, "deep_pool");

impl DeepPool {
    /// Creates a pool whose threads start with the actor.
    pub fn new(params: DeepPoolParams, stage: StageContext) -> Self {
        let claim = ExclusiveTask::new(&params.io);
        Self { params, workers: None, claim, stage }
    }

    fn check_workers(&self) {
        if let Some(workers) = &self.workers {
            workers.check();
        }
    }

    /// Claims as many posts left behind by dead processes as the cascade admits.
    fn claim(&mut self, context: &mut Context<Self>) {
        let n = self.params.cascade.permits_left(CLAIMED_MAX);
        if n == 0 {
            return;
        }
        let store = self.params.store.clone();
        let work = async move { corrections::claim(&store, n, LEASE).await };
        self.claim.start(work, context, |pool, outcome, _| match outcome {
            Ok(Ok(posts)) => pool.take_up(posts),
            Ok(Err(error)) => warn!(%error, "posts awaiting correction could not be claimed, retrying"),
            Err(error) => warn!(%error, "claiming posts that await correction panicked"),
        });
    }

    fn take_up(&self, posts: Vec<ScoredPost>) {
        if !posts.is_empty() {
            info!(n_posts = posts.len(), "rescoring posts that were left behind");
        }
        for scored in posts {
            let permit = self.params.cascade.permit(&scored.post.text);
            let deferred = DeferredPost { scored: Arc::new(scored), committed_at: None, permit };
            self.params.cascade.queue().push(deferred);
        }
    }
}

impl Actor for DeepPool {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let reader = Reader { params: self.params.clone(), stage_metrics: Arc::clone(&self.stage.metrics) };
        let params =
            WorkersParams { name: "deep", n_threads: self.params.n_threads, stuck_after: STUCK_AFTER };
        self.workers = Some(Workers::start(params, move |presence| reader.run(presence)));
        context.run_interval(CHECK_EVERY, |pool, _| pool.check_workers());
        if self.params.claims_posts {
            context.run_interval(CLAIM_EVERY, Self::claim);
        }
    }
}

impl Drop for DeepPool {
    fn drop(&mut self) {
        if let Some(workers) = &self.workers {
            workers.dismiss();
        }
        self.params.cascade.queue().wake_all();
    }
}

/// Resources that a worker thread needs to rescore posts.
#[derive(Clone)]
struct Reader {
    params: DeepPoolParams,
    stage_metrics: Arc<StageMetrics>,
}

impl Reader {
    fn run(&self, presence: &Presence) {
        let Some(mut scorer) = presence.build_scorer(self.params.factory.as_ref()) else {
            return;
        };
        while let Some(job) = self.params.cascade.queue().pop_some(presence.alive_flag(), take) {
            let healthy = match job {
                Job::Request(request) => {
                    let n_texts = request.texts.len();
                    self.params.cascade.begin(presence.number(), request.texts.iter().map(String::as_str));
                    let healthy = presence.respond(scorer.as_mut(), request);
                    self.params.cascade.end(presence.number(), share_read(scorer.as_ref(), n_texts, healthy));
                    healthy
                }
                Job::Batch(batch) => self.read(presence, scorer.as_mut(), batch),
            };
            if healthy {
                continue;
            }
            let Some(fresh) = presence.build_scorer(self.params.factory.as_ref()) else {
                return;
            };
            scorer = fresh;
        }
    }

    /// Rescores a batch and returns whether the scorer can still be used. If a batch fails, its halves are rescored
    /// until the failing text is alone.
    fn read(&self, presence: &Presence, scorer: &mut dyn Scorer, batch: Vec<DeferredPost>) -> bool {
        self.stage_metrics.begin(1);
        let posts: Vec<&ScoredPost> = batch.iter().map(|deferred| deferred.scored.as_ref()).collect();
        self.params.cascade.begin(presence.number(), posts.iter().map(|scored| scored.post.text.as_str()));
        let read = presence.attempt(|| rescore_posts(scorer, &posts));
        let share_read = share_read(scorer, posts.len(), matches!(read, Ok(Ok(_))));
        self.params.cascade.end(presence.number(), share_read);
        let (reason, healthy, is_transient) = match read {
            Ok(Ok(scores)) => {
                let rescored = |(deferred, score)| Rescored { deferred, score };
                let rescored = batch.into_iter().zip(scores).map(rescored).collect();
                presence.forward(&self.params.downstream, CorrectBatch { rescored, given_up: Vec::new() });
                self.stage_metrics.finish(1);
                return true;
            }
            Ok(Err(error)) => (error.to_string(), true, error.is_transient()),
            Err(panic) => (panic, false, false),
        };
        self.stage_metrics.fail(1);
        warn!(reason, n_texts = batch.len(), "a batch could not be rescored");
        if batch.len() > 1 {
            return self.read_halves(presence, batch) && healthy;
        }
        // A temporary failure says nothing about the text: its row is claimed again, a few times. Otherwise the post keeps its
        // first score.
        if !is_transient {
            presence.forward(&self.params.downstream, CorrectBatch { rescored: Vec::new(), given_up: batch });
        }
        healthy
    }

    /// Rescores both halves of a batch, each with a new scorer, and returns whether both scorers could be built. A
    /// scorer that panicked may be in any state, and failures are so rare that the cost of two new ones does not
    /// matter.
    fn read_halves(&self, presence: &Presence, mut batch: Vec<DeferredPost>) -> bool {
        let right = batch.split_off(batch.len() / 2);
        for half in [batch, right] {
            let Some(mut fresh) = presence.build_scorer(self.params.factory.as_ref()) else {
                return false;
            };
            self.read(presence, fresh.as_mut(), half);
        }
        true
    }
}

/// Returns the share of the texts from which the model's pace can be measured: 0 if it failed, was loaded first, or
/// every score came from the cache.
fn share_read(scorer: &dyn Scorer, n_texts: usize, succeeded: bool) -> f64 {
    let is_paced = succeeded && !scorer.has_loaded();
    let n_read = if is_paced { n_texts.saturating_sub(scorer.n_cached()) } else { 0 };
    n_read as f64 / n_texts.max(1) as f64
}

/// Takes the next batch from the queue: as many posts as the limits allow, but at least one.
fn take(waiting: &mut VecDeque<DeferredPost>) -> Option<Vec<DeferredPost>> {
    let mut n_bytes = 0;
    let fits = |deferred: &&DeferredPost| {
        n_bytes += deferred.scored.post.text.len();
        n_bytes <= N_BYTES_MAX
    };
    let n = waiting.iter().take(N_TEXTS_MAX).take_while(fits).count().max(1).min(waiting.len());
    (n > 0).then(|| waiting.drain(..n).collect())
}
