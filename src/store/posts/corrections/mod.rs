//! Transaction that replaces the scores of stored posts with scores from a better model.

use std::collections::{BTreeMap, HashMap};
use std::iter::zip;
use std::sync::Arc;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;

pub use super::awaiting_correction::{FIRST_CLAIM, awaiting, claim, give_up};

use super::awaiting_correction::AwaitedPost;
use super::record::ATTEMPTS;
use super::row::{SCORE_COLUMNS, scores_of};
use super::score_replacement::{self, Superseded};
use crate::models::alert::Alert;
use crate::models::id::PostId;
use crate::models::post::ScoredPost;
use crate::models::rollup::{Delta, delta_between};
use crate::models::score::{CHURN_HIGH, Score};
use crate::store::alerts::flagged_posts;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::rollup_lock::RollupGuard;
use crate::store::metrics::rollups;
use crate::store::operations::late_post_locks;
use crate::store::{Store, StoreError};

/// Score that a better model gave a stored post.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// Post as it was when the better model scored it. The correction replaces whichever score is stored when it is
    /// applied, not necessarily this one.
    pub read: Arc<ScoredPost>,
    /// Score from the better model, which replaces the current one.
    pub score: Score,
}

/// Effects of a batch of corrections.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corrected {
    /// Indices of the applied corrections, ascending. All other posts were corrected earlier or have expired.
    pub applied: Vec<usize>,
    /// Corrected posts in the order of `applied`, with their new scores.
    pub posts: Vec<ScoredPost>,
    /// Changes to the rollups, which may be negative. `revision` is the new revision of each row.
    pub delta: Delta,
    /// Number of corrected posts at high churn risk, which may now join an alert.
    pub n_high: usize,
    /// Churn alerts that were resolved because none of their posts remain.
    pub resolved: Vec<Alert>,
}

/// Applies corrections in one transaction that is durable when this returns.
///
/// Each correction is applied once, no matter how often and by how many processes it is attempted: a post gets another
/// score only if this transaction itself deletes its row in `awaiting_correction`. The old score is read and locked in
/// the same transaction, so exactly what the post contributed is subtracted from the rollups. Applying corrections
/// again after any error is safe.
///
/// Locks are taken in the same order as in [`super::record::record`], with rollups last. Alert locks come before the
/// rollups and after the flags.
///
/// Acquires `guard` before the rollups and still holds it on success: keep it until the delta has been published.
pub async fn apply(
    store: &Store,
    corrections: &[Correction],
    guard: &mut RollupGuard,
) -> Result<Corrected, StoreError> {
    if corrections.is_empty() {
        return Ok(Corrected::default());
    }
    let mut attempt = 1;
    loop {
        match store.run(async |client| apply_once(store, client, corrections, guard).await).await {
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => {
                // The next attempt takes locks that another transaction may hold while it waits for this guard.
                guard.release();
                attempt += 1;
            }
            settled => return settled,
        }
    }
}

async fn apply_once(
    store: &Store,
    client: &mut Object,
    corrections: &[Correction],
    guard: &mut RollupGuard,
) -> Result<Corrected, StoreError> {
    let scores: Vec<&Score> = corrections.iter().map(|correction| &correction.score).collect();
    let models = store.model_ids(client, &scores).await?;
    let now = Timestamp::now();
    let transaction = client.transaction().await?;
    let oldest = corrections.iter().map(|correction| correction.read.post.created_at).min();
    late_post_locks::lock_as_compaction(store, &transaction, oldest).await?;
    // Scores are locked before posts are read, and partitions change in the other order.
    late_post_locks::keep_partitions(&transaction).await?;

    let mut wanted: BTreeMap<PostId, usize> = BTreeMap::new();
    for (index, correction) in corrections.iter().enumerate() {
        // A post's first correction counts; further ones find it already corrected.
        wanted.entry(correction.read.post.uuid).or_insert(index);
    }
    let uuids: Vec<PostId> = wanted.keys().copied().collect();
    let awaited = super::awaiting_correction::dequeue(&transaction, &uuids).await?;
    if awaited.is_empty() {
        return Ok(Corrected::default());
    }
    let mut changes = Vec::with_capacity(awaited.len());
    let current = lock_scores(&transaction, &awaited).await?;
    let mut products = products_of(&transaction, &awaited).await?;
    for CurrentScore { uuid, revision, score } in current {
        let Some(index) = wanted.get(&uuid).copied() else { continue };
        let Some(correction) = corrections.get(index) else { continue };
        let mut post = correction.read.post.clone();
        if let Some(products) = products.remove(&uuid) {
            post.products = products;
        }
        let with = |score: Score| ScoredPost { post: post.clone(), score, awaits_correction: false };
        changes.push(Change { index, before: with(score), after: with(correction.score.clone()), revision });
    }
    changes.sort_unstable_by_key(|change| change.index);
    let superseded: Vec<Superseded<'_>> =
        changes.iter().map(|change| Superseded { by: &change.after, revision: change.revision }).collect();
    score_replacement::scores(&transaction, &superseded, &awaited, &models).await?;

    let (is_high, was_high): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .filter(|change| change.is_high() != change.was_high())
        .partition(|change| change.is_high());
    let newly_high: Vec<&ScoredPost> = is_high.iter().map(|change| &change.after).collect();
    let no_longer: Vec<PostId> = was_high.iter().map(|change| change.after.post.uuid).collect();
    flagged_posts::note(&transaction, &newly_high).await?;
    let n_high = changes.iter().filter(|change| change.is_high()).count();
    let resolved = flagged_posts::withdraw(&transaction, &no_longer, now).await?;

    let delta = delta_between(changes.iter().map(|change| (&change.before, &change.after.score)));
    guard.take().await;
    let delta = rollups::change(&transaction, delta, now).await?;
    transaction.commit().await?;
    let (applied, posts) = changes.into_iter().map(|change| (change.index, change.after)).unzip();
    Ok(Corrected { applied, posts, delta, n_high, resolved })
}

/// Post before and after its correction.
struct Change {
    index: usize,
    before: ScoredPost,
    after: ScoredPost,
    /// Revision of the score that is replaced.
    revision: i16,
}

impl Change {
    fn was_high(&self) -> bool {
        self.before.score.churn_risk >= CHURN_HIGH
    }

    fn is_high(&self) -> bool {
        self.after.score.churn_risk >= CHURN_HIGH
    }
}

/// Current score of a post.
struct CurrentScore {
    uuid: PostId,
    revision: i16,
    score: Score,
}

/// Locks and returns the current scores of these posts. Expired posts are absent.
///
/// Bounds on the event time limit the plan to the days concerned.
async fn lock_scores(
    transaction: &Transaction<'_>,
    awaited: &[AwaitedPost],
) -> Result<Vec<CurrentScore>, StoreError> {
    let sql = format!(
        "SELECT {SCORE_COLUMNS}, score.uuid, score.revision
        FROM unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
        JOIN sentiment_analysis AS score ON score.uuid = named.uuid AND score.created_at = named.created_at
        JOIN models AS model ON model.id = score.model
        WHERE score.created_at >= $3 AND score.created_at <= $4
        ORDER BY score.uuid FOR UPDATE OF score"
    );
    let (uuids, times): (Vec<PostId>, Vec<PgTimestamp>) =
        awaited.iter().map(|awaited| (awaited.uuid, PgTimestamp(awaited.created_at))).unzip();
    let (from, to) = score_replacement::span_of(awaited);
    let statement = transaction.prepare_cached(&sql).await?;
    let rows = transaction.query(&statement, &[&uuids, &times, &from, &to]).await?;
    let scores = scores_of(&rows)?;
    let current = |(score, row): (Score, &Row)| {
        let uuid = row.try_get(row.len().saturating_sub(2))?;
        Ok(CurrentScore { uuid, revision: row.try_get(row.len().saturating_sub(1))?, score })
    };
    zip(scores, &rows).map(current).collect()
}

/// Returns the current products of these posts, which a topic may have changed since a better model read the posts.
///
/// Every transaction that changes products locks the score first, so products do not change while the scores are
/// locked.
async fn products_of(
    transaction: &Transaction<'_>,
    awaited: &[AwaitedPost],
) -> Result<HashMap<PostId, Vec<String>>, StoreError> {
    const SQL: &str = "
        SELECT post.uuid, post.products FROM unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
        JOIN social_media_posts AS post ON post.uuid = named.uuid AND post.created_at = named.created_at
        WHERE post.created_at >= $3 AND post.created_at <= $4";
    let (uuids, times): (Vec<PostId>, Vec<PgTimestamp>) =
        awaited.iter().map(|awaited| (awaited.uuid, PgTimestamp(awaited.created_at))).unzip();
    let (from, to) = score_replacement::span_of(awaited);
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&uuids, &times, &from, &to]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

#[cfg(test)]
mod tests;
