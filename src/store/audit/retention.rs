//! Monthly partitions of the audit log, and expiry of whole months.

use std::time::Duration;

use deadpool_postgres::{GenericClient, Object};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use tracing::info;

use super::chain::end_of;
use super::checkpoints;
use crate::models::audit::{ChainEnd, HASH_BYTES, SignedCheckpoint};
use crate::store::codec::PgTimestamp;
use crate::store::locks::{self, Lock};
use crate::store::{Store, StoreError};

/// How many months ahead partitions are created. Without one, entries are stored in the default partition.
const MONTHS_AHEAD: i32 = 2;

/// Timeout for creating or dropping partitions.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Statement that lets the transaction delete rows and links, and take its time.
const ALLOW_DELETION: &str = "
    SET LOCAL groundswell.audit_maintenance = 'on';
    SET LOCAL statement_timeout = '300s'";

/// Creates the partitions for this month, the next ones, and every month with entries in the default partition, and moves
/// those entries there. Every partition refuses `TRUNCATE` from then on. Returns the number of partitions that were created.
pub async fn ensure_partitions(store: &Store, now: Timestamp) -> Result<usize, StoreError> {
    store.run_within(TIMEOUT, async |client| ensure_on(client, now).await).await
}

async fn ensure_on(client: &mut Object, now: Timestamp) -> Result<usize, StoreError> {
    const STRAY: &str = "
        SELECT DISTINCT date_trunc('month', created_at, 'UTC') FROM audit_logs_default WHERE isfinite(created_at)";
    let this = month_of(now);
    let mut months: Vec<Date> = (0..=MONTHS_AHEAD).map(|ahead| this.saturating_add(ahead.months())).collect();
    for row in client.query(STRAY, &[]).await? {
        months.push(month_of(row.try_get(0)?));
    }
    months.sort_unstable();
    months.dedup();
    let existing = partitions(&*client).await?;
    let mut n_made = 0;
    for month in months.into_iter().filter(|month| !existing.contains(month)) {
        if make(client, month).await? {
            n_made += 1;
            info!(%month, "partition of the audit log created");
        }
    }
    refuse_truncation(client).await?;
    Ok(n_made)
}

/// Makes the partitions that do not yet refuse `TRUNCATE` do so. Partitions inherit triggers for rows, but not those for
/// statements, and processes of earlier versions create partitions without them.
async fn refuse_truncation(client: &mut Object) -> Result<(), StoreError> {
    const BARE: &str = "
        SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'audit_logs'::regclass AND NOT EXISTS (
            SELECT FROM pg_trigger WHERE tgrelid = inhrelid AND tgname = 'audit_logs_no_truncate')";
    if client.query(BARE, &[]).await?.is_empty() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    locks::take(&transaction, Lock::AuditChain).await?;
    for row in transaction.query(BARE, &[]).await? {
        // PostgreSQL has quoted the name.
        let partition: &str = row.try_get(0)?;
        let sql = format!(
            "CREATE TRIGGER audit_logs_no_truncate BEFORE TRUNCATE ON {partition}
                FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()"
        );
        transaction.batch_execute(&sql).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Creates the partition of a month. Returns false if another process has just created it.
async fn make(client: &mut Object, month: Date) -> Result<bool, StoreError> {
    let (from, to) = (start_of(month), start_of(month.saturating_add(1.month())));
    let transaction = client.transaction().await?;
    locks::take(&transaction, Lock::AuditChain).await?;
    if partitions(&transaction).await?.contains(&month) {
        return Ok(false);
    }
    transaction.batch_execute(ALLOW_DELETION).await?;
    let partition = name_of(month);
    // The name consists of a date, and the bounds of numbers. The table is filled before it is attached, because PostgreSQL
    // rejects a partition while the default partition holds rows for its month.
    let sql = format!(
        "LOCK TABLE audit_logs_default IN ACCESS EXCLUSIVE MODE;
        CREATE TABLE {partition} (LIKE audit_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
        WITH stray AS (
            DELETE FROM audit_logs_default WHERE created_at >= '{from}' AND created_at < '{to}' RETURNING *
        )
        INSERT INTO {partition} SELECT * FROM stray;
        ALTER TABLE audit_logs ATTACH PARTITION {partition} FOR VALUES FROM ('{from}') TO ('{to}');"
    );
    transaction.batch_execute(&sql).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Deletes whole months of entries that end before `before`, and the links to them. `sign` makes the tombstone, with which
/// the rest of the chain still verifies: its end, and the time before which entries are gone. Returns the number of months.
///
/// Entries are linked in the order in which they arrive, so a few links to deleted rows may follow links to kept ones. These
/// links stay; the tombstone says that their rows may be gone.
pub async fn expire(
    store: &Store,
    before: Timestamp,
    sign: impl FnOnce(ChainEnd, Timestamp) -> SignedCheckpoint,
) -> Result<usize, StoreError> {
    store.run_within(TIMEOUT, async |client| expire_on(client, before, sign).await).await
}

async fn expire_on(
    client: &mut Object,
    before: Timestamp,
    sign: impl FnOnce(ChainEnd, Timestamp) -> SignedCheckpoint,
) -> Result<usize, StoreError> {
    const WAITING: &str = "SELECT EXISTS (SELECT FROM audit_unchained WHERE created_at < $1)";
    let cutoff = month_of(before);
    let start = start_of(cutoff);
    let months: Vec<Date> = partitions(&*client).await?.into_iter().filter(|month| *month < cutoff).collect();
    if months.is_empty() {
        return Ok(0);
    }
    let transaction = client.transaction().await?;
    locks::take(&transaction, Lock::AuditChain).await?;
    // Entries that are not linked yet must not vanish without a trace.
    if transaction.query_one(WAITING, &[&PgTimestamp(start)]).await?.try_get(0)? {
        return Ok(0);
    }
    transaction.batch_execute(ALLOW_DELETION).await?;
    let end = last_expired(&transaction, start).await?;
    checkpoints::insert_on(&transaction, &sign(end, start)).await?;
    transaction.execute("DELETE FROM audit_chain WHERE seq <= $1", &[&end.seq]).await?;
    transaction
        .execute("DELETE FROM audit_checkpoints WHERE seq < $1 AND kind = 'head'", &[&end.seq])
        .await?;
    transaction
        .execute("DELETE FROM audit_logs_default WHERE created_at < $1", &[&PgTimestamp(start)])
        .await?;
    let names: Vec<String> = months.iter().copied().map(name_of).collect();
    transaction.batch_execute(&format!("DROP TABLE IF EXISTS {}", names.join(", "))).await?;
    transaction.commit().await?;
    info!(n_months = months.len(), last = end.seq, "old entries of the audit log expired");
    Ok(months.len())
}

/// Returns the last link before the first one that stays.
async fn last_expired(client: &impl GenericClient, start: Timestamp) -> Result<ChainEnd, StoreError> {
    const FIRST_KEPT: &str = "SELECT seq FROM audit_chain WHERE created_at >= $1 ORDER BY seq LIMIT 1";
    const BEFORE: &str = "SELECT seq, hash FROM audit_chain WHERE seq < $1 ORDER BY seq DESC LIMIT 1";
    const TOMBSTONE: &str = "
        SELECT seq, hash FROM audit_checkpoints WHERE kind = 'tombstone' AND seq < $1 ORDER BY seq DESC LIMIT 1";
    let Some(first_kept) = client.query_opt(FIRST_KEPT, &[&PgTimestamp(start)]).await? else {
        return end_of(client).await;
    };
    let first_kept: i64 = first_kept.try_get(0)?;
    let mut last = client.query_opt(BEFORE, &[&first_kept]).await?;
    if last.is_none() {
        last = client.query_opt(TOMBSTONE, &[&first_kept]).await?;
    }
    let Some(last) = last else {
        return Ok(ChainEnd::GENESIS);
    };
    let hash: &[u8] = last.try_get(1)?;
    Ok(ChainEnd { seq: last.try_get(0)?, hash: <[u8; HASH_BYTES]>::try_from(hash).unwrap_or_default() })
}

/// Returns the months that have a partition.
async fn partitions(client: &impl GenericClient) -> Result<Vec<Date>, StoreError> {
    const SQL: &str = "
        SELECT relname::text FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'audit_logs'::regclass";
    let mut months = Vec::new();
    for row in client.query(SQL, &[]).await? {
        months.extend(month_named(row.try_get(0)?));
    }
    Ok(months)
}

/// Returns the first day of the UTC month that contains a time.
fn month_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date().first_of_month()
}

fn start_of(month: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(month.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

fn name_of(month: Date) -> String {
    format!("audit_logs_{}", month.strftime("%Y%m"))
}

fn month_named(partition: &str) -> Option<Date> {
    let digits = partition.strip_prefix("audit_logs_")?;
    Date::strptime("%Y%m%d", format!("{digits}01")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_in_utc_and_named_by_year_and_month() {
        for (moment, name) in [
            ("2026-01-31T23:59:59.999999Z", "audit_logs_202601"),
            ("2026-02-01T00:00:00Z", "audit_logs_202602"),
            ("2028-02-29T12:00:00Z", "audit_logs_202802"),
        ] {
            let month = month_of(moment.parse().unwrap());
            assert_eq!(name_of(month), name);
            assert_eq!(month_named(name), Some(month));
        }
        assert_eq!(month_named("audit_logs_default"), None);
    }
}
