//! Daily partitions and post expiry.

use std::collections::BTreeSet;
use std::time::Duration;

use deadpool_postgres::{GenericClient, Object};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tracing::info;

use super::late_post_locks::{self, MaintenanceTask};
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// How many days ahead partitions are created. If none can be created for longer than this, posts are still stored, in
/// the default partition.
const DAYS_AHEAD: i32 = 2;

/// Timeout for moving or deleting a day of posts. Batches are blocked only for a small part of this time.
const MAINTENANCE_TIMEOUT: Duration = Duration::from_secs(300);

/// Partitioned tables, in the order that every transaction accesses them to prevent deadlocks.
const TABLES: [&str; 3] = ["social_media_posts", "sentiment_analysis", "sentiment_analysis_history"];

/// Creates the partitions for today, the next days, and every day with posts in the default partition, and moves those
/// posts there. Returns the number of days for which partitions were created.
///
/// A table is filled before it is attached, because PostgreSQL rejects a partition while the default partition holds
/// rows for its day. Only batches that write to the default partition wait in the meantime.
pub async fn ensure_partitions(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    store.run_within(MAINTENANCE_TIMEOUT, async |client| ensure_on(client, store, now).await).await
}

async fn ensure_on(client: &mut Object, store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    const STRAY: &str = "
        SELECT DISTINCT date_bin('1 day', created_at, '2000-01-01 00:00:00+00'::timestamptz)
        FROM social_media_posts_default WHERE created_at >= $1";
    let today = day_of(now);
    let mut days: BTreeSet<Date> = (0..=DAYS_AHEAD).map(|ahead| today.saturating_add(ahead.days())).collect();
    for row in client.query(STRAY, &[&PgTimestamp(expiry_of(store, now))]).await? {
        days.insert(day_of(row.try_get(0)?));
    }
    let mut n_made = 0;
    for day in days {
        if !missing(&*client, day).await?.is_empty() && make(client, day).await? {
            n_made += 1;
            info!(%day, "partition created");
        }
    }
    Ok(n_made)
}

/// Returns which tables have no partition for a day: all of them, or those added since the day's other partitions were
/// created. It queries the catalog, because `to_regclass` caches negative results.
async fn missing(client: &impl GenericClient, day: Date) -> Result<Vec<&'static str>, StoreError> {
    const SQL: &str = "SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE relname = ANY ($1::text[])";
    let names = TABLES.map(|table| name_of(table, day));
    let mut there: Vec<String> = Vec::new();
    for row in client.query(SQL, &[&names.as_slice()]).await? {
        there.push(row.try_get(0)?);
    }
    Ok(TABLES.into_iter().filter(|table| !there.contains(&name_of(table, day))).collect())
}

/// Creates the partitions of a day. Returns false if another process has just created them.
async fn make(client: &mut Object, day: Date) -> Result<bool, StoreError> {
    let (from, to) = (start_of(day), start_of(day.saturating_add(1.day())));
    let transaction = client.transaction().await?;
    late_post_locks::lock_exclusive(&transaction, MaintenanceTask::Partitions).await?;
    let tables = missing(&transaction, day).await?;
    if tables.is_empty() {
        return Ok(false);
    }
    transaction.batch_execute(&lift_statement_timeout()).await?;
    // Locks all tables at once and in this order, like batches.
    let lock = TABLES.map(|table| format!("{table}_default")).join(", ");
    transaction.batch_execute(&format!("LOCK TABLE {lock} IN ACCESS EXCLUSIVE MODE")).await?;
    for table in tables {
        let partition = name_of(table, day);
        // Names consist of dates, and bounds of numbers: nothing here comes from a post.
        let sql = format!(
            "CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
            WITH stray AS (
                DELETE FROM {table}_default WHERE created_at >= '{from}' AND created_at < '{to}' RETURNING *
            )
            INSERT INTO {partition} SELECT * FROM stray;
            ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{from}') TO ('{to}');"
        );
        transaction.batch_execute(&sql).await?;
    }
    transaction.batch_execute(LENGTHEN_PENDING_LISTS).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Statement that makes the full-text index's pending lists large enough for what accumulates between two calls to
/// [`crate::store::posts::search_index::merge`]. A partition's index inherits its parent's options, which cannot be
/// changed.
const LENGTHEN_PENDING_LISTS: &str = "
    DO $$
    DECLARE leaf regclass;
    BEGIN
        FOR leaf IN
            SELECT inhrelid::regclass FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = 'social_media_posts_text'::regclass
                AND NOT coalesce('gin_pending_list_limit=4096' = ANY (reloptions), false)
        LOOP
            EXECUTE format('ALTER INDEX %s SET (gin_pending_list_limit = 4096)', leaf);
        END LOOP;
    END $$";

/// Result of one call to [`expire`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Number of days whose partitions were dropped.
    pub n_days: usize,
    /// Number of posts whose keys were deleted.
    pub n_posts: u64,
}

/// Deletes whole days of posts that are older than the retention period, and everything about them, in one transaction.
/// Partitions, keys, rollups, samples and flags go together, so that the three counts remain equal.
///
/// The slow steps come first. Only the last one, which drops partitions, blocks batches, and only briefly.
pub async fn expire(store: &Store, now: Timestamp) -> Result<Expired, StoreError> {
    let before = expiry_of(store, now);
    let expired =
        store.run_within(MAINTENANCE_TIMEOUT, async |client| expire_on(client, before).await).await?;
    if expired != Expired::default() {
        info!(%before, expired.n_days, expired.n_posts, "posts expired");
    }
    Ok(expired)
}

async fn expire_on(client: &mut Object, before: Timestamp) -> Result<Expired, StoreError> {
    const DELETE: [&str; 15] = [
        "DELETE FROM awaiting_correction WHERE created_at < $1",
        "DELETE FROM flagged_posts WHERE created_at < $1",
        "DELETE FROM churn_alert_posts WHERE created_at < $1",
        "DELETE FROM engagement_samples WHERE created_at < $1",
        "DELETE FROM latest_engagement WHERE created_at < $1",
        "DELETE FROM label_corrections WHERE created_at < $1",
        // Including its history.
        "DELETE FROM post_work WHERE created_at < $1",
        "DELETE FROM erased_authors WHERE erased_at < $1",
        "DELETE FROM source_gaps WHERE to_time < $1",
        "DELETE FROM source_usage WHERE period_end < $1",
        "DELETE FROM sentiment_rollups WHERE bucket < $1",
        "DELETE FROM sentiment_rollup_hours WHERE bucket < $1",
        "DELETE FROM social_media_posts_default WHERE created_at < $1",
        "DELETE FROM sentiment_analysis_default WHERE created_at < $1",
        "DELETE FROM sentiment_analysis_history_default WHERE created_at < $1",
    ];
    let transaction = client.transaction().await?;
    for task in [MaintenanceTask::Expiry, MaintenanceTask::Compaction, MaintenanceTask::Partitions] {
        late_post_locks::lock_exclusive(&transaction, task).await?;
    }
    transaction.batch_execute(&lift_statement_timeout()).await?;
    let n_posts =
        transaction.execute("DELETE FROM post_keys WHERE created_at < $1", &[&PgTimestamp(before)]).await?;
    for sql in DELETE {
        transaction.execute(sql, &[&PgTimestamp(before)]).await?;
    }
    let mut days = Vec::new();
    for row in transaction.query(PARTITIONS, &[]).await? {
        days.extend(day_named(row.try_get(0)?).filter(|day| start_of(*day) < before));
    }
    if !days.is_empty() {
        transaction
            .batch_execute(&format!("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", TABLES.join(", ONLY ")))
            .await?;
    }
    for day in &days {
        // A day may be older than the newest of the tables, in which case its rows were in the default partition.
        let partitions = TABLES.map(|table| name_of(table, *day)).join(", ");
        transaction.batch_execute(&format!("DROP TABLE IF EXISTS {partitions}")).await?;
    }
    transaction.commit().await?;
    Ok(Expired { n_days: days.len(), n_posts })
}

const PARTITIONS: &str = "
    SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'social_media_posts'::regclass";

/// Returns the statement that raises the statement timeout for this transaction. The caller enforces a timeout of its
/// own.
fn lift_statement_timeout() -> String {
    format!("SET LOCAL statement_timeout = {}", MAINTENANCE_TIMEOUT.as_millis())
}

/// Returns the start of the oldest day whose posts are kept.
fn expiry_of(store: &Store, now: Timestamp) -> Timestamp {
    let retention = SignedDuration::try_from(store.retention()).unwrap_or(SignedDuration::MAX);
    now.checked_sub(retention).map_or(Timestamp::UNIX_EPOCH, |oldest| start_of(day_of(oldest)))
}

/// Returns the UTC day that contains a time. Every UTC day has 24 hours.
pub(in crate::store) fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

fn start_of(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// Returns the name of the partition that holds a day's posts.
pub(in crate::store) fn posts_of(day: Date) -> String {
    let [posts, ..] = TABLES;
    name_of(posts, day)
}

fn name_of(table: &str, day: Date) -> String {
    format!("{table}_{}", day.strftime("%Y%m%d"))
}

fn day_named(partition: &str) -> Option<Date> {
    let [posts, ..] = TABLES;
    let digits = partition.strip_prefix(posts)?.strip_prefix('_')?;
    Date::strptime("%Y%m%d", digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::post::Engagement;
    use crate::models::rollup::{Dimension, RollupKey};
    use crate::store::metrics::rollups;
    use crate::store::posts::record::{Counts, counts};
    use crate::store::testing::record;
    use crate::store::testing::{self, number, test_store};

    const IN_DEFAULT: &str = "SELECT count(*) FROM social_media_posts_default JOIN sentiment_analysis_default
        USING (uuid, created_at)";

    fn days_ago(now: Timestamp, days: i64) -> Timestamp {
        now - SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn days_are_in_utc_regardless_of_clock_changes() {
        for (moment, day) in [
            ("2026-03-28T23:59:59.999999Z", "20260328"),
            ("2026-03-29T00:00:00Z", "20260329"),
            // Clocks in Europe go forward at 01:00 UTC, and back in October at the same time.
            ("2026-03-29T01:00:00Z", "20260329"),
            ("2026-10-25T01:00:00Z", "20261025"),
            ("2026-12-31T23:59:59Z", "20261231"),
            ("2028-02-29T12:00:00Z", "20280229"),
        ] {
            let partition = name_of("social_media_posts", day_of(moment.parse().unwrap()));
            assert_eq!(partition, format!("social_media_posts_{day}"));
            assert_eq!(day_named(&partition), Some(day_of(moment.parse().unwrap())));
        }
        assert_eq!(day_named("social_media_posts_default"), None);
    }

    #[tokio::test]
    async fn posts_on_both_sides_of_midnight_are_in_their_own_partitions() {
        let store = test_store().await;
        let midnight = start_of(day_of(Timestamp::now()).saturating_add(1.day()));
        let mut batch = testing::posts(2, midnight);
        batch[0].post.created_at = midnight - SignedDuration::from_nanos(1);
        record(&store, &batch).await.unwrap();
        assert_eq!(number(&store, IN_DEFAULT).await, 0);
        let partitions = "SELECT count(DISTINCT tableoid) FROM social_media_posts";
        assert_eq!(number(&store, partitions).await, 2);
    }

    #[tokio::test]
    async fn posts_of_a_day_without_a_partition_move_from_the_default_one_later() {
        let (store, now) = (test_store().await, Timestamp::now());
        // Another day may have begun since the database was created.
        ensure_partitions(&store, now).await.unwrap();
        let mut batch = testing::posts(40, days_ago(now, 20));
        batch.iter_mut().skip(30).for_each(|scored| scored.post.created_at = days_ago(now, 89));
        assert_eq!(record(&store, &batch).await.unwrap().inserted.len(), 40);
        assert_eq!(number(&store, IN_DEFAULT).await, 40);
        // Posts keep arriving for the same days while they move.
        let more: Vec<_> = (40..80).map(|n| testing::post(n, days_ago(now, 20))).collect();
        let (made, recorded) = tokio::join!(ensure_partitions(&store, now), async {
            for chunk in more.chunks(4) {
                record(&store, chunk).await.unwrap();
            }
        });
        assert_eq!((made.unwrap(), recorded), (2, ()));
        assert_eq!(ensure_partitions(&store, now).await.unwrap(), 0);
        assert_eq!(number(&store, IN_DEFAULT).await, 0);
        assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: 80, n_rolled_up: 80, n_keys: 80 });
        assert_eq!(record(&store, &batch).await.unwrap().n_duplicates, 40);
    }

    #[tokio::test]
    async fn posts_expire_with_their_keys_rollups_and_samples() {
        let store = test_store().await;
        let now = Timestamp::now();
        let mut batch = testing::posts(60, days_ago(now, 91));
        for (n, scored) in batch.iter_mut().enumerate() {
            scored.post.created_at = days_ago(now, [91, 92, 89, 1][n % 4]);
        }
        record(&store, &batch[..30]).await.unwrap();
        ensure_partitions(&store, days_ago(now, 92)).await.unwrap();
        record(&store, &batch).await.unwrap();
        for scored in &mut batch {
            scored.post.engagement = Some(Engagement { likes: Some(7), ..Engagement::default() });
        }
        assert_eq!(record(&store, &batch).await.unwrap().n_engagement_samples, 60);
        let expired = expire(&store, now).await.unwrap();
        assert_eq!(expired.n_posts, 30);
        assert!(expired.n_days >= 2);
        assert_eq!(counts(&store).await.unwrap(), Counts { n_posts: 30, n_rolled_up: 30, n_keys: 30 });
        assert_eq!(number(&store, "SELECT count(*) FROM engagement_samples").await, 30);
        assert_eq!(expire(&store, now).await.unwrap(), Expired::default());
        // Once its key is deleted, a post counts as new again.
        let again = record(&store, &batch[..1]).await.unwrap();
        assert_eq!(again.inserted, [0]);
        assert_eq!(expire(&store, now).await.unwrap().n_posts, 1);
    }

    #[tokio::test]
    async fn posts_that_arrive_while_their_day_expires_leave_nothing_incomplete() {
        let store = test_store().await;
        let now = Timestamp::now();
        let batch = testing::posts(200, days_ago(now, 91));
        let recording = async {
            for chunk in batch.chunks(10) {
                record(&store, chunk).await.unwrap();
            }
        };
        let expiring = async {
            for _ in 0..10 {
                expire(&store, now).await.unwrap();
            }
        };
        tokio::join!(recording, expiring);
        let left = counts(&store).await.unwrap();
        assert_eq!((left.n_posts, left.n_rolled_up), (left.n_keys, left.n_keys));
        let overall = |(key, _): &(RollupKey, _)| key.dimension == Dimension::Overall;
        let rows = rollups::live(&store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap();
        let sum: i64 = rows.iter().filter(|row| overall(row)).map(|(_, sums)| sums.count).sum();
        assert_eq!(sum, left.n_keys);
    }
}
