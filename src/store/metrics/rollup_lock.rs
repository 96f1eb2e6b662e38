//! Order in which this process's transactions change rollups and publish their deltas.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::store::Store;

/// Lock that a transaction holds from its first rollup row until its delta is published.
///
/// All transactions change the newest rows, so two concurrent ones would only wait for each other there. Moreover, a
/// delta published before its predecessor makes every live window rebuild. The steps before the rollups, which take up
/// nearly all of a transaction, run concurrently.
pub struct RollupGuard {
    lock: Arc<Mutex<()>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl RollupGuard {
    /// Acquires the lock. Guards acquire it in call order; a guard that already holds it returns at once.
    pub(in crate::store) async fn take(&mut self) {
        if self.held.is_none() {
            self.held = Some(Arc::clone(&self.lock).lock_owned().await);
        }
    }

    /// Releases the lock early, because there is nothing to publish, or because the delta is published later at the
    /// cost of a rebuild.
    pub fn release(&mut self) {
        self.held = None;
    }
}

impl Store {
    /// Returns a guard that does not hold the lock yet. Dropping it releases the lock.
    pub fn rollup_guard(&self) -> RollupGuard {
        RollupGuard { lock: Arc::clone(&self.rollups), held: None }
    }
}

#[cfg(test)]
impl RollupGuard {
    /// Returns a guard with its own lock, as in a separate process.
    pub fn of_another_process() -> Self {
        Self { lock: Arc::default(), held: None }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::future::try_join_all;
    use jiff::Timestamp;

    use super::RollupGuard;
    use crate::models::rollup::RollupKey;
    use crate::store::Store;
    use crate::store::posts::record::record;
    use crate::store::testing::{self, test_store};

    /// Publishes the deltas of concurrent transactions under guards from `guard_of`, and returns whether they were
    /// published in commit order.
    async fn published_in_order(guard_of: impl Fn(&Store) -> RollupGuard) -> bool {
        let store = test_store().await;
        let published = Mutex::new(Vec::new());
        let posts = testing::posts(160, Timestamp::now());
        let transactions = posts.chunks(8).enumerate().map(|(n, batch)| {
            let (store, published, mut guard) = (&store, &published, guard_of(&store));
            async move {
                let recorded = record(store, batch, &mut guard).await?;
                // Some publish at once, others take longer than the next transaction.
                tokio::time::sleep(Duration::from_millis(if n % 2 == 0 { 20 } else { 0 })).await;
                published.lock().unwrap().push(recorded.delta);
                Ok::<_, crate::store::StoreError>(())
            }
        });
        try_join_all(transactions).await.unwrap();
        let mut seen: BTreeMap<RollupKey, i64> = BTreeMap::new();
        published.into_inner().unwrap().into_iter().flatten().all(|(key, sums)| {
            let last = seen.insert(key, sums.revision).unwrap_or(0);
            sums.revision == last + 1
        })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn deltas_are_published_in_the_order_of_their_commits() {
        assert!(published_in_order(Store::rollup_guard).await);
    }
}
