//! Memory for request bodies: how much there is, who holds it, and who gives it back.
//!
//! A body is charged for the bytes that have arrived, and for what it inflates to once all of it has arrived, so memory
//! costs a sender as much as it takes. Three rules keep senders from shutting others out:
//!
//! - One sender, an address and its principal, holds at most [`SHARE`] times what is free. Alone, a sender gets four
//!   fifths; a second one gets four fifths of the rest, and so on. The order in which they came does not matter.
//! - The last [`RESERVED_BYTES`] are for bodies up to [`SMALL_BYTES`], which most are.
//! - If memory is short, bodies that have stopped arriving give way to those of the same sender and of senders who hold
//!   less, the longest silent first. Bodies that arrive never do, even if all share one address behind a proxy.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use actix_web::{HttpMessage as _, HttpRequest};

use super::client_address::ClientAddress;
use crate::models::principal::{Identity, Principal};

/// How many times as much as is free one sender may hold. With four, a sender who is alone is hardly limited.
const SHARE: usize = 4;

/// Memory that only small bodies may use: enough for 128 of them.
const RESERVED_BYTES: usize = 8 * 1024 * 1024;

/// Part of the memory that a sender gets even from senders who hold less, if their bodies do not arrive.
const LITTLE_PART: usize = 16;

/// Maximum size of a small body: any request except for large batches of posts.
pub(super) const SMALL_BYTES: usize = 64 * 1024;

/// How long a body may make no progress before it gives way to others: more than a round trip around the world.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// Part of what a body holds that must arrive for it to make progress, so that a large body cannot be held by a trickle.
const PROGRESS_PART: usize = 16;

/// Minimum number of bytes that count as progress.
const PROGRESS_BYTES_MIN: usize = 1_024;

/// Who sends a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Sender {
    /// Address without the part that a sender can choose; `None` in tests without middleware.
    address: Option<IpAddr>,
    identity: Option<Identity>,
}

impl Sender {
    /// Returns who sends the body of a request.
    pub fn of(request: &HttpRequest) -> Self {
        let extensions = request.extensions();
        let address = extensions.get::<ClientAddress>().map(|address| address.network());
        Self { address, identity: extensions.get::<Principal>().map(|principal| principal.identity) }
    }
}

/// Reason why a body gets no more memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    /// Too many bodies hold memory.
    Full,
    /// The body had stopped arriving and gave way to others.
    GaveWay,
}

/// Memory that request bodies share.
#[derive(Debug)]
pub(super) struct BodyMemory {
    n_bytes_max: usize,
    ledger: Mutex<Option<Ledger>>,
}

impl BodyMemory {
    /// Creates memory of this size.
    pub const fn new(n_bytes_max: usize) -> Self {
        Self { n_bytes_max, ledger: Mutex::new(None) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledger: MutexGuard<'_, _> = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        act(ledger.get_or_insert_with(|| Ledger::new(self.n_bytes_max)))
    }

    /// Returns the share of a body that holds nothing yet.
    pub fn share(&'static self, sender: Sender) -> MemoryShare {
        MemoryShare { memory: self, sender, id: None }
    }
}

/// Memory that one body holds. Dropping it gives the memory back.
#[derive(Debug)]
pub(super) struct MemoryShare {
    memory: &'static BodyMemory,
    sender: Sender,
    /// Key in the ledger, once it holds anything.
    id: Option<u64>,
}

impl MemoryShare {
    /// Changes how much the body holds. More may be refused; less never is.
    ///
    /// # Errors
    /// If there is not enough, or if the body gave way to others.
    pub fn resize(&mut self, n_bytes: usize) -> Result<(), Shortage> {
        let (sender, now) = (self.sender, Instant::now());
        let id = match self.id {
            Some(id) => self.memory.with(|ledger| ledger.resize(id, n_bytes, now).map(|()| id))?,
            None => self.memory.with(|ledger| ledger.open(sender, n_bytes, now))?,
        };
        self.id = Some(id);
        Ok(())
    }

    /// Records that bytes of the body have arrived.
    pub fn arrived(&self, n_bytes: usize) {
        if let Some(id) = self.id {
            self.memory.with(|ledger| ledger.arrived(id, n_bytes, Instant::now()));
        }
    }

    /// Records that the whole body has arrived, so that it need not give way any more.
    pub fn complete(&self) {
        if let Some(id) = self.id {
            self.memory.with(|ledger| ledger.complete(id));
        }
    }

    /// Ready if the body had to give way to others.
    pub fn poll_gave_way(&self, context: &Context<'_>) -> Poll<()> {
        let Some(id) = self.id else { return Poll::Pending };
        self.memory.with(|ledger| match ledger.bodies.get_mut(&id) {
            Some(body) => {
                body.task = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.memory.with(|ledger| ledger.remove(id));
        }
    }
}

/// Who holds how much. Its decisions depend on nothing but its arguments.
#[derive(Debug)]
struct Ledger {
    n_bytes_max: usize,
    n_held: usize,
    by_sender: HashMap<Sender, usize>,
    bodies: HashMap<u64, HeldBody>,
    last_id: u64,
}

/// Body that holds memory.
#[derive(Debug)]
struct HeldBody {
    sender: Sender,
    n_bytes: usize,
    is_arriving: bool,
    /// Number of bytes that have arrived since the last progress.
    n_arrived: usize,
    progress_at: Instant,
    /// Waker of the task that receives it.
    task: Option<Waker>,
}

impl Ledger {
    fn new(n_bytes_max: usize) -> Self {
        Self { n_bytes_max, n_held: 0, by_sender: HashMap::new(), bodies: HashMap::new(), last_id: 0 }
    }

    fn open(&mut self, sender: Sender, n_bytes: usize, now: Instant) -> Result<u64, Shortage> {
        let body =
            HeldBody { sender, n_bytes: 0, is_arriving: true, n_arrived: 0, progress_at: now, task: None };
        self.last_id += 1;
        let id = self.last_id;
        self.bodies.insert(id, body);
        let outcome = self.resize(id, n_bytes, now);
        if outcome.is_err() {
            self.remove(id);
        }
        outcome.map(|()| id)
    }

    fn resize(&mut self, id: u64, n_bytes: usize, now: Instant) -> Result<(), Shortage> {
        let Some(HeldBody { sender, n_bytes: n_before, .. }) = self.bodies.get(&id) else {
            return Err(Shortage::GaveWay);
        };
        let (sender, n_more) = (*sender, n_bytes.saturating_sub(*n_before));
        let n_usable = match n_bytes <= SMALL_BYTES {
            true => self.n_bytes_max,
            false => self.n_bytes_max.saturating_sub(RESERVED_BYTES),
        };
        loop {
            let n_held = self.n_held + n_more;
            let is_full = n_held > n_usable;
            let of_sender = self.by_sender.get(&sender).copied().unwrap_or(0) + n_more;
            let has_room = !is_full && of_sender <= SHARE * (n_usable - n_held);
            if has_room || n_more == 0 {
                break;
            }
            let silent = self.longest_silent(now, |id_of, body| {
                id_of != id && self.yields_to(body.sender, (sender, of_sender), n_usable)
            });
            self.give_way(silent.ok_or(Shortage::Full)?);
        }
        self.charge(id, n_bytes);
        Ok(())
    }

    /// Returns whether silent bodies of `holder` give way to a sender who would then hold `of_sender` bytes: to one who
    /// has less, or little.
    fn yields_to(&self, holder: Sender, (sender, of_sender): (Sender, usize), n_usable: usize) -> bool {
        let of_holder = self.by_sender.get(&holder).copied().unwrap_or(0);
        holder == sender || of_sender <= of_holder.max(n_usable / LITTLE_PART)
    }

    /// Returns the body that has made no progress for longest, among those that match and are silent for too long.
    fn longest_silent(&self, now: Instant, matches: impl Fn(u64, &HeldBody) -> bool) -> Option<u64> {
        let silent = self.bodies.iter().filter(|(id, body)| {
            let silence = now.saturating_duration_since(body.progress_at);
            body.is_arriving && silence >= SILENCE_MAX && matches(**id, body)
        });
        silent.min_by_key(|(_, body)| body.progress_at).map(|(id, _)| *id)
    }

    fn give_way(&mut self, id: u64) {
        if let Some(task) = self.remove(id).and_then(|body| body.task) {
            task.wake();
        }
    }

    fn arrived(&mut self, id: u64, n_bytes: usize, now: Instant) {
        let Some(body) = self.bodies.get_mut(&id) else { return };
        body.n_arrived += n_bytes;
        if body.n_arrived >= (body.n_bytes / PROGRESS_PART).max(PROGRESS_BYTES_MIN) {
            (body.n_arrived, body.progress_at) = (0, now);
        }
    }

    fn complete(&mut self, id: u64) {
        if let Some(body) = self.bodies.get_mut(&id) {
            (body.is_arriving, body.task) = (false, None);
        }
    }

    fn charge(&mut self, id: u64, n_bytes: usize) {
        let Some(body) = self.bodies.get_mut(&id) else { return };
        let n_before = std::mem::replace(&mut body.n_bytes, n_bytes);
        self.n_held = self.n_held + n_bytes - n_before;
        let of_sender = self.by_sender.entry(body.sender).or_default();
        *of_sender = *of_sender + n_bytes - n_before;
        if *of_sender == 0 {
            self.by_sender.remove(&body.sender);
        }
    }

    fn remove(&mut self, id: u64) -> Option<HeldBody> {
        self.charge(id, 0);
        self.bodies.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn sender(address: &str) -> Sender {
        let address = ClientAddress(address.parse().unwrap()).network();
        Sender { address: Some(address), identity: Some(Identity::Operator) }
    }

    /// Ledger of 48 MiB in which a sender can open bodies until there is a shortage.
    struct Fixture {
        ledger: Ledger,
        start: Instant,
    }

    impl Fixture {
        fn new() -> Self {
            Self { ledger: Ledger::new(48 * MIB), start: Instant::now() }
        }

        fn open_all(&mut self, from: &str, n_bytes: usize, after_ms: u64) -> Vec<u64> {
            let now = self.start + Duration::from_millis(after_ms);
            std::iter::from_fn(|| self.ledger.open(sender(from), n_bytes, now).ok()).take(10_000).collect()
        }
    }

    #[test]
    fn addresses_of_one_network_are_one_sender() {
        let check = |one: &str, other: &str, is_same: bool| {
            assert_eq!(sender(one) == sender(other), is_same, "{one} and {other}");
        };
        check("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true);
        check("2001:db8::1", "2001:db8:0:1::1", false);
        check("192.0.2.1", "192.0.2.2", false);
    }

    #[test]
    fn a_sender_who_is_alone_gets_most_and_another_still_finds_room() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.open_all("192.0.2.1", 8 * MIB, 0).len(), 4);
        assert_eq!(fixture.open_all("192.0.2.2", MIB, 0).len(), 6);
        assert!(!fixture.open_all("192.0.2.3", MIB / 8, 0).is_empty());
        // All of them, and others, get a part of the reserve.
        for last in 1..=6 {
            assert!(!fixture.open_all(&format!("192.0.2.{last}"), 4_096, 0).is_empty(), "{last}");
        }
    }

    #[test]
    fn large_bodies_leave_the_reserve_to_small_ones() {
        let mut fixture = Fixture::new();
        for last in 1..=100 {
            fixture.open_all(&format!("192.0.2.{last}"), 256 * 1_024, 0);
        }
        assert!(fixture.ledger.n_held <= 40 * MIB, "{}", fixture.ledger.n_held);
        assert!(fixture.open_all("198.51.100.1", SMALL_BYTES, 0).len() >= 100);
    }

    #[test]
    fn bodies_that_stop_arriving_give_way_and_those_that_arrive_do_not() {
        let mut fixture = Fixture::new();
        let bodies = fixture.open_all("192.0.2.1", 8 * MIB, 0);
        let at = |after_ms| fixture.start + Duration::from_millis(after_ms);
        let (early, late, after) = (at(400), at(450), at(600));
        // One of them arrives, another only trickles.
        fixture.ledger.arrived(bodies[0], 8 * MIB / PROGRESS_PART, early);
        fixture.ledger.arrived(bodies[1], 1_024, late);
        fixture.ledger.complete(bodies[2]);
        assert_eq!(fixture.open_all("192.0.2.1", 8 * MIB, 499), [0; 0]);
        assert_eq!(fixture.open_all("192.0.2.1", 8 * MIB, 600).len(), 2);
        let outcome = |ledger: &mut Ledger, body: usize| ledger.resize(bodies[body], 8 * MIB, after);
        assert_eq!(outcome(&mut fixture.ledger, 0), Ok(()));
        assert_eq!(outcome(&mut fixture.ledger, 1), Err(Shortage::GaveWay));
        assert_eq!(outcome(&mut fixture.ledger, 2), Ok(()));
        assert_eq!(outcome(&mut fixture.ledger, 3), Err(Shortage::GaveWay));
    }

    #[test]
    fn silent_bodies_give_way_only_to_senders_who_hold_less() {
        let mut fixture = Fixture::new();
        let start = fixture.start;
        let few: Vec<u64> =
            (0..4).map(|_| fixture.ledger.open(sender("192.0.2.1"), MIB, start).unwrap()).collect();
        assert_eq!(fixture.open_all("192.0.2.2", MIB, 10_000).len(), 28);
        assert!(fixture.ledger.open(sender("192.0.2.3"), 8 * MIB, start + Duration::from_secs(20)).is_ok());
        for body in &few {
            assert_eq!(fixture.ledger.resize(*body, MIB, start), Ok(()));
        }
        // A small body displaces any that is silent.
        fixture.open_all("192.0.2.3", SMALL_BYTES, 20_000);
        for last in 4..=255 {
            let outcome = fixture.ledger.open(
                sender(&format!("192.0.2.{last}")),
                SMALL_BYTES,
                start + Duration::from_secs(30),
            );
            assert!(outcome.is_ok(), "{last}");
        }
    }

    #[test]
    fn everything_is_given_back() {
        static MEMORY: BodyMemory = BodyMemory::new(16 * MIB);
        let shares: Vec<MemoryShare> = (0..1_000)
            .map(|_| {
                let mut share = MEMORY.share(sender("192.0.2.1"));
                let _ = share.resize(100_000);
                let _ = share.resize(50_000);
                share
            })
            .collect();
        assert!(MEMORY.with(|ledger| ledger.n_held) > 0);
        drop(shares);
        MEMORY.with(|ledger| {
            assert_eq!((ledger.n_held, ledger.bodies.len(), ledger.by_sender.len()), (0, 0, 0));
        });
    }
}
