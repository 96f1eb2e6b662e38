//! Transaction that erases posts, and the record of erased authors.

mod authors; // authors whose posts are erased
mod copies; // copies of posts in alerts and notifications

use std::collections::BTreeSet;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;

pub use self::authors::{keys_of_author, keys_of_erased_authors, remember_author};

use super::awaiting_correction;
use super::named::{self, Name, NameColumns};
use super::record::ATTEMPTS;
use crate::models::alert::Alert;
use crate::models::id::PostId;
use crate::models::rollup::{Delta, delta_of_erased};
use crate::store::alerts::flagged_posts;
use crate::store::codec::PgTimestamp;
use crate::store::locks::{self, Lock};
use crate::store::metrics::compaction_age::FINE_FOR;
use crate::store::metrics::rollup_lock::RollupGuard;
use crate::store::metrics::rollups;
use crate::store::operations::late_post_locks;
use crate::store::{Store, StoreError};

/// Maximum number of posts that one transaction erases. Other transactions that change work on posts or alerts wait for
/// it, so it must not take long.
pub const POSTS_PER_TRANSACTION_MAX: usize = 500;

/// Identity of a post, even before it has arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PostKey {
    /// Platform that the post was published on.
    pub platform: String,
    /// Id of the post on its platform.
    pub id: String,
}

/// Result of one erasing transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erased {
    /// Ids of the erased posts that were stored, in no particular order.
    pub posts: Vec<PostId>,
    /// Changes to the rollups, which are negative. `revision` is the new revision of each row.
    pub delta: Delta,
    /// Churn alerts that were resolved because none of their posts remain.
    pub resolved: Vec<Alert>,
}

/// Erases posts in one transaction that is durable when this returns: the posts, their scores and everything about
/// them, including the copies in alerts. Their keys stay, marked as erased. A post that has not arrived gets such a key
/// too, so it is never stored.
///
/// Exactly what the posts contributed is subtracted from the rollups. A post is erased once, no matter how often and by
/// how many processes it is attempted, because only a post whose key this transaction itself marks is subtracted.
/// Erasing posts again after any error is safe.
///
/// Locks are taken in the same order as in [`super::record::record`] and [`super::corrections::apply`]: keys in key
/// order, then the queue of corrections, alerts, posts and scores, and finally rollups. New keys come before existing
/// ones, because a transaction that inserts keys may afterwards wait for existing ones, but never the other way round.
///
/// Acquires `guard` before the rollups and still holds it on success: keep it until the delta has been published.
pub async fn erase(store: &Store, keys: &[PostKey], guard: &mut RollupGuard) -> Result<Erased, StoreError> {
    if keys.is_empty() {
        return Ok(Erased::default());
    }
    let mut attempt = 1;
    loop {
        match store.run(async |client| erase_once(store, client, keys, guard).await).await {
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => {
                // The next attempt takes locks that another transaction may hold while it waits for this guard.
                guard.release();
                attempt += 1;
            }
            settled => return settled,
        }
    }
}

/// Returns the key of a stored post; `None` if the post does not exist.
pub async fn key_of(store: &Store, post: PostId) -> Result<Option<PostKey>, StoreError> {
    const SQL: &str = "SELECT platform, post_id FROM social_media_posts WHERE uuid = $1";
    let row = store.query_opt(SQL, &[&post]).await?;
    row.map(|row| Ok(PostKey { platform: row.try_get(0)?, id: row.try_get(1)? })).transpose()
}

async fn erase_once(
    store: &Store,
    client: &mut Object,
    keys: &[PostKey],
    guard: &mut RollupGuard,
) -> Result<Erased, StoreError> {
    let keys = KeyColumns::of(keys);
    let now = Timestamp::now();
    let transaction = client.transaction().await?;
    // Posts that arrive before their keys are locked are nearly always recent, and recent posts need no other lock.
    let recent = now.saturating_sub(FINE_FOR / 2).unwrap_or(now);
    let oldest = oldest_of(&transaction, &keys).await?.map_or(recent, |oldest| oldest.min(recent));
    late_post_locks::lock_to_rewrite(store, &transaction, oldest).await?;

    insert_missing(&transaction, &keys, now).await?;
    let names = mark(&transaction, &keys).await?;
    if names.iter().any(|(_, created_at)| *created_at < oldest) {
        let reason = "an old post arrived while it was being erased".to_owned();
        return Err(StoreError::Conflict { reason });
    }
    if names.is_empty() {
        transaction.commit().await?;
        return Ok(Erased::default());
    }
    let uuids: Vec<PostId> = names.iter().map(|(uuid, _)| *uuid).collect();
    awaiting_correction::dequeue(&transaction, &uuids).await?;
    locks::take(&transaction, Lock::PostWork).await?;
    locks::take_alerts(&transaction).await?;
    copies::remove(&transaction, &uuids).await?;
    let resolved = flagged_posts::withdraw(&transaction, &uuids, now).await?;
    let posts = named::lock_and_read(&transaction, &names).await?;
    delete(&transaction, &names).await?;

    let delta = delta_of_erased(&posts);
    if !delta.is_empty() {
        guard.take().await;
    }
    let delta = rollups::change(&transaction, delta, now).await?;
    transaction.commit().await?;
    Ok(Erased { posts: posts.into_iter().map(|scored| scored.post.uuid).collect(), delta, resolved })
}

/// Distinct keys as arrays, one per column, in key order.
struct KeyColumns<'a> {
    platforms: Vec<&'a str>,
    ids: Vec<&'a str>,
}

impl<'a> KeyColumns<'a> {
    fn of(keys: &'a [PostKey]) -> Self {
        let distinct: BTreeSet<&PostKey> = keys.iter().collect();
        let (platforms, ids) =
            distinct.into_iter().map(|key| (key.platform.as_str(), key.id.as_str())).unzip();
        Self { platforms, ids }
    }
}

/// Returns the event time of the oldest of these posts, which determines the locks to take.
async fn oldest_of(
    transaction: &Transaction<'_>,
    keys: &KeyColumns<'_>,
) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "
        SELECT min(created_at) FROM post_keys
        JOIN unnest($1::text[], $2::text[]) AS named (platform, post_id) USING (platform, post_id)
        WHERE NOT erased";
    Ok(transaction.query_one(SQL, &[&keys.platforms, &keys.ids]).await?.try_get(0)?)
}

/// Inserts the keys of posts that have not arrived, marked as erased. They expire after the retention period: until
/// then, any delivery of the posts counts as a duplicate.
///
/// If another transaction is storing such a post, this one waits until the other ends. Keys are sorted, and `unnest`
/// keeps their order, so that two transactions never deadlock.
async fn insert_missing(
    transaction: &Transaction<'_>,
    keys: &KeyColumns<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO post_keys (platform, post_id, uuid, created_at, erased)
        SELECT platform, post_id, gen_random_uuid(), $3, true
        FROM unnest($1::text[], $2::text[]) AS named (platform, post_id)
        ON CONFLICT DO NOTHING";
    transaction.execute(SQL, &[&keys.platforms, &keys.ids, &PgTimestamp(now)]).await?;
    Ok(())
}

/// Marks the keys of posts that are not erased yet, and returns the names of those posts. Keys are locked in key order.
async fn mark(transaction: &Transaction<'_>, keys: &KeyColumns<'_>) -> Result<Vec<Name>, StoreError> {
    const SQL: &str = "
        WITH stored AS MATERIALIZED (
            SELECT platform, post_id FROM post_keys
            WHERE (platform, post_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND NOT erased
            ORDER BY platform COLLATE \"C\", post_id COLLATE \"C\" FOR UPDATE OF post_keys
        )
        UPDATE post_keys AS key SET erased = true FROM stored
        WHERE key.platform = stored.platform AND key.post_id = stored.post_id
        RETURNING key.uuid, key.created_at";
    let rows = transaction.query(SQL, &[&keys.platforms, &keys.ids]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Deletes every row of these posts, except flags and waiting corrections, which have already been deleted.
async fn delete(transaction: &Transaction<'_>, names: &[Name]) -> Result<(), StoreError> {
    // In the order in which every transaction accesses them.
    const PARTITIONED: [&str; 3] = ["social_media_posts", "sentiment_analysis", "sentiment_analysis_history"];
    const OTHERS: [&str; 4] = [
        "DELETE FROM engagement_samples WHERE uuid = ANY ($1)",
        "DELETE FROM latest_engagement WHERE uuid = ANY ($1)",
        "DELETE FROM label_corrections WHERE uuid = ANY ($1)",
        // Including its history.
        "DELETE FROM post_work WHERE uuid = ANY ($1)",
    ];
    let columns = NameColumns::of(names);
    for table in PARTITIONED {
        let sql = format!(
            "DELETE FROM {table} AS gone USING unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
            WHERE gone.uuid = named.uuid AND gone.created_at = named.created_at
                AND gone.created_at >= $3 AND gone.created_at <= $4"
        );
        transaction.execute(&sql, &columns.params()).await?;
    }
    for sql in OTHERS {
        transaction.execute(sql, &[&columns.uuids]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod race_tests;
#[cfg(test)]
pub(in crate::store) mod tests;
