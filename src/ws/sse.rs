//! Live updates as server-sent events, delivered from an outbox in the same way as to a WebSocket.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::outbox_batches::Drain;
use super::{SocketPermit, Sockets, close_codes};
use crate::actors::messages::SessionId;
use crate::live::encode;
use crate::live::outbox::Outbox;
use crate::live::outbox_batch::Batch;

/// Interval between keep-alive comments: well below the half minute after which some proxies cut a silent connection.
const PING_EVERY: Duration = Duration::from_secs(15);

/// First line of the stream, which sets the browser's reconnection delay to two seconds.
const PREAMBLE: &[u8] = b"retry: 2000\n\n";

/// Comment that lets both sides notice a broken connection.
const PING: &[u8] = b": ping\n\n";

/// Response body that ends only when the client leaves or reads too slowly, or when the server stops.
pub struct EventStream {
    outbox: Arc<Outbox>,
    drain: Drain,
    ping: Interval,
    stopping: BoxFuture<'static, ()>,
    ready: VecDeque<Bytes>,
    /// Newest id sent so far.
    newest: Option<(Box<str>, u64)>,
    has_ended: bool,
    _registration: Registration,
}

/// Registration of the session with the broadcaster, until dropped.
struct Registration {
    id: SessionId,
    sockets: Sockets,
    _permit: SocketPermit,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.sockets.unregister(self.id);
    }
}

impl EventStream {
    pub(super) fn new(
        id: SessionId,
        outbox: Arc<Outbox>,
        (sockets, permit): (Sockets, SocketPermit),
    ) -> Self {
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        Self {
            drain: Drain::new(Arc::clone(&outbox)),
            outbox,
            ping,
            stopping: Box::pin(sockets.stopping.clone().cancelled_owned()),
            ready: VecDeque::from([Bytes::from_static(PREAMBLE)]),
            newest: None,
            has_ended: false,
            _registration: Registration { id, sockets, _permit: permit },
        }
    }

    fn write(&mut self, batch: &Batch) {
        let mut text = BytesMut::new();
        for frame in &batch.frames {
            if let Some(id) = frame.id.as_deref().filter(|id| is_newer(&mut self.newest, id)) {
                text.extend_from_slice(format!("id: {id}\n").as_bytes());
            }
            text.extend_from_slice(frame.as_event());
        }
        if let Some(frame) = batch.skipped.and_then(|skipped| encode::skipped(skipped).ok()) {
            text.extend_from_slice(frame.as_event());
        }
        if let Some(close_reason) = batch.close_reason {
            let (code, why) = close_codes::of(close_reason);
            text.extend_from_slice(format!(": {code} {why}\n\n").as_bytes());
            self.has_ended = true;
        }
        if !text.is_empty() {
            self.ready.push_back(text.freeze());
        }
    }
}

/// Returns whether the id is newer than all previous ones, and remembers it if so. A frame with the live window can
/// have an older id than an update before it, and a browser reconnects with the last id it read rather than the newest.
fn is_newer(newest: &mut Option<(Box<str>, u64)>, id: &str) -> bool {
    let Some((epoch, offset)) = id.split_once(':') else {
        return false;
    };
    let Ok(offset) = offset.parse() else {
        return false;
    };
    if newest.as_ref().is_some_and(|(known, at)| **known == *epoch && *at > offset) {
        return false;
    }
    *newest = Some((epoch.into(), offset));
    true
}

impl Stream for EventStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        this.outbox.is_alive();
        if let Some(bytes) = this.ready.pop_front() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        if this.has_ended {
            return Poll::Ready(None);
        }
        if this.stopping.as_mut().poll(context).is_ready() {
            this.has_ended = true;
            let why = format!(": {} the server is stopping\n\n", close_codes::GOING_AWAY);
            return Poll::Ready(Some(Ok(Bytes::from(why))));
        }
        while let Poll::Ready(Some(batch)) = Pin::new(&mut this.drain).poll_next(context) {
            this.write(&batch);
            if let Some(bytes) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
        if this.ping.poll_tick(context).is_ready() {
            return Poll::Ready(Some(Ok(Bytes::from_static(PING))));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_go_backwards_within_an_epoch() {
        let mut newest = None;
        let newer: Vec<bool> =
            ["a:5", "a:7", "a:6", "a:7", "b:1", "nonsense"].map(|id| is_newer(&mut newest, id)).to_vec();
        assert_eq!(newer, [true, true, false, true, true, false]);
    }
}
