//! Pump: one task that writes to many connections, so a frame for all of them costs a single wake-up.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::FutureExt as _;
use futures_util::task::AtomicWaker;

use super::socket_writer::SocketWriter;
use crate::actors::messages::SessionId;
use crate::telemetry::STAGE_RESTARTS_TOTAL;

/// Number of connections to serve before yielding to other tasks on the thread: a few dozen microseconds of work.
const SERVED_AT_ONCE: usize = 32;

/// Task that writes to all connections on one worker thread.
///
/// An update goes to thousands of connections at once, and waking a task for each would cost more than writing to its
/// socket. Outboxes therefore queue their connections for the pump; the first one in the queue also wakes the pump's
/// task.
#[derive(Clone)]
pub(super) struct Pump {
    queue: Arc<Queue>,
    connected: Rc<RefCell<HashMap<SessionId, Connected>>>,
}

struct Connected {
    writer: Rc<SocketWriter>,
    waker: Waker,
}

/// Connections whose outboxes have frames to send.
#[derive(Default)]
struct Queue {
    ids: Mutex<Vec<SessionId>>,
    pump: AtomicWaker,
}

/// Waker of an outbox, which queues its connection for the pump.
struct OutboxWaker {
    id: SessionId,
    queue: Arc<Queue>,
}

impl Wake for OutboxWaker {
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

    fn poll_ready(&self, context: &Context<'_>, ready: &mut Vec<SessionId>) -> Poll<()> {
        self.pump.register(context.waker());
        std::mem::swap(&mut *self.lock(), ready);
        if ready.is_empty() { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Pump {
    /// Starts this thread's pump, which runs as long as the thread does.
    pub fn start() -> Self {
        let pump = Self { queue: Arc::default(), connected: Rc::default() };
        // unsupervised: catches its panics, closes its sockets and goes on
        actix_web::rt::spawn(pump.clone().run());
        pump
    }

    /// Registers a connection until the returned guard is dropped.
    pub fn connect(&self, id: SessionId, writer: Rc<SocketWriter>) -> Connection {
        let waker = Waker::from(Arc::new(OutboxWaker { id, queue: Arc::clone(&self.queue) }));
        self.connected
            .borrow_mut()
            .insert(id, Connected { writer: Rc::clone(&writer), waker: waker.clone() });
        Connection { id, writer, waker, pump: self.clone() }
    }

    async fn run(self) {
        while AssertUnwindSafe(self.serve()).catch_unwind().await.is_err() {
            // It is unknown which frames each connection missed; the clients reconnect and recover them from history.
            tracing::error!("the socket pump panicked; its connections are closed");
            metrics::counter!(STAGE_RESTARTS_TOTAL, "stage" => "socket_pump").increment(1);
            self.connected.borrow().values().for_each(|connected| connected.writer.abort());
        }
    }

    async fn serve(&self) {
        let mut ready = Vec::new();
        loop {
            std::future::poll_fn(|context| self.queue.poll_ready(context, &mut ready)).await;
            let mut n_served = 0;
            for id in ready.drain(..) {
                if let Some(Connected { writer, waker }) = self.connected.borrow().get(&id) {
                    writer.pump(&Context::from_waker(waker));
                }
                n_served += 1;
                if n_served % SERVED_AT_ONCE == 0 {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}

/// Registration of a connection with the pump. Dropping it removes the connection.
pub(super) struct Connection {
    id: SessionId,
    writer: Rc<SocketWriter>,
    waker: Waker,
    pump: Pump,
}

impl Connection {
    /// Sends the frames in the outbox at once, as the pump would.
    pub fn pump(&self) {
        self.writer.pump(&Context::from_waker(&self.waker));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pump.connected.borrow_mut().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;

    use super::*;
    use crate::live::outbox::Outbox;
    use crate::ws::tests::{TIMEOUT, text, writer_with_peer};

    /// Returns a registered connection, its outbox and its peer.
    async fn connected(pump: &Pump, id: u64) -> (Connection, Arc<Outbox>, TcpStream) {
        let (writer, outbox, peer) = writer_with_peer().await;
        outbox.begin();
        let connection = pump.connect(SessionId(id), Rc::new(writer));
        connection.pump();
        (connection, outbox, peer)
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "that is what makes the pump panic")]
    #[actix_web::test]
    async fn a_pump_that_panics_aborts_its_connections_and_serves_later_ones() {
        let pump = Pump::start();
        let (one, ..) = connected(&pump, 1).await;
        let (other, ..) = connected(&pump, 2).await;
        let held = one.writer.hold();
        one.waker.wake_by_ref();
        let is_aborted = async || {
            while std::future::poll_fn(|context| other.writer.poll_flush(context)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, is_aborted()).await.expect("the other is aborted too");
        drop(held);

        let (_late, outbox, mut peer) = connected(&pump, 3).await;
        outbox.post(&text("hello"));
        let mut received = [0; 7];
        tokio::time::timeout(TIMEOUT, peer.read_exact(&mut received)).await.expect("it is served").unwrap();
        assert_eq!(&received, b"\x81\x05hello");
    }
}
