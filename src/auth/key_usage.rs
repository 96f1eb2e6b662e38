//! Counts calls per API key in memory, and writes them in batches, so that no request waits for a count.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::models::id::ApiKeyId;
use crate::store::credentials::key_usage::{self, Calls};
use crate::store::{Store, StoreError};

/// Interval between batches. A process that crashes loses the counts of the calls since its last batch, and nothing
/// else; one that stops writes them first.
pub const WRITE_EVERY: Duration = Duration::from_secs(10);

/// Calls that are not written yet. There is at most one count per key that exists. Clones share the counts.
#[derive(Clone)]
pub struct KeyUsage {
    store: Store,
    pending: Arc<Mutex<HashMap<ApiKeyId, Calls>>>,
}

impl KeyUsage {
    /// Creates a counter whose batches go to this store.
    pub fn new(store: Store) -> Self {
        Self { store, pending: Arc::default() }
    }

    /// Counts one call with a key that was verified.
    pub fn count(&self, key: ApiKeyId, now: Timestamp) {
        self.add(Calls { key, n_calls: 1, last_at: now });
    }

    /// Writes what was counted. If that fails, the counts stay for the next batch. If the server did not respond, they
    /// may have been written, and then count twice: a lost count would hide a use, a doubled one does not.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn write(&self) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let mut batch: Vec<Calls> = taken.into_values().collect();
        batch.sort_unstable_by_key(|calls| calls.key);
        let unwritten = Unwritten { usage: self, batch };
        key_usage::add(&self.store, &unwritten.batch).await?;
        unwritten.settle();
        Ok(())
    }

    fn add(&self, calls: Calls) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = pending.entry(calls.key).or_insert(Calls { n_calls: 0, ..calls });
        sum.n_calls = sum.n_calls.saturating_add(calls.n_calls);
        sum.last_at = sum.last_at.max(calls.last_at);
    }
}

/// Batch that is being written. Dropped before it is settled, it returns its counts, also when the task is cancelled.
struct Unwritten<'a> {
    usage: &'a KeyUsage,
    batch: Vec<Calls>,
}

impl Unwritten<'_> {
    fn settle(mut self) {
        self.batch.clear();
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        for calls in self.batch.drain(..) {
            self.usage.add(calls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{execute, number, test_store};

    const N_CALLS: &str = "SELECT coalesce(sum(n_calls), 0)::bigint FROM api_key_usage";

    async fn key(store: &Store) -> ApiKeyId {
        let id = ApiKeyId::now_v7();
        let sql = format!(
            "INSERT INTO api_keys (id, name, hashed_secret, fingerprint, scopes, created_at)
            VALUES ('{id}', 'one', '', '', '{{}}', now())"
        );
        execute(store, &sql).await;
        id
    }

    #[tokio::test]
    async fn calls_are_written_once() {
        let store = test_store().await;
        let (usage, key) = (KeyUsage::new(store.clone()), key(&store).await);
        let now = Timestamp::now();
        for _ in 0..5 {
            usage.clone().count(key, now);
        }
        assert_eq!(number(&store, N_CALLS).await, 0);
        for _ in 0..2 {
            usage.write().await.unwrap();
            assert_eq!(number(&store, N_CALLS).await, 5);
        }
        usage.count(key, now);
        usage.write().await.unwrap();
        assert_eq!(number(&store, N_CALLS).await, 6);
    }

    #[tokio::test]
    async fn a_batch_that_fails_is_kept_with_what_was_counted_meanwhile() {
        let store = test_store().await;
        let (usage, key) = (KeyUsage::new(store.clone()), key(&store).await);
        let now = Timestamp::now();
        usage.count(key, now);
        execute(&store, "ALTER TABLE api_key_usage RENAME TO away").await;
        assert!(usage.write().await.is_err());
        usage.count(key, now);
        let mut cancelled = Box::pin(usage.write());
        assert!(futures_util::poll!(&mut cancelled).is_pending());
        drop(cancelled);
        execute(&store, "ALTER TABLE away RENAME TO api_key_usage").await;
        usage.write().await.unwrap();
        assert_eq!(number(&store, N_CALLS).await, 2);
    }
}
