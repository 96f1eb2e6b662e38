//! Numbers of the advisory locks. They are global to the database; the enum makes two locks with one number a compile
//! error.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Store, StoreError};

/// What an advisory lock protects.
#[repr(i64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// Changes of the schema.
    Migration = 0x6773_0001,
    /// Expiry of posts.
    Expiry = 0x6773_0002,
    /// Merging of fine buckets into minutes.
    Compaction = 0x6773_0003,
    /// Creation and removal of partitions.
    Partitions = 0x6773_0004,
    /// The lease of the process that evaluates the alert rules.
    RuleEvaluation = 0x6773_0005,
    /// The lease of the process that detects anomalies.
    AnomalyDetection = 0x6773_0006,
    /// Every change of alerts.
    Alerts = 0x6773_0007,
    /// The number of saved views.
    ViewCount = 0x6773_0008,
    /// The number of silences that have not ended.
    SilenceCount = 0x6773_0009,
    /// The number of alert rules.
    RuleCount = 0x6773_000a,
    /// The number of notification channels.
    ChannelCount = 0x6773_000b,
}

impl Lock {
    /// Returns the key of the lock in PostgreSQL.
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}

/// Waits for the lock, which the transaction holds until it ends.
pub(super) async fn take(transaction: &Transaction<'_>, lock: Lock) -> Result<(), StoreError> {
    let statement = transaction.prepare_cached("SELECT pg_advisory_xact_lock($1)").await?;
    transaction.execute(&statement, &[&lock.number()]).await?;
    Ok(())
}

/// Serializes transactions that change alerts. One lock covers all alerts: a lock per alert would exhaust the
/// server's lock table when thousands change at once.
pub(super) async fn take_alerts(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    take(transaction, Lock::Alerts).await
}

/// Runs an `INSERT … SELECT … WHERE (SELECT count(*) …) < cap` under a lock; `None` if the cap is reached.
///
/// Without the lock, concurrent statements would count the same rows and all insert the last one allowed. The count
/// is read under the lock, so it includes every row inserted under it before.
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
