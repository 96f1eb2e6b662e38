//! Reads from a connection with bounded memory.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;

use super::MESSAGE_BYTES_MAX;
use super::socket_writer::SocketWriter;

/// Maximum number of bytes to read at once.
const CHUNK_BYTES: usize = 4 * 1024;

/// Maximum size of a message with its header: two bytes, plus eight for the length and four for the mask.
const FRAME_BYTES_MAX: usize = 14 + MESSAGE_BYTES_MAX;

/// Stream of the bytes that a client sends, one chunk at a time.
///
/// The WebSocket reader takes all bytes that it can get before it parses any, and then parses a few messages at a time,
/// so a flood would exhaust memory. The gate therefore passes the next chunk only after the last one is parsed, and
/// buffers nothing. The parser rejects an oversized message only once it is complete, so this stream fails if a message
/// does not end.
pub(super) struct SocketReader {
    writer: Rc<SocketWriter>,
    gate: ReadGate,
    /// Bytes that arrived together with the handshake.
    early: Bytes,
}

/// Gate that stops reading until the last chunk is parsed. Clones share it.
#[derive(Clone, Default)]
pub(super) struct ReadGate(Rc<GateState>);

#[derive(Default)]
struct GateState {
    /// Whether part of the last chunk may still need to be parsed.
    is_closed: Cell<bool>,
    /// Whether a message was parsed since the last check.
    has_parsed: Cell<bool>,
    /// Number of bytes read since the last message was parsed.
    n_unparsed: Cell<usize>,
}

impl ReadGate {
    /// Records that a message was parsed completely.
    pub fn message_parsed(&self) {
        self.0.has_parsed.set(true);
        self.0.n_unparsed.set(0);
    }

    /// Returns whether the bytes read since the last message exceed the size limit for a message.
    pub fn is_over_limit(&self) -> bool {
        self.0.n_unparsed.get() >= FRAME_BYTES_MAX
    }

    fn bytes_read(&self, n_bytes: usize) {
        self.0.is_closed.set(true);
        self.0.n_unparsed.set(self.0.n_unparsed.get() + n_bytes);
    }

    /// Returns whether to poll again at once, either to parse the rest of the chunk or, if it contains no further
    /// message, to read the next one.
    pub fn should_resume(&self) -> bool {
        if !self.0.is_closed.get() {
            return false;
        }
        if !self.0.has_parsed.take() {
            self.0.is_closed.set(false);
        }
        true
    }
}

impl SocketReader {
    /// Creates a stream that yields the `early` bytes and then reads from the connection of `writer`.
    pub fn new(writer: Rc<SocketWriter>, gate: ReadGate, early: Bytes) -> Self {
        Self { writer, gate, early }
    }
}

impl Stream for SocketReader {
    type Item = Result<Bytes, PayloadError>;

    /// Yields the next chunk. A broken connection ends the stream.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.gate.0.is_closed.get() {
            return Poll::Pending;
        }
        if self.gate.is_over_limit() {
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        if !self.early.is_empty() {
            self.gate.bytes_read(self.early.len());
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.early))));
        }
        loop {
            if std::task::ready!(self.writer.stream.poll_read_ready(context)).is_err() {
                return Poll::Ready(None);
            }
            let mut buffer = [0; CHUNK_BYTES];
            match self.writer.stream.try_read(&mut buffer) {
                Ok(0) => return Poll::Ready(None),
                Ok(n_bytes) => {
                    self.gate.bytes_read(n_bytes);
                    return Poll::Ready(Some(Ok(Bytes::copy_from_slice(
                        buffer.get(..n_bytes).unwrap_or_default(),
                    ))));
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::ws::tests::writer_with_peer;

    #[tokio::test]
    async fn a_chunk_is_passed_only_after_the_last_one_was_parsed() {
        let (writer, _, mut peer) = writer_with_peer().await;
        let writer = Rc::new(writer);
        let gate = ReadGate::default();
        let mut reader = SocketReader::new(writer, gate.clone(), Bytes::from_static(b"early"));
        peer.write_all(&[0; 3 * CHUNK_BYTES]).await.unwrap();
        assert!(!gate.should_resume(), "nothing was read");
        for expected in [5, CHUNK_BYTES, CHUNK_BYTES] {
            assert_eq!(reader.next().await.unwrap().unwrap().len(), expected);
            gate.message_parsed();
            for _ in 0..2 {
                assert!(futures_util::poll!(reader.next()).is_pending(), "a second chunk");
                assert!(gate.should_resume());
            }
        }
        drop(peer);
        assert_eq!(reader.next().await.unwrap().unwrap().len(), CHUNK_BYTES);
        assert!(gate.should_resume());
        assert!(reader.next().await.is_none());
    }

    #[tokio::test]
    async fn an_endless_message_is_an_error() {
        let (writer, _, mut peer) = writer_with_peer().await;
        let writer = Rc::new(writer);
        let gate = ReadGate::default();
        let mut reader = SocketReader::new(writer, gate.clone(), Bytes::new());
        peer.write_all(&[0; 2 * FRAME_BYTES_MAX]).await.unwrap();
        let mut n_bytes = 0;
        while let Ok(bytes) = reader.next().await.unwrap() {
            n_bytes += bytes.len();
            assert!(n_bytes < FRAME_BYTES_MAX + CHUNK_BYTES, "{n_bytes} bytes were read");
            assert!(gate.should_resume());
        }
        assert!(n_bytes >= FRAME_BYTES_MAX, "after {n_bytes} bytes");
    }
}
