//! The numbers of the advisory locks. They are known to the whole database, so two things with one number would wait for
//! each other: in one list, that does not compile.

use deadpool_postgres::Transaction;

use super::StoreError;

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
    Rules = 0x6773_0005,
    /// Who looks for what is unusual, for as long as it does.
    Signals = 0x6773_0006,
    /// Alerts, while somebody changes several of them.
    Alerts = 0x6773_0007,
}

impl Lock {
    /// As PostgreSQL is told.
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}

/// Makes those that change several alerts take turns, until the transaction ends. In one lock before those of single
/// alerts, so that no two ever wait for each other.
pub(super) async fn take_alerts(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let statement = transaction.prepare_cached("SELECT pg_advisory_xact_lock($1)").await?;
    transaction.execute(&statement, &[&Lock::Alerts.number()]).await?;
    Ok(())
}
