//! Who hears what: channels, subscriptions to them, and the messages that they bring.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::status::Status;
use super::{Access, FeedAccess, Instance};
use crate::support::web::{Reply, Request, Response};

/// What happens on an instance.
pub enum Event {
    Added(Box<Status>),
    Edited(Box<Status>),
    Deleted(Box<Status>),
    /// A whole message to everybody.
    Raw(String),
}

/// What a client has subscribed to, and how far it has heard.
#[derive(Debug, Default)]
pub struct Subscriptions {
    channels: Vec<Channel>,
    n_heard: usize,
    ready: VecDeque<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Channel {
    /// As the client asked for it.
    stream: Vec<String>,
    /// In lower case, of hashtags only.
    tag: Option<String>,
    has_local: bool,
    has_remote: bool,
}

impl Channel {
    fn parse(name: &str, tag: Option<&str>) -> Result<Self, &'static str> {
        let stream: Vec<String> = [Some(name), tag].into_iter().flatten().map(str::to_owned).collect();
        let (kind, scope) = name.split_once(':').unwrap_or((name, ""));
        let tag = match (kind, tag) {
            ("public", _) => None,
            ("hashtag", Some(tag)) if !tag.is_empty() => Some(tag.to_lowercase()),
            ("hashtag", _) => return Err("Missing tag name parameter"),
            _ => return Err("Unknown stream type"),
        };
        let (has_local, has_remote) = match (kind, scope) {
            (_, "") => (true, true),
            (_, "local") => (true, false),
            ("public", "remote") => (false, true),
            _ => return Err("Unknown stream type"),
        };
        // Only hashtags have a second name.
        let stream = if tag.is_some() { stream } else { vec![name.to_owned()] };
        Ok(Self { stream, tag, has_local, has_remote })
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.tag, self.has_local, self.has_remote) == (&other.tag, other.has_local, other.has_remote)
    }

    fn has(&self, status: &Status) -> bool {
        let is_in_scope = if status.is_local { self.has_local } else { self.has_remote };
        let is_in_feed = match &self.tag {
            Some(tag) => status.visibility == "public" && status.tags.iter().any(|it| it == tag),
            None => status.is_in_public_feed(),
        };
        is_in_scope && (is_in_feed || status.raw.is_some())
    }

    fn access(&self, instance: &Instance, is_local: bool) -> Access {
        let FeedAccess { local, remote } = match self.tag {
            Some(_) => instance.options.hashtag_feeds,
            None => instance.options.live_feeds,
        };
        if is_local { local } else { remote }
    }
}

impl Instance {
    pub(super) fn open_stream(&mut self, request: &Request) -> Reply<Subscriptions> {
        if request.path == "/api/v1/streaming/health" {
            return Response::text(200, "text/plain", "OK").into();
        }
        let message = match self.authenticate(request) {
            Ok(true) => None,
            Ok(false) => Some("Missing access token"),
            Err(()) => Some("Invalid access token"),
        };
        if let Some(message) = message {
            return Response::text(401, "text/plain", "").header("x-error-message", message).into();
        }
        let n_heard = self.events.len();
        let mut subscriptions = Subscriptions { n_heard, ..Subscriptions::default() };
        if let Some(name) = request.param("stream") {
            let refused = subscribe(&mut subscriptions, name, request.param("tag"));
            subscriptions.ready.extend(refused);
        }
        Reply::WebSocket(subscriptions)
    }

    /// Follows a message of a client. What the software does not understand, it ignores.
    pub(super) fn subscribe_as_told(&mut self, to: &mut Subscriptions, message: &str) -> Option<String> {
        let message: Value = serde_json::from_str(message).ok()?;
        let first = |value: &Value| match value {
            Value::Array(values) => values.first().and_then(Value::as_str).map(str::to_owned),
            value => value.as_str().map(str::to_owned),
        };
        let (name, tag) = (first(&message["stream"]).unwrap_or_default(), first(&message["tag"]));
        match message["type"].as_str()? {
            "subscribe" => subscribe(to, &name, tag.as_deref()),
            "unsubscribe" => match Channel::parse(&name, tag.as_deref()) {
                Ok(channel) => {
                    to.channels.retain(|it| !it.is_same(&channel));
                    None
                }
                Err(_) => Some(json!({"error": "Error unsubscribing from channel"}).to_string()),
            },
            _ => None,
        }
    }

    pub(super) fn next_event(&mut self, subscriptions: &mut Subscriptions) -> Option<String> {
        while subscriptions.ready.is_empty() {
            let event = self.events.get(subscriptions.n_heard)?;
            subscriptions.n_heard += 1;
            let messages = subscriptions.channels.iter().filter_map(|channel| self.message(channel, event));
            let messages: Vec<String> = messages.collect();
            // Whoever has subscribed twice does not hear garbage twice.
            let n = if matches!(event, Event::Raw(_)) { 1 } else { messages.len() };
            subscriptions.ready.extend(messages.into_iter().take(n));
        }
        subscriptions.ready.pop_front()
    }

    /// Returns what a channel brings of an event. Feeds that are disabled still bring deletions.
    fn message(&self, channel: &Channel, event: &Event) -> Option<String> {
        let (name, status, payload) = match event {
            Event::Added(status) => ("update", status, self.json(status)),
            Event::Edited(status) => ("status.update", status, self.json(status)),
            Event::Deleted(status) => ("delete", status, self.id(status).to_string()),
            Event::Raw(message) => return Some(message.clone()),
        };
        let is_shown = name == "delete" || channel.access(self, status.is_local) != Access::Disabled;
        let message = || json!({"stream": channel.stream, "event": name, "payload": payload}).to_string();
        (is_shown && channel.has(status)).then(message)
    }
}

/// Subscribes to a channel, at most once. Returns the refusal, if it is refused.
fn subscribe(to: &mut Subscriptions, name: &str, tag: Option<&str>) -> Option<String> {
    match Channel::parse(name, tag) {
        Ok(channel) if to.channels.iter().any(|it| it.is_same(&channel)) => None,
        Ok(channel) => {
            to.channels.push(channel);
            None
        }
        Err(message) => Some(error(message, 400)),
    }
}

/// Returns an error message of a stream.
pub(super) fn error(message: &str, status: u16) -> String {
    json!({"error": message, "status": status}).to_string()
}

/// Refuses an upgrade: without a body, and with the reason in a header.
pub(super) fn refusal(status: u16, wait_s: Option<u64>) -> Response {
    let refusal = match status {
        401 => Response::text(401, "text/plain", "").header("x-error-message", "Invalid access token"),
        500 => {
            Response::text(500, "text/plain", "").header("x-error-message", "An unexpected error occurred")
        }
        // Anything else comes from the proxy before it.
        _ => Response::text(status, "text/html", "<html><body>nginx</body></html>"),
    };
    match wait_s {
        Some(seconds) => refusal.header("retry-after", seconds),
        None => refusal,
    }
}
