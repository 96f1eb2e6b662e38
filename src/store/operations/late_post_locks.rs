//! Advisory locks between maintenance and late posts.
//!
//! Compaction and expiry rewrite rows that only late posts touch. Advisory locks keep the two apart; posts from the last
//! hour take no lock. Locks are always taken in the order of [`MaintenanceTask`].

use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};

use crate::store::locks::Lock;
use crate::store::metrics::resolution::FINE_FOR;
use crate::store::{Store, StoreError};

/// Maintenance of old rows, with its advisory lock number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) enum MaintenanceTask {
    /// Post expiry.
    Expiry = Lock::Expiry as isize,
    /// Merging fine buckets into minutes.
    Compaction = Lock::Compaction as isize,
    /// Creating and removing partitions.
    Partitions = Lock::Partitions as isize,
}

/// Distance from the end of the retention within which an expiry may affect a post. The clocks of different machines differ
/// by less than this, and expiry rounds to days.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_hours(48);

/// Waits for late posts in flight, and blocks others until the transaction ends.
pub(in crate::store) async fn lock_exclusive(
    transaction: &Transaction<'_>,
    task: MaintenanceTask,
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(SQL, &[&(task as i64)]).await?;
    Ok(())
}

/// Blocks compaction and expiry, or waits for them to end, if they may affect posts of the batch.
///
/// Otherwise, depending on the order of table access, a post from the day being expired could lose its key and keep its
/// rollup. Batches from the last hour, which are nearly all, run no query.
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

/// Like [`lock_shared`], but for a transaction that merges old rows itself: other late posts wait for it too.
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
