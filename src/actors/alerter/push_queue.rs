//! Queue of changed alerts on their way to browsers. A wave of thousands must not evict all other updates from the live
//! history.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

use super::publication::push_all;
use crate::store::{Store, StoreError, alerts};
use crate::stream::Updates;

/// Maximum number of alerts pushed per evaluation, or about per second. No browser shows more, and ten minutes at this rate
/// leave most of the live history to posts.
const PUSHED_MAX: usize = 100;

/// Maximum number of queued alerts. Lists show the remaining ones anyway.
const QUEUED_MAX: usize = 10_000;

/// Changed alerts, each once, oldest first. An alert is pushed in the state that it has at the time of the push.
#[derive(Default)]
pub(super) struct PushQueue {
    order: VecDeque<Uuid>,
    known: HashSet<Uuid>,
}

impl PushQueue {
    /// Queues changed alerts.
    pub fn extend(&mut self, changed: impl IntoIterator<Item = Uuid>) {
        for alert in changed {
            if self.order.len() < QUEUED_MAX && self.known.insert(alert) {
                self.order.push_back(alert);
            }
        }
    }

    /// Returns the number of queued alerts.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Pushes the next queued alerts.
    pub async fn push(&mut self, store: &Store, updates: &Updates) -> Result<(), StoreError> {
        let due = self.take();
        match alerts::whole(store, &due).await {
            Ok(alerts) => push_all(updates, alerts).await,
            Err(error) => {
                self.extend(due);
                return Err(error);
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Vec<Uuid> {
        let due: Vec<Uuid> = self.order.drain(..self.order.len().min(PUSHED_MAX)).collect();
        for alert in &due {
            self.known.remove(alert);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_pushed_in_chunks_and_each_alert_once() {
        let ids: Vec<Uuid> = (0..250).map(Uuid::from_u128).collect();
        let mut queue = PushQueue::default();
        queue.extend(ids.clone());
        queue.extend(ids.clone());
        assert_eq!(queue.len(), 250);
        let taken: Vec<Vec<Uuid>> = (0..4).map(|_| queue.take()).collect();
        assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50, 0]);
        assert_eq!(taken.concat(), ids);
        queue.extend([ids[0]]);
        assert_eq!(queue.take(), [ids[0]], "what changes again is pushed again");
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = PushQueue::default();
        queue.extend((0..20_000).map(Uuid::from_u128));
        assert_eq!((queue.len(), queue.known.len()), (QUEUED_MAX, QUEUED_MAX));
    }
}
