//! Transaction that stores a batch of posts.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_postgres::{Object, Transaction};

use super::{awaiting_correction, copy_in, engagement_samples};
use crate::models::post::ScoredPost;
use crate::models::rollup::{Delta, delta_of};
use crate::store::alerts::flagged_posts;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::rollup_lock::RollupGuard;
use crate::store::metrics::{city_locations, rollups};
use crate::store::operations::late_post_locks;
use crate::store::{Store, StoreError};

/// Maximum number of attempts to store a batch that conflicts with other transactions. All transactions take locks in
/// the same order, so even a second attempt is rare.
pub(in crate::store) const ATTEMPTS: usize = 4;

/// Result of storing a batch of posts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// Indices of the new posts in the batch, ascending.
    pub inserted: Vec<usize>,
    /// Changes to the rollups. `revision` is the new revision of each row.
    pub delta: Delta,
    /// Number of posts that were already stored or are repeated within the batch.
    pub n_duplicates: usize,
    /// Number of repeated posts whose counts differ from the last known ones.
    pub n_engagement_samples: usize,
}

/// Stores a batch of posts with their scores and rollups in one transaction that is durable when this returns.
///
/// Redis delivers at least once. `post_keys` alone decides whether a post is new, and only posts whose key this
/// transaction itself inserts are stored and counted. Therefore `count(posts) = sum(rollups) = distinct posts sent`, no
/// matter what is delivered twice or to how many processes. Storing a batch again after any error is safe.
///
/// A post that was erased has a key too, so it is never stored again, and never at all if it was erased before it arrived.
///
/// A post that awaits a correction is queued in the same transaction, so a crash cannot lose the correction.
///
/// Locks are taken in a fixed order: keys in key order, then locations, posts and engagement, and finally rollups in
/// key order. As a result, two processes never deadlock, and the rows of the current bucket, which every batch needs,
/// are locked for the shortest possible time.
///
/// Acquires `guard` before the rollups, so other transactions of this process can run concurrently until then. Still
/// holds it on success: keep it until the delta has been published.
pub async fn record(
    store: &Store,
    batch: &[ScoredPost],
    guard: &mut RollupGuard,
) -> Result<Recorded, StoreError> {
    if batch.is_empty() {
        return Ok(Recorded::default());
    }
    let mut attempt = 1;
    loop {
        match store.run(async |client| record_once(store, client, batch, guard).await).await {
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => {
                // The next attempt takes locks that another transaction may hold while it waits for this guard.
                guard.release();
                attempt += 1;
            }
            settled => return settled,
        }
    }
}

/// Timeout for counting, which reads every post. A benchmark stores millions of them.
const COUNT_TIMEOUT: Duration = Duration::from_secs(120);

/// Three counts that must always be equal, even after crashes and repeated deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Number of posts in all partitions.
    pub n_posts: i64,
    /// Number of posts according to the rollup rows of the `overall` dimension.
    pub n_rolled_up: i64,
    /// Number of keys in `post_keys`, except those of erased posts.
    pub n_keys: i64,
}

/// Counts posts, keys and rollups in one statement, so that all three counts come from one snapshot. It reads every
/// row, so use it in tests and `doctor` but not for requests.
pub async fn counts(store: &Store) -> Result<Counts, StoreError> {
    const SQL: &str = "
        SELECT (SELECT count(*) FROM social_media_posts JOIN sentiment_analysis USING (uuid, created_at)),
               (SELECT coalesce(sum(count), 0)::bigint FROM sentiment_rollups WHERE dimension = 'overall'),
               (SELECT count(*) FROM post_keys WHERE NOT erased)";
    let row = store
        .run_within(COUNT_TIMEOUT, async |client| {
            let transaction = client.transaction().await?;
            let patience = format!("SET LOCAL statement_timeout = '{}s'", COUNT_TIMEOUT.as_secs());
            transaction.batch_execute(&patience).await?;
            transaction.query_one(SQL, &[]).await
        })
        .await?;
    Ok(Counts { n_posts: row.try_get(0)?, n_rolled_up: row.try_get(1)?, n_keys: row.try_get(2)? })
}

async fn record_once(
    store: &Store,
    client: &mut Object,
    batch: &[ScoredPost],
    guard: &mut RollupGuard,
) -> Result<Recorded, StoreError> {
    let models =
        store.model_ids(client, &batch.iter().map(|scored| &scored.score).collect::<Vec<_>>()).await?;
    let transaction = client.transaction().await?;
    late_post_locks::lock_shared(
        store,
        &transaction,
        batch.iter().map(|scored| scored.post.created_at).min(),
    )
    .await?;
    let inserted = insert_keys(&transaction, batch).await?;
    let new: Vec<&ScoredPost> = inserted.iter().filter_map(|index| batch.get(*index)).collect();
    let cities = city_locations::insert_new(store, &transaction, &new).await?;
    if !new.is_empty() {
        copy_in::posts(&transaction, &new).await?;
        copy_in::scores(&transaction, &new, &models).await?;
        flagged_posts::note(&transaction, &new).await?;
        awaiting_correction::note(&transaction, &new).await?;
    }

    let is_new: HashSet<usize> = inserted.iter().copied().collect();
    let repeated: Vec<&ScoredPost> = batch
        .iter()
        .enumerate()
        .filter(|(index, _)| !is_new.contains(index))
        .map(|(_, scored)| scored)
        .collect();
    let n_engagement_samples = engagement_samples::insert(&transaction, &repeated).await?;

    let delta = delta_of(new.iter().copied());
    if !delta.is_empty() {
        guard.take().await;
    }
    let delta = rollups::add(&transaction, delta).await?;
    transaction.commit().await?;
    store.remember_cities(cities);
    store.has_new_words.fetch_or(!inserted.is_empty(), Ordering::AcqRel);
    Ok(Recorded { inserted, delta, n_duplicates: repeated.len(), n_engagement_samples })
}

/// Inserts the keys of new posts, and returns the indices of those posts.
///
/// If another transaction is inserting the same key, this one waits until the other ends. Keys are sorted, and `unnest`
/// keeps their order, so that two transactions never deadlock.
async fn insert_keys(transaction: &Transaction<'_>, batch: &[ScoredPost]) -> Result<Vec<usize>, StoreError> {
    const SQL: &str = "
        INSERT INTO post_keys (platform, post_id, uuid, created_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[])
        ON CONFLICT DO NOTHING
        RETURNING platform, post_id";
    let mut candidates: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, scored) in batch.iter().enumerate() {
        // If a post occurs several times in a batch, the first occurrence is stored and the others repeat it.
        candidates.entry((&scored.post.platform, &scored.post.id)).or_insert(index);
    }
    let mut platforms = Vec::with_capacity(candidates.len());
    let mut ids = Vec::with_capacity(candidates.len());
    let mut uuids = Vec::with_capacity(candidates.len());
    let mut times = Vec::with_capacity(candidates.len());
    for scored in candidates.values().filter_map(|index| batch.get(*index)) {
        platforms.push(scored.post.platform.as_str());
        ids.push(scored.post.id.as_str());
        uuids.push(scored.post.uuid);
        times.push(PgTimestamp(scored.post.created_at));
    }
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&platforms, &ids, &uuids, &times]).await?;
    let mut inserted = Vec::with_capacity(rows.len());
    for row in &rows {
        let key: (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        inserted.extend(candidates.get(&key));
    }
    inserted.sort_unstable();
    Ok(inserted)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::models::post::Engagement;
    use crate::models::rollup::{Dimension, Sums};
    use crate::store::testing::{self, number, record, shuffle, test_store};

    #[tokio::test]
    async fn the_same_batch_twice_counts_once() {
        let store = test_store().await;
        let batch = testing::posts(50, Timestamp::now());
        let first = record(&store, &batch).await.unwrap();
        assert_eq!(first.inserted, (0..50).collect::<Vec<_>>());
        assert_eq!(first.delta, delta_of(&batch));
        let second = record(&store, &batch).await.unwrap();
        assert_eq!((second.inserted.len(), second.delta.len(), second.n_duplicates), (0, 0, 50));
        let expected = Counts { n_posts: 50, n_rolled_up: 50, n_keys: 50 };
        assert_eq!(counts(&store).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_post_repeated_in_a_batch_counts_once_even_with_another_time() {
        let store = test_store().await;
        let now = Timestamp::now();
        let mut batch = vec![testing::post(1, now), testing::post(2, now), testing::post(1, now)];
        batch[2].post.created_at = now - SignedDuration::from_hours(30);
        let recorded = record(&store, &batch).await.unwrap();
        assert_eq!((recorded.inserted, recorded.n_duplicates), (vec![0, 1], 1));
        batch[0].post.created_at = now - SignedDuration::from_hours(50);
        assert_eq!(record(&store, &batch).await.unwrap().inserted, [0_usize; 0]);
        assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: 2, n_rolled_up: 2, n_keys: 2 });
    }

    #[tokio::test]
    async fn a_value_that_postgres_refuses_is_an_error_of_the_data() {
        let store = test_store().await;
        let mut batch = testing::posts(100, Timestamp::now());
        batch[70].post.text.push('\0');
        let error = record(&store, &batch).await.unwrap_err();
        assert!(!error.is_retryable(), "{error}");
        assert!(error.to_string().contains("line 71, column text"), "{error}");
        let poison = batch.remove(70);
        assert_eq!(record(&store, &batch).await.unwrap().inserted.len(), 99);
        assert!(matches!(record(&store, &[poison]).await.unwrap_err(), StoreError::Refused { .. }));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn overlapping_batches_from_many_processes_count_each_post_once() {
        let store = test_store().await;
        let now = Timestamp::now();
        let all = testing::posts(120, now);
        let tasks = (0..8).map(|seed| {
            let (store, mut mine) = (store.clone(), all.clone());
            tokio::spawn(async move {
                shuffle(&mut mine, seed);
                let mut recorded = Vec::new();
                for batch in mine.chunks(7 + seed * 3) {
                    recorded.push(record(&store, batch).await.unwrap());
                }
                recorded
            })
        });
        let mut delta = Delta::new();
        let mut n_inserted = 0;
        for recorded in futures_util::future::try_join_all(tasks).await.unwrap().into_iter().flatten() {
            n_inserted += recorded.inserted.len();
            for (key, sums) in recorded.delta {
                delta.entry(key).or_default().add(&Sums { revision: 1, ..sums });
            }
        }
        assert_eq!(n_inserted, 120);
        assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: 120, n_rolled_up: 120, n_keys: 120 });
        let stored: Delta =
            rollups::live(&store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap().into_iter().collect();
        assert_eq!(stored, delta);
        let overall: i64 =
            delta.iter().filter(|(key, _)| key.dimension == Dimension::Overall).map(|row| row.1.count).sum();
        assert_eq!(overall, 120);
    }

    #[tokio::test]
    async fn a_repeated_post_is_a_sample_only_if_its_counts_changed() {
        let store = test_store().await;
        let start = Timestamp::now();
        let liked = |likes: i64, seconds: i64| {
            let mut scored = testing::post(1, start);
            scored.post.received_at = start + SignedDuration::from_secs(seconds);
            scored.post.engagement = Some(Engagement { likes: Some(likes), ..Engagement::default() });
            scored
        };
        let samples = async |batch: &[ScoredPost]| record(&store, batch).await.unwrap().n_engagement_samples;
        assert_eq!(samples(&[liked(1, 0), liked(1, 1), liked(2, 2), liked(2, 3), liked(1, 4)]).await, 2);
        assert_eq!(samples(&[liked(1, 5)]).await, 0);
        assert_eq!(samples(&[liked(5, 6)]).await, 1);
        // A second delivery adds nothing.
        assert_eq!(
            samples(&[liked(1, 0), liked(1, 1), liked(2, 2), liked(2, 3), liked(1, 4), liked(5, 6)]).await,
            0
        );
        assert_eq!(samples(&[testing::post(1, start)]).await, 0);
        assert_eq!(number(&store, "SELECT sum(likes)::bigint FROM engagement_samples").await, 8);
    }
}
