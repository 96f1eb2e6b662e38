//! Queue of changed alerts to push to browsers. It limits their rate, because a wave of thousands must not displace all
//! other updates from the live history.

use std::collections::{HashSet, VecDeque};

use crate::actors::alert_publication::push_all;
use crate::models::id::AlertId;
use crate::store::{Store, StoreError, alerts};
use crate::stream::Updates;

/// Maximum number of alerts pushed per evaluation, which takes place about once a second. No browser shows more, and at
/// this rate ten minutes of alerts leave most of the live history to posts.
const PUSHED_MAX: usize = 100;

/// Maximum number of queued alerts. Any further alerts still appear in lists.
const QUEUED_MAX: usize = 10_000;

/// Distinct ids of changed alerts, oldest first. Each alert is pushed in whatever state it has reached by then.
#[derive(Default)]
pub(super) struct PushQueue {
    order: VecDeque<AlertId>,
    known: HashSet<AlertId>,
}

impl PushQueue {
    /// Queues changed alerts that are not queued yet, as long as there is room.
    pub fn extend(&mut self, changed: impl IntoIterator<Item = AlertId>) {
        for alert in changed {
            if self.order.len() < QUEUED_MAX && self.known.insert(alert) {
                self.order.push_back(alert);
            }
        }
    }

    /// Returns the number of alerts still to be pushed.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Pushes the next queued alerts, up to the maximum per evaluation.
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

    fn take(&mut self) -> Vec<AlertId> {
        let due: Vec<AlertId> = self.order.drain(..self.order.len().min(PUSHED_MAX)).collect();
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
        let ids: Vec<AlertId> = (0..250).map(AlertId::from_u128).collect();
        let mut queue = PushQueue::default();
        queue.extend(ids.clone());
        queue.extend(ids.clone());
        assert_eq!(queue.len(), 250);
        let taken: Vec<Vec<AlertId>> = (0..4).map(|_| queue.take()).collect();
        assert_eq!(taken.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50, 0]);
        assert_eq!(taken.concat(), ids);
        queue.extend([ids[0]]);
        assert_eq!(queue.take(), [ids[0]], "what changes again is pushed again");
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut queue = PushQueue::default();
        queue.extend((0..20_000).map(AlertId::from_u128));
        assert_eq!((queue.len(), queue.known.len()), (QUEUED_MAX, QUEUED_MAX));
    }
}
