//! RecordBatch, CorrectBatch → store; settles the ticket and publishes the delta.

mod commit; // one transaction, and what is told after it
mod correction; // the same, for better scores
mod feed_budget; // how much is shown live

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
use super::runtime::supervisor::{StageContext, stage};
use super::scoring::cascade::Cascade;
use super::trend_counter::feed::TrendFeed;
use crate::models::live::LiveUpdate;
use crate::store::Store;
use crate::stream::Updates;

/// Updates that may wait to be published. Commits wait when they do, so that a slow Redis slows the pipeline
/// down instead of filling memory.
const NEWS_WAITING_MAX: usize = 64;

/// What an aggregator is made of.
#[derive(Clone)]
pub struct AggregatorParams {
    /// Where posts are stored.
    pub store: Store,
    /// Where every process hears of it.
    pub updates: Updates,
    /// Who is told about churn.
    pub alerter: Downstream<PostsFlagged>,
    /// Who counts what stored posts speak of.
    pub trends: TrendFeed,
    /// Where posts wait for a better model once they are stored.
    pub cascade: Arc<Cascade>,
    /// The runtime on which connections live.
    pub io: Handle,
    /// Posts in one transaction, at most.
    pub posts_per_commit: usize,
    /// Posts shown live each second, at most.
    pub live_posts_per_second: u64,
}

/// Stores scored posts, corrects those that were scored again, and publishes the delta of each commit.
///
/// Batches that arrive during a transaction are stored together by the next, so transactions grow with the load.
pub struct Aggregator {
    params: AggregatorParams,
    committer: Committer,
    publishing: Option<JoinHandle<()>>,
    pending: VecDeque<RecordBatch>,
    corrections: Corrections,
    is_storing: bool,
    is_correcting: bool,
    stage: StageContext,
}

stage!(Aggregator, "aggregator");

impl Aggregator {
    /// An aggregator that rebuilds its windows first.
    pub fn new(params: AggregatorParams, stage: StageContext) -> Self {
        let (news, waiting) = mpsc::channel(NEWS_WAITING_MAX);
        let publishing = params.io.spawn(publish_all(params.updates.clone(), waiting));
        let committer = Committer {
            store: params.store.clone(),
            news,
            alerter: params.alerter.clone(),
            cascade: Arc::clone(&params.cascade),
            trends: params.trends.clone(),
            feed: Arc::new(FeedBudget::new(params.live_posts_per_second)),
            updates: Arc::new(FeedBudget::new(params.live_posts_per_second)),
            stage_metrics: Arc::clone(&stage.metrics),
        };
        Self {
            corrections: Corrections::new(params.posts_per_commit),
            params,
            committer,
            publishing: Some(publishing),
            pending: VecDeque::new(),
            is_storing: false,
            is_correcting: false,
            stage,
        }
    }

    /// One transaction of posts at a time: two would each be half as large and cost more together. Corrections run beside
    /// it; [`crate::store::metrics::rollup_guard`] keeps their changes of rollups, and the deltas of those, in one order.
    fn start_storing(&mut self, context: &mut Context<Self>) {
        if self.is_storing || self.pending.is_empty() {
            return;
        }
        self.is_storing = true;
        let storing = self.committer.clone().commit(self.next_batches());
        let done = self.params.io.spawn(storing).into_actor(self).map(|outcome, aggregator, context| {
            if let Err(error) = outcome {
                // Its tickets were dropped with it, so its batches will be tried again, alone.
                warn!(%error, "a commit panicked");
            }
            aggregator.is_storing = false;
            aggregator.start_storing(context);
        });
        context.spawn(done);
    }

    /// One transaction of corrections at a time, and not more often than [`correction::EVERY`].
    fn start_correcting(&mut self, context: &mut Context<Self>) {
        if self.is_correcting || !self.corrections.are_due() {
            return;
        }
        self.is_correcting = true;
        let correcting = self.committer.clone().correct(self.corrections.next());
        let done = self.params.io.spawn(correcting).into_actor(self).map(|outcome, aggregator, context| {
            let rest = match outcome {
                Ok(Undone::Nothing) => correction::EVERY,
                Ok(Undone::Corrections(rescored)) => {
                    aggregator.corrections.again(rescored);
                    correction::RETRY
                }
                Err(error) => {
                    // They are claimed again once their claims have run out.
                    warn!(%error, "a transaction of corrections panicked");
                    correction::RETRY
                }
            };
            context.run_later(rest, |aggregator, context| {
                aggregator.is_correcting = false;
                aggregator.start_correcting(context);
            });
        });
        context.spawn(done);
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
            // It ends with the aggregator. If it is first, nothing would be published any more.
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

/// Publishes one update after another. One that cannot be published is given up, and the next that can is
/// preceded by word of it.
async fn publish_all(updates: Updates, mut waiting: mpsc::Receiver<LiveUpdate>) {
    let mut missed = false;
    while let Some(update) = waiting.recv().await {
        if missed && updates.publish(&LiveUpdate::Missed).await.is_err() {
            continue;
        }
        missed = false;
        if let Err(error) = updates.publish(&update).await {
            warn!(%error, "an update was not published, live windows will be rebuilt");
            missed = true;
        }
    }
}
