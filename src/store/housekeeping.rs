//! Who waits for whom when old rows move.
//!
//! Compaction and expiry rewrite rows that only late posts touch. They and late posts keep out of each other's way by
//! advisory locks; posts of the last hour take none. Locks are always taken in the order of [`Chore`].

use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};

use super::rollups::COMPACT_AFTER_SECONDS;
use super::{Store, StoreError};
use crate::models::post::ScoredPost;

/// Work on old rows, and the number of its advisory lock. Any numbers will do, if no one else uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chore {
    /// Posts leave.
    Expiry = 0x6773_0002,
    /// Fine buckets become minutes.
    Compaction = 0x6773_0003,
    /// Partitions come and go.
    Partitions = 0x6773_0004,
}

/// How close to the border of the retention a post is taken for one that an expiry may concern. Clocks of different
/// machines differ by less, and expiry rounds to days.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_hours(48);

/// Waits for late posts under way, and keeps others waiting until the transaction ends.
pub(super) async fn begin(transaction: &Transaction<'_>, chore: Chore) -> Result<(), StoreError> {
    const SQL: &str = "SELECT pg_advisory_xact_lock($1)";
    transaction.execute(SQL, &[&(chore as i64)]).await?;
    Ok(())
}

/// Keeps compaction and expiry from starting, or waits for them to end, where the batch holds posts they may concern.
///
/// Otherwise a post of the day being expired could lose its key and keep its rollup, depending on which came first at
/// each table. Batches of the last hour, that is nearly all, ask the server nothing.
pub(super) async fn hold_off(
    store: &Store,
    transaction: &Transaction<'_>,
    batch: &[ScoredPost],
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT pg_advisory_xact_lock_shared($1)";
    let oldest = batch.iter().map(|scored| scored.post.created_at).min();
    let age = oldest.map_or(SignedDuration::ZERO, |oldest| Timestamp::now().duration_since(oldest));
    let retention = SignedDuration::try_from(store.retention()).unwrap_or(SignedDuration::MAX);
    if age > retention.saturating_sub(EXPIRY_MARGIN) {
        transaction.execute(SQL, &[&(Chore::Expiry as i64)]).await?;
    }
    if age > SignedDuration::from_secs(COMPACT_AFTER_SECONDS / 2) {
        transaction.execute(SQL, &[&(Chore::Compaction as i64)]).await?;
    }
    Ok(())
}
