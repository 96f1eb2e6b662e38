//! Many connections, one task: whoever has something to be sent is served in turn, without a wake-up of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt as _;
use futures_util::task::AtomicWaker;

use super::socket_writer::Wire;
use crate::actors::messages::SessionId;
use crate::telemetry::STAGE_RESTARTS_TOTAL;

/// Connections served before others of the thread have their turn: a few dozen microseconds.
const SERVED_AT_ONCE: usize = 32;

/// The connections of one worker thread whose outboxes are emptied by one task of that thread.
///
/// News comes for thousands at once. To wake a task for each costs more than to write to its socket, so outboxes ring
/// here instead: the first ring wakes the pump, the others only join the queue.
#[derive(Clone)]
pub(super) struct Pump {
    queue: Arc<Queue>,
    connected: Rc<RefCell<HashMap<SessionId, Connected>>>,
}

struct Connected {
    wire: Rc<Wire>,
    bell: Waker,
}

/// Who has something to be sent.
#[derive(Default)]
struct Queue {
    ids: Mutex<Vec<SessionId>>,
    pump: AtomicWaker,
}

/// What an outbox rings.
struct Bell {
    id: SessionId,
    queue: Arc<Queue>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut ids = self.queue.lock();
        let is_first = ids.is_empty();
        ids.push(self.id);
        drop(ids);
        if is_first {
            self.queue.pump.wake();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<SessionId>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_rung(&self, context: &Context<'_>, rung: &mut Vec<SessionId>) -> Poll<()> {
        self.pump.register(context.waker());
        std::mem::swap(&mut *self.lock(), rung);
        if rung.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Pump {
    /// Serves connections of this thread from now on, as long as the thread does anything.
    pub fn start() -> Self {
        let pump = Self { queue: Arc::default(), connected: Rc::default() };
        actix_web::rt::spawn(pump.clone().run());
        pump
    }

    /// Takes a connection in, until what is answered is dropped.
    pub fn connect(&self, id: SessionId, wire: Rc<Wire>) -> Connection {
        let bell = Waker::from(Arc::new(Bell { id, queue: Arc::clone(&self.queue) }));
        self.connected.borrow_mut().insert(id, Connected { wire: Rc::clone(&wire), bell: bell.clone() });
        Connection { id, wire, bell, pump: self.clone() }
    }

    async fn run(self) {
        while AssertUnwindSafe(self.serve()).catch_unwind().await.is_err() {
            // What each of them was to get is not known any more; they come back, and get it from history.
            tracing::error!("the pump panicked, its sockets are closed");
            metrics::counter!(STAGE_RESTARTS_TOTAL, "stage" => "socket_pump").increment(1);
            self.connected.borrow().values().for_each(|connected| connected.wire.break_off());
        }
    }

    async fn serve(&self) {
        let mut rung = Vec::new();
        loop {
            std::future::poll_fn(|context| self.queue.poll_rung(context, &mut rung)).await;
            let mut n_served = 0;
            for id in rung.drain(..) {
                if let Some(Connected { wire, bell }) = self.connected.borrow().get(&id) {
                    wire.pump(&Context::from_waker(bell));
                }
                n_served += 1;
                if n_served % SERVED_AT_ONCE == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// A connection that is served.
pub(super) struct Connection {
    id: SessionId,
    wire: Rc<Wire>,
    bell: Waker,
    pump: Pump,
}

impl Connection {
    /// Sends what waits, as the pump would.
    pub fn pump(&self) {
        self.wire.pump(&Context::from_waker(&self.bell));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pump.connected.borrow_mut().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;

    use super::*;
    use crate::live::outbox::Outbox;
    use crate::ws::tests::{text, wire_to_a_peer};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A connection that is served whenever its outbox rings.
    async fn connected(pump: &Pump, id: u64) -> (Connection, Arc<Outbox>, TcpStream) {
        let (wire, outbox, peer) = wire_to_a_peer().await;
        outbox.begin();
        let connection = pump.connect(SessionId(id), Rc::new(wire));
        connection.pump();
        (connection, outbox, peer)
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "that is what makes the pump panic")]
    #[actix_web::test]
    async fn a_pump_that_panics_gives_its_connections_up_and_serves_those_that_come_after() {
        let pump = Pump::start();
        let (one, ..) = connected(&pump, 1).await;
        let (other, ..) = connected(&pump, 2).await;
        let held = one.wire.hold();
        one.bell.wake_by_ref();
        let is_given_up = async || {
            while std::future::poll_fn(|context| other.wire.poll_flush(context)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, is_given_up()).await.expect("the other is given up too");
        drop(held);

        let (_late, outbox, mut peer) = connected(&pump, 3).await;
        outbox.post(&text("hello"));
        let mut heard = [0; 7];
        tokio::time::timeout(PATIENCE, peer.read_exact(&mut heard)).await.expect("it is served").unwrap();
        assert_eq!(&heard, b"\x81\x05hello");
    }
}
