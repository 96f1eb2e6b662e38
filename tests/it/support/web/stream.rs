//! An answer without end: messages as they become known, what keeps the connection alive, and what goes wrong.
//!
//! A stream pulls its messages from the site, so that a client that reads slowly holds up nobody else. What happens while
//! a fault keeps it silent is lost to it, as on a real network path.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, MissedTickBehavior};

use super::connection::DELIVERY;
use super::fault::{End, Fault};
use super::wire::Wire;
use super::{Shared, Site};
use crate::support::websocket::reader::{self, Incoming};

/// How long a message waits for the neighbour that overtakes it.
const SWAP_PATIENCE: Duration = Duration::from_millis(100);

/// How long the host waits for the client's answer to a close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Pause before each message of a slow stream.
const PACE: Duration = Duration::from_millis(3);

/// Close codes of RFC 6455.
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const UNSUPPORTED_DATA: u16 = 1003;

/// What a stream is made of.
pub(super) struct StreamParams<S: Site> {
    pub(super) wire: Wire,
    pub(super) heard: S::Stream,
    pub(super) fault: Option<Fault>,
    /// Number of the request in the log.
    pub(super) number: usize,
    /// Head of the answer, without the empty line.
    pub(super) head: String,
    pub(super) shared: Arc<Shared<S>>,
}

/// The stream to one client.
pub(super) struct Stream<S: Site> {
    params: StreamParams<S>,
    half: OwnedWriteHalf,
    n_sent: u64,
    /// A message that waits to be overtaken, and until when.
    held: Option<(String, Instant)>,
    /// Whether the client has answered the last ping.
    is_alive: bool,
    is_over: bool,
}

/// The stream has ended.
enum Over {
    Orderly,
    Reset,
}

impl<S: Site> Stream<S> {
    /// Sends until the stream ends. `rest` is what the client sent together with its request.
    pub(super) async fn run(params: StreamParams<S>, stream: TcpStream, rest: Vec<u8>) {
        let (read, half) = stream.into_split();
        let (sender, incoming) = mpsc::unbounded_channel();
        let wire = params.wire;
        let mut stream = Self { params, half, n_sent: 0, held: None, is_alive: true, is_over: false };
        let over = tokio::select! {
            over = stream.serve(incoming) => over,
            () = listen(wire, read, rest, sender) => Over::Orderly,
        };
        stream.note_end();
        if matches!(over, Over::Reset) {
            tokio::time::sleep(DELIVERY).await;
            let _ = stream.half.as_ref().set_zero_linger();
            // Otherwise the client would see an orderly end before the reset.
            stream.half.forget();
        }
    }

    /// Tells the site, before the client can see it: whoever comes back at once must not meet the old stream.
    fn note_end(&mut self) {
        if !std::mem::replace(&mut self.is_over, true) {
            let mut state = self.params.shared.state();
            state.site.ended(&mut self.params.heard);
            state.requests[self.params.number].is_over = true;
        }
    }

    async fn serve(&mut self, mut incoming: UnboundedReceiver<Incoming>) -> Over {
        match self.send_until_over(&mut incoming).await {
            Err(over) => over,
            Ok(never) => match never {},
        }
    }

    async fn send_until_over(
        &mut self,
        incoming: &mut UnboundedReceiver<Incoming>,
    ) -> Result<std::convert::Infallible, Over> {
        let mut ends = self.params.shared.ends.subscribe();
        let mut changed = self.params.shared.changed.subscribe();
        let every = {
            let mut state = self.params.shared.state();
            state.requests[self.params.number].status =
                if self.params.wire == Wire::WebSocket { 101 } else { 200 };
            state.ping_every
        };
        self.write(format!("{}\r\n", self.params.head).into_bytes()).await?;
        let mut pings = tokio::time::interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            changed.borrow_and_update();
            self.end_if_due(incoming).await?;
            while let Some(message) = self.next() {
                self.offer(message).await?;
                self.end_if_due(incoming).await?;
            }
            tokio::select! {
                biased;
                Ok(end) = ends.recv() => return Err(self.end(end, incoming).await),
                Some(message) = incoming.recv() => self.hear(message, incoming).await?,
                _ = pings.tick() => self.ping().await?,
                _ = changed.changed() => {}
                () = self.patience_ends() => {
                    if let Some((held, _)) = self.held.take() {
                        self.send(&held).await?;
                    }
                }
            }
        }
    }

    /// Waits until the message that is held back is to be sent; forever if there is none.
    async fn patience_ends(&mut self) {
        match &self.held {
            Some((_, until)) => tokio::time::sleep_until(*until).await,
            None => std::future::pending().await,
        }
    }

    fn next(&mut self) -> Option<String> {
        let message = self.params.shared.state().site.next_message(&mut self.params.heard)?;
        match self.params.fault {
            Some(Fault::Quiet | Fault::Silent) => None,
            _ => Some(message),
        }
    }

    /// Sends a message as the fault demands.
    async fn offer(&mut self, message: String) -> Result<(), Over> {
        match self.params.fault {
            Some(Fault::BreaksInside(n)) if self.n_sent >= n => {
                let mut bytes = self.params.wire.message(&message);
                bytes.truncate(bytes.len() / 2);
                self.note_end();
                self.write(bytes).await?;
                return Err(Over::Reset);
            }
            Some(Fault::Slow) => tokio::time::sleep(PACE).await,
            Some(Fault::Twice) => self.send(&message).await?,
            Some(Fault::Swapped) => {
                let Some((held, _)) = self.held.take() else {
                    self.held = Some((message, Instant::now() + SWAP_PATIENCE));
                    return Ok(());
                };
                self.send(&message).await?;
                return self.send(&held).await;
            }
            _ => {}
        }
        self.send(&message).await
    }

    async fn send(&mut self, message: &str) -> Result<(), Over> {
        let bytes = match self.params.fault {
            Some(Fault::Fragmented) => self.params.wire.fragments(message),
            _ => self.params.wire.message(message),
        };
        self.write(bytes).await?;
        self.n_sent += 1;
        self.params.shared.state().requests[self.params.number].n_messages = self.n_sent;
        Ok(())
    }

    async fn end_if_due(&mut self, incoming: &mut UnboundedReceiver<Incoming>) -> Result<(), Over> {
        match self.params.fault {
            Some(Fault::Closes(n)) if self.n_sent >= n => Err(self.end(End::Close, incoming).await),
            Some(Fault::Fails(n)) if self.n_sent >= n => Err(self.end(End::Error, incoming).await),
            _ => Ok(()),
        }
    }

    async fn end(&mut self, end: End, incoming: &mut UnboundedReceiver<Incoming>) -> Over {
        self.note_end();
        if end == End::Reset {
            return Over::Reset;
        }
        if end == End::Error {
            let failure = self.params.shared.state().site.failure();
            if let Err(over) = self.write(self.params.wire.message(&failure)).await {
                return over;
            }
        }
        self.close(GOING_AWAY, "", incoming).await
    }

    /// Closes, and waits a moment for the client to leave first, because its unread bytes would turn the end into a reset.
    async fn close(&mut self, code: u16, reason: &str, incoming: &mut UnboundedReceiver<Incoming>) -> Over {
        if self.write(self.params.wire.close(code, reason)).await.is_ok() {
            let _ = self.half.shutdown().await;
            let leaving = async {
                while !matches!(incoming.recv().await, None | Some(Incoming::Gone | Incoming::Broken(_))) {}
            };
            let _ = tokio::time::timeout(CLOSE_PATIENCE, leaving).await;
        }
        Over::Orderly
    }

    async fn hear(
        &mut self,
        message: Incoming,
        incoming: &mut UnboundedReceiver<Incoming>,
    ) -> Result<(), Over> {
        let is_mute = self.params.fault == Some(Fault::Silent);
        match message {
            Incoming::Gone => return Err(Over::Orderly),
            Incoming::Pong => self.is_alive = true,
            _ if is_mute => {}
            Incoming::Close(code) => {
                let code = if code == reader::NO_STATUS { NORMAL } else { code };
                return Err(self.close(code, "", incoming).await);
            }
            Incoming::Broken(code) => return Err(self.close(code, "", incoming).await),
            Incoming::Binary => {
                let reason = "The mastodon streaming server does not support binary messages";
                return Err(self.close(UNSUPPORTED_DATA, reason, incoming).await);
            }
            Incoming::Ping(payload) => {
                let mut bytes = Vec::new();
                crate::support::websocket::message(crate::support::websocket::PONG, &payload, &mut bytes);
                self.write(bytes).await?;
            }
            Incoming::Text(text) => {
                let text = String::from_utf8_lossy(&text);
                let answer = self.params.shared.state().site.hear(&mut self.params.heard, &text);
                if let Some(answer) = answer {
                    self.write(self.params.wire.message(&answer)).await?;
                }
            }
        }
        Ok(())
    }

    /// Keeps the connection alive. A WebSocket whose client has not answered the last ping is cut.
    async fn ping(&mut self) -> Result<(), Over> {
        if self.params.fault == Some(Fault::Silent) {
            return Ok(());
        }
        if self.params.wire == Wire::WebSocket && !std::mem::take(&mut self.is_alive) {
            return Err(Over::Reset);
        }
        self.write(self.params.wire.ping()).await
    }

    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Over> {
        self.half.write_all(&bytes).await.map_err(|_| Over::Orderly)
    }
}

/// Reads what the client sends. Never ends before the stream does.
async fn listen(wire: Wire, mut half: OwnedReadHalf, rest: Vec<u8>, to: UnboundedSender<Incoming>) {
    if wire == Wire::WebSocket {
        return reader::run(half, rest, to).await;
    }
    let mut ignored = [0; 1_024];
    while half.read(&mut ignored).await.is_ok_and(|n_bytes| n_bytes > 0) {}
    let _ = to.send(Incoming::Gone);
    std::future::pending().await
}
