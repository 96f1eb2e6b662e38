//! Live news over WebSockets.

pub mod close_codes; // why a socket was closed
mod connection; // from an HTTP connection to a live one
mod http_server; // where connections come in
mod drain; // an outbox as a stream
mod events; // the same as server-sent events
mod read_gate; // what is read on a connection
mod raw_socket; // the TCP connection under a session
pub mod parse; // what a client said
mod pump; // many connections, one task
pub mod rate_limit; // how much a client may say
mod session; // one socket
mod watchdog; // ends connections whose peers have stopped reading
mod socket_writer; // what is written on a connection

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpRequest, HttpResponse};
use tokio_util::sync::CancellationToken;

pub use self::http_server::listen;
pub use self::raw_socket::Line;
pub use events::EventStream;

use self::watchdog::Lines;
use crate::actors::messages::{Disconnect, SessionId, Watch};
use crate::actors::runtime::downstream::Downstream;
use crate::live::outbox::Outbox;
use crate::models::live::FrameId;
use crate::models::subscription::Subscription;

/// The longest message a client may send, in bytes. Operations are a few hundred; a filter over every product
/// of a brand still fits.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// What a browser's socket names beside its token, since it can set no other header.
pub const TOKEN_PROTOCOL: &str = "bearer";

/// How sockets reach the broadcaster, and how many there may be.
#[derive(Clone)]
pub struct SocketsParams {
    /// Takes sessions on, and changes what they want.
    pub watch: Downstream<Watch>,
    /// Lets them go.
    pub disconnect: Downstream<Disconnect>,
    /// The most at a time in this process.
    pub limit: u64,
    /// How long a client may take nothing of what waits for it.
    pub stall_max: Duration,
}

/// A farewell must get through even while the broadcaster is busy, or it would keep a dead session.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(5);

/// Why a client gets no socket.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// All places are taken.
    #[error("all {limit} sockets are taken")]
    Full {
        /// How many there are.
        limit: u64,
    },
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The broadcaster is being rebuilt, or takes nobody on at the moment.
    #[error("nobody delivers live news at the moment")]
    Busy,
    /// The request asks for no socket, or not in a way we understand.
    #[error("this is no websocket handshake: {0}")]
    Handshake(String),
}

/// All sockets of this process. Clones share the count.
#[derive(Clone)]
pub struct Sockets {
    params: SocketsParams,
    n_open: Arc<AtomicU64>,
    last_id: Arc<AtomicU64>,
    lines: Lines,
    stopping: CancellationToken,
}

impl Sockets {
    /// No socket yet.
    pub fn new(params: SocketsParams) -> Self {
        Self {
            params,
            n_open: Arc::default(),
            last_id: Arc::default(),
            lines: Lines::default(),
            stopping: CancellationToken::new(),
        }
    }

    /// Ends connections whose peers have stopped reading, until the sockets are closed. Run it where nothing that a socket
    /// does can hold it up.
    pub async fn watch(self) {
        self.lines.clone().watch(self.params.stall_max, self.stopping.clone()).await;
    }

    /// How many are open, those included whose peers have stopped reading.
    pub fn n_open(&self) -> u64 {
        self.n_open.load(Ordering::Relaxed)
    }

    /// Ends every socket with code 1001 and refuses new ones. A peer that does not read cannot be told; the
    /// server's own shutdown deadline ends those.
    pub fn close_all(&self) {
        self.stopping.cancel();
    }

    /// Turns a request into a session. Who may ask was decided before.
    ///
    /// # Errors
    /// When there is no place, no handshake, or no future.
    pub fn open(&self, request: &HttpRequest) -> Result<HttpResponse, Refusal> {
        let place = self.take_place(request)?;
        session::accept(session::SessionParams { sockets: self.clone(), place }, request)
    }

    /// The same news as server-sent events: the body of an answer that does not end by itself. What was missed since
    /// `since` comes first. Who may ask was decided before.
    ///
    /// # Errors
    /// When there is no place, no broadcaster, or no future.
    pub fn events(&self, request: &HttpRequest, wish: EventsWish) -> Result<EventStream, Refusal> {
        let place = self.take_place(request)?;
        let EventsWish { subscription, since } = wish;
        let (id, outbox) = (place.id, Arc::clone(&place.outbox));
        let watch = Watch { id, outbox: Arc::clone(&outbox), subscription, since, is_asked: true };
        self.params.watch.try_send(watch).map_err(|_| Refusal::Busy)?;
        Ok(EventStream::new(id, outbox, (self.clone(), place)))
    }

    fn take_place(&self, request: &HttpRequest) -> Result<Place, Refusal> {
        if self.stopping.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let limit = self.params.limit;
        let taken = self.n_open.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n_open| {
            (n_open < limit).then_some(n_open + 1)
        });
        taken.map_err(|_| Refusal::Full { limit })?;
        let id = SessionId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        let outbox = Arc::new(Outbox::new(Instant::now()));
        self.lines.hold(id, Arc::clone(&outbox), Line::under(request));
        Ok(Place { id, outbox, lines: self.lines.clone(), n_open: Arc::clone(&self.n_open) })
    }

    /// Tells the broadcaster that a session is gone.
    fn say_goodbye(&self, id: SessionId) {
        let disconnect = self.params.disconnect.clone();
        if disconnect.try_send(Disconnect { id }).is_err() {
            // A broadcaster that is gone for good knows no sessions to forget.
            actix::spawn(async move { disconnect.send(Disconnect { id }, FAREWELL_PATIENCE).await.ok() });
        }
    }
}

/// What a client of server-sent events asks for.
pub struct EventsWish {
    /// What it wants.
    pub subscription: Subscription,
    /// The newest id it has seen.
    pub since: Option<FrameId>,
}

/// One of the places for sockets, with what waits for whoever has it; free again when dropped.
struct Place {
    id: SessionId,
    outbox: Arc<Outbox>,
    lines: Lines,
    n_open: Arc<AtomicU64>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lines.release(self.id);
        self.n_open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
