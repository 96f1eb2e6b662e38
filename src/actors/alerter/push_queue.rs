//! Alerts that changed, on their way to browsers: a wave of thousands must not push all other news out of what is kept.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

use super::publication::push_all;
use crate::store::{Store, StoreError, alerts};
use crate::stream::Updates;

/// Alerts that are pushed in one evaluation, and so about a second. No browser shows more, and ten minutes of it leave
/// most of the live history to posts.
const PUSHED_MAX: usize = 100;

/// Alerts that may wait. Those beyond are in every list all the same.
const WAITING_MAX: usize = 10_000;

/// Each changed alert once, the one that has waited longest first. It is pushed as it is then.
#[derive(Default)]
pub(super) struct PushQueue {
    order: VecDeque<Uuid>,
    known: HashSet<Uuid>,
}

impl PushQueue {
    /// Adds alerts that changed.
    pub fn extend(&mut self, changed: impl IntoIterator<Item = Uuid>) {
        for alert in changed {
            if self.order.len() < WAITING_MAX && self.known.insert(alert) {
                self.order.push_back(alert);
            }
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Pushes those whose turn it is.
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
    fn a_wave_is_pushed_piece_by_piece_and_each_alert_once() {
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
    fn no_more_wait_than_may() {
        let mut queue = PushQueue::default();
        queue.extend((0..20_000).map(Uuid::from_u128));
        assert_eq!((queue.len(), queue.known.len()), (WAITING_MAX, WAITING_MAX));
    }
}
