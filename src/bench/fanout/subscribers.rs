//! The subscribers, in a process of their own: their CPU time must not count as the server's, and one process cannot
//! open both ends of this many connections.
//!
//! The process executes commands from standard input and answers each with one line: `count` resets the tally,
//! `report` prints it. It exits when its input ends.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::websocket_protocol::{Incoming, Protocol, Stamp};

/// Maximum number of concurrent handshakes; more would only queue in the server.
const HANDSHAKES: usize = 64;

/// Read buffer per connection, in bytes. The default of 128 KiB would exceed the machine's memory.
const READ_BUFFER_BYTES: usize = 4_096;

/// How long the server may take to confirm a subscription.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest latency that the histogram can represent, in microseconds.
const LATE_MAX: u64 = 60_000_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Options for `bench fanout-client`.
#[derive(Debug, Clone, clap::Args)]
pub struct ClientParams {
    /// WebSocket URL of the server, `ws://…`
    #[arg(long)]
    url: String,
    /// Protocol that the server speaks
    #[arg(long, value_enum)]
    dialect: Protocol,
    /// Number of subscribers to connect
    #[arg(long = "connections")]
    n_connections: usize,
}

/// Messages that the subscribers received since the last reset.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Tally {
    /// Number of messages received, across all subscribers.
    pub n_received: u64,
    /// Number of messages that arrived twice or out of order.
    pub n_disordered: u64,
    /// Number of connections that broke.
    pub n_ended: u64,
    /// Size in bytes of the last message received.
    pub frame_bytes: usize,
    /// Median time from publication to receipt, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the time from publication to receipt, in milliseconds.
    pub p99_ms: f64,
    /// Maximum time from publication to receipt, in milliseconds.
    pub max_ms: f64,
}

/// Returns the time in microseconds since 1970, according to the clock that all processes on this machine share.
pub fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// Connects the subscribers, prints `ready`, and executes commands until the input ends.
///
/// # Errors
/// If a connection is refused.
pub async fn run(params: ClientParams) -> anyhow::Result<()> {
    let tally = Arc::new(SharedTally::new()?);
    let connections = futures_util::stream::iter(0..params.n_connections)
        .map(|_| connect(&params))
        .buffer_unordered(HANDSHAKES)
        .try_for_each(|socket| {
            tokio::spawn(listen(socket, params.dialect, Arc::clone(&tally)));
            std::future::ready(Ok(()))
        });
    connections.await?;
    reply("ready")?;
    while let Some(command) = next_command().await? {
        match command.as_str() {
            "count" => {
                tally.forget();
                reply("counting")?;
            }
            "report" => reply(&serde_json::to_string(&tally.tally())?)?,
            other => anyhow::bail!("unknown command `{other}`"),
        }
    }
    Ok(())
}

async fn next_command() -> anyhow::Result<Option<String>> {
    let reading = tokio::task::spawn_blocking(|| std::io::stdin().lines().next().transpose());
    Ok(reading.await??)
}

fn reply(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Connects one subscriber and waits until its subscription is confirmed.
async fn connect(params: &ClientParams) -> anyhow::Result<Socket> {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let connecting = connect_async_with_config(&params.url, Some(config), true);
    let (mut socket, _) = connecting.await.with_context(|| format!("cannot connect to `{}`", params.url))?;
    let Some(greeting) = params.dialect.greeting() else {
        return Ok(socket);
    };
    socket.send(Message::text(greeting)).await?;
    let confirmed = async {
        while let Some(message) = socket.next().await {
            if matches!(message?, Message::Text(text) if params.dialect.parse(&text) == Incoming::Ready) {
                return Ok(());
            }
        }
        anyhow::bail!("the connection ended before the subscription was confirmed")
    };
    tokio::time::timeout(CONFIRMATION_TIMEOUT, confirmed)
        .await
        .context("the subscription was not confirmed in time")??;
    Ok(socket)
}

async fn listen(mut socket: Socket, dialect: Protocol, tally: Arc<SharedTally>) {
    let mut last = None;
    // Pings are answered only while the stream is read.
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        match dialect.parse(&text) {
            Incoming::Message(stamp) => {
                let in_order = last.is_none_or(|last| stamp.number == 0 || stamp.number == last + 1);
                last = Some(stamp.number);
                tally.note(stamp, Frame { in_order, n_bytes: text.len() });
            }
            Incoming::ReplyWith(response) if socket.send(Message::text(response)).await.is_err() => break,
            Incoming::ReplyWith(_) | Incoming::Ready | Incoming::Other => {}
        }
    }
    tally.with(|tally| tally.n_ended += 1);
}

struct Frame {
    in_order: bool,
    n_bytes: usize,
}

/// The tally that all subscribers of this process share.
struct SharedTally(Mutex<TallyState>);

struct TallyState {
    late_us: Histogram<u64>,
    n_disordered: u64,
    n_ended: u64,
    frame_bytes: usize,
}

impl SharedTally {
    fn new() -> anyhow::Result<Self> {
        let late_us = Histogram::new_with_bounds(1, LATE_MAX, 3)?;
        Ok(Self(Mutex::new(TallyState { late_us, n_disordered: 0, n_ended: 0, frame_bytes: 0 })))
    }

    fn with<R>(&self, change: impl FnOnce(&mut TallyState) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, stamp: Stamp, frame: Frame) {
        let late_us = now_us().saturating_sub(stamp.sent_at).max(1);
        self.with(|tally| {
            tally.late_us.saturating_record(late_us);
            tally.n_disordered += u64::from(!frame.in_order);
            tally.frame_bytes = frame.n_bytes;
        });
    }

    fn forget(&self) {
        self.with(|tally| {
            tally.late_us.reset();
            tally.n_disordered = 0;
        });
    }

    fn tally(&self) -> Tally {
        self.with(|tally| {
            let ms = |quantile: f64| tally.late_us.value_at_quantile(quantile) as f64 / 1_000.0;
            Tally {
                n_received: tally.late_us.len(),
                n_disordered: tally.n_disordered,
                n_ended: tally.n_ended,
                frame_bytes: tally.frame_bytes,
                p50_ms: ms(0.5),
                p99_ms: ms(0.99),
                max_ms: tally.late_us.max() as f64 / 1_000.0,
            }
        })
    }
}
