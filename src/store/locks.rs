//! Advisory lock numbers. They are global to the database; the enum makes it a compile error for two locks to share a
//! number.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Store, StoreError};

/// What an advisory lock protects.
#[repr(i64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// Schema changes.
    Migration = 0x6773_0001,
    /// Post expiry.
    Expiry = 0x6773_0002,
    /// Merging fine buckets into minutes.
    Compaction = 0x6773_0003,
    /// Creating and removing partitions.
    Partitions = 0x6773_0004,
    /// Lease of the process that evaluates the alert rules.
    RuleEvaluation = 0x6773_0005,
    /// Lease of the process that detects anomalies.
    AnomalyDetection = 0x6773_0006,
    /// Every alert change.
    Alerts = 0x6773_0007,
    /// Number of saved views.
    ViewCount = 0x6773_0008,
    /// Number of silences that have not ended.
    SilenceCount = 0x6773_0009,
    /// Number of alert rules.
    RuleCount = 0x6773_000a,
    /// Number of notification channels.
    ChannelCount = 0x6773_000b,
}

impl Lock {
    /// Returns the lock's key in PostgreSQL.
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}

/// Waits for the lock. The transaction holds it until it ends.
pub(super) async fn take(transaction: &Transaction<'_>, lock: Lock) -> Result<(), StoreError> {
    let statement = transaction.prepare_cached("SELECT pg_advisory_xact_lock($1)").await?;
    transaction.execute(&statement, &[&lock.number()]).await?;
    Ok(())
}

/// Serializes transactions that change alerts. One lock covers all alerts: one lock per alert would exhaust the server's
/// lock table when thousands change at once.
pub(super) async fn take_alerts(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    take(transaction, Lock::Alerts).await
}

/// Runs an `INSERT … SELECT … WHERE (SELECT count(*) …) < cap` under a lock. Returns `None` if the cap has been reached.
///
/// Without the lock, concurrent statements would count the same rows and all insert the last row allowed. The count is read
/// under the lock, so it includes every row inserted under it earlier.
pub(super) async fn insert_under_cap(
    store: &Store,
    lock: Lock,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, StoreError> {
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            take(&transaction, lock).await?;
            let row = transaction.query_opt(sql, values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        })
        .await
}
