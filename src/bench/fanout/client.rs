//! The subscribers, in a process of their own: what they use must not count as the server's, and one process cannot
//! open both ends of so many connections.
//!
//! It obeys lines of standard input and answers each with one line: `count` forgets what was heard so far, `report` tells
//! it. The end of the input ends it.

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

use super::wire::{Dialect, Heard, Stamp};

/// Connections that are made at the same time: more would only wait in the server's queue of handshakes.
const HANDSHAKES: usize = 64;

/// The default of 128 KiB a connection would be more than the machine has.
const READ_BUFFER_BYTES: usize = 4_096;

/// How long a subscription may take to be confirmed.
const CONFIRMATION_PATIENCE: Duration = Duration::from_secs(30);

/// The longest time that is told apart from longer ones, in microseconds.
const LATE_MAX: u64 = 60_000_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Who is to be connected to what.
#[derive(Debug, Clone, clap::Args)]
pub struct ClientParams {
    /// Where to connect, `ws://…`
    #[arg(long)]
    url: String,
    /// What is spoken there
    #[arg(long, value_enum)]
    dialect: Dialect,
    /// How many subscribers
    #[arg(long = "connections")]
    n_connections: usize,
}

/// What the subscribers heard since they were told to count.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Tally {
    /// Messages, over all subscribers.
    pub n_heard: u64,
    /// Messages that came again or out of order.
    pub n_disordered: u64,
    /// Connections that ended.
    pub n_ended: u64,
    /// Bytes of the last message as it came.
    pub frame_bytes: usize,
    /// From sending to hearing, half of all, in milliseconds.
    pub p50_ms: f64,
    /// The same, 99 of 100.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

/// Microseconds since 1970, as all processes of this machine count them.
pub fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

/// Connects, says `ready`, and obeys until the input ends.
///
/// # Errors
/// When a connection is refused.
pub async fn run(params: ClientParams) -> anyhow::Result<()> {
    let ear = Arc::new(Ear::new()?);
    let connections = futures_util::stream::iter(0..params.n_connections)
        .map(|_| connect(&params))
        .buffer_unordered(HANDSHAKES)
        .try_for_each(|socket| {
            tokio::spawn(listen(socket, params.dialect, Arc::clone(&ear)));
            std::future::ready(Ok(()))
        });
    connections.await?;
    say("ready")?;
    while let Some(order) = next_order().await? {
        match order.as_str() {
            "count" => {
                ear.forget();
                say("counting")?;
            }
            "report" => say(&serde_json::to_string(&ear.tally())?)?,
            other => anyhow::bail!("`{other}` is no order"),
        }
    }
    Ok(())
}

async fn next_order() -> anyhow::Result<Option<String>> {
    let reading = tokio::task::spawn_blocking(|| std::io::stdin().lines().next().transpose());
    Ok(reading.await??)
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// A subscriber whose subscription is confirmed.
async fn connect(params: &ClientParams) -> anyhow::Result<Socket> {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let connecting = connect_async_with_config(&params.url, Some(config), true);
    let (mut socket, _) = connecting.await.with_context(|| format!("no socket at `{}`", params.url))?;
    let Some(greeting) = params.dialect.greeting() else {
        return Ok(socket);
    };
    socket.send(Message::text(greeting)).await?;
    let confirmed = async {
        while let Some(message) = socket.next().await {
            if matches!(message?, Message::Text(text) if params.dialect.hear(&text) == Heard::Ready) {
                return Ok(());
            }
        }
        anyhow::bail!("the connection ended before it was subscribed")
    };
    tokio::time::timeout(CONFIRMATION_PATIENCE, confirmed)
        .await
        .context("nothing confirms a subscription")??;
    Ok(socket)
}

async fn listen(mut socket: Socket, dialect: Dialect, ear: Arc<Ear>) {
    let mut last = None;
    // Pings are answered by reading on.
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        match dialect.hear(&text) {
            Heard::Message(stamp) => {
                let in_order = last.is_none_or(|last| stamp.number == 0 || stamp.number == last + 1);
                last = Some(stamp.number);
                ear.note(stamp, Frame { in_order, n_bytes: text.len() });
            }
            Heard::Answer(answer) if socket.send(Message::text(answer)).await.is_err() => break,
            Heard::Answer(_) | Heard::Ready | Heard::Other => {}
        }
    }
    ear.with(|noted| noted.n_ended += 1);
}

struct Frame {
    in_order: bool,
    n_bytes: usize,
}

/// What all subscribers hear.
struct Ear(Mutex<Noted>);

struct Noted {
    late_us: Histogram<u64>,
    n_disordered: u64,
    n_ended: u64,
    frame_bytes: usize,
}

impl Ear {
    fn new() -> anyhow::Result<Self> {
        let late_us = Histogram::new_with_bounds(1, LATE_MAX, 3)?;
        Ok(Self(Mutex::new(Noted { late_us, n_disordered: 0, n_ended: 0, frame_bytes: 0 })))
    }

    fn with<R>(&self, change: impl FnOnce(&mut Noted) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, stamp: Stamp, frame: Frame) {
        let late_us = now_us().saturating_sub(stamp.sent_at).max(1);
        self.with(|noted| {
            noted.late_us.saturating_record(late_us);
            noted.n_disordered += u64::from(!frame.in_order);
            noted.frame_bytes = frame.n_bytes;
        });
    }

    fn forget(&self) {
        self.with(|noted| {
            noted.late_us.reset();
            noted.n_disordered = 0;
        });
    }

    fn tally(&self) -> Tally {
        self.with(|noted| {
            let ms = |quantile: f64| noted.late_us.value_at_quantile(quantile) as f64 / 1_000.0;
            Tally {
                n_heard: noted.late_us.len(),
                n_disordered: noted.n_disordered,
                n_ended: noted.n_ended,
                frame_bytes: noted.frame_bytes,
                p50_ms: ms(0.5),
                p99_ms: ms(0.99),
                max_ms: noted.late_us.max() as f64 / 1_000.0,
            }
        })
    }
}
