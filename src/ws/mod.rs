//! Live news over WebSockets.

pub mod close_codes; // why a socket was closed
pub mod encode; // frames as text
pub mod frames; // the wire protocol
pub mod parse; // what a client said
pub mod rate_limit; // how much a client may say
mod session; // one socket

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{HttpRequest, HttpResponse, web};
use tokio_util::sync::CancellationToken;

use crate::actors::downstream::Downstream;
use crate::actors::messages::{Connect, Disconnect, SessionId, Watch};

/// The longest message a client may send, in bytes. Operations are a few hundred; a filter over every product
/// of a brand still fits.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// What a browser's socket names beside its token, since it can set no other header.
pub const TOKEN_PROTOCOL: &str = "bearer";

/// How sockets reach the broadcaster, and how many there may be.
#[derive(Clone)]
pub struct SocketsParams {
    /// Takes sessions on.
    pub connect: Downstream<Connect>,
    /// Changes what they want.
    pub watch: Downstream<Watch>,
    /// Lets them go.
    pub disconnect: Downstream<Disconnect>,
    /// The most at a time in this process.
    pub limit: u64,
}

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
    stopping: CancellationToken,
}

impl Sockets {
    /// No socket yet.
    pub fn new(params: SocketsParams) -> Self {
        Self { params, n_open: Arc::default(), last_id: Arc::default(), stopping: CancellationToken::new() }
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
    pub fn open(&self, request: &HttpRequest, payload: web::Payload) -> Result<HttpResponse, Refusal> {
        if self.stopping.is_cancelled() {
            return Err(Refusal::Stopping);
        }
        let place = self.take_place().ok_or(Refusal::Full { limit: self.params.limit })?;
        let id = SessionId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
        session::start(session::SessionParams { id, sockets: self.clone(), place }, request, payload)
    }

    fn take_place(&self) -> Option<Place> {
        let taken = self.n_open.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |n_open| {
            (n_open < self.params.limit).then_some(n_open + 1)
        });
        taken.ok().map(|_| Place { n_open: Arc::clone(&self.n_open) })
    }
}

/// One of the places for sockets; free again when dropped.
struct Place {
    n_open: Arc<AtomicU64>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.n_open.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
