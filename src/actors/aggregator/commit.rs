//! Stores posts in one transaction. After the commit, settles their tickets, publishes the delta, and feeds trends,
//! corrections and alerts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::feed_budget::FeedBudget;
use crate::actors::messages::{PostsFlagged, RecordBatch};
use crate::actors::runtime::downstream::Downstream;
use crate::actors::runtime::stage_metrics::StageMetrics;
use crate::actors::scoring::cascade::{Cascade, TierCounts};
use crate::actors::scoring::deferred_post::{DeferredPost, Permits};
use crate::actors::trend_counter::feed::TrendFeed;
use crate::inference::Tier;
use crate::models::live::LiveUpdate;
use crate::models::post::ScoredPost;
use crate::models::rollup::{RollupKey, Sums};
use crate::models::score::CHURN_HIGH;
use crate::store::metrics::rollup_lock::RollupGuard;
use crate::store::posts::record::{self, Recorded};
use crate::store::{Store, StoreError};
use crate::telemetry::{
    COMMIT_POSTS, COMMIT_SECONDS, POST_COMMIT_SECONDS, POSTS_DUPLICATE_TOTAL, POSTS_STORED_TOTAL,
    TIER_POSTS_TOTAL,
};

/// Longest wait between attempts while PostgreSQL is down. Each wait is twice as long as the previous one, up to this
/// maximum.
const RETRY_MAX: Duration = Duration::from_secs(2);

const RETRY_FIRST: Duration = Duration::from_millis(100);

/// What a commit needs. Commits run on the I/O runtime, so a stage that dies does not abort its transaction, and a
/// panic here does not kill the stage.
#[derive(Clone)]
pub(super) struct Committer {
    pub store: Store,
    pub outgoing: mpsc::Sender<LiveUpdate>,
    pub alerter: Downstream<PostsFlagged>,
    pub cascade: Arc<Cascade>,
    pub trends: TrendFeed,
    /// Live feed budget for new posts.
    pub feed: Arc<FeedBudget>,
    /// Live feed budget for corrected posts.
    pub updates: Arc<FeedBudget>,
    pub stage_metrics: Arc<StageMetrics>,
}

impl Committer {
    /// Stores the batches in one transaction and settles their tickets.
    ///
    /// While PostgreSQL is down, it waits without failing any batch and keeps the tickets, which bounds memory. If
    /// PostgreSQL rejects a value, each batch is stored on its own, so only the batch with that value fails.
    pub fn commit(self, mut batches: Vec<RecordBatch>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let sizes: Vec<usize> = batches.iter().map(|batch| batch.posts.len()).collect();
            let mut merged = Vec::with_capacity(sizes.iter().sum());
            for batch in &mut batches {
                merged.append(&mut batch.posts);
            }
            // Held until the delta is queued, so that deltas are published in commit order.
            let mut guard = self.store.rollup_guard();
            let (stored, outcome) = self.record(&merged, &mut guard).await;
            let mut permits = self.cascade.no_permits();
            match outcome {
                Ok(()) => {
                    for batch in batches {
                        batch.ticket.recorded();
                        permits.join(batch.permits);
                        self.stage_metrics.finish(1);
                    }
                    self.publish(merged, stored, permits).await;
                }
                Err(error) if batches.len() == 1 => {
                    for batch in batches {
                        batch.ticket.failed(error.to_string());
                        permits.join(batch.permits);
                        self.stage_metrics.fail(1);
                    }
                    // Some of the batch may be stored.
                    self.publish(merged, stored, permits).await;
                }
                Err(_) => {
                    self.publish(merged.clone(), stored, permits).await;
                    guard.release();
                    for (mut batch, size) in batches.into_iter().zip(sizes) {
                        let rest = merged.split_off(size.min(merged.len()));
                        batch.posts = std::mem::replace(&mut merged, rest);
                        self.clone().commit(vec![batch]).await;
                    }
                }
            }
        })
    }

    /// Stores posts, retrying for as long as PostgreSQL is down. An error means that the posts themselves were
    /// rejected.
    ///
    /// It uses one transaction, or ever smaller halves if that exceeds the statement timeout, because retrying the same
    /// transaction could time out every time. Along with any error, it returns what had been stored by then.
    async fn record(
        &self,
        batch: &[ScoredPost],
        guard: &mut RollupGuard,
    ) -> (Stored, Result<(), StoreError>) {
        let mut stored = Stored::default();
        let mut n_done = 0;
        let mut n_at_once = batch.len();
        let mut wait = RETRY_FIRST;
        while n_done < batch.len() {
            let part = batch.get(n_done..batch.len().min(n_done + n_at_once)).unwrap_or_default();
            let started = Instant::now();
            match record::record(&self.store, part, guard).await {
                Ok(recorded) => {
                    metrics::histogram!(COMMIT_SECONDS).record(started.elapsed().as_secs_f64());
                    metrics::histogram!(COMMIT_POSTS).record(part.len() as f64);
                    stored.add(n_done, recorded);
                    n_done += part.len();
                    if n_done < batch.len() {
                        // The next part takes locks that another transaction may hold while it waits for this guard. A late delta
                        // is recognized by its revision, and costs a rebuild of the live windows.
                        guard.release();
                    }
                    n_at_once *= 2;
                    wait = RETRY_FIRST;
                    continue;
                }
                Err(error @ StoreError::Refused { .. }) => return (stored, Err(error)),
                Err(error) if error.is_too_slow() && part.len() > 1 => {
                    warn!(%error, n_posts = part.len(), "a transaction took too long, the batch is stored in halves");
                    n_at_once = part.len().div_ceil(2);
                }
                Err(error) if error.is_retryable() => {
                    warn!(%error, n_posts = part.len(), ?wait, "postgres is unavailable, the batch waits");
                }
                // The posts are not at fault, so they wait, but only a person can resolve this.
                Err(error) => {
                    error!(%error, n_posts = part.len(), "postgres failed unexpectedly, the batch waits")
                }
            }
            guard.release();
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        (stored, Ok(()))
    }

    async fn publish(&self, batch: Vec<ScoredPost>, stored: Stored, permits: Permits) {
        metrics::counter!(POSTS_DUPLICATE_TOTAL).increment(wide(stored.n_duplicates));
        if stored.inserted.is_empty() {
            return;
        }
        metrics::counter!(POSTS_STORED_TOTAL).increment(wide(stored.inserted.len()));
        let mut is_new = vec![false; batch.len()];
        for index in stored.inserted {
            if let Some(flag) = is_new.get_mut(index) {
                *flag = true;
            }
        }
        let now = Timestamp::now();
        let new: Vec<ScoredPost> =
            batch.into_iter().zip(is_new).filter(|(_, new)| *new).map(|(post, _)| post).collect();
        self.cascade.count(now, TierCounts { n_stored: wide(new.len()), n_corrected: 0 });
        metrics::counter!(TIER_POSTS_TOTAL, "tier" => Tier::Swift.as_str()).increment(wide(new.len()));
        self.trends.count(&new);
        self.defer(&new, permits);
        for scored in &new {
            let waited = now.duration_since(scored.post.received_at).as_secs_f64();
            metrics::histogram!(POST_COMMIT_SECONDS).record(waited.max(0.0));
        }
        let flagged = new.iter().any(|scored| scored.score.churn_risk >= CHURN_HIGH);
        let update = LiveUpdate::Committed {
            delta: stored.delta,
            n_posts: wide(new.len()),
            places: locations_of(&new),
            posts: self.feed.sample(new, now),
        };
        // Without the publisher the aggregator restarts, and live windows rebuild.
        let _ = self.outgoing.send(update).await;
        if flagged {
            // An alerter that misses the wake-up polls within seconds anyway.
            let _ = self.alerter.try_send(PostsFlagged);
        }
    }

    /// Hands newly stored posts that await a correction to the deep model's queue. The store already records them, so
    /// none is lost. Releases the permits of duplicates. A post without a permit waits until its claim expires.
    fn defer(&self, new: &[ScoredPost], mut permits: Permits) {
        let committed_at = Some(Instant::now());
        for scored in new.iter().filter(|scored| scored.awaits_correction) {
            let Some(permit) = permits.take_one(&scored.post.text) else {
                return;
            };
            let scored = Arc::new(scored.clone());
            self.cascade.queue().push(DeferredPost { scored, committed_at, permit });
        }
    }
}

/// Posts from a batch that have been stored so far, in one or more transactions.
#[derive(Default)]
struct Stored {
    inserted: Vec<usize>,
    /// Changed rollup rows in transaction order. A row may occur several times, with its revision after each change.
    delta: Vec<(RollupKey, Sums)>,
    n_duplicates: usize,
}

impl Stored {
    /// Adds what one transaction stored: the part of the batch that begins at index `start`.
    fn add(&mut self, start: usize, recorded: Recorded) {
        self.inserted.extend(recorded.inserted.into_iter().map(|index| start + index));
        self.delta.extend(recorded.delta);
        self.n_duplicates += recorded.n_duplicates;
    }
}

fn locations_of(posts: &[ScoredPost]) -> BTreeMap<String, (f64, f64)> {
    let location = |scored: &ScoredPost| {
        let post = &scored.post;
        Some((post.city.clone()?, (post.lat?, post.lon?)))
    };
    posts.iter().filter_map(location).collect()
}

/// Converts a count to the type that metrics take.
pub(super) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
