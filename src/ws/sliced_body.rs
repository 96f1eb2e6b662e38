//! Response bodies, passed to the dispatcher in slices.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use actix_http::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;

use super::connection_state::ResponseGuard;

/// Maximum number of bytes to pass to the dispatcher at once. It copies them to its write buffer, which it fills up to
/// another [`WRITE_BUFFER_BYTES`].
const SLICE_BYTES: usize = 16 * 1024;

/// Number of bytes in the dispatcher's write buffer from which it writes them. With slices of the same size, a
/// connection that does not read takes at most twice as much.
pub(super) const WRITE_BUFFER_BYTES: usize = 16 * 1024;

/// Number of bytes of responses, in all connections, that exist for one connection only.
static QUEUED: AtomicUsize = AtomicUsize::new(0);

/// Returns the number of bytes of responses in memory that wait to be sent. Files that connections share do not count.
pub(super) fn n_queued() -> usize {
    QUEUED.load(Ordering::Relaxed)
}

/// Response body. It passes large pieces on in slices, because the dispatcher would copy a whole piece. The response is
/// complete when this is dropped.
pub(super) struct SlicedBody {
    body: BoxBody,
    /// Rest of the last piece.
    rest: Bytes,
    queued: Queued,
    guard: Option<ResponseGuard>,
}

/// Bytes that are counted in [`QUEUED`] until this is dropped.
#[derive(Default)]
struct Queued(usize);

impl Queued {
    fn new(n_bytes: usize) -> Self {
        QUEUED.fetch_add(n_bytes, Ordering::Relaxed);
        Self(n_bytes)
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        QUEUED.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl SlicedBody {
    /// Creates the body of a response from its whole body and the guard of the response.
    pub fn new(body: BoxBody, guard: Option<ResponseGuard>) -> Self {
        Self { body, rest: Bytes::new(), queued: Queued::default(), guard }
    }

    fn count(&mut self) {
        // Files are shared by all connections that send them.
        let n_bytes = if self.rest.is_unique() { self.rest.len() } else { 0 };
        self.queued = Queued::new(n_bytes);
        if let Some(guard) = &self.guard {
            guard.connection().set_queued(n_bytes);
        }
    }
}

impl MessageBody for SlicedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(context)) {
                Some(Ok(piece)) if piece.len() > SLICE_BYTES => {
                    self.rest = piece;
                    self.count();
                }
                other => return Poll::Ready(other),
            }
        }
        let n_bytes = self.rest.len().min(SLICE_BYTES);
        let slice = self.rest.split_to(n_bytes);
        if self.rest.is_empty() {
            self.count();
        }
        Poll::Ready(Some(Ok(slice)))
    }
}

#[cfg(test)]
mod tests {
    use actix_http::Request;
    use futures_util::future::poll_fn;

    use super::*;
    use crate::ws::connection_state::ConnectionState;

    async fn pieces(bytes: Bytes) -> Vec<Bytes> {
        let mut body = SlicedBody::new(BoxBody::new(bytes), None);
        let mut pieces = Vec::new();
        while let Some(piece) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
            pieces.push(piece.unwrap());
        }
        pieces
    }

    #[tokio::test]
    async fn a_body_is_passed_on_in_slices_and_unchanged() {
        for n_bytes in [1, SLICE_BYTES, SLICE_BYTES + 1, 10 * SLICE_BYTES] {
            let bytes: Bytes = (0..n_bytes).map(|n| u8::try_from(n % 251).unwrap()).collect();
            let pieces = pieces(bytes.clone()).await;
            assert!(pieces.iter().all(|piece| piece.len() <= SLICE_BYTES));
            assert_eq!(pieces.concat(), bytes);
        }
        assert!(pieces(Bytes::new()).await.is_empty());
    }

    #[tokio::test]
    async fn only_what_exists_for_one_connection_counts_as_queued() {
        let queued = async |bytes: Bytes| {
            let state = std::rc::Rc::new(ConnectionState::default());
            let guard = std::rc::Rc::clone(&state).begin_response(&mut Request::new());
            let mut body = SlicedBody::new(BoxBody::new(bytes), Some(guard));
            poll_fn(|context| Pin::new(&mut body).poll_next(context)).await.unwrap().unwrap();
            let while_sending = state.has_queued();
            drop(body);
            (while_sending, state.has_queued())
        };
        assert_eq!(queued(Bytes::from(vec![0; 3 * SLICE_BYTES])).await, (true, false));
        assert_eq!(queued(Bytes::from(vec![0; SLICE_BYTES])).await, (false, false));
        let shared = Bytes::from(vec![0; 3 * SLICE_BYTES]);
        assert_eq!(queued(shared.clone()).await, (false, false));
        assert_eq!(queued(Bytes::from_static(&[0; 3 * SLICE_BYTES])).await, (false, false));
    }
}
