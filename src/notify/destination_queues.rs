//! Bounded in-memory queues of messages, one per destination. Pure: time, results and random numbers are arguments.
//!
//! Nothing here is durable. The queues hold service alerts, which must be sent even while the database, and with it the
//! outbox, is down.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::message::Message;
use super::messenger::Recipient;
use super::operator_destinations::Destination;
use super::retry_policy::{DeliveryResult, NextStep, plan_urgent};
use crate::models::alert::Severity;

/// Maximum number of messages queued for one destination. There are few conditions, and flapping ones notify less and
/// less often, so this covers hours of trouble.
pub const QUEUED_MAX: usize = 64;

/// Messages queued in memory for each destination.
#[derive(Debug, Default)]
pub struct Dispatch {
    queues: BTreeMap<Uuid, DestinationQueue>,
}

#[derive(Debug)]
struct DestinationQueue {
    destination: Destination,
    messages: VecDeque<QueuedMessage>,
    is_sending: bool,
    not_before: Timestamp,
}

#[derive(Debug, Clone)]
struct QueuedMessage {
    message: Arc<Message>,
    n_attempts: usize,
}

/// Attempt to make now.
#[derive(Debug, Clone)]
pub struct DueAttempt {
    /// Destination whose queue holds the message.
    pub destination: Uuid,
    /// Recipient of the message, with its secrets.
    pub recipient: Recipient,
    /// Message to send.
    pub message: Arc<Message>,
}

/// Result of an attempt to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The message was delivered.
    Sent,
    /// The message remains queued for a retry.
    Retry,
    /// The message was dropped after its last attempt, or because the receiver no longer exists.
    GivenUp,
}

impl Dispatch {
    /// Sets the destinations. Those that remain keep their queues; the queues of others are dropped.
    pub fn set_destinations(&mut self, destinations: impl IntoIterator<Item = Destination>) {
        let mut old = std::mem::take(&mut self.queues);
        for destination in destinations {
            if self.queues.contains_key(&destination.id) {
                continue;
            }
            let queue = match old.remove(&destination.id) {
                Some(queue) => DestinationQueue { destination, ..queue },
                None => DestinationQueue {
                    destination,
                    messages: VecDeque::new(),
                    is_sending: false,
                    not_before: Timestamp::MIN,
                },
            };
            self.queues.insert(queue.destination.id, queue);
        }
    }

    /// Returns the number of configured destinations.
    pub fn n_destinations(&self) -> usize {
        self.queues.len()
    }

    /// Queues a message for each destination that accepts its severity. Returns the number of older messages dropped to
    /// make room.
    pub fn enqueue(&mut self, message: Message, severity: Severity) -> usize {
        let message = Arc::new(message);
        let mut n_dropped = 0;
        for queue in self.queues.values_mut().filter(|queue| severity >= queue.destination.minimum_severity) {
            if queue.messages.len() >= QUEUED_MAX {
                // The oldest message may be in flight; its result is then ignored.
                queue.messages.pop_front();
                queue.is_sending = false;
                n_dropped += 1;
            }
            queue.messages.push_back(QueuedMessage { message: Arc::clone(&message), n_attempts: 0 });
        }
        n_dropped
    }

    /// Returns the attempts to make now, in order: at most one per destination at a time.
    pub fn due(&mut self, now: Timestamp) -> Vec<DueAttempt> {
        let idle = self.queues.values_mut().filter(|queue| !queue.is_sending && queue.not_before <= now);
        idle.filter_map(|queue| {
            let message = Arc::clone(&queue.messages.front()?.message);
            queue.is_sending = true;
            let Destination { id, recipient, .. } = queue.destination.clone();
            Some(DueAttempt { destination: id, recipient, message })
        })
        .collect()
    }

    /// Records the result of an attempt and returns what happened to the message, or `None` if it is no longer queued.
    /// `random` is between 0 and 1.
    pub fn record_result(
        &mut self,
        due: &DueAttempt,
        (result, random): (DeliveryResult, f64),
        now: Timestamp,
    ) -> Option<AttemptOutcome> {
        let queue = self.queues.get_mut(&due.destination)?;
        let first = queue.messages.front_mut().filter(|first| first.message.id == due.message.id)?;
        first.n_attempts += 1;
        let plan = plan_urgent(result, due.recipient.kind, first.n_attempts, random);
        queue.is_sending = false;
        let (outcome, wait) = match plan.next {
            NextStep::Again(wait) => (AttemptOutcome::Retry, wait.max(plan.pause)),
            NextStep::Sent => (AttemptOutcome::Sent, plan.pause),
            NextStep::Dead | NextStep::Disable => (AttemptOutcome::GivenUp, plan.pause),
        };
        if outcome != AttemptOutcome::Retry {
            queue.messages.pop_front();
        }
        queue.not_before = add(now, wait);
        Some(outcome)
    }

    /// Marks messages in flight as unsent because the results of their attempts are lost.
    pub fn retry_in_flight(&mut self) {
        self.queues.values_mut().for_each(|queue| queue.is_sending = false);
    }
}

fn add(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::message::test_message;
    use super::*;
    use crate::egress::Egress;
    use crate::egress::allowlist::Allowlist;
    use crate::notify::operator_destinations;

    fn destination(host: &str) -> Destination {
        let egress = Egress::new(Allowlist::default()).unwrap();
        operator_destinations::parse(&egress, &format!("slack+https://{host}/x")).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn message() -> Message {
        test_message(at(0), None)
    }

    const FAILED: DeliveryResult = DeliveryResult::Failed { retry_after: None, slows_channel: false };

    #[test]
    fn a_failed_message_is_retried_ever_more_slowly_and_then_given_up() {
        let mut dispatch = Dispatch::default();
        dispatch.set_destinations([destination("a.example")]);
        dispatch.enqueue(message(), Severity::Critical);
        let mut attempts = Vec::new();
        for second in 0..10_000 {
            for due in dispatch.due(at(second)) {
                attempts.push(second);
                dispatch.record_result(&due, (FAILED, 0.0), at(second));
            }
        }
        assert_eq!(attempts, [0, 2, 7, 17, 37, 77, 137, 257, 557, 1_157, 2_357, 4_157]);
    }

    #[test]
    fn messages_are_sent_in_order_one_at_a_time() {
        let mut dispatch = Dispatch::default();
        dispatch.set_destinations([destination("a.example")]);
        let (first, second) = (message(), message());
        let ids = [first.id, second.id];
        dispatch.enqueue(first, Severity::Critical);
        dispatch.enqueue(second, Severity::Critical);
        let due = dispatch.due(at(0)).remove(0);
        assert_eq!(due.message.id, ids[0]);
        assert!(dispatch.due(at(0)).is_empty());
        assert_eq!(
            dispatch.record_result(&due, (DeliveryResult::Delivered, 0.0), at(0)),
            Some(AttemptOutcome::Sent)
        );
        assert_eq!(dispatch.due(at(2)).remove(0).message.id, ids[1]);
    }

    #[test]
    fn a_full_queue_drops_its_oldest_message() {
        let mut dispatch = Dispatch::default();
        dispatch.set_destinations([destination("a.example")]);
        for n in 0..QUEUED_MAX + 10 {
            let dropped = dispatch.enqueue(message(), Severity::Critical);
            assert_eq!(dropped, usize::from(n >= QUEUED_MAX));
        }
        assert_eq!(dispatch.queues.values().next().unwrap().messages.len(), QUEUED_MAX);
    }

    #[test]
    fn a_destination_that_stays_keeps_its_queue_and_one_that_goes_loses_it() {
        let mut dispatch = Dispatch::default();
        let (stays, goes) = (destination("a.example"), destination("b.example"));
        dispatch.set_destinations([stays.clone(), goes.clone()]);
        dispatch.enqueue(message(), Severity::Critical);
        dispatch.set_destinations([stays.clone(), destination("c.example")]);
        let due = dispatch.due(at(0));
        assert_eq!(due.iter().map(|due| due.destination).collect::<Vec<_>>(), [stays.id]);
        assert_eq!(dispatch.n_destinations(), 2);
    }

    #[test]
    fn a_destination_gets_only_messages_of_its_minimum_severity() {
        let mut dispatch = Dispatch::default();
        dispatch.set_destinations([Destination {
            minimum_severity: Severity::Critical,
            ..destination("a.example")
        }]);
        dispatch.enqueue(message(), Severity::Warning);
        assert!(dispatch.due(at(0)).is_empty());
        dispatch.enqueue(message(), Severity::Critical);
        assert_eq!(dispatch.due(at(0)).len(), 1);
    }
}
