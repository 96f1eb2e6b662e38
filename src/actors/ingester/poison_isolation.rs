//! Batches that were not stored, and how they are tried again: smaller, alone, and not for ever.
//!
//! Redis counts deliveries for a whole batch, so a count says nothing about a single post. A batch that failed
//! is halved until the culprit stands alone; only attempts made alone, with nothing else in flight, count.

use std::collections::VecDeque;

use crate::stream::{Delivered, EntryId};

/// A batch to be tried again.
#[derive(Debug)]
pub struct Suspect {
    /// At least one.
    pub entries: Vec<Delivered>,
    /// Why it was not stored last time; `None` when it was merely left behind by another consumer.
    pub reason: Option<String>,
    /// Attempts made alone so far; 0 while it was always in company.
    pub attempts: u32,
}

#[derive(Debug)]
struct Waiting {
    suspect: Suspect,
    isolated: bool,
}

/// What waits to be tried again, and who stands accused of having failed alone.
#[derive(Debug)]
pub struct Suspects {
    batch_size: usize,
    waiting: VecDeque<Waiting>,
    accused: VecDeque<Suspect>,
}

impl Suspects {
    /// None yet. `batch_size` is that of an ordinary batch.
    pub fn new(batch_size: usize) -> Self {
        Self { batch_size: batch_size.max(1), waiting: VecDeque::new(), accused: VecDeque::new() }
    }

    /// Whether nothing waits to be tried.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes in entries claimed from a silent consumer.
    ///
    /// One redelivery is what every restart causes; those go on as ordinary batches. From the second on, one
    /// of them may be killing whoever touches it: the batches shrink by four with each and are tried in isolation.
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
                    suspect: Suspect { entries: batch, reason: None, attempts: 0 },
                    isolated,
                });
            }
        }
    }

    /// Takes in a batch that was not stored. `blamed` when the failure is the batch's own; otherwise it was
    /// merely present when a stage died, and is tried again as it is.
    pub fn failed(&mut self, suspect: Suspect, blamed: bool) {
        if !blamed {
            self.waiting.push_back(Waiting { suspect, isolated: true });
            return;
        }
        if suspect.entries.len() <= 1 {
            self.accused.push_back(suspect);
            return;
        }
        let Suspect { entries: mut left, reason, .. } = suspect;
        let right = left.split_off(left.len() / 2);
        // In front, so that a culprit is found before anything else is risked.
        for entries in [right, left] {
            let suspect = Suspect { entries, reason: reason.clone(), attempts: 0 };
            self.waiting.push_front(Waiting { suspect, isolated: true });
        }
    }

    /// Whether the next must be tried with nothing else in flight.
    pub fn next_needs_isolation(&self) -> bool {
        self.waiting.front().is_some_and(|waiting| waiting.isolated || waiting.suspect.entries.len() == 1)
    }

    /// The next to be tried.
    pub fn next(&mut self) -> Option<Suspect> {
        self.waiting.pop_front().map(|waiting| waiting.suspect)
    }

    /// Puts one back that could not be tried.
    pub fn again(&mut self, suspect: Suspect) {
        self.waiting.push_front(Waiting { suspect, isolated: true });
    }

    /// The first post that failed on its own. [`Self::acquit`] or [`Self::condemn`] it.
    pub fn accused(&self) -> Option<&Suspect> {
        self.accused.front()
    }

    /// It gets another attempt, after the others.
    pub fn acquit(&mut self) {
        if let Some(suspect) = self.accused.pop_front() {
            self.waiting.push_back(Waiting { suspect, isolated: true });
        }
    }

    /// It was buried.
    pub fn condemn(&mut self) {
        self.accused.pop_front();
    }

    /// The ids of all entries held here.
    pub fn ids(&self) -> impl Iterator<Item = EntryId> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.suspect);
        waiting.chain(&self.accused).flat_map(|suspect| suspect.entries.iter().map(|entry| entry.id.clone()))
    }
}

/// The batch size after so many suspicious deliveries: a quarter with each, at least one.
fn shrunk(batch_size: usize, n_suspicious: u32) -> usize {
    (0..n_suspicious.min(16)).fold(batch_size, |size, _| size / 4).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stream::BrokenEntry;

    fn entry(n: u64, n_deliveries: u32) -> Delivered {
        let content = Err(BrokenEntry { reason: String::new(), fields: Vec::new() });
        Delivered { id: EntryId::new(format!("{n}-0")), n_deliveries, content }
    }

    fn batch(ids: std::ops::Range<u64>) -> Suspect {
        Suspect { entries: ids.map(|n| entry(n, 1)).collect(), reason: Some("bad".to_owned()), attempts: 0 }
    }

    /// Tries everything until nothing waits; the culprit fails each batch it is in. Returns who was buried and
    /// how many attempts that took.
    fn try_out(suspects: &mut Suspects, culprit: &EntryId) -> (Vec<EntryId>, usize) {
        let (mut buried, mut n_tries) = (Vec::new(), 0);
        loop {
            while let Some(accused) = suspects.accused() {
                if accused.attempts < 3 {
                    suspects.acquit();
                    continue;
                }
                buried.extend(accused.entries.iter().map(|entry| entry.id.clone()));
                suspects.condemn();
            }
            let Some(mut suspect) = suspects.next() else { break };
            n_tries += 1;
            if suspect.entries.iter().any(|entry| entry.id == *culprit) {
                suspect.attempts += u32::from(suspect.entries.len() == 1);
                suspects.failed(suspect, true);
            }
        }
        (buried, n_tries)
    }

    proptest! {
        #[test]
        fn halving_condemns_the_culprit_and_nobody_else(size in 1_u64..600, pick in 0_u64..600) {
            let culprit = EntryId::new(format!("{}-0", pick % size));
            let mut suspects = Suspects::new(500);
            suspects.failed(batch(0..size), true);
            let (buried, n_tries) = try_out(&mut suspects, &culprit);
            prop_assert_eq!(buried, vec![culprit]);
            prop_assert!(n_tries <= 2 * 11 + 3, "{} tries", n_tries);
        }
    }

    #[test]
    fn a_bystander_of_a_death_is_tried_again_whole() {
        let mut suspects = Suspects::new(500);
        suspects.failed(batch(0..100), false);
        assert!(suspects.next_needs_isolation());
        assert_eq!(suspects.next().unwrap().entries.len(), 100);
    }

    #[test]
    fn the_first_redelivery_is_ordinary() {
        let mut suspects = Suspects::new(500);
        suspects.claimed((0..700).map(|n| entry(n, 2)).collect());
        assert!(!suspects.next_needs_isolation());
        assert_eq!(suspects.next().unwrap().entries.len(), 500);
    }

    #[test]
    fn repeated_redelivery_shrinks_the_batch_to_one() {
        let sizes: Vec<usize> = (2..8)
            .map(|n_deliveries| {
                let mut suspects = Suspects::new(500);
                suspects.claimed((0..500).map(|n| entry(n, n_deliveries)).collect());
                suspects.next().unwrap().entries.len()
            })
            .collect();
        assert_eq!(sizes, [500, 125, 31, 7, 1, 1]);
    }
}
