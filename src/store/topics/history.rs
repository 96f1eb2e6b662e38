//! Transaction that applies a topic to a batch of stored posts.

use deadpool_postgres::{Object, Transaction};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::jobs::{ClaimedJob, LEASE};
use crate::models::id::PostId;
use crate::models::post::{Post, ScoredPost};
use crate::models::rollup::{Delta, delta_of_regrouped};
use crate::models::topic_history::Regrouped;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::rollup_lock::RollupGuard;
use crate::store::metrics::rollups;
use crate::store::operations::late_post_locks;
use crate::store::posts::named::{self, Name, NameColumns};
use crate::store::posts::record::ATTEMPTS;
use crate::store::{Store, StoreError};

/// Maximum number of posts in a batch.
pub const POSTS_PER_BATCH_MAX: usize = 500;

/// Maximum time by which a post may be dated after the start of its job. No post is accepted with a time further in the
/// future.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// Maximum time span of a batch. A search that ends within a day or two reads two partitions instead of all.
const SPAN: SignedDuration = SignedDuration::from_hours(24);

/// Function that applies a topic to a post. Returns the post's new products, or `None` if they do not change.
pub type Regroup<'a> = &'a (dyn Fn(&Post) -> Option<Regrouped> + Send + Sync);

/// Batch of posts to apply a topic to.
#[derive(Clone, Copy)]
pub struct BatchParams<'a> {
    /// Job that this process has claimed, with the position after the previous batch.
    pub job: &'a ClaimedJob,
    /// Id under which this process has claimed the job.
    pub holder: Uuid,
    /// Maximum number of posts, at most [`POSTS_PER_BATCH_MAX`].
    pub n_posts_max: usize,
    /// Function that applies the topic.
    pub regroup: Regroup<'a>,
}

/// Result of a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Applied {
    /// Number of posts that were read.
    pub n_read: usize,
    /// Number of posts whose products changed.
    pub n_changed: usize,
    /// Changes to the rollups, which may be negative. `revision` is the new revision of each row.
    pub delta: Delta,
    /// Position of the next batch; `None` if this was the last one.
    pub next: Option<(Timestamp, PostId)>,
}

/// Applies a topic to the next posts of a job, newest first, in one transaction that is durable when this returns. The
/// transaction changes the products of the posts, the rollups, and the position of the job, so after a crash at any
/// point the job continues without doing anything twice. Returns `None`, and changes nothing, if this process can no
/// longer run the job: it was cancelled, another process holds it, or its topic has changed.
///
/// Posts are first read and matched without locks. Only those that change are locked and then matched again in their
/// current state. Exactly what a post contributed under products that it leaves is subtracted, with its current score,
/// and the same is added under products that it joins; for old posts, the minutes are merged first, as for a
/// correction.
///
/// Locks are taken in the same order as in [`crate::store::posts::erasure::erase`]: those against maintenance, topics
/// and jobs, which no other transaction holds together with posts, then posts and scores, and finally rollups.
/// Corrections read the products of a post after they have locked its score, so they subtract what this has added.
///
/// Acquires `guard` before the rollups and still holds it on success: keep it until the delta has been published.
pub async fn apply(
    store: &Store,
    batch: BatchParams<'_>,
    guard: &mut RollupGuard,
) -> Result<Option<Applied>, StoreError> {
    let page = store.run(async |client| read_page(client, batch).await).await?;
    let mut attempt = 1;
    loop {
        match store.run(async |client| apply_once(store, client, (batch, &page), guard).await).await {
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => {
                // The next attempt takes locks that another transaction may hold while it waits for this guard.
                guard.release();
                attempt += 1;
            }
            settled => return settled,
        }
    }
}

/// Next posts of a job.
struct Page {
    n_read: usize,
    /// Posts whose products change.
    to_change: Vec<Name>,
    next: Option<(Timestamp, PostId)>,
}

async fn read_page(client: &mut Object, batch: BatchParams<'_>) -> Result<Page, StoreError> {
    const SQL: &str = "
        SELECT uuid, created_at FROM social_media_posts
        WHERE created_at >= $1 AND created_at <= $2 AND (created_at, uuid) < ($2, $3)
        ORDER BY created_at DESC, uuid DESC LIMIT $4";
    let job = batch.job;
    let first_id = PostId::from_u128(0);
    let start = (job.to.saturating_add(AHEAD).unwrap_or(Timestamp::MAX), first_id);
    let (until, last_id) = job.position.unwrap_or(start);
    let since = until.saturating_sub(SPAN).unwrap_or(Timestamp::MIN).max(job.from);
    let n_max = batch.n_posts_max.min(POSTS_PER_BATCH_MAX);
    let limit = i64::try_from(n_max).unwrap_or(i64::MAX);

    let transaction = client.transaction().await?;
    // Otherwise, posts that move to a new partition in the meantime would be missed.
    late_post_locks::keep_partitions(&transaction).await?;
    let values: [&(dyn ToSql + Sync); 4] = [&PgTimestamp(since), &PgTimestamp(until), &last_id, &limit];
    let mut names: Vec<Name> = Vec::new();
    for row in transaction.query(SQL, &values).await? {
        names.push((row.try_get(0)?, row.try_get(1)?));
    }
    let posts = if names.is_empty() { Vec::new() } else { named::read(&transaction, &names).await? };
    transaction.commit().await?;
    let changes = posts.iter().filter(|scored| (batch.regroup)(&scored.post).is_some());
    let to_change = changes.map(|scored| (scored.post.uuid, scored.post.created_at)).collect();
    let next = match names.last() {
        Some((uuid, created_at)) if names.len() >= n_max => Some((*created_at, *uuid)),
        _ if since > job.from => Some((since, first_id)),
        _ => None,
    };
    Ok(Page { n_read: names.len(), to_change, next })
}

async fn apply_once(
    store: &Store,
    client: &mut Object,
    (batch, page): (BatchParams<'_>, &Page),
    guard: &mut RollupGuard,
) -> Result<Option<Applied>, StoreError> {
    let now = Timestamp::now();
    let transaction = client.transaction().await?;
    if let Some(oldest) = page.to_change.iter().map(|(_, created_at)| *created_at).min() {
        late_post_locks::lock_to_rewrite(store, &transaction, oldest).await?;
    }
    if !is_current(&transaction, batch).await? {
        return Ok(None);
    }
    let mut changes = Vec::new();
    if !page.to_change.is_empty() {
        named::lock(&transaction, &page.to_change).await?;
        for scored in named::read(&transaction, &page.to_change).await? {
            if let Some(regrouped) = (batch.regroup)(&scored.post) {
                changes.push(Change { scored, regrouped });
            }
        }
        write(&transaction, &changes).await?;
    }
    let regrouped = changes.iter().map(|change| (&change.scored, change.regrouped.products.as_slice()));
    let delta = delta_of_regrouped(regrouped);
    if !delta.is_empty() {
        guard.take().await;
    }
    let delta = rollups::change(&transaction, delta, now).await?;
    let applied = Applied { n_read: page.n_read, n_changed: changes.len(), delta, next: page.next };
    advance(&transaction, batch, &applied).await?;
    transaction.commit().await?;
    Ok(Some(applied))
}

/// Post whose products change.
struct Change {
    scored: ScoredPost,
    regrouped: Regrouped,
}

/// Locks the topic and the job, and returns whether both are still in the state that this process last read.
///
/// The topic is locked first, because deleting it deletes its jobs.
async fn is_current(transaction: &Transaction<'_>, batch: BatchParams<'_>) -> Result<bool, StoreError> {
    const TOPIC: &str = "SELECT FROM topics WHERE id = $1 AND updated_at = $2 FOR SHARE";
    const JOB: &str = "
        SELECT FROM topic_jobs
        WHERE id = $1 AND lease_holder = $2 AND state = 'running'
            AND (position_at, position_id) IS NOT DISTINCT FROM ($3::timestamptz, $4::uuid)
        FOR UPDATE";
    let job = batch.job;
    if transaction.query_opt(TOPIC, &[&job.topic, &PgTimestamp(job.version)]).await?.is_none() {
        return Ok(false);
    }
    let (at, id) = job.position.unzip();
    let values: [&(dyn ToSql + Sync); 4] = [&job.id, &batch.holder, &at.map(PgTimestamp), &id];
    Ok(transaction.query_opt(JOB, &values).await?.is_some())
}

/// Writes the new products of locked posts.
async fn write(transaction: &Transaction<'_>, changes: &[Change]) -> Result<(), StoreError> {
    // PostgreSQL's nested arrays must be rectangular.
    const SQL: &str = "
        UPDATE social_media_posts AS post SET
            products = ARRAY(SELECT jsonb_array_elements_text(changed.products)),
            topics = nullif(ARRAY(SELECT jsonb_array_elements_text(changed.topics)), '{}')
        FROM unnest($1::uuid[], $2::timestamptz[], $5::jsonb[], $6::jsonb[])
            AS changed (uuid, created_at, products, topics)
        WHERE post.uuid = changed.uuid AND post.created_at = changed.created_at
            AND post.created_at >= $3 AND post.created_at <= $4";
    let names = changes.iter().map(|change| (change.scored.post.uuid, change.scored.post.created_at));
    let columns = NameColumns::of(&names.collect::<Vec<_>>());
    let products: Vec<_> = changes.iter().map(|change| Json(&change.regrouped.products)).collect();
    let topics: Vec<_> = changes.iter().map(|change| Json(&change.regrouped.topics)).collect();
    let mut values = columns.params().to_vec();
    values.extend([&products as &(dyn ToSql + Sync), &topics]);
    transaction.execute(SQL, &values).await?;
    Ok(())
}

/// Advances the position of the job, and renews its lease.
async fn advance(
    transaction: &Transaction<'_>,
    batch: BatchParams<'_>,
    applied: &Applied,
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE topic_jobs SET
            position_at = $2, position_id = $3, n_posts_read = n_posts_read + $4,
            n_posts_changed = n_posts_changed + $5, leased_until = now() + make_interval(secs => $6),
            updated_at = now(), state = CASE WHEN $7 THEN 'done' ELSE state END,
            lease_holder = CASE WHEN $7 THEN NULL ELSE lease_holder END, finished_at = CASE WHEN $7 THEN now() END
        WHERE id = $1";
    let (at, id) = applied.next.unzip();
    let signed = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let values: [&(dyn ToSql + Sync); 7] = [
        &batch.job.id,
        &at.map(PgTimestamp),
        &id,
        &signed(applied.n_read),
        &signed(applied.n_changed),
        &LEASE.as_secs_f64(),
        &applied.next.is_none(),
    ];
    transaction.execute(SQL, &values).await?;
    Ok(())
}

#[cfg(test)]
mod race_tests;
#[cfg(test)]
mod tests;
