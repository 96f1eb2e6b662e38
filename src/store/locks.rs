//! The numbers of the advisory locks. They are known to the whole database, so two things with one number would wait for
//! each other: in one list, that does not compile.

use deadpool_postgres::Transaction;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Store, StoreError};

/// What is locked.
#[repr(i64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// The schema, while it changes.
    Migration = 0x6773_0001,
    /// Posts leave.
    Expiry = 0x6773_0002,
    /// Fine buckets become minutes.
    Compaction = 0x6773_0003,
    /// Partitions come and go.
    Partitions = 0x6773_0004,
    /// Who evaluates the alert rules, for as long as it does.
    RuleEvaluation = 0x6773_0005,
    /// Who looks for what is unusual, for as long as it does.
    AnomalyDetection = 0x6773_0006,
    /// Alerts, while somebody opens, changes or ends some of them.
    Alerts = 0x6773_0007,
    /// The number of saved views.
    ViewCount = 0x6773_0008,
    /// The number of silences that are not over.
    SilenceCount = 0x6773_0009,
    /// The number of alert rules.
    RuleCount = 0x6773_000a,
    /// The number of notification channels.
    ChannelCount = 0x6773_000b,
}

impl Lock {
    /// As PostgreSQL is told.
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}

/// Waits for the lock and holds it until the transaction ends.
pub(super) async fn take(transaction: &Transaction<'_>, lock: Lock) -> Result<(), StoreError> {
    let statement = transaction.prepare_cached("SELECT pg_advisory_xact_lock($1)").await?;
    transaction.execute(&statement, &[&lock.number()]).await?;
    Ok(())
}

/// Makes those that change alerts take turns, until the transaction ends. One lock for all alerts: one for each would
/// be more than the server has room for as soon as thousands change at once.
pub(super) async fn take_alerts(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    take(transaction, Lock::Alerts).await
}

/// Runs an `INSERT … SELECT … WHERE (SELECT count(*) …) < cap`, one at a time of those with the same lock. `None` when the
/// cap is reached.
///
/// Without the lock, statements that run at the same time count the same rows and all find the last place free. The count
/// is read after the lock is held, so it includes every row inserted under it before.
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
