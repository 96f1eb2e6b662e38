//! Rollups: exact sums by bucket, source, dimension and key.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::compaction_age::{COMPACT_AFTER_SECONDS, FINE_FOR};
use super::hourly_rollups;
use super::sum_columns::{self, Detail, MINUTE_OF_BUCKET, N_SUMS};
use crate::models::post::Source;
use crate::models::rollup::{Delta, Dimension, RollupKey, Sums};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::operations::late_post_locks::{self, MaintenanceTask};
use crate::store::{Store, StoreError};

/// Returns the rows of buckets that start at `since` or later. A restarted stage rebuilds its windows from them.
///
/// Returns at most `n_rows_max` rows, because senders determine the number of keys. The rows of `overall` come first,
/// then the newest rows of each dimension.
pub async fn live(
    store: &Store,
    since: Timestamp,
    n_rows_max: usize,
) -> Result<Vec<(RollupKey, Sums)>, StoreError> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT bucket, source, dimension::text, key, {}
            FROM sentiment_rollups WHERE bucket >= $1 ORDER BY dimension, bucket DESC LIMIT $2",
            sum_columns::names()
        )
    });
    let rows =
        store.query(&SQL, &[&PgTimestamp(since), &i64::try_from(n_rows_max).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| Ok((key_of(row)?, sum_columns::read(row)?))).collect()
}

fn key_of(row: &Row) -> Result<RollupKey, StoreError> {
    let dimension = enum_at(row, 2, &Dimension::ALL, Dimension::as_str)?;
    let source = Source::new(row.try_get::<_, String>(1)?);
    Ok(RollupKey { bucket: row.try_get(0)?, source, dimension, key: row.try_get(3)? })
}

static ADD: LazyLock<String> = LazyLock::new(|| add_sql("sentiment_rollups"));
static ADD_HOURS: LazyLock<String> = LazyLock::new(|| add_sql("sentiment_rollup_hours"));

/// Returns the statement that adds rows to the existing rows of a table and returns their new revisions.
fn add_sql(table: &str) -> String {
    let columns = sum_columns::names();
    format!(
        "INSERT INTO {table} AS rollup (bucket, source, dimension, key, {columns})
        SELECT bucket, source, dimension::rollup_dimension, key, {columns}
        FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], {})
            AS added (bucket, source, dimension, key, {columns})
        {} RETURNING bucket, source, dimension::text, key, revision",
        sum_columns::array_parameters(5),
        sum_columns::add_on_conflict()
    )
}

/// Adds the contribution of a batch, and returns it with the new revision of each row.
///
/// Every transaction locks rows in `RollupKey` order, which is the order of the map and is kept by `unnest`; otherwise
/// two processes with the same keys would deadlock.
///
/// Live windows use the revisions to recognize what they already contain and to notice what they missed.
///
/// Late posts are added to the hourly rows too. Every transaction locks those rows last.
pub(in crate::store) async fn add(
    transaction: &Transaction<'_>,
    mut delta: Delta,
) -> Result<Delta, StoreError> {
    if delta.is_empty() {
        return Ok(delta);
    }
    let hours = hourly_rollups::share_of(&delta, Timestamp::now());
    let rows = upsert(transaction, &ADD, &delta).await?;
    for row in &rows {
        if let Some(sums) = delta.get_mut(&key_of(row)?) {
            sums.revision = row.try_get(4)?;
        }
    }
    if !hours.is_empty() {
        upsert(transaction, &ADD_HOURS, &hours).await?;
    }
    Ok(delta)
}

/// Adds rows to the existing ones in key order, and returns their new revisions.
async fn upsert(transaction: &Transaction<'_>, sql: &str, delta: &Delta) -> Result<Vec<Row>, StoreError> {
    let buckets: Vec<PgTimestamp> = delta.keys().map(|key| PgTimestamp(key.bucket)).collect();
    let sources: Vec<&str> = delta.keys().map(|key| key.source.as_str()).collect();
    let dimensions: Vec<&str> = delta.keys().map(|key| key.dimension.as_str()).collect();
    let keys: Vec<&str> = delta.keys().map(|key| key.key.as_str()).collect();
    let columns = columns_of(delta);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&buckets, &sources, &dimensions, &keys];
    params.extend(columns.iter().map(|column| column as &(dyn ToSql + Sync)));
    let statement = transaction.prepare_cached(sql).await?;
    Ok(transaction.query(&statement, &params).await?)
}

/// Corrects the contributions of posts that have already been counted.
///
/// The contribution of an old post may be in the row of its fine bucket or of its minute, and subtracting it from the
/// wrong row would leave negative counts. This function therefore first merges the affected minutes, as the next
/// compaction would, and then changes the row of the minute. Most corrected posts are recent; their contribution is
/// always in the fine row.
pub(in crate::store) async fn change(
    transaction: &Transaction<'_>,
    delta: Delta,
    now: Timestamp,
) -> Result<Delta, StoreError> {
    let (delta, minutes) = in_minutes(delta, now);
    if !minutes.is_empty() {
        transaction.query_one(&*MERGE_MINUTES, &[&minutes]).await?;
    }
    add(transaction, delta).await
}

/// Moves the old rows of a delta to the start of their minutes, and returns those minutes. Windows that reach this far
/// back start and end on minute boundaries, so the difference does not show.
fn in_minutes(delta: Delta, now: Timestamp) -> (Delta, Vec<PgTimestamp>) {
    let old_before = minute_of(now.saturating_sub(FINE_FOR).unwrap_or(Timestamp::UNIX_EPOCH));
    let mut minutes = BTreeSet::new();
    let mut joined = Delta::new();
    for (mut key, sums) in delta {
        if key.bucket < old_before {
            key.bucket = minute_of(key.bucket);
            minutes.insert(key.bucket);
        }
        let row = joined.entry(key).or_default();
        row.add(&sums);
        row.revision = 1;
    }
    (joined, minutes.into_iter().map(PgTimestamp).collect())
}

/// Merges fine buckets older than [`COMPACT_AFTER_SECONDS`] into minutes, writes the hours that have ended, and returns
/// the number of merged rows.
///
/// The sums of a minute are stored in the row of its first bucket. A later post can therefore still find or create the
/// row of its fine bucket, which the next compaction merges. Each hour is one transaction, which deletes rows and adds
/// exactly what they held. Late posts wait for it; otherwise one of them could hold a row needed here while it waits
/// for a row deleted here.
pub async fn compact(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let oldest = format!(
        "SELECT min(bucket) FROM sentiment_rollups WHERE {MINUTE_OF_BUCKET} <> bucket AND bucket < $1"
    );
    let before = now.as_second().saturating_sub(COMPACT_AFTER_SECONDS).div_euclid(60) * 60;
    let mut n_rows = 0;
    loop {
        let merge_oldest = async |client: &mut Object| {
            let oldest: Option<Timestamp> =
                client.query_one(&oldest, &[&PgTimestamp(at(before))]).await?.try_get(0)?;
            let Some(oldest) = oldest else {
                return Ok(None);
            };
            let hour = oldest.as_second().div_euclid(3_600) * 3_600;
            merge(client, at(hour), at(before.min(hour + 3_600))).await.map(Some)
        };
        let Some(n_merged) = store.run(merge_oldest).await? else {
            break;
        };
        n_rows += n_merged;
    }
    hourly_rollups::advance(store, now).await?;
    Ok(n_rows)
}

async fn merge(client: &mut Object, from: Timestamp, to: Timestamp) -> Result<u64, StoreError> {
    let transaction = client.transaction().await?;
    late_post_locks::lock_exclusive(&transaction, MaintenanceTask::Compaction).await?;
    let n_rows: i64 =
        transaction.query_one(&*MERGE_BETWEEN, &[&PgTimestamp(from), &PgTimestamp(to)]).await?.try_get(0)?;
    transaction.commit().await?;
    Ok(n_rows.unsigned_abs())
}

/// Returns the statement that merges the fine rows matching a condition into the rows of their minutes, and returns the
/// number of fine rows.
fn merge_sql(condition: &str) -> String {
    let (columns, totals) = (sum_columns::names(), sum_columns::totals(Detail::All));
    format!(
        "WITH fine AS (
            DELETE FROM sentiment_rollups WHERE {condition} AND {MINUTE_OF_BUCKET} <> bucket RETURNING *
        ), merged AS (
            INSERT INTO sentiment_rollups AS rollup (bucket, source, dimension, key, {columns})
            SELECT {MINUTE_OF_BUCKET} AS minute, source, dimension, key, {totals}
            FROM fine GROUP BY minute, source, dimension, key
            {}
        )
        SELECT count(*) FROM fine",
        sum_columns::add_on_conflict()
    )
}

static MERGE_BETWEEN: LazyLock<String> = LazyLock::new(|| merge_sql("bucket >= $1 AND bucket < $2"));

/// Statement that merges the given minutes. It lists their buckets one by one, so that the primary key finds the rows.
static MERGE_MINUTES: LazyLock<String> = LazyLock::new(|| {
    merge_sql(
        "bucket IN (SELECT minute + n * interval '10 seconds'
            FROM unnest($1::timestamptz[]) AS minute, generate_series(1, 5) AS n)",
    )
});

fn minute_of(at: Timestamp) -> Timestamp {
    self::at(at.as_second().div_euclid(60) * 60)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Returns the sums of all rows as one array per column, in table order.
fn columns_of(delta: &Delta) -> [Vec<i64>; N_SUMS] {
    let mut columns: [Vec<i64>; N_SUMS] = Default::default();
    for sums in delta.values() {
        for (column, value) in columns.iter_mut().zip(sum_columns::values(sums)) {
            column.push(value);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::posts::record::{Counts, counts};
    use crate::store::testing::record;
    use crate::store::testing::{self, test_store};

    /// Adds up the rows by minute, source, dimension and key.
    async fn by_minute(store: &Store) -> Delta {
        let mut sums = Delta::new();
        for (mut key, row) in live(store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap() {
            key.bucket = minute_of(key.bucket);
            sums.entry(key).or_default().add(&row);
        }
        sums
    }

    #[tokio::test]
    async fn compaction_changes_no_sum_and_late_posts_still_count() {
        let store = test_store().await;
        let now = Timestamp::now();
        let old = at((now.as_second() - 5 * 3_600).div_euclid(60) * 60);
        let batch: Vec<_> = (0..300)
            .map(|n| testing::post(n, old + SignedDuration::from_millis(n as i64 * 1_777 % 400_000)))
            .collect();
        for part in batch[..200].chunks(50) {
            record(&store, part).await.unwrap();
        }
        let before = by_minute(&store).await;
        assert!(compact(&store, now).await.unwrap() > 0);
        assert_eq!(by_minute(&store).await, before);
        let rows = live(&store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap();
        assert!(rows.iter().all(|(key, _)| key.bucket.as_second() % 60 == 0));
        assert_eq!(rows.len(), before.len());

        record(&store, &batch[200..]).await.unwrap();
        let with_late = by_minute(&store).await;
        assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: 300, n_rolled_up: 300, n_keys: 300 });
        assert!(compact(&store, now).await.unwrap() > 0);
        assert_eq!(by_minute(&store).await, with_late);
        assert_eq!(compact(&store, now).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn compaction_leaves_the_last_hours_alone() {
        let store = test_store().await;
        let now = Timestamp::now();
        let edge = now - SignedDuration::from_secs(COMPACT_AFTER_SECONDS - 60);
        let batch: Vec<_> =
            (0..6).map(|n| testing::post(n, edge + SignedDuration::from_secs(n as i64 * 10))).collect();
        record(&store, &batch).await.unwrap();
        assert_eq!(compact(&store, now).await.unwrap(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn concurrent_late_posts_and_compaction_lose_nothing() {
        let store = test_store().await;
        let now = Timestamp::now();
        let old = now - SignedDuration::from_hours(6);
        let tasks = (0..4).map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..12 {
                    let at = old + SignedDuration::from_secs((task * 31 + n * 7) % 120);
                    let batch: Vec<_> =
                        (0..5).map(|k| testing::post((task * 60 + n * 5 + k) as usize, at)).collect();
                    record(&store, &batch).await.unwrap();
                    compact(&store, now).await.unwrap();
                }
            })
        });
        futures_util::future::try_join_all(tasks).await.unwrap();
        assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: 240, n_rolled_up: 240, n_keys: 240 });
    }
}
