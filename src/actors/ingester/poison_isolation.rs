//! Poison isolation: batches that were not stored are retried in smaller and smaller parts, until a poison post is
//! alone and is dead-lettered.
//!
//! Redis counts deliveries of whole batches, which says nothing about a single post. Therefore only attempts at a post
//! alone, with nothing else in flight, count against it.

use std::collections::VecDeque;

use crate::stream::{Delivered, EntryId};

/// Batch that was not stored and must be retried.
#[derive(Debug)]
pub struct RetryBatch {
    /// Entries to retry, at least one.
    pub entries: Vec<Delivered>,
    /// Error from the last attempt; `None` if another consumer abandoned the batch.
    pub reason: Option<String>,
    /// Number of attempts in isolation so far.
    pub attempts: u32,
}

#[derive(Debug)]
struct Waiting {
    batch: RetryBatch,
    isolated: bool,
}

/// Batches to retry, and posts that failed in isolation.
#[derive(Debug)]
pub struct RetryQueue {
    batch_size: usize,
    waiting: VecDeque<Waiting>,
    failed_alone: VecDeque<RetryBatch>,
}

impl RetryQueue {
    /// Creates an empty queue. `batch_size` is the size of an ordinary batch.
    pub fn new(batch_size: usize) -> Self {
        Self { batch_size: batch_size.max(1), waiting: VecDeque::new(), failed_alone: VecDeque::new() }
    }

    /// Returns whether there is no batch to retry.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds entries claimed from a silent consumer.
    ///
    /// Every restart causes one redelivery, so entries that were redelivered once are retried as ordinary batches.
    /// Entries that were redelivered more often may be killing their consumers: they are retried in isolation, in
    /// batches that shrink to a quarter with each further redelivery.
    pub fn claimed(&mut self, mut entries: Vec<Delivered>) {
        entries.sort_by_key(|entry| entry.n_deliveries);
        while let Some(first) = entries.first() {
            let n_deliveries = first.n_deliveries;
            let n_alike = entries.iter().take_while(|entry| entry.n_deliveries == n_deliveries).count();
            let rest = entries.split_off(n_alike);
            let mut alike = std::mem::replace(&mut entries, rest);
            let isolated = n_deliveries > 2;
            let size = shrunk(self.batch_size, n_deliveries.saturating_sub(2));
            while !alike.is_empty() {
                let rest = alike.split_off(size.min(alike.len()));
                let batch = std::mem::replace(&mut alike, rest);
                self.waiting.push_back(Waiting {
                    batch: RetryBatch { entries: batch, reason: None, attempts: 0 },
                    isolated,
                });
            }
        }
    }

    /// Adds a batch that was not stored. If `is_at_fault`, the batch itself failed and is halved. Otherwise, it just
    /// happened to be in flight when a stage died, and is retried unchanged.
    pub fn add_failed(&mut self, batch: RetryBatch, is_at_fault: bool) {
        if !is_at_fault {
            self.waiting.push_back(Waiting { batch, isolated: true });
            return;
        }
        if batch.entries.len() <= 1 {
            self.failed_alone.push_back(batch);
            return;
        }
        let RetryBatch { entries: mut left, reason, .. } = batch;
        let right = left.split_off(left.len() / 2);
        // At the front, so that a poison post is found before other batches are risked.
        for entries in [right, left] {
            let batch = RetryBatch { entries, reason: reason.clone(), attempts: 0 };
            self.waiting.push_front(Waiting { batch, isolated: true });
        }
    }

    /// Returns whether the next batch must be retried with nothing else in flight.
    pub fn next_needs_isolation(&self) -> bool {
        self.waiting.front().is_some_and(|waiting| waiting.isolated || waiting.batch.entries.len() == 1)
    }

    /// Takes the next batch to retry; `None` if there is none.
    pub fn next(&mut self) -> Option<RetryBatch> {
        self.waiting.pop_front().map(|waiting| waiting.batch)
    }

    /// Puts back a batch that could not be retried.
    pub fn put_back(&mut self, batch: RetryBatch) {
        self.waiting.push_front(Waiting { batch, isolated: true });
    }

    /// Returns the first post that failed alone. Follow up with [`Self::retry_failed_alone`] or
    /// [`Self::remove_failed_alone`].
    pub fn failed_alone(&self) -> Option<&RetryBatch> {
        self.failed_alone.front()
    }

    /// Queues the first post that failed alone for another attempt, after all other batches.
    pub fn retry_failed_alone(&mut self) {
        if let Some(batch) = self.failed_alone.pop_front() {
            self.waiting.push_back(Waiting { batch, isolated: true });
        }
    }

    /// Removes the first post that failed alone, because it was dead-lettered.
    pub fn remove_failed_alone(&mut self) {
        self.failed_alone.pop_front();
    }

    /// Returns the ids of all entries in the queue.
    pub fn ids(&self) -> impl Iterator<Item = EntryId> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.batch);
        waiting.chain(&self.failed_alone).flat_map(|batch| batch.entries.iter().map(|entry| entry.id.clone()))
    }
}

/// Returns the batch size after `n` suspicious redeliveries, each of which divides it by four; it never falls below
/// one.
fn shrunk(batch_size: usize, n: u32) -> usize {
    (0..n.min(16)).fold(batch_size, |size, _| size / 4).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stream::Fields;

    fn entry(n: u64, n_deliveries: u32) -> Delivered {
        Delivered { id: EntryId::new(format!("{n}-0")), n_deliveries, fields: Fields::default() }
    }

    fn batch(ids: std::ops::Range<u64>) -> RetryBatch {
        RetryBatch {
            entries: ids.map(|n| entry(n, 1)).collect(),
            reason: Some("bad".to_owned()),
            attempts: 0,
        }
    }

    /// Retries batches until the queue is empty; every batch with the poison post fails. Returns the dead-lettered
    /// posts and the number of attempts.
    fn try_out(retries: &mut RetryQueue, poison: &EntryId) -> (Vec<EntryId>, usize) {
        let (mut dead_lettered, mut n_tries) = (Vec::new(), 0);
        loop {
            while let Some(failed) = retries.failed_alone() {
                if failed.attempts < 3 {
                    retries.retry_failed_alone();
                    continue;
                }
                dead_lettered.extend(failed.entries.iter().map(|entry| entry.id.clone()));
                retries.remove_failed_alone();
            }
            let Some(mut batch) = retries.next() else { break };
            n_tries += 1;
            if batch.entries.iter().any(|entry| entry.id == *poison) {
                batch.attempts += u32::from(batch.entries.len() == 1);
                retries.add_failed(batch, true);
            }
        }
        (dead_lettered, n_tries)
    }

    proptest! {
        #[test]
        fn halving_dead_letters_the_poison_post_and_no_other(size in 1_u64..600, pick in 0_u64..600) {
            let poison = EntryId::new(format!("{}-0", pick % size));
            let mut retries = RetryQueue::new(500);
            retries.add_failed(batch(0..size), true);
            let (dead_lettered, n_tries) = try_out(&mut retries, &poison);
            prop_assert_eq!(dead_lettered, vec![poison]);
            prop_assert!(n_tries <= 2 * 11 + 3, "{} tries", n_tries);
        }
    }

    #[test]
    fn a_batch_in_flight_when_a_stage_died_is_retried_whole() {
        let mut retries = RetryQueue::new(500);
        retries.add_failed(batch(0..100), false);
        assert!(retries.next_needs_isolation());
        assert_eq!(retries.next().unwrap().entries.len(), 100);
    }

    #[test]
    fn the_first_redelivery_is_ordinary() {
        let mut retries = RetryQueue::new(500);
        retries.claimed((0..700).map(|n| entry(n, 2)).collect());
        assert!(!retries.next_needs_isolation());
        assert_eq!(retries.next().unwrap().entries.len(), 500);
    }

    #[test]
    fn repeated_redelivery_shrinks_the_batch_to_one() {
        let sizes: Vec<usize> = (2..8)
            .map(|n_deliveries| {
                let mut retries = RetryQueue::new(500);
                retries.claimed((0..500).map(|n| entry(n, n_deliveries)).collect());
                retries.next().unwrap().entries.len()
            })
            .collect();
        assert_eq!(sizes, [500, 125, 31, 7, 1, 1]);
    }
}
