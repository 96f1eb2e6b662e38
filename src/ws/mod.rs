//! Live updates over WebSockets and server-sent events.

pub mod close_codes; // close codes of sockets
mod upgrade; // upgrade of HTTP connections
mod http_server; // HTTP server with live connections
mod connection_state; // what a connection is doing
mod request_framing; // where requests end
mod request_gate; // one request at a time, and an end to clients that read nothing
mod sliced_body; // response bodies in slices
mod outbox_batches; // stream of an outbox
mod sse; // server-sent events
mod read_gate; // reading from a connection
mod abort_handle; // TCP connection under a session
pub mod parse; // operations of clients
mod pump; // one writing task for many connections
pub mod rate_limit; // limit on operations of a client
mod session; // one WebSocket
mod session_handover; // handover from handler to connection
mod watchdog; // aborts connections whose peers stopped reading
mod socket_writer; // writing to a connection

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse};
use tokio_util::sync::CancellationToken;

pub use self::abort_handle::RawSocket;
pub use self::http_server::{ListenParams, listen};
pub use self::sse::EventStream;

use self::session_handover::SessionParams;
use self::watchdog::{RawSockets, Watched};
use crate::actors::messages::{Disconnect, SessionId, Watch};
use crate::actors::runtime::downstream::Downstream;
use crate::live::outbox::Outbox;
use crate::models::live::FrameId;
use crate::models::principal::Principal;
use crate::models::subscription::Subscription;

/// Maximum size of a client's message in bytes. A typical operation has a few hundred; even a filter on every product
/// of a brand fits.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// Subprotocol under which a browser sends its token, because it cannot set headers on a WebSocket.
pub const TOKEN_PROTOCOL: &str = "bearer";

/// Connections to the broadcaster and limits for [`Sockets`].
#[derive(Clone)]
pub struct SocketsParams {
    /// Broadcaster mailbox for registering sessions and changing their subscriptions.
    pub watch: Downstream<Watch>,
    /// Broadcaster mailbox for unregistering sessions.
    pub disconnect: Downstream<Disconnect>,
    /// Maximum number of live connections in this process.
    pub limit: u64,
    /// How long a client may leave queued frames unread before its connection is aborted.
    pub stall_max: Duration,
}

/// Maximum time to unregister a session while the broadcaster is busy. The broadcaster keeps sessions that are not
/// unregistered.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Reason why a client is refused a live connection.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The maximum number of live connections has been reached.
    #[error("all {limit} sockets are in use")]
    Full {
        /// Maximum number of live connections.
        limit: u64,
    },
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The broadcaster is restarting, or its mailbox is full.
    #[error("live delivery is temporarily unavailable")]
    Busy,
    /// The request is not a valid WebSocket handshake.
    #[error("not a WebSocket handshake: {0}")]
    Handshake(String),
}

/// Registry of this process's live connections. Clones share it.
#[derive(Clone)]
pub struct Sockets {
    params: SocketsParams,
    n_open: Arc<AtomicU64>,
    last_id: Arc<AtomicU64>,
    raw_sockets: RawSockets,
    stopping: CancellationToken,
}

impl Sockets {
    /// Creates an empty registry.
    pub fn new(params: SocketsParams) -> Self {
        Self {
            params,
            n_open: Arc::default(),
            last_id: Arc::default(),
            raw_sockets: RawSockets::default(),
            stopping: CancellationToken::new(),
        }
    }

    /// Aborts connections whose peers have stopped reading, until [`Self::close_all`] is called. Must run on a task
    /// that no socket can block.
    pub async fn watch(self) {
        self.raw_sockets.clone().watch(self.params.stall_max, self.stopping.clone()).await;
    }

    /// Returns the number of open connections, including those whose peers have stopped reading.
    pub fn n_open(&self) -> u64 {
        self.n_open.load(Ordering::Relaxed)
    }

    /// Closes every connection with code 1001 and rejects new ones. A peer that does not read never sees the code; its
    /// connection ends when the server's shutdown deadline passes.
    pub fn close_all(&self) {
        self.stopping.cancel();
    }

    /// Ends every connection whose principal matches: with code 4401, and without the frames that are queued for it. A
    /// peer that does not read is aborted after a few seconds.
    ///
    /// Connections of this process only, and only those that are already open: a request that was authenticated before
    /// may still open one.
    pub fn end(&self, is_ended: impl Fn(&Principal) -> bool) {
        self.raw_sockets.end(is_ended);
    }

    /// Returns the principals of all open connections, each once.
    pub fn principals(&self) -> HashSet<Principal> {
        self.raw_sockets.principals()
    }

    /// Upgrades a request of the principal, who was authenticated, to a WebSocket session.
    ///
    /// # Errors
    /// If the limit is reached, the request is not a handshake, or the server is stopping.
    pub fn open(&self, request: &HttpRequest, principal: Principal) -> Result<HttpResponse, Refusal> {
        let permit = self.acquire_permit(request, principal)?;
        session::accept(SessionParams { sockets: self.clone(), permit }, request)
    }

    /// Starts a stream of server-sent events for the principal, who was authenticated, beginning with what the client
    /// missed after `since`.
    ///
    /// # Errors
    /// If the limit is reached, the broadcaster is busy, or the server is stopping.
    pub fn events(
        &self,
        request: &HttpRequest,
        principal: Principal,
        query: EventsQuery,
    ) -> Result<EventStream, Refusal> {
        let permit = self.acquire_permit(request, principal)?;
        let EventsQuery { subscription, since } = query;
        let (id, outbox) = (permit.id, Arc::clone(&permit.outbox));
        let watch =
            Watch { id, principal, outbox: Arc::clone(&outbox), subscription, since, is_requested: true };
        self.params.watch.try_send(watch).map_err(|_| Refusal::Busy)?;
        Ok(EventStream::new(id, outbox, (self.clone(), permit)))
    }

    fn acquire_permit(&self, request: &HttpRequest, principal: Principal) -> Result<SocketPermit, Refusal> {
        if self.stopping.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let limit = self.params.limit;
        let acquired = self.n_open.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n_open| {
            (n_open < limit).then_some(n_open + 1)
        });
        acquired.map_err(|_| Refusal::Full { limit })?;
        let id = SessionId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let outbox = Arc::new(Outbox::new(Instant::now()));
        self.raw_sockets.hold(id, Watched::new(principal, Arc::clone(&outbox), RawSocket::of(request)));
        Ok(SocketPermit {
            id,
            principal,
            outbox,
            raw_sockets: self.raw_sockets.clone(),
            n_open: Arc::clone(&self.n_open),
        })
    }

    /// Unregisters a session from the broadcaster.
    fn unregister(&self, id: SessionId) {
        let disconnect = self.params.disconnect.clone();
        if disconnect.try_send(Disconnect { id }).is_err() {
            // If the broadcaster is gone for good, it has no sessions to forget.
            // unsupervised: the attempt has a deadline
            actix::spawn(async move { disconnect.send(Disconnect { id }, DISCONNECT_TIMEOUT).await.ok() });
        }
    }
}

/// Subscription and position of a stream of server-sent events.
pub struct EventsQuery {
    /// Feeds and posts that the client wants to receive.
    pub subscription: Subscription,
    /// Newest id that the client has received; `None` if it is new.
    pub since: Option<FrameId>,
}

/// Permit for one live connection, with its id, principal and outbox. Dropping it releases the connection's place.
struct SocketPermit {
    id: SessionId,
    principal: Principal,
    outbox: Arc<Outbox>,
    raw_sockets: RawSockets,
    n_open: Arc<AtomicU64>,
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.raw_sockets.release(self.id);
        self.n_open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
