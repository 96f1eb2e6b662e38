//! Deferred posts → CorrectBatch, on worker threads that score only on idle CPU.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::messages::{CorrectBatch, Rescored};
use super::runtime::downstream::Downstream;
use super::runtime::stage_metrics::StageMetrics;
use super::runtime::supervisor::{StageContext, stage};
use super::scoring::cascade::Cascade;
use super::scoring::deferred_post::DeferredPost;
use super::scoring::job_queue::Job;
use super::scoring::scored_post::score_again;
use super::scoring::worker_threads::{LOOK_EVERY, Presence, Workers, WorkersParams};
use crate::inference::{Scorer, ScorerFactory};
use crate::models::post::ScoredPost;
use crate::store::Store;
use crate::store::posts::corrections;

/// How often is looked for posts that a dead process left behind.
const SWEEP_EVERY: Duration = Duration::from_secs(3);

/// How long such posts are ours. Far longer than they take.
const LEASE: Duration = Duration::from_secs(60);

/// Posts taken up in one sweep, at most.
const CLAIMED_MAX: usize = 256;

/// Texts read together, at most. More are read a little faster and come back much later.
const N_TEXTS_MAX: usize = 16;

/// Bytes read together, at most: long texts take their time, and a request may wait behind them.
const N_BYTES_MAX: usize = 6_000;

/// Longer than for the fast model: on a busy machine a batch may wait minutes for idle CPU.
const STUCK_AFTER: Duration = Duration::from_secs(300);

/// What a deep pool is made of.
#[derive(Clone)]
pub struct DeepPoolParams {
    /// Makes one scorer for each thread.
    pub factory: Arc<dyn ScorerFactory>,
    /// What waits, and how fast it is read.
    pub cascade: Arc<Cascade>,
    /// Where corrections go.
    pub downstream: Downstream<CorrectBatch>,
    /// Where posts are that a dead process left behind.
    pub store: Store,
    /// The runtime on which connections live.
    pub io: Handle,
    /// How many read at the same time.
    pub n_threads: usize,
}

/// Reads doubtful posts again with a better model. In `serve` each thread has a process of its own to run it,
/// on CPU that would otherwise be idle.
///
/// Whatever happens to it, no correction is lost: each post has a row that says it awaits one. What this pool, or another
/// process, dropped on the way is taken up again once the row's claim has run out.
pub struct DeepPool {
    params: DeepPoolParams,
    workers: Option<Workers>,
    is_sweeping: bool,
    stage: StageContext,
}

stage!(DeepPool, "deep_pool");

impl DeepPool {
    /// A pool whose threads start with the actor.
    pub fn new(params: DeepPoolParams, stage: StageContext) -> Self {
        Self { params, workers: None, is_sweeping: false, stage }
    }

    fn look(&self) {
        if let Some(workers) = &self.workers {
            workers.look();
        }
    }

    /// Takes up what others left behind, as far as there is room.
    fn sweep(&mut self, context: &mut Context<Self>) {
        let n = self.params.cascade.permits_left(CLAIMED_MAX);
        if n == 0 || self.is_sweeping {
            return;
        }
        self.is_sweeping = true;
        let store = self.params.store.clone();
        let claimed = self.params.io.spawn(async move { corrections::claim(&store, n, LEASE).await });
        context.spawn(claimed.into_actor(self).map(|outcome, pool, _| {
            pool.is_sweeping = false;
            match outcome {
                Ok(Ok(posts)) => pool.take_up(posts),
                Ok(Err(error)) => warn!(%error, "posts that were left behind wait for the next sweep"),
                Err(error) => warn!(%error, "the sweep for posts that were left behind panicked"),
            }
        }));
    }

    fn take_up(&self, posts: Vec<ScoredPost>) {
        if !posts.is_empty() {
            info!(n_posts = posts.len(), "posts that were left behind are read again");
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
        context.run_interval(LOOK_EVERY, |pool, _| pool.look());
        context.run_interval(SWEEP_EVERY, Self::sweep);
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

/// What each thread does.
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
        while let Some(job) = self.params.cascade.queue().pop_some(presence.alive(), take) {
            let healthy = match job {
                Job::Request(request) => {
                    let n_texts = request.texts.len();
                    self.params.cascade.begin(presence.number(), request.texts.iter().map(String::as_str));
                    let healthy = presence.answer(scorer.as_mut(), request);
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

    /// Whether the scorer can be used again. A batch that fails is halved until the culprit stands alone.
    fn read(&self, presence: &Presence, scorer: &mut dyn Scorer, batch: Vec<DeferredPost>) -> bool {
        self.stage_metrics.begin(1);
        let posts: Vec<&ScoredPost> = batch.iter().map(|deferred| deferred.scored.as_ref()).collect();
        self.params.cascade.begin(presence.number(), posts.iter().map(|scored| scored.post.text.as_str()));
        let read = presence.attempt(|| score_again(scorer, &posts));
        let share_read = share_read(scorer, posts.len(), matches!(read, Ok(Ok(_))));
        self.params.cascade.end(presence.number(), share_read);
        let (reason, healthy, is_passing) = match read {
            Ok(Ok(scores)) => {
                let rescored = |(deferred, score)| Rescored { deferred, score };
                let rescored = batch.into_iter().zip(scores).map(rescored).collect();
                presence.hand_on(&self.params.downstream, CorrectBatch { rescored, given_up: Vec::new() });
                self.stage_metrics.finish(1);
                return true;
            }
            Ok(Err(error)) => (error.to_string(), true, error.is_passing()),
            Err(panic) => (panic, false, false),
        };
        self.stage_metrics.fail(1);
        warn!(reason, n_texts = batch.len(), "a batch could not be read again");
        if batch.len() > 1 {
            return self.read_halves(presence, batch) && healthy;
        }
        // What passes says nothing of the text: its row is claimed again, some times. Any other keeps its first score.
        if !is_passing {
            presence.hand_on(&self.params.downstream, CorrectBatch { rescored: Vec::new(), given_up: batch });
        }
        healthy
    }

    /// Whether there was a scorer for each. One that panicked may be in any state. Rare enough that building one for
    /// each half does not matter.
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

/// The share of the texts that the model itself has read: none of a run that failed, and none that were remembered.
fn share_read(scorer: &dyn Scorer, n_texts: usize, succeeded: bool) -> f64 {
    let n_read = if succeeded { n_texts.saturating_sub(scorer.n_remembered()) } else { 0 };
    n_read as f64 / n_texts.max(1) as f64
}

/// As many as are read together; at least one.
fn take(waiting: &mut VecDeque<DeferredPost>) -> Option<Vec<DeferredPost>> {
    let mut n_bytes = 0;
    let fits = |deferred: &&DeferredPost| {
        n_bytes += deferred.scored.post.text.len();
        n_bytes <= N_BYTES_MAX
    };
    let n = waiting.iter().take(N_TEXTS_MAX).take_while(fits).count().max(1).min(waiting.len());
    (n > 0).then(|| waiting.drain(..n).collect())
}
