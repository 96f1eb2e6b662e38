//! Bounded in-memory queues of messages per destination. Pure: time, results and random numbers are arguments.
//!
//! Nothing here is durable. It serves service alerts, which must be sent even while the database, and so the outbox, is
//! down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::destinations::Destination;
use super::message::Message;
use super::messenger::Receiver;
use super::policy::{Next, Verdict, plan_urgent};
use crate::models::alert::Severity;

/// Maximum number of messages queued for one destination. Conditions are few and notify ever more slowly when they flap,
/// so this covers hours of trouble.
pub const WAITING_MAX: usize = 64;

/// In-memory queues of messages, one per destination.
#[derive(Debug, Default)]
pub struct Dispatch {
    lines: BTreeMap<Uuid, Line>,
}

#[derive(Debug)]
struct Line {
    destination: Destination,
    waiting: VecDeque<Waiting>,
    is_sending: bool,
    not_before: Timestamp,
}

#[derive(Debug, Clone)]
struct Waiting {
    message: Arc<Message>,
    n_attempts: usize,
}

/// Attempt to make now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Id of the destination.
    pub destination: Uuid,
    /// Recipient with its secrets.
    pub receiver: Receiver,
    /// Message to send.
    pub message: Arc<Message>,
}

/// State of a message after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Delivered.
    Sent,
    /// Queued for a retry.
    Again,
    /// Given up.
    GivenUp,
}

impl Dispatch {
    /// Sets the destinations. Those that stay keep their queues; the queues of others are dropped.
    pub fn follow(&mut self, destinations: impl IntoIterator<Item = Destination>) {
        let mut old = std::mem::take(&mut self.lines);
        for destination in destinations {
            if self.lines.contains_key(&destination.id) {
                continue;
            }
            let line = match old.remove(&destination.id) {
                Some(line) => Line { destination, ..line },
                None => Line {
                    destination,
                    waiting: VecDeque::new(),
                    is_sending: false,
                    not_before: Timestamp::MIN,
                },
            };
            self.lines.insert(line.destination.id, line);
        }
    }

    /// Returns the number of destinations.
    pub fn n_destinations(&self) -> usize {
        self.lines.len()
    }

    /// Queues a message for all destinations that accept its severity. Returns the number of older messages dropped.
    pub fn tell(&mut self, message: Message, severity: Severity) -> usize {
        let message = Arc::new(message);
        let mut n_dropped = 0;
        for line in self.lines.values_mut().filter(|line| severity >= line.destination.minimum_severity) {
            if line.waiting.len() >= WAITING_MAX {
                // The oldest may be in flight; its result is then ignored.
                line.waiting.pop_front();
                line.is_sending = false;
                n_dropped += 1;
            }
            line.waiting.push_back(Waiting { message: Arc::clone(&message), n_attempts: 0 });
        }
        n_dropped
    }

    /// Returns the attempts to make now: at most one message per destination at once, in order.
    pub fn due(&mut self, now: Timestamp) -> Vec<Due> {
        let idle = self.lines.values_mut().filter(|line| !line.is_sending && line.not_before <= now);
        idle.filter_map(|line| {
            let message = Arc::clone(&line.waiting.front()?.message);
            line.is_sending = true;
            let Destination { id, receiver, .. } = line.destination.clone();
            Some(Due { destination: id, receiver, message })
        })
        .collect()
    }

    /// Records the result of an attempt; `random` is 0 to 1.
    pub fn settle(
        &mut self,
        due: &Due,
        (verdict, chance): (Verdict, f64),
        now: Timestamp,
    ) -> Option<Settled> {
        let line = self.lines.get_mut(&due.destination)?;
        let first = line.waiting.front_mut().filter(|first| first.message.id == due.message.id)?;
        first.n_attempts += 1;
        let plan = plan_urgent(verdict, due.receiver.kind, first.n_attempts, chance);
        line.is_sending = false;
        let (settled, wait) = match plan.next {
            Next::Again(wait) => (Settled::Again, wait.max(plan.pause)),
            Next::Sent => (Settled::Sent, plan.pause),
            Next::Dead | Next::Disable => (Settled::GivenUp, plan.pause),
        };
        if settled != Settled::Again {
            line.waiting.pop_front();
        }
        line.not_before = after(now, wait);
        Some(settled)
    }

    /// Marks the messages in flight as unsent, because their results are lost.
    pub fn start_over(&mut self) {
        self.lines.values_mut().for_each(|line| line.is_sending = false);
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::destinations;
    use super::super::message::test_message;
    use super::*;
    use crate::egress::Egress;
    use crate::egress::allowlist::Allowlist;

    fn destination(host: &str) -> Destination {
        let egress = Egress::new(Allowlist::default()).unwrap();
        destinations::parse(&egress, &format!("slack+https://{host}/x")).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn message() -> Message {
        test_message(at(0), None)
    }

    const FAILED: Verdict = Verdict::Failed { retry_after: None, slows_channel: false };

    #[test]
    fn a_failed_message_is_retried_ever_more_slowly_and_then_given_up() {
        let mut dispatch = Dispatch::default();
        dispatch.follow([destination("a.example")]);
        dispatch.tell(message(), Severity::Critical);
        let mut attempts = Vec::new();
        for second in 0..10_000 {
            for due in dispatch.due(at(second)) {
                attempts.push(second);
                dispatch.settle(&due, (FAILED, 0.0), at(second));
            }
        }
        assert_eq!(attempts, [0, 2, 7, 17, 37, 77, 137, 257, 557, 1_157, 2_357, 4_157]);
    }

    #[test]
    fn messages_are_sent_in_order_one_at_a_time() {
        let mut dispatch = Dispatch::default();
        dispatch.follow([destination("a.example")]);
        let (first, second) = (message(), message());
        let ids = [first.id, second.id];
        dispatch.tell(first, Severity::Critical);
        dispatch.tell(second, Severity::Critical);
        let due = dispatch.due(at(0)).remove(0);
        assert_eq!(due.message.id, ids[0]);
        assert!(dispatch.due(at(0)).is_empty());
        assert_eq!(dispatch.settle(&due, (Verdict::Delivered, 0.0), at(0)), Some(Settled::Sent));
        assert_eq!(dispatch.due(at(2)).remove(0).message.id, ids[1]);
    }

    #[test]
    fn a_full_queue_drops_its_oldest_message() {
        let mut dispatch = Dispatch::default();
        dispatch.follow([destination("a.example")]);
        for n in 0..WAITING_MAX + 10 {
            let dropped = dispatch.tell(message(), Severity::Critical);
            assert_eq!(dropped, usize::from(n >= WAITING_MAX));
        }
        assert_eq!(dispatch.lines.values().next().unwrap().waiting.len(), WAITING_MAX);
    }

    #[test]
    fn a_destination_that_stays_keeps_its_queue_and_one_that_goes_loses_it() {
        let mut dispatch = Dispatch::default();
        let (stays, goes) = (destination("a.example"), destination("b.example"));
        dispatch.follow([stays.clone(), goes.clone()]);
        dispatch.tell(message(), Severity::Critical);
        dispatch.follow([stays.clone(), destination("c.example")]);
        let due = dispatch.due(at(0));
        assert_eq!(due.iter().map(|due| due.destination).collect::<Vec<_>>(), [stays.id]);
        assert_eq!(dispatch.n_destinations(), 2);
    }

    #[test]
    fn a_destination_gets_only_messages_of_its_minimum_severity() {
        let mut dispatch = Dispatch::default();
        dispatch.follow([Destination { minimum_severity: Severity::Critical, ..destination("a.example") }]);
        dispatch.tell(message(), Severity::Warning);
        assert!(dispatch.due(at(0)).is_empty());
        dispatch.tell(message(), Severity::Critical);
        assert_eq!(dispatch.due(at(0)).len(), 1);
    }
}
