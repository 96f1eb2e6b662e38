//! RecordBatch, CorrectBatch → store and live windows; settles the ticket.

mod commit; // one transaction, and what is told after it
mod correction; // the same, for better scores
mod feed_budget; // how much is shown live

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use self::commit::Committer;
use self::correction::{Corrections, Undone};
use self::feed_budget::FeedBudget;
use super::live_metrics::cache;
use super::live_metrics::gauges;
use super::live_metrics::windows::LiveWindows;
use super::messages::{ApplyUpdate, CorrectBatch, PostsFlagged, PublishMetrics, RecordBatch};
use super::runtime::downstream::Downstream;
use super::runtime::supervisor::{Life, stage};
use super::scoring::cascade::Cascade;
use super::trend_counter::tap::TrendTap;
use crate::models::live::{FrameId, LiveUpdate, SequencedUpdate};
use crate::models::metrics::LiveWindow;
use crate::models::rollup::{RollupKey, Sums};
use crate::store::{Store, StoreError, places, rollups};
use crate::stream::{Cache, UpdateEvent, Updates};
use crate::telemetry::WINDOW_HEALS_TOTAL;

/// How often the live window is shown, at most. Faster than four times a second nobody can read a number.
const SHOW_EVERY: Duration = Duration::from_millis(250);

/// How often the newest figures are put into Redis for others to read.
const CACHE_EVERY: Duration = Duration::from_secs(1);

/// How often the windows are rebuilt without a reason that we know of: a process that was killed between its commit and
/// telling of it tells nobody.
const REBUILD_EVERY: Duration = Duration::from_secs(60);

/// How long to wait before another attempt to rebuild the windows.
const HEAL_RETRY: Duration = Duration::from_secs(1);

/// Updates that may wait to be published. Commits wait when they do, so that a slow Redis slows the pipeline
/// down instead of filling memory.
const NEWS_WAITING_MAX: usize = 64;

/// Deltas kept while the windows are being rebuilt. More would mean the rebuild takes longer than it should; it
/// then starts over.
const HELD_BACK_MAX: usize = 4_096;

/// What an aggregator is made of.
#[derive(Clone)]
pub struct AggregatorParams {
    /// Where posts are stored.
    pub store: Store,
    /// Where every process hears of it.
    pub updates: Updates,
    /// Where the newest figures are kept.
    pub cache: Cache,
    /// Who shows the live window.
    pub broadcaster: Downstream<PublishMetrics>,
    /// Who is told about churn.
    pub alerter: Downstream<PostsFlagged>,
    /// Who counts what stored posts speak of.
    pub trends: TrendTap,
    /// Where posts wait for a better model once they are stored.
    pub cascade: Arc<Cascade>,
    /// The runtime on which connections live.
    pub io: Handle,
    /// Posts in one transaction, at most.
    pub posts_per_commit: usize,
    /// Posts shown live each second, at most.
    pub live_posts_per_second: u64,
    /// How much of the newest past is live.
    pub live_window: LiveWindow,
}

/// Stores what was scored, corrects what was scored again, and keeps the live windows.
///
/// Batches that arrive during a transaction are stored together by the next, so transactions grow with the
/// load by themselves. The windows are sums of committed deltas, this process's own among them, heard back over
/// `sentiment_updates`; whenever one may have been missed they are rebuilt from Postgres.
pub struct Aggregator {
    params: AggregatorParams,
    committer: Committer,
    publishing: Option<JoinHandle<()>>,
    pending: VecDeque<RecordBatch>,
    corrections: Corrections,
    is_storing: bool,
    is_correcting: bool,
    windows: LiveWindows,
    healing: Option<Healing>,
    as_of: Option<FrameId>,
    shown: Option<(i64, Option<FrameId>)>,
    life: Life,
}

#[derive(Default)]
struct Healing {
    held_back: Vec<Vec<(RollupKey, Sums)>>,
    /// Something was missed again meanwhile.
    again: bool,
}

stage!(Aggregator, "aggregator");

impl Aggregator {
    /// An aggregator that rebuilds its windows first.
    pub fn new(params: AggregatorParams, life: Life) -> Self {
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
            vitals: Arc::clone(&life.vitals),
        };
        let windows = LiveWindows::new(params.live_window);
        Self {
            corrections: Corrections::new(params.posts_per_commit),
            params,
            committer,
            publishing: Some(publishing),
            pending: VecDeque::new(),
            is_storing: false,
            is_correcting: false,
            windows,
            healing: None,
            as_of: None,
            shown: None,
            life,
        }
    }

    /// One transaction of posts at a time: two would each be half as large and cost more together. Corrections run beside
    /// it; [`crate::store::rollup_guard`] keeps their changes of rollups, and the deltas of those, in one order.
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
                Ok(Undone::Corrections(rereads)) => {
                    aggregator.corrections.again(rereads);
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

    fn apply(&mut self, update: &SequencedUpdate, context: &mut Context<Self>) {
        let last = update.first.offset.saturating_add(update.update.n_frames().saturating_sub(1));
        self.as_of = Some(FrameId { epoch: update.first.epoch.clone(), offset: last });
        match &update.update {
            LiveUpdate::Committed { delta, posts, n_posts, places } => {
                let now = Timestamp::now();
                self.windows.locate(places.iter().map(|(city, place)| (city.clone(), *place)));
                self.windows.count(now, *n_posts, u64::try_from(posts.len()).unwrap_or(*n_posts));
                self.add(delta.clone(), now, context);
            }
            LiveUpdate::Corrected { delta, .. } => self.add(delta.clone(), Timestamp::now(), context),
            LiveUpdate::Missed => self.heal(context),
            LiveUpdate::Alert { .. } => {}
        }
    }

    fn add(&mut self, delta: Vec<(RollupKey, Sums)>, now: Timestamp, context: &mut Context<Self>) {
        if let Some(healing) = &mut self.healing {
            if healing.held_back.len() < HELD_BACK_MAX {
                healing.held_back.push(delta);
            } else {
                healing.again = true;
            }
            return;
        }
        if self.windows.apply(delta, now).is_err() {
            self.heal(context);
        }
    }

    /// Rebuilds the windows from Postgres. Deltas that arrive meanwhile are held back and added afterwards;
    /// those that the rows already contain are recognised by their revision.
    fn heal(&mut self, context: &mut Context<Self>) {
        if let Some(healing) = &mut self.healing {
            healing.again = true;
            return;
        }
        self.healing = Some(Healing::default());
        metrics::counter!(WINDOW_HEALS_TOTAL).increment(1);
        let oldest = self.windows.horizon(Timestamp::now());
        let wanted = (oldest, self.windows.n_rows_max());
        let reading = self.params.io.spawn(read_windows(self.params.store.clone(), wanted));
        context.spawn(reading.into_actor(self).map(|outcome, aggregator, context| match outcome {
            Ok(Ok((rows, places))) => {
                aggregator.windows.rebuild(rows, places);
                aggregator.healed(context);
            }
            Ok(Err(error)) => aggregator.heal_later(&error, context),
            Err(error) => aggregator.heal_later(&error, context),
        }));
    }

    fn heal_later(&mut self, error: &dyn std::error::Error, context: &mut Context<Self>) {
        warn!(%error, "the live windows could not be rebuilt yet");
        context.run_later(HEAL_RETRY, |aggregator, context| {
            aggregator.healing = None;
            aggregator.heal(context);
        });
    }

    fn healed(&mut self, context: &mut Context<Self>) {
        let Some(healing) = self.healing.take() else {
            return;
        };
        let now = Timestamp::now();
        let mut missed = healing.again;
        for delta in healing.held_back {
            missed |= self.windows.apply(delta, now).is_err();
        }
        if missed {
            self.heal(context);
        }
    }

    /// Shows the window if it changed, or if time moved it.
    fn show(&mut self) {
        let now = Timestamp::now();
        let state = (self.windows.horizon(now).as_second(), self.as_of.clone());
        if self.healing.is_some() || self.shown.as_ref() == Some(&state) {
            return;
        }
        let metrics = Arc::new(self.windows.live(now));
        gauges::set(&metrics, self.params.live_window);
        if self.params.broadcaster.try_send(PublishMetrics { metrics }).is_ok() {
            self.shown = Some(state);
        }
    }

    fn keep_cache(&mut self) {
        let now = Timestamp::now();
        self.windows.forget(now);
        if self.healing.is_some() {
            return;
        }
        let entries = cache::entries(&self.windows.live(now));
        let cache = self.params.cache.clone();
        self.params.io.spawn(async move {
            if let Err(error) = cache.put(&entries, cache::TTL).await {
                tracing::debug!(%error, "the newest figures were not cached");
            }
        });
    }
}

impl Actor for Aggregator {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Some(publishing) = self.publishing.take() {
            // It ends with the aggregator. If it is first, nothing would be published any more.
            context.spawn(publishing.into_actor(self).map(|_, _, context| context.stop()));
        }
        self.heal(context);
        context.run_interval(SHOW_EVERY, |aggregator, _| aggregator.show());
        context.run_interval(REBUILD_EVERY, Self::heal);
        context.run_interval(CACHE_EVERY, |aggregator, _| aggregator.keep_cache());
    }
}

impl Handler<RecordBatch> for Aggregator {
    type Result = ();

    fn handle(&mut self, batch: RecordBatch, context: &mut Self::Context) {
        self.life.vitals.begin(1);
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

impl Handler<ApplyUpdate> for Aggregator {
    type Result = ();

    fn handle(&mut self, ApplyUpdate(event): ApplyUpdate, context: &mut Self::Context) {
        match event.as_ref() {
            UpdateEvent::Update(update) => self.apply(update, context),
            UpdateEvent::Gap => self.heal(context),
        }
    }
}

async fn read_windows(
    store: Store,
    (oldest, n_rows_max): (Timestamp, usize),
) -> Result<(Vec<(RollupKey, Sums)>, Vec<(String, (f64, f64))>), StoreError> {
    let rows = rollups::live(&store, oldest, n_rows_max).await?;
    Ok((rows, places::all(&store).await?))
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
