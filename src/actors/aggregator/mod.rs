//! RecordBatch, CorrectBatch → store. Settles the tickets and publishes the deltas.

mod commit; // one transaction of posts, and what follows its commit
mod correction; // one transaction of corrections, and what follows its commit
mod feed_budget; // how many posts the live feed shows

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use self::commit::Committer;
use self::correction::{Corrections, Undone};
use self::feed_budget::FeedBudget;
use super::messages::{CorrectBatch, PostsFlagged, RecordBatch};
use super::runtime::downstream::Downstream;
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{StageContext, stage};
use super::scoring::cascade::Cascade;
use super::trend_counter::feed::TrendFeed;
use crate::models::live::LiveUpdate;
use crate::store::Store;
use crate::stream::Updates;

/// Maximum number of updates queued for publication. A full queue blocks commits, so a slow Redis slows the pipeline
/// down instead of filling its memory.
const UPDATES_QUEUED_MAX: usize = 64;

/// Dependencies and limits of an aggregator.
#[derive(Clone)]
pub struct AggregatorParams {
    /// Store that receives posts, scores and rollups.
    pub store: Store,
    /// Publishes the update for each commit to every process.
    pub updates: Updates,
    /// Stage to wake when posts at high churn risk are stored.
    pub alerter: Downstream<PostsFlagged>,
    /// Feeds stored posts to the trend counter.
    pub trends: TrendFeed,
    /// Cascade whose deep model corrects uncertain posts.
    pub cascade: Arc<Cascade>,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
    /// Maximum number of posts that one transaction stores.
    pub posts_per_commit: usize,
    /// Maximum number of posts that the live feed shows per second.
    pub live_posts_per_second: u64,
}

/// Stage that stores scored posts and corrections, and publishes the delta of each commit.
///
/// Batches that arrive during a transaction are stored together by the next one, so transactions grow with the load.
pub struct Aggregator {
    params: AggregatorParams,
    committer: Committer,
    publishing: Option<JoinHandle<()>>,
    pending: VecDeque<RecordBatch>,
    corrections: Corrections,
    storing: ExclusiveTask,
    correcting: ExclusiveTask,
    stage: StageContext,
}

stage!(Aggregator, "aggregator");

impl Aggregator {
    /// Creates an aggregator, and starts the task that publishes its updates.
    pub fn new(params: AggregatorParams, stage: StageContext) -> Self {
        let (outgoing, queued) = mpsc::channel(UPDATES_QUEUED_MAX);
        // unsupervised: the actor ends with the publisher
        let publishing = params.io.spawn(publish_all(params.updates.clone(), queued));
        let committer = Committer {
            store: params.store.clone(),
            outgoing,
            alerter: params.alerter.clone(),
            cascade: Arc::clone(&params.cascade),
            trends: params.trends.clone(),
            feed: Arc::new(FeedBudget::new(params.live_posts_per_second)),
            updates: Arc::new(FeedBudget::new(params.live_posts_per_second)),
            stage_metrics: Arc::clone(&stage.metrics),
        };
        let (storing, correcting) = (ExclusiveTask::new(&params.io), ExclusiveTask::new(&params.io));
        Self {
            corrections: Corrections::new(params.posts_per_commit),
            params,
            committer,
            publishing: Some(publishing),
            pending: VecDeque::new(),
            storing,
            correcting,
            stage,
        }
    }

    /// Stores the pending batches. Only one transaction stores posts at a time, because two concurrent ones would each
    /// be half as large and together cost more. Corrections are stored concurrently;
    /// [`crate::store::metrics::rollup_lock`] ensures that rollup changes are applied in the order in which their
    /// deltas are published.
    fn start_storing(&mut self, context: &mut Context<Self>) {
        if self.storing.is_under_way() || self.pending.is_empty() {
            return;
        }
        let work = self.committer.clone().commit(self.next_batches());
        self.storing.start(work, context, |aggregator, outcome, context| {
            if let Err(error) = outcome {
                // The panic dropped the tickets, so the batches are retried, each on its own.
                warn!(%error, "a commit panicked");
            }
            aggregator.start_storing(context);
        });
    }

    /// Stores the pending corrections, one transaction at a time and at intervals of at least [`correction::EVERY`].
    fn start_correcting(&mut self, context: &mut Context<Self>) {
        if self.correcting.is_under_way() || !self.corrections.are_due() {
            return;
        }
        let work = self.committer.clone().correct(self.corrections.next());
        self.correcting.start(work, context, |aggregator, outcome, context| {
            let pause = match outcome {
                Ok(Undone::Nothing) => correction::EVERY,
                Ok(Undone::Corrections(rescored)) => {
                    aggregator.corrections.retry(rescored);
                    correction::RETRY
                }
                Err(error) => {
                    // The deep pool claims these posts again once their leases have expired.
                    warn!(%error, "a transaction of corrections panicked");
                    correction::RETRY
                }
            };
            aggregator.correcting.rest(pause, context, Self::start_correcting);
        });
    }

    fn next_batches(&mut self) -> Vec<RecordBatch> {
        let mut batches = Vec::new();
        let mut n_posts = 0;
        while let Some(batch) = self.pending.front() {
            n_posts += batch.posts.len();
            if n_posts > self.params.posts_per_commit && !batches.is_empty() {
                break;
            }
            batches.extend(self.pending.pop_front());
        }
        batches
    }
}

impl Actor for Aggregator {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Some(publishing) = self.publishing.take() {
            // The task ends with the aggregator. If it ends first, nothing is published anymore, so the aggregator restarts.
            context.spawn(publishing.into_actor(self).map(|_, _, context| context.stop()));
        }
    }
}

impl Handler<RecordBatch> for Aggregator {
    type Result = ();

    fn handle(&mut self, batch: RecordBatch, context: &mut Self::Context) {
        self.stage.metrics.begin(1);
        self.pending.push_back(batch);
        self.start_storing(context);
    }
}

impl Handler<CorrectBatch> for Aggregator {
    type Result = ();

    fn handle(&mut self, batch: CorrectBatch, context: &mut Self::Context) {
        self.corrections.push(batch);
        self.start_correcting(context);
    }
}

/// Publishes updates in order. An update that cannot be published is dropped, and [`LiveUpdate::Missed`] is published
/// before the next one.
async fn publish_all(updates: Updates, mut queued: mpsc::Receiver<LiveUpdate>) {
    let mut missed = false;
    while let Some(update) = queued.recv().await {
        if missed && updates.publish(&LiveUpdate::Missed).await.is_err() {
            continue;
        }
        missed = false;
        if let Err(error) = updates.publish(&update).await {
            warn!(%error, "an update was not published, live windows rebuild");
            missed = true;
        }
    }
}
