//! What a connection is doing: which bytes its dispatcher may be passed, and whether it still has to respond.
//!
//! The dispatcher of actix-http parses all requests that it can get, and keeps them and the responses in memory whether
//! or not the client reads. So it gets one request at a time: the next one only after the last response is complete and
//! the kernel has accepted all of it.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Waker};

use actix_http::{HttpMessage as _, Payload, Request};
use actix_web::http::header;

use super::request_framing::{BodyScan, ChunkScan, Extent, HeadScan};

/// State that a connection's stream shares with the responses to its requests.
#[derive(Default)]
pub(super) struct ConnectionState {
    phase: Cell<Phase>,
    /// Number of requests whose responses are not complete, which is at most one.
    n_responding: Cell<usize>,
    /// Whether the kernel has not accepted all that was written.
    is_blocked: Cell<bool>,
    /// Number of bytes of responses that exist in memory for this connection only.
    n_queued: Cell<usize>,
    /// Waker of the dispatcher if it waits for bytes that are held back.
    reader: Cell<Option<Waker>>,
}

/// What the dispatcher reads next.
#[derive(Clone, Copy)]
enum Phase {
    /// A head.
    Head(HeadScan),
    /// Nothing, until it has parsed the head that it was passed.
    Parsing,
    /// The body of the request.
    Body(BodyScan),
    /// Nothing any more, because it is unclear where a request ends.
    Closed,
}

impl Default for Phase {
    fn default() -> Self {
        Self::Head(HeadScan::default())
    }
}

impl ConnectionState {
    /// Returns the state of the connection on which a request arrived; `None` in tests without connections.
    pub fn of(request: &Request) -> Option<Rc<Self>> {
        request.conn_data::<Rc<Self>>().cloned()
    }

    /// Returns how many of the bytes the dispatcher may be passed now, as the next of the connection.
    pub fn pass(&self, bytes: &[u8]) -> usize {
        let (extent, next) = match self.phase.get() {
            Phase::Head(_) if self.n_responding.get() > 0 || self.is_blocked.get() => return 0,
            Phase::Parsing | Phase::Closed => return 0,
            Phase::Head(mut scan) => {
                let extent = scan.advance(bytes);
                (extent, if extent == Extent::All { Phase::Head(scan) } else { Phase::Parsing })
            }
            Phase::Body(mut scan) => {
                let extent = scan.advance(bytes);
                (extent, if extent == Extent::All { Phase::Body(scan) } else { Phase::default() })
            }
        };
        match extent {
            Extent::All => self.phase.set(next),
            Extent::Ends(n_bytes) => {
                self.phase.set(next);
                return n_bytes;
            }
            // The dispatcher refuses the request when it comes to the malformed byte.
            Extent::Unclear => self.phase.set(Phase::Closed),
        }
        bytes.len()
    }

    /// Returns whether nothing more is passed to the dispatcher.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase.get(), Phase::Closed)
    }

    /// Wakes the dispatcher when more can be passed to it.
    pub fn wait(&self, context: &Context<'_>) {
        self.reader.set(Some(context.waker().clone()));
    }

    /// Records that the dispatcher has parsed a head and what body follows it. Until the guard is dropped, the response
    /// is incomplete.
    pub fn begin_response(self: Rc<Self>, request: &mut Request) -> ResponseGuard {
        self.n_responding.set(self.n_responding.get() + 1);
        let is_expected = matches!(self.phase.get(), Phase::Parsing);
        self.phase.set(match body_of(request) {
            Some(body) if is_expected => body.map_or_else(Phase::default, Phase::Body),
            // Either a request that was not passed on its own, or a body that ends who knows where.
            _ => Phase::Closed,
        });
        self.wake();
        ResponseGuard(self)
    }

    /// Records that the kernel has not accepted all bytes that were written.
    pub fn blocked(&self) {
        self.is_blocked.set(true);
    }

    /// Records that the dispatcher has written all it has. It does so at the end of its turn, so it must have parsed
    /// the head that it was passed by now.
    pub fn flushed(&self) {
        self.is_blocked.set(false);
        if matches!(self.phase.get(), Phase::Parsing) {
            self.phase.set(Phase::Closed);
        }
        if self.n_responding.get() == 0 {
            self.wake();
        }
    }

    /// Returns whether responses exist in memory for this connection only.
    pub fn has_queued(&self) -> bool {
        self.n_queued.get() > 0
    }

    /// Counts the bytes of a response that exist in memory for this connection only.
    pub fn set_queued(&self, n_bytes: usize) {
        self.n_queued.set(n_bytes);
    }

    fn wake(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

/// Returns the body that follows a head according to actix, if any. `None` if it has neither a length nor chunks.
fn body_of(request: &mut Request) -> Option<Option<BodyScan>> {
    if matches!(request.payload(), Payload::None) {
        return Some(None);
    }
    if request.chunked().ok()? {
        return Some(Some(BodyScan::Chunked(ChunkScan::default())));
    }
    let length = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()?;
    Some((length > 0).then_some(BodyScan::Length(length)))
}

/// Guard of a response that is not complete. Dropping it lets the next request in.
pub(super) struct ResponseGuard(Rc<ConnectionState>);

impl ResponseGuard {
    /// Returns the state of the connection.
    pub fn connection(&self) -> &ConnectionState {
        &self.0
    }
}

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        self.0.n_responding.set(self.0.n_responding.get().saturating_sub(1));
        self.0.set_queued(0);
        self.0.wake();
    }
}
