//! Advisory locks between maintenance and late posts.
//!
//! Compaction and expiry rewrite rows that only late posts touch, and advisory locks keep the two from interfering.
//! Posts from the last hour take no lock. Locks are always taken in the order of [`MaintenanceTask`].

use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};

use crate::store::locks::Lock;
use crate::store::metrics::compaction_age::FINE_FOR;
use crate::store::{Store, StoreError};

/// Maintenance task that changes old rows. The value of each variant is its advisory lock number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum MaintenanceTask {
    /// Post expiry.
    Expiry = Lock::Expiry as isize,
    /// Merging fine buckets into minutes.
    Compaction = Lock::Compaction as isize,
    /// Creating and removing partitions.
    Partitions = Lock::Partitions as isize,
}

/// How close a post must be to the end of its retention for expiry to affect it. The clocks of different machines
/// differ by less than this, and expiry rounds to whole days.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_hours(48);

/// Waits for late posts in flight to be stored, and blocks others until the transaction ends.
pub(in crate::store) async fn lock_exclusive(
    transaction: &Transaction<'_>,
    task: MaintenanceTask,
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(SQL, &[&(task as i64)]).await?;
    Ok(())
}

/// If compaction or expiry could affect posts in the batch, waits for any that is running to finish, and keeps others
/// from starting until the transaction ends.
///
/// Without this lock, depending on the order in which tables are accessed, a post from a day that is being expired
/// could lose its key but keep its rollup. Nearly all batches contain only posts from the last hour and run no query
/// here.
pub(in crate::store) async fn lock_shared(
    store: &Store,
    transaction: &Transaction<'_>,
    oldest: Option<Timestamp>,
) -> Result<(), StoreError> {
    let age = age_of(oldest);
    lock_expiry_shared(store, transaction, age).await?;
    if age > FINE_FOR {
        transaction.execute(SHARE, &[&(MaintenanceTask::Compaction as i64)]).await?;
    }
    Ok(())
}

/// Like [`lock_shared`], but for a transaction that itself merges old rows, so that other late posts wait for it too.
pub(in crate::store) async fn lock_as_compaction(
    store: &Store,
    transaction: &Transaction<'_>,
    oldest: Option<Timestamp>,
) -> Result<(), StoreError> {
    let age = age_of(oldest);
    lock_expiry_shared(store, transaction, age).await?;
    if age > FINE_FOR {
        lock_exclusive(transaction, MaintenanceTask::Compaction).await?;
    }
    Ok(())
}

/// Like [`lock_as_compaction`], and also prevents partitions from being created and dropped until the transaction ends.
///
/// A statement that waits for such a change was planned before it and does not read the new partitions, so it would not
/// find posts that have just moved.
pub(in crate::store) async fn lock_to_rewrite(
    store: &Store,
    transaction: &Transaction<'_>,
    oldest: Timestamp,
) -> Result<(), StoreError> {
    lock_as_compaction(store, transaction, Some(oldest)).await?;
    keep_partitions(transaction).await
}

/// Prevents partitions from being created and dropped until the transaction ends. It must be the last of these locks.
pub(in crate::store) async fn keep_partitions(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction.execute(SHARE, &[&(MaintenanceTask::Partitions as i64)]).await?;
    Ok(())
}

async fn lock_expiry_shared(
    store: &Store,
    transaction: &Transaction<'_>,
    age: SignedDuration,
) -> Result<(), StoreError> {
    let retention = SignedDuration::try_from(store.retention()).unwrap_or(SignedDuration::MAX);
    if age > retention.saturating_sub(EXPIRY_MARGIN) {
        transaction.execute(SHARE, &[&(MaintenanceTask::Expiry as i64)]).await?;
    }
    Ok(())
}

const SHARE: &str = "SELECT pg_advisory_xact_lock_shared($1)";

fn age_of(oldest: Option<Timestamp>) -> SignedDuration {
    oldest.map_or(SignedDuration::ZERO, |oldest| Timestamp::now().duration_since(oldest))
}
