//! One client: the frames that follow the upgrade.
//!
//! A stream pulls from the log, so a client that reads slowly holds up nobody else, and neither the end of a replay nor
//! an event that arrives meanwhile can leave a gap.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::dictionary::Dictionary;
use super::fault::{Disconnect, Fault, Silence};
use super::filter::Filter;
use super::log::Start;
use super::record::{ConnectionRecord, Version};
use super::{Shared, encode};
use crate::support::websocket as wire;
use crate::support::websocket::reader::{self, Incoming};

/// How long a reset waits so that what was sent before it arrives, because a reset discards what is still under way.
pub(super) const DELIVERY: Duration = Duration::from_millis(50);

/// How long the host waits for the client's answer to a close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Close codes of RFC 6455.
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const INVALID_PAYLOAD: u16 = 1007;
const POLICY_VIOLATION: u16 = 1008;

/// What a stream is made of.
pub(super) struct StreamParams {
    pub(super) version: Version,
    pub(super) filter: Filter,
    pub(super) start: Start,
    pub(super) compression: Option<Dictionary>,
    pub(super) waits_for_hello: bool,
    /// Whether frames of v1 carry a `cursor`.
    pub(super) has_seqs: bool,
    pub(super) faults: Vec<Fault>,
    pub(super) record: Arc<Mutex<ConnectionRecord>>,
    pub(super) shared: Arc<Shared>,
}

/// The stream to one client.
pub(super) struct Stream {
    pub(super) params: StreamParams,
    pub(super) half: OwnedWriteHalf,
    /// The `seq` of the next event to look at.
    pub(super) cursor: u64,
    /// The data frames sent.
    pub(super) sent: u64,
    /// The frames written but not sent yet.
    pub(super) out: Vec<u8>,
    pub(super) interrupts: broadcast::Receiver<Disconnect>,
    /// An interruption that waits for a write to complete.
    pub(super) interrupted: Option<Disconnect>,
    pub(super) shutdown: watch::Receiver<bool>,
    /// Whether the end is to be a reset.
    is_reset: bool,
}

/// The stream has ended.
pub(super) struct Over;

/// How the host learns that it is to stop, and that streams are to end.
type Signals = (watch::Receiver<bool>, broadcast::Receiver<Disconnect>);

impl Stream {
    /// Sends until the stream ends. `rest` is what the client sent together with its request.
    pub(super) async fn run(params: StreamParams, stream: TcpStream, rest: Vec<u8>, signals: Signals) {
        let (read, half) = stream.into_split();
        let (sender, incoming) = mpsc::unbounded_channel();
        let (shutdown, interrupts) = signals;
        let cursor = params.start.seq;
        let mut stream = Self {
            params,
            half,
            cursor,
            sent: 0,
            out: Vec::new(),
            interrupts,
            interrupted: None,
            shutdown,
            is_reset: false,
        };
        tokio::select! {
            _ = stream.serve(incoming) => {}
            () = reader::run(read, rest, sender) => {}
        }
        if stream.is_reset {
            // Otherwise the client would see an orderly end before the reset.
            stream.half.forget();
        }
    }

    async fn serve(&mut self, mut incoming: UnboundedReceiver<Incoming>) -> Result<(), Over> {
        self.announce();
        let mut changed = self.params.shared.changed.subscribe();
        let every = self.params.shared.options.ping_every;
        let mut pings = tokio::time::interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            changed.borrow_and_update();
            self.step_due(&mut incoming).await?;
            let frames = self.collect(self.limit());
            let is_idle = frames.is_empty();
            self.write(frames).await?;
            if let Some(how) = self.interrupted.take() {
                self.disconnect(how, &mut incoming).await?;
            }
            tokio::select! {
                biased;
                Ok(how) = self.interrupts.recv() => self.disconnect(how, &mut incoming).await?,
                () = until_down(&mut self.shutdown) => self.close(GOING_AWAY, &mut incoming).await?,
                Some(message) = incoming.recv() => self.hear(message, &mut incoming).await?,
                _ = pings.tick() => self.ping().await?,
                _ = changed.changed(), if is_idle => {}
                () = tokio::task::yield_now(), if !is_idle => {}
            }
        }
    }

    pub(super) fn silence(&self) -> Silence {
        let ordered = self.params.faults.iter().map(|fault| match fault {
            Fault::Silent(silence) => *silence,
            _ => Silence::Off,
        });
        ordered.fold(self.params.shared.state().silence, Silence::max)
    }

    async fn hear(
        &mut self,
        message: Incoming,
        incoming: &mut UnboundedReceiver<Incoming>,
    ) -> Result<(), Over> {
        let is_mute = self.silence() == Silence::Total;
        match message {
            Incoming::Gone => return Err(Over),
            Incoming::Pong => self.record().pongs += 1,
            Incoming::Close(code) => {
                self.record().client_close = Some(code);
                if !is_mute {
                    let answer = if code == reader::NO_STATUS { NORMAL } else { code };
                    wire::close(answer, "", &mut self.out);
                    self.flush().await?;
                    return Err(Over);
                }
            }
            _ if is_mute => {}
            Incoming::Ping(payload) => {
                wire::message(wire::PONG, &payload, &mut self.out);
                self.flush().await?;
            }
            Incoming::Broken(code) => self.close(code, incoming).await?,
            Incoming::Text(text) if self.params.version == Version::V1 => match self.update(&text) {
                Ok(()) => self.flush().await?,
                Err(code) => self.close(code, incoming).await?,
            },
            Incoming::Binary if self.params.version == Version::V1 => {}
            Incoming::Text(_) | Incoming::Binary => self.close(POLICY_VIOLATION, incoming).await?,
        }
        Ok(())
    }

    /// Follows a message of a client of v1, or returns the code to close with.
    fn update(&mut self, text: &[u8]) -> Result<(), u16> {
        let message: Value = serde_json::from_slice(text).map_err(|_| INVALID_PAYLOAD)?;
        match message["type"].as_str() {
            Some("options_update") => {
                let filter = Filter::of_update(&message["payload"]).map_err(|_| POLICY_VIOLATION)?;
                self.params.filter = filter;
                self.params.waits_for_hello = false;
            }
            Some("heartbeat") => {
                let payload = message["payload"].as_str().unwrap_or_default();
                self.push(&json!({"kind": "heartbeat", "payload": payload}).to_string());
            }
            _ => {}
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Over> {
        if self.silence() == Silence::Total {
            return Ok(());
        }
        wire::message(wire::PING, b"", &mut self.out);
        self.record().pings += 1;
        self.flush().await
    }

    pub(super) async fn disconnect(
        &mut self,
        how: Disconnect,
        incoming: &mut UnboundedReceiver<Incoming>,
    ) -> Result<(), Over> {
        match how {
            Disconnect::Reset => self.reset().await,
            Disconnect::Close(code) => self.close(code, incoming).await,
            Disconnect::Error(name) => {
                if self.params.version == Version::V2 {
                    self.push(&encode::error(name, "reconnect"));
                    self.flush().await?;
                }
                // Real hosts send no close frame here.
                self.leave(incoming).await
            }
        }
    }

    pub(super) async fn reset(&mut self) -> Result<(), Over> {
        tokio::time::sleep(DELIVERY).await;
        let _ = self.half.as_ref().set_zero_linger();
        self.is_reset = true;
        Err(Over)
    }

    async fn close(&mut self, code: u16, incoming: &mut UnboundedReceiver<Incoming>) -> Result<(), Over> {
        if self.silence() != Silence::Total {
            wire::close(code, "", &mut self.out);
            self.flush().await?;
        }
        self.leave(incoming).await
    }

    /// Waits a moment for the client to leave first, because unread bytes of the client would turn the end into a reset.
    async fn leave(&mut self, incoming: &mut UnboundedReceiver<Incoming>) -> Result<(), Over> {
        let _ = self.half.shutdown().await;
        let leaving = async {
            while let Some(message) = incoming.recv().await {
                match message {
                    Incoming::Close(code) => self.record().client_close = Some(code),
                    Incoming::Gone | Incoming::Broken(_) => return,
                    _ => {}
                }
            }
        };
        let _ = tokio::time::timeout(CLOSE_PATIENCE, leaving).await;
        Err(Over)
    }

    pub(super) fn record(&self) -> MutexGuard<'_, ConnectionRecord> {
        self.params.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn until_down(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|down| *down).await;
}
