//! Bluesky, read through a Jetstream host: <https://github.com/bluesky-social/jetstream>.
//!
//! The connector tries version 2 (`network.bsky.jetstream.subscribeEvents`) first. Its cursor is inclusive and belongs
//! to one host; on another host, reading continues from the time at which the network received an event
//! (`witnessedAt`). If the host does not support version 2, the connector uses version 1 (`/subscribe`), whose cursor
//! is a time in microseconds.

mod event; // messages of a host, read
mod requests; // URLs to ask a host for, and what its refusals mean

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite;

use super::excerpt::excerpt;
use super::silence::{Rate, SilenceLimits};
use super::{Batch, Connector, ConnectorError, Erasure};
use crate::egress::Egress;
use crate::egress::websocket::{Socket, SocketRequest};
use crate::models::source::{Checkpoint, SourceGap, SourceSettings};
use event::{Change, Event, Message};
use requests::{Start, Version};

/// Collection of the records that are posts.
const POSTS: &str = "app.bsky.feed.post";

/// Default host.
const DEFAULT_HOST: &str = "https://jetstream.us-west.bsky.network";

/// Maximum size of an event in bytes. A post takes a few kilobytes. Larger events are counted but not parsed.
const EVENT_BYTES_MAX: usize = 256 * 1024;

/// Maximum size of a message in bytes. The connector disconnects from a host that sends a larger one.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Total size of messages in bytes at which a batch is complete.
const BATCH_BYTES_MAX: usize = 8 << 20;

/// Maximum number of attempts to open a connection. A host can refuse only an unknown version and an old cursor.
const REQUESTS_MAX: usize = 4;

/// How long version 1 is used before the connector tries version 2 again.
const STAYS_V1: Duration = Duration::from_secs(3_600);

/// Earliest plausible time of an event, which is before Jetstream existed.
const EARLIEST: Timestamp = Timestamp::constant(1_577_836_800, 0);

/// Maximum time by which a host's clock may be ahead.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of events in a batch.
const BATCH_EVENTS_MAX: usize = 2_000;

/// How long to collect events after the first one, so that each batch costs one round trip to Redis.
const GATHER: Duration = Duration::from_millis(20);

/// How long to wait for the first event of a batch.
const WAIT: Duration = Duration::from_secs(1);

/// Age of a position beyond which a host of version 1 may no longer have the events that follow it. The host then
/// starts later without saying so.
const CLAMPED_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Length of a gap after such a position that indicates missing posts.
const CLAMPED_SILENCE: SignedDuration = SignedDuration::from_mins(5);

/// Limits beyond which a connection counts as broken. Hosts send a ping every 30 seconds.
const SILENCE_LIMITS: SilenceLimits = SilenceLimits {
    without_messages: Duration::from_secs(75),
    without_events: Duration::from_secs(60),
    without_events_factor: 100,
};

/// Connector that reads from one Jetstream host.
pub struct Bluesky {
    egress: Egress,
    host: Url,
    version: Version,
    /// Time at which the host last refused version 2.
    v1_since: Option<Instant>,
    limits: SilenceLimits,
    /// Usual rate of events.
    rate: Rate,
    /// Position after the last batch.
    position: Checkpoint,
    connection: Option<Connection>,
    /// Messages that were received but not yet yielded.
    received: VecDeque<Result<Message, event::Unreadable>>,
    /// Error that broke the connection after those messages.
    broken: Option<ConnectorError>,
    /// Start of a gap and its cause. The next event marks its end.
    gap: Option<(Timestamp, String)>,
}

struct Connection {
    socket: Socket,
    /// Time at which the last message of any kind was received.
    heard_at: Instant,
    /// Time at which the last event was received.
    event_at: Instant,
    /// Whether no event has been received since the connection was opened.
    is_fresh: bool,
}

impl Bluesky {
    /// Creates a connector that continues after `position`.
    ///
    /// # Errors
    /// If the address in the settings is not a URL that may be reached.
    pub fn new(
        egress: Egress,
        settings: &SourceSettings,
        position: Checkpoint,
    ) -> Result<Self, ConnectorError> {
        let base_url = settings.base_url.as_deref().unwrap_or(DEFAULT_HOST);
        let host = egress.check(base_url).map_err(|error| ConnectorError::Refused(error.to_string()))?;
        Ok(Self {
            egress,
            host,
            version: Version::V2,
            v1_since: None,
            limits: SILENCE_LIMITS,
            rate: Rate::default(),
            position,
            connection: None,
            received: VecDeque::new(),
            broken: None,
            gap: None,
        })
    }

    /// Replaces the limits on silence.
    pub fn with_silence_limits(self, limits: SilenceLimits) -> Self {
        Self { limits, ..self }
    }

    /// Opens a connection and closes it again. Returns a description of the result.
    ///
    /// # Errors
    /// If the connection cannot be opened.
    pub async fn test(mut self) -> Result<String, ConnectorError> {
        self.connect().await?;
        let version = match self.version {
            Version::V2 => 2,
            Version::V1 => 1,
        };
        Ok(format!("connected; no key is required (Jetstream version {version})"))
    }

    async fn next(&mut self) -> Result<Batch, ConnectorError> {
        if self.received.is_empty() {
            if let Some(broken) = self.broken.take() {
                self.connection = None;
                return Err(broken);
            }
            if self.connection.is_none() {
                self.connect().await?;
            }
            self.receive().await;
        }
        let batch = self.batch();
        match self.broken.take_if(|_| batch.is_empty()) {
            Some(broken) => {
                self.connection = None;
                Err(broken)
            }
            None => Ok(batch),
        }
    }

    /// Opens a connection from the current position, in the newest version that the host supports.
    async fn connect(&mut self) -> Result<(), ConnectorError> {
        if self.v1_since.is_some_and(|since| since.elapsed() > STAYS_V1) {
            (self.version, self.v1_since) = (Version::V2, None);
        }
        let mut start = Start::at(&self.host, self.version, &self.position);
        for _ in 0..REQUESTS_MAX {
            let request = SocketRequest {
                url: requests::url(&self.host, self.version, start)?,
                headers: Vec::new(),
                message_bytes_max: MESSAGE_BYTES_MAX,
            };
            let refusal = match self.egress.open(request).await {
                Ok(socket) => {
                    let now = Instant::now();
                    self.connection =
                        Some(Connection { socket, heard_at: now, event_at: now, is_fresh: true });
                    return Ok(());
                }
                Err(error) => requests::refusal(error, self.version, start)?,
            };
            match refusal {
                requests::Refusal::UnknownVersion => {
                    (self.version, self.v1_since) = (Version::V1, Some(Instant::now()));
                    start = Start::at(&self.host, self.version, &self.position);
                }
                requests::Refusal::CursorTooOld { floor, message } => {
                    // Starts at the oldest event that the host has, or now if the host does not name it.
                    let next = floor.map_or(Start::Now, Start::Seq);
                    if next == start {
                        return Err(ConnectorError::Interrupted(message));
                    }
                    // The events after the position may still be available, although those in the overlap before it are
                    // not.
                    if floor.is_none_or(|floor| self.position.cursor.is_none_or(|seq| floor > seq + 1)) {
                        self.declare_gap(message);
                    }
                    start = next;
                }
            }
        }
        Err(ConnectorError::Interrupted("the host rejects every position that it suggests".to_owned()))
    }

    /// Returns whether the source has never received anything and was created too recently to have missed anything.
    fn is_new(&self) -> bool {
        self.position.host.is_none() && Timestamp::now().duration_since(self.position.at) < CLAMPED_AFTER
    }

    /// Records a gap that starts at the current position.
    fn declare_gap(&mut self, reason: String) {
        self.gap.get_or_insert((self.position.at, reason));
    }

    /// Receives messages until a batch is complete, the time is up, or the connection breaks.
    async fn receive(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let mut until = Instant::now() + WAIT;
        let mut n_bytes = 0;
        while self.received.len() < BATCH_EVENTS_MAX && n_bytes < BATCH_BYTES_MAX {
            let Ok(message) = tokio::time::timeout_at(until, connection.socket.next()).await else {
                break;
            };
            let now = Instant::now();
            connection.heard_at = now;
            let text = match message {
                Some(Ok(tungstenite::Message::Text(text))) => text,
                // The socket answers pings by itself while it is being read.
                Some(Ok(tungstenite::Message::Ping(_) | tungstenite::Message::Pong(_))) => continue,
                Some(Ok(tungstenite::Message::Close(frame))) => {
                    let words = frame.map_or_else(String::new, |frame| {
                        format!(" with code {}: {}", u16::from(frame.code), excerpt(&frame.reason))
                    });
                    self.broken =
                        Some(ConnectorError::Interrupted(format!("the host closed the connection{words}")));
                    break;
                }
                Some(Ok(_)) => {
                    self.received.push_back(Err(event::Unreadable));
                    continue;
                }
                Some(Err(error)) => {
                    self.broken = Some(ConnectorError::Interrupted(format!("the connection broke: {error}")));
                    break;
                }
                None => {
                    self.broken =
                        Some(ConnectorError::Interrupted("the host closed the connection".to_owned()));
                    break;
                }
            };
            if self.received.is_empty() {
                until = now + GATHER;
            }
            n_bytes += text.len();
            self.rate.observe(now.duration_since(connection.event_at));
            connection.event_at = now;
            self.received.push_back(match self.version {
                Version::V2 => event::read_v2(&text),
                Version::V1 => event::read_v1(&text),
            });
        }
        if self.received.is_empty() && self.broken.is_none() {
            let (heard, event) = (connection.heard_at.elapsed(), connection.event_at.elapsed());
            self.broken = self.limits.broken(&self.rate, heard, event).map(ConnectorError::Interrupted);
        }
    }

    /// Returns the received messages as a batch.
    fn batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        let before = self.position.clone();
        while let Some(message) = self.received.pop_front() {
            match message {
                Ok(Message::Event(event)) => self.take(event, &mut batch),
                // Posts published just before a new source was created are not missing.
                Ok(Message::StartsLater(_)) if self.is_new() => {}
                Ok(Message::StartsLater(why)) => {
                    self.declare_gap(why);
                    // The host may have restarted its sequence numbers, and then the old position would never be
                    // reached.
                    self.position.cursor = None;
                }
                Ok(Message::Ends(why)) => {
                    self.broken =
                        Some(ConnectorError::Interrupted(format!("the host ended the connection: {why}")));
                }
                Err(event::Unreadable) => batch.n_unreadable += 1,
            }
        }
        if self.position != before {
            batch.checkpoint = Some(self.position.clone());
        }
        batch
    }

    fn take(&mut self, event: Event, batch: &mut Batch) {
        let Event { seq, at, change } = event;
        let now = Timestamp::now();
        if at < EARLIEST || at.duration_since(now) > AHEAD_MAX {
            // No host could continue from such a position.
            batch.n_unreadable += 1;
            return;
        }
        let is_fresh = self.connection.as_mut().is_some_and(|it| std::mem::take(&mut it.is_fresh));
        let (age, silence) = (now.duration_since(self.position.at), at.duration_since(self.position.at));
        if is_fresh && self.version == Version::V1 && age > CLAMPED_AFTER && silence > CLAMPED_SILENCE {
            self.declare_gap("the host may no longer have had all posts".to_owned());
        }
        if let Some((from, reason)) = self.gap.take() {
            batch.gap = Some(SourceGap { from: from.min(at), to: from.max(at), reason });
        }
        match change {
            Change::Post(post) => batch.posts.push(*post),
            Change::PostDeleted(id) => batch.erasures.push(Erasure::Post(id)),
            Change::AuthorGone(id) => batch.erasures.push(Erasure::Author { id, at }),
            Change::Unreadable => batch.n_unreadable += 1,
            Change::Other => {}
        }
        batch.lag = Some(Duration::try_from(now.duration_since(at)).unwrap_or_default());
        let is_same_count =
            self.version == Version::V2 && self.position.host.as_deref() == Some(self.host.as_str());
        // A host may reorder neighbouring events.
        let cursor = if is_same_count { self.position.cursor.max(seq) } else { seq };
        self.position = Checkpoint {
            host: Some(self.host.to_string()),
            cursor,
            ..Checkpoint::at(at.max(self.position.at))
        };
    }
}

impl Connector for Bluesky {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Batch, ConnectorError>> {
        self.next().boxed()
    }
}
