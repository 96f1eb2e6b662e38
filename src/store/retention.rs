//! Daily partitions, and how posts leave.

use deadpool_postgres::Transaction;

use super::StoreError;

/// Names the advisory lock between expiry and late posts. Any number will do, if no one else uses it.
const EXPIRY_LOCK: i64 = 0x6773_0002;

/// Keeps expiry from starting, or waits for it to end, until the transaction does.
///
/// A post of the day being expired would otherwise lose its key to the expiry and keep its rollup, or the other way
/// around, depending on which came first at each table.
pub(super) async fn hold_off_expiry(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    const SQL: &str = "SELECT pg_advisory_xact_lock_shared($1)";
    transaction.execute(SQL, &[&EXPIRY_LOCK]).await?;
    Ok(())
}
