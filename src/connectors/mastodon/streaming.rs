//! Streaming API of an instance: <https://docs.joinmastodon.org/methods/streaming/>. It has no position and repeats
//! nothing.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::instance::{Instance, may_have_token};
use super::requests::Client;
use super::status::{Entry, Reading, is_local_id};
use super::timeline::Timeline;
use crate::connectors::ConnectorError;
use crate::egress::EgressError;
use crate::egress::websocket::{OpenError, Socket, SocketRequest};

/// Maximum size of a message in bytes. Larger ones are counted but not parsed. A message contains an escaped status.
const EVENT_BYTES_MAX: usize = 512 * 1024;

/// Maximum size of a message in bytes. The connector disconnects from an instance that sends a larger one.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Open stream.
pub(super) struct Connection {
    socket: Socket,
    /// Time at which the last message of any kind was received.
    heard_at: Instant,
}

/// Reason why there is no stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoStream {
    /// The instance does not offer one to this source, so its timelines are polled instead.
    NotOffered(String),
    /// The stream failed and may work later.
    Failed(ConnectorError),
}

/// Message from the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// A status was created or edited.
    Status {
        /// Status in its new version.
        entry: Entry,
        /// Index of the timeline that it belongs to; `None` if it was edited.
        timeline: Option<usize>,
    },
    /// The status with this id on the instance was deleted.
    Deleted(String),
    /// The instance does not stream a timeline, for this reason.
    Refused(String),
    /// The instance reports an error.
    Failed(String),
    /// A message cannot be parsed.
    Unreadable,
    /// An irrelevant message, such as an announcement.
    Other,
}

impl Connection {
    /// Opens a stream of all timelines.
    ///
    /// # Errors
    /// If no stream can be opened.
    pub(super) async fn open(
        client: &Client,
        instance: &Instance,
        timelines: &[Timeline],
    ) -> Result<Self, NoStream> {
        let refused = |error: ConnectorError| NoStream::NotOffered(error.to_string());
        let Some((first, others)) = timelines.split_first() else {
            return Err(NoStream::NotOffered("there is no timeline to stream".to_owned()));
        };
        let is_trusted = may_have_token(&client.base, &instance.streaming);
        if client.token().is_some() && !is_trusted {
            let why = "it is on another host, to which the access token is not sent";
            return Err(NoStream::NotOffered(why.to_owned()));
        }
        let headers = client.token().map(|token| (AUTHORIZATION, token.clone())).into_iter().collect();
        let request = SocketRequest {
            url: first.streaming_url(&instance.streaming).map_err(refused)?,
            headers,
            message_bytes_max: MESSAGE_BYTES_MAX,
        };
        let opening = tokio::time::timeout(client.timeout, client.egress.open(request)).await;
        let mut socket = opening.unwrap_or(Err(EgressError::TimedOut.into())).map_err(no_stream)?;
        for timeline in others {
            let sent = socket.send(Message::text(timeline.subscription().to_string())).await;
            sent.map_err(|error| NoStream::Failed(broken(&error)))?;
        }
        Ok(Self { socket, heard_at: Instant::now() })
    }

    /// Returns the next message; an error once the stream has ended.
    pub(super) async fn next(&mut self) -> Result<Message, ConnectorError> {
        let message = self.socket.next().await;
        self.heard_at = Instant::now();
        match message {
            // The host's reason is not shown, because it may contain anything.
            Some(Ok(Message::Close(frame))) => {
                let code =
                    frame.map_or_else(String::new, |frame| format!(" with code {}", u16::from(frame.code)));
                Err(ConnectorError::Interrupted(format!("the instance closed the stream{code}")))
            }
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(broken(&error)),
            None => Err(ConnectorError::Interrupted("the instance closed the stream".to_owned())),
        }
    }

    /// Returns the reason why the stream counts as broken, or `None` if it does not. Instances send a ping every 30
    /// seconds.
    pub(super) fn silence(&self, longest: Duration) -> Option<ConnectorError> {
        let is_silent = self.heard_at.elapsed() > longest;
        let why = || format!("the stream has been silent for {} s", longest.as_secs());
        is_silent.then(|| ConnectorError::Interrupted(why()))
    }
}

fn broken(error: &tokio_tungstenite::tungstenite::Error) -> ConnectorError {
    ConnectorError::Interrupted(format!("the stream broke: {error}"))
}

/// Converts an error from opening a connection to the reason why there is no stream.
fn no_stream(error: OpenError) -> NoStream {
    let refusal = match error {
        OpenError::Unreached(
            error @ (EgressError::BadUrl | EgressError::NotEncrypted | EgressError::Refused),
        ) => return NoStream::NotOffered(error.to_string()),
        OpenError::Unreached(error) => {
            return NoStream::Failed(ConnectorError::Interrupted(format!("no stream: {error}")));
        }
        OpenError::Refused(refusal) => refusal,
    };
    let said = format!("status {}", refusal.status);
    let message = format!("the instance refused to stream with {said}");
    match refusal.status {
        429 => NoStream::Failed(ConnectorError::RateLimited { message, retry_after: refusal.retry_after }),
        503 if refusal.retry_after > Some(Duration::ZERO) => {
            NoStream::Failed(ConnectorError::RateLimited { message, retry_after: refusal.retry_after })
        }
        408 | 425 => NoStream::Failed(ConnectorError::Interrupted(message)),
        // Any other response comes from a site without a stream at this address.
        ..=499 | 501 => NoStream::NotOffered(said),
        _ => NoStream::Failed(ConnectorError::Interrupted(message)),
    }
}

/// Parses a message; `None` if it only keeps the connection alive.
pub(super) fn read(message: &Message, reading: Reading<'_>, timelines: &[Timeline]) -> Option<Event> {
    match message {
        Message::Text(text) => Some(read_text(text, reading, timelines)),
        Message::Binary(_) => Some(Event::Unreadable),
        _ => None,
    }
}

fn read_text(text: &str, reading: Reading<'_>, timelines: &[Timeline]) -> Event {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow, default)]
        stream: Vec<Cow<'a, str>>,
        #[serde(borrow, default)]
        event: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        payload: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        error: Option<Cow<'a, str>>,
        #[serde(default)]
        status: Option<u16>,
    }
    if text.len() > EVENT_BYTES_MAX {
        return Event::Unreadable;
    }
    // Some servers send an empty message to keep the connection alive.
    if text.trim().is_empty() {
        return Event::Other;
    }
    let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
        return Event::Unreadable;
    };
    if frame.error.is_some() {
        return match frame.status {
            Some(status @ 400..=499) => Event::Refused(format!("status {status}")),
            _ => Event::Failed("the instance reported an error in the stream".to_owned()),
        };
    }
    let payload = frame.payload.as_deref();
    match (frame.event.as_deref(), payload) {
        (Some("update"), Some(payload)) => {
            let named = timelines.iter().position(|timeline| timeline.is_named(&frame.stream));
            // A message that names no timeline belongs to the only one.
            let timeline = named.or((timelines.len() == 1).then_some(0));
            Event::Status { entry: reading.status(payload), timeline }
        }
        (Some("status.update"), Some(payload)) => {
            Event::Status { entry: reading.status(payload), timeline: None }
        }
        (Some("delete"), Some(id)) if is_local_id(id) => Event::Deleted(id.to_owned()),
        (Some("update" | "status.update" | "delete") | None, _) => Event::Unreadable,
        (Some(_), _) => Event::Other,
    }
}

#[cfg(test)]
mod tests;
