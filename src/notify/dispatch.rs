//! Messages that wait in memory for destinations, in bounded number. Pure: time, answers and chance are arguments.
//!
//! Nothing here is durable. It is for what must be told while the database is away, where the outbox cannot be.

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

/// Messages that may wait for one destination. Conditions are few and notify ever more slowly when they flap, so this is
/// hours of trouble.
pub const WAITING_MAX: usize = 64;

/// Messages on their way to destinations.
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

/// One attempt to be made.
#[derive(Debug, Clone)]
pub struct Due {
    /// Which destination.
    pub destination: Uuid,
    /// How it is reached.
    pub receiver: Receiver,
    /// What it is told.
    pub message: Arc<Message>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It arrived.
    Sent,
    /// It is tried again.
    Again,
    /// It is given up.
    GivenUp,
}

impl Dispatch {
    /// Who is told from now on. What waits for those who stay goes on waiting, what waits for others is given up.
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

    /// How many are told.
    pub fn n_destinations(&self) -> usize {
        self.lines.len()
    }

    /// Tells all who want to hear of this severity. Answers how many older messages had to make room.
    pub fn tell(&mut self, message: Message, severity: Severity) -> usize {
        let message = Arc::new(message);
        let mut n_dropped = 0;
        for line in self.lines.values_mut().filter(|line| severity >= line.destination.minimum_severity) {
            if line.waiting.len() >= WAITING_MAX {
                // The oldest may be on its way, and its answer is then nobody's.
                line.waiting.pop_front();
                line.is_sending = false;
                n_dropped += 1;
            }
            line.waiting.push_back(Waiting { message: Arc::clone(&message), n_attempts: 0 });
        }
        n_dropped
    }

    /// What is to be sent now. Each destination is sent one message at a time, in order.
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

    /// Takes note of what came of an attempt; `chance` is 0 to 1.
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

    /// What was on its way is sent again: nobody is left who would hear the answer.
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
    fn what_fails_is_sent_again_ever_more_slowly_and_then_given_up() {
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
    fn messages_arrive_in_order_one_at_a_time() {
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
    fn no_more_than_so_many_wait_and_the_oldest_makes_room() {
        let mut dispatch = Dispatch::default();
        dispatch.follow([destination("a.example")]);
        for n in 0..WAITING_MAX + 10 {
            let dropped = dispatch.tell(message(), Severity::Critical);
            assert_eq!(dropped, usize::from(n >= WAITING_MAX));
        }
        assert_eq!(dispatch.lines.values().next().unwrap().waiting.len(), WAITING_MAX);
    }

    #[test]
    fn who_stays_is_told_what_waits_and_who_goes_is_not() {
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
    fn who_asked_for_the_severe_alone_is_spared_the_others() {
        let mut dispatch = Dispatch::default();
        dispatch.follow([Destination { minimum_severity: Severity::Critical, ..destination("a.example") }]);
        dispatch.tell(message(), Severity::Warning);
        assert!(dispatch.due(at(0)).is_empty());
        dispatch.tell(message(), Severity::Critical);
        assert_eq!(dispatch.due(at(0)).len(), 1);
    }
}
