//! What is read on a connection.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;

use super::MESSAGE_BYTES_MAX;
use super::socket_writer::Wire;

/// Read at once.
const HELPING_BYTES: usize = 4 * 1024;

/// What no message can be longer than: two bytes, eight of its length and four of its mask stand before it.
const WHOLE_BYTES_MAX: usize = 14 + MESSAGE_BYTES_MAX;

/// The bytes a client sends, a helping at a time.
///
/// Its reader takes all it can get before it understands any of it, and then understands a few messages at a time: a
/// client that floods would fill the memory. So there is one helping, and no more until nothing of it is left. No
/// buffer is kept here. A message is refused for its length only once all of it is there, so one that goes on for longer than
/// any may is an error here.
pub(super) struct Incoming {
    wire: Rc<Wire>,
    appetite: Appetite,
    /// What came together with the request.
    early: Bytes,
}

/// Whether there is room for more. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Appetite(Rc<Digestion>);

#[derive(Default)]
struct Digestion {
    /// A helping was read, and may not have been understood whole.
    is_sated: Cell<bool>,
    /// A message was understood since the last look.
    has_heard: Cell<bool>,
    /// Bytes read since.
    n_unheard: Cell<usize>,
}

impl Appetite {
    /// Notes that a message was understood.
    pub fn hear(&self) {
        self.0.has_heard.set(true);
        self.0.n_unheard.set(0);
    }

    /// Answers whether more was read than any message may have, without an end of one in it.
    pub fn is_too_much(&self) -> bool {
        self.0.n_unheard.get() >= WHOLE_BYTES_MAX
    }

    fn swallow(&self, n_bytes: usize) {
        self.0.is_sated.set(true);
        self.0.n_unheard.set(self.0.n_unheard.get() + n_bytes);
    }

    /// Answers whether to go on at once: to understand what was read or, where no message is left in it, to read on.
    pub fn goes_on(&self) -> bool {
        if !self.0.is_sated.get() {
            return false;
        }
        if !self.0.has_heard.take() {
            self.0.is_sated.set(false);
        }
        true
    }
}

impl Incoming {
    /// Reads from `wire`; `early` comes first.
    pub fn new(wire: Rc<Wire>, appetite: Appetite, early: Bytes) -> Self {
        Self { wire, appetite, early }
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    /// A broken connection is one that has ended.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.appetite.0.is_sated.get() {
            return Poll::Pending;
        }
        if self.appetite.is_too_much() {
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        if !self.early.is_empty() {
            self.appetite.swallow(self.early.len());
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.early))));
        }
        loop {
            if std::task::ready!(self.wire.stream.poll_read_ready(context)).is_err() {
                return Poll::Ready(None);
            }
            let mut buffer = [0; HELPING_BYTES];
            match self.wire.stream.try_read(&mut buffer) {
                Ok(0) => return Poll::Ready(None),
                Ok(n_bytes) => {
                    self.appetite.swallow(n_bytes);
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
    use crate::ws::tests::wire_to_a_peer;

    #[tokio::test]
    async fn there_is_one_helping_until_nothing_of_it_is_left() {
        let (wire, _, mut peer) = wire_to_a_peer().await;
        let wire = Rc::new(wire);
        let appetite = Appetite::default();
        let mut incoming = Incoming::new(wire, appetite.clone(), Bytes::from_static(b"early"));
        peer.write_all(&[0; 3 * HELPING_BYTES]).await.unwrap();
        assert!(!appetite.goes_on(), "nothing was read");
        for expected in [5, HELPING_BYTES, HELPING_BYTES] {
            assert_eq!(incoming.next().await.unwrap().unwrap().len(), expected);
            appetite.hear();
            for _ in 0..2 {
                assert!(futures_util::poll!(incoming.next()).is_pending(), "a second helping");
                assert!(appetite.goes_on());
            }
        }
        drop(peer);
        assert_eq!(incoming.next().await.unwrap().unwrap().len(), HELPING_BYTES);
        assert!(appetite.goes_on());
        assert!(incoming.next().await.is_none());
    }

    #[tokio::test]
    async fn a_message_that_goes_on_for_longer_than_any_may_is_an_error() {
        let (wire, _, mut peer) = wire_to_a_peer().await;
        let wire = Rc::new(wire);
        let appetite = Appetite::default();
        let mut incoming = Incoming::new(wire, appetite.clone(), Bytes::new());
        peer.write_all(&[0; 2 * WHOLE_BYTES_MAX]).await.unwrap();
        let mut n_bytes = 0;
        while let Ok(bytes) = incoming.next().await.unwrap() {
            n_bytes += bytes.len();
            assert!(n_bytes < WHOLE_BYTES_MAX + HELPING_BYTES, "{n_bytes} bytes were read");
            assert!(appetite.goes_on());
        }
        assert!(n_bytes >= WHOLE_BYTES_MAX, "after {n_bytes} bytes");
    }
}
