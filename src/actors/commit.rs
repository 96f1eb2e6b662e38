//! One transaction of the aggregator, and what is told to the world after it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::downstream::Downstream;
use super::messages::{PostsFlagged, RecordBatch};
use super::vitals::Vitals;
use crate::models::live::LiveUpdate;
use crate::models::post::ScoredPost;
use crate::models::score::CHURN_HIGH;
use crate::store::posts::Recorded;
use crate::store::{Store, StoreError, posts};
use crate::telemetry::{
    COMMIT_POSTS, COMMIT_SECONDS, POST_COMMIT_SECONDS, POSTS_DUPLICATE_TOTAL, POSTS_STORED_TOTAL,
};

/// Waits between attempts while Postgres is away double up to this.
const RETRY_MAX: Duration = Duration::from_secs(2);

const RETRY_FIRST: Duration = Duration::from_millis(100);

/// What a commit needs. Runs on the runtime of the connections, not on the stage's: a stage that dies takes no
/// transaction with it, and a panic in here is no death of the stage.
#[derive(Clone)]
pub(super) struct Committer {
    pub store: Store,
    pub news: mpsc::Sender<LiveUpdate>,
    pub alerter: Downstream<PostsFlagged>,
    pub feed: Arc<FeedBudget>,
    pub vitals: Arc<Vitals>,
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
            match self.record(&merged).await {
                Ok(recorded) => {
                    for batch in batches {
                        batch.ticket.recorded();
                        self.vitals.finish(1);
                    }
                    self.tell(merged, recorded).await;
                }
                Err(error) if batches.len() == 1 => {
                    for batch in batches {
                        batch.ticket.failed(error.to_string());
                        self.vitals.fail(1);
                    }
                }
                Err(_) => {
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
    async fn record(&self, batch: &[ScoredPost]) -> Result<Recorded, StoreError> {
        let mut wait = RETRY_FIRST;
        loop {
            let started = Instant::now();
            match posts::record(&self.store, batch).await {
                Ok(recorded) => {
                    metrics::histogram!(COMMIT_SECONDS).record(started.elapsed().as_secs_f64());
                    metrics::histogram!(COMMIT_POSTS).record(batch.len() as f64);
                    return Ok(recorded);
                }
                Err(error @ StoreError::Refused { .. }) => return Err(error),
                Err(error) if error.is_retryable() => {
                    warn!(%error, n_posts = batch.len(), ?wait, "a batch waits for postgres");
                }
                // Not the posts' fault, so they wait; but nothing will change until somebody looks.
                Err(error) => error!(%error, n_posts = batch.len(), "postgres cannot be worked with"),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    async fn tell(&self, batch: Vec<ScoredPost>, recorded: Recorded) {
        metrics::counter!(POSTS_DUPLICATE_TOTAL).increment(wide(recorded.n_duplicates));
        if recorded.inserted.is_empty() {
            return;
        }
        metrics::counter!(POSTS_STORED_TOTAL).increment(wide(recorded.inserted.len()));
        let mut is_new = vec![false; batch.len()];
        for index in recorded.inserted {
            if let Some(flag) = is_new.get_mut(index) {
                *flag = true;
            }
        }
        let now = Timestamp::now();
        let new: Vec<ScoredPost> =
            batch.into_iter().zip(is_new).filter(|(_, new)| *new).map(|(post, _)| post).collect();
        for scored in &new {
            let waited = now.duration_since(scored.post.received_at).as_secs_f64();
            metrics::histogram!(POST_COMMIT_SECONDS).record(waited.max(0.0));
        }
        let flagged = new.iter().any(|scored| scored.score.churn_risk >= CHURN_HIGH);
        let update = LiveUpdate::Committed {
            delta: recorded.delta.into_iter().collect(),
            n_posts: wide(new.len()),
            places: places_of(&new),
            posts: self.feed.sample(new, now),
        };
        // The publisher lives as long as the process; without it there is nobody to tell.
        let _ = self.news.send(update).await;
        if flagged {
            // An alerter that cannot be woken looks by itself within seconds.
            let _ = self.alerter.try_send(PostsFlagged);
        }
    }
}

fn places_of(posts: &[ScoredPost]) -> BTreeMap<String, (f64, f64)> {
    let place = |scored: &ScoredPost| {
        let post = &scored.post;
        Some((post.city.clone()?, (post.lat?, post.lon?)))
    };
    posts.iter().filter_map(place).collect()
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Posts shown of one transaction, at most: half of what a session's mailbox holds, so that catching up after a stall
/// does not look like a browser that has stopped reading.
const POSTS_AT_ONCE_MAX: u64 = 256;

/// How many posts a second are shown live. A person reads a few a second; a browser draws a few hundred; all of
/// them would cost more than storing them.
#[derive(Debug)]
pub(super) struct FeedBudget {
    per_second: u64,
    spent: Mutex<(i64, u64)>,
}

impl FeedBudget {
    pub fn new(per_second: u64) -> Self {
        Self { per_second, spent: Mutex::default() }
    }

    /// As many of the posts as this second's budget allows, evenly spread over the batch.
    pub fn sample(&self, posts: Vec<ScoredPost>, now: Timestamp) -> Vec<ScoredPost> {
        let granted = self.grant(wide(posts.len()).min(POSTS_AT_ONCE_MAX), now);
        let n_posts = posts.len();
        let Ok(granted) = usize::try_from(granted) else {
            return posts;
        };
        if granted >= n_posts {
            return posts;
        }
        let chosen = |i: usize| (i + 1) * granted / n_posts > i * granted / n_posts;
        posts.into_iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, post)| post).collect()
    }

    fn grant(&self, wanted: u64, now: Timestamp) -> u64 {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.0 != now.as_second() {
            *spent = (now.as_second(), 0);
        }
        let granted = wanted.min(self.per_second.saturating_sub(spent.1));
        spent.1 += granted;
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_feed_never_shows_more_than_its_budget_in_a_second() {
        let feed = FeedBudget::new(100);
        assert_eq!(feed.grant(60, at(1)), 60);
        assert_eq!(feed.grant(60, at(1)), 40);
        assert_eq!(feed.grant(60, at(1)), 0);
        assert_eq!(feed.grant(60, at(2)), 60);
    }
}
