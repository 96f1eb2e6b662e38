//! One transaction of the aggregator, and what is told to the world after it.

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
use crate::store::metrics::rollup_guard::RollupGuard;
use crate::store::posts::record;
use crate::store::posts::record::Recorded;
use crate::store::{Store, StoreError};
use crate::telemetry::{
    COMMIT_POSTS, COMMIT_SECONDS, POST_COMMIT_SECONDS, POSTS_DUPLICATE_TOTAL, POSTS_STORED_TOTAL,
    TIER_POSTS_TOTAL,
};

/// Waits between attempts while Postgres is away double up to this.
const RETRY_MAX: Duration = Duration::from_secs(2);

const RETRY_FIRST: Duration = Duration::from_millis(100);

/// What a commit needs. Runs on the runtime of the connections, not on the stage's: a stage that dies takes no
/// transaction with it, and a panic in here is no death of the stage.
#[derive(Clone)]
pub(super) struct Committer {
    pub store: Store,
    pub outgoing: mpsc::Sender<LiveUpdate>,
    pub alerter: Downstream<PostsFlagged>,
    pub cascade: Arc<Cascade>,
    /// Who counts what is spoken of.
    pub trends: TrendFeed,
    /// How many new posts are shown.
    pub feed: Arc<FeedBudget>,
    /// How many corrected posts are shown.
    pub updates: Arc<FeedBudget>,
    pub stage_metrics: Arc<StageMetrics>,
}

impl Committer {
    /// Stores the batches in one transaction and settles their tickets.
    ///
    /// While Postgres is away it waits, holding the tickets: that bounds what piles up, and blames nobody. When
    /// a value is refused, each batch is tried by itself, so that only the culprit's fails.
    pub fn commit(self, mut batches: Vec<RecordBatch>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let sizes: Vec<usize> = batches.iter().map(|batch| batch.posts.len()).collect();
            let mut merged = Vec::with_capacity(sizes.iter().sum());
            for batch in &mut batches {
                merged.append(&mut batch.posts);
            }
            // Held until the delta has been sent on, so that deltas are published in the order of their commits.
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
                    self.tell(merged, stored, permits).await;
                }
                Err(error) if batches.len() == 1 => {
                    for batch in batches {
                        batch.ticket.failed(error.to_string());
                        permits.join(batch.permits);
                        self.stage_metrics.fail(1);
                    }
                    // Some of it may be stored.
                    self.tell(merged, stored, permits).await;
                }
                Err(_) => {
                    self.tell(merged.clone(), stored, permits).await;
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

    /// Records, however long Postgres is away. An error is about the posts.
    ///
    /// In one transaction, unless that takes longer than Postgres may: then in halves, and so on, since the same again
    /// might take too long for ever. Answers what is stored by then, also beside an error.
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
                        // The next part takes locks that another transaction may hold while it waits for this guard. A delta
                        // that is published late is noticed by its revision, and costs a rebuild of the live windows.
                        guard.release();
                    }
                    n_at_once *= 2;
                    wait = RETRY_FIRST;
                    continue;
                }
                Err(error @ StoreError::Refused { .. }) => return (stored, Err(error)),
                Err(error) if error.is_too_slow() && part.len() > 1 => {
                    warn!(%error, n_posts = part.len(), "a batch is stored in halves");
                    n_at_once = part.len().div_ceil(2);
                }
                Err(error) if error.is_retryable() => {
                    warn!(%error, n_posts = part.len(), ?wait, "a batch waits for postgres");
                }
                // Not the posts' fault, so they wait; but nothing will change until somebody looks.
                Err(error) => error!(%error, n_posts = part.len(), "postgres cannot be worked with"),
            }
            guard.release();
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
        (stored, Ok(()))
    }

    async fn tell(&self, batch: Vec<ScoredPost>, stored: Stored, permits: Permits) {
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
            places: places_of(&new),
            posts: self.feed.sample(new, now),
        };
        // The publisher lives as long as the process; without it there is nobody to tell.
        let _ = self.outgoing.send(update).await;
        if flagged {
            // An alerter that cannot be woken looks by itself within seconds.
            let _ = self.alerter.try_send(PostsFlagged);
        }
    }

    /// Hands on what shall be read again, now that it is stored and will be found to await that, whatever happens. Permits
    /// of posts that were stored before are free again. One without a permit waits until its claim has run out.
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

/// What was stored of a batch, by one transaction or by several.
#[derive(Default)]
struct Stored {
    inserted: Vec<usize>,
    /// In the order of the transactions: a row may be in it more than once, with the revision it had after each.
    delta: Vec<(RollupKey, Sums)>,
    n_duplicates: usize,
}

impl Stored {
    /// Adds a part that starts there in the batch.
    fn add(&mut self, start: usize, recorded: Recorded) {
        self.inserted.extend(recorded.inserted.into_iter().map(|index| start + index));
        self.delta.extend(recorded.delta);
        self.n_duplicates += recorded.n_duplicates;
    }
}

fn places_of(posts: &[ScoredPost]) -> BTreeMap<String, (f64, f64)> {
    let place = |scored: &ScoredPost| {
        let post = &scored.post;
        Some((post.city.clone()?, (post.lat?, post.lon?)))
    };
    posts.iter().filter_map(place).collect()
}

/// As counters take it.
pub(super) fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
