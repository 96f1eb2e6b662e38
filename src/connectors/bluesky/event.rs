//! Parses the messages of a Jetstream host.
//!
//! Version 2 wraps events as the lexicon `network.bsky.jetstream.subscribeEvents` defines them; version 1 sends them
//! unwrapped, as the README of `bluesky-social/jetstream` describes.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{EVENT_BYTES_MAX, POSTS};
use crate::connectors::excerpt::excerpt;
use crate::models::new_post::{NewPost, is_language_tag};
use crate::models::post::Author;

/// Message from a Jetstream host.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Message {
    /// Event on the network.
    Event(Event),
    /// The host starts later than requested, for this reason.
    StartsLater(String),
    /// The host closes the connection, for this reason.
    Ends(String),
}

/// Event on the network, with its position and time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// Sequence number that a host of version 2 assigned.
    pub seq: Option<u64>,
    /// Time at which the network received the event.
    pub at: Timestamp,
    /// Change that the event reports.
    pub change: Change,
}

/// Change that an event reports.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// A post was created or edited.
    Post(Box<NewPost>),
    /// The post with this id was deleted.
    PostDeleted(String),
    /// The account with this id was deleted, or its posts must not be shown.
    AuthorGone(String),
    /// A post could not be parsed.
    Unreadable,
    /// An irrelevant event, such as a post with pictures and no text.
    Other,
}

/// Error for a message that cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Parses a message from a host of version 2.
pub(super) fn read_v2(text: &str) -> Result<Message, Unreadable> {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(rename = "$type", borrow)]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        payload: Option<&'a RawValue>,
        #[serde(borrow, default)]
        name: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        error: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        message: Option<Cow<'a, str>>,
    }
    let frame: Frame<'_> = parse(text)?;
    let words = |frame: &Frame<'_>| {
        let parts = [frame.error.as_deref(), frame.name.as_deref(), frame.message.as_deref()];
        excerpt(&parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
    };
    match (frame.kind.as_ref(), frame.payload) {
        ("error", _) => Ok(Message::Ends(words(&frame))),
        ("message", Some(payload)) => read_payload(payload.get()),
        _ => Err(Unreadable),
    }
}

fn read_payload(text: &str) -> Result<Message, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload<'a> {
        #[serde(rename = "$type", borrow)]
        kind: Cow<'a, str>,
        seq: Option<u64>,
        #[serde(borrow, default)]
        did: Cow<'a, str>,
        witnessed_at: Option<Timestamp>,
        time: Option<Timestamp>,
        #[serde(borrow, default)]
        name: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        message: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        account: Option<Account<'a>>,
        #[serde(borrow, default)]
        operation: Cow<'a, str>,
        #[serde(borrow, default)]
        collection: Cow<'a, str>,
        #[serde(borrow, default)]
        rkey: Cow<'a, str>,
        #[serde(borrow, default)]
        record: Option<&'a RawValue>,
    }
    let payload: Payload<'_> = parse(text)?;
    let kind = payload.kind.rsplit('#').next().unwrap_or_default();
    if kind == "info" {
        let parts = [payload.name.as_deref(), payload.message.as_deref()];
        let words = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        return Ok(Message::StartsLater(excerpt(&words)));
    }
    // Older hosts send only `time`.
    let at = payload.witnessed_at.or(payload.time).ok_or(Unreadable)?;
    let Payload { did, account, operation, collection, rkey, record, .. } = payload;
    let change = match kind {
        "commit" => Commit { operation, collection, rkey, record }.change(&did, at),
        "account" => account.map_or(Change::Unreadable, |account| account.change(did)),
        // A `sync` event means that the host sends all current posts of an account again. Posts that the account has
        // deleted in the meantime are not detected.
        _ => Change::Other,
    };
    Ok(Message::Event(Event { seq: payload.seq, at, change }))
}

/// Parses a message from a host of version 1.
pub(super) fn read_v1(text: &str) -> Result<Message, Unreadable> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        did: Cow<'a, str>,
        time_us: i64,
        #[serde(borrow)]
        kind: Cow<'a, str>,
        #[serde(borrow, default)]
        commit: Option<Commit<'a>>,
        #[serde(borrow, default)]
        account: Option<Account<'a>>,
    }
    let line: Line<'_> = parse(text)?;
    let at = Timestamp::from_microsecond(line.time_us).map_err(|_| Unreadable)?;
    let change = match (line.kind.as_ref(), line.commit, line.account) {
        ("commit", Some(commit), _) => commit.change(&line.did, at),
        ("account", _, Some(account)) => account.change(line.did),
        ("commit" | "account", _, _) => Change::Unreadable,
        _ => Change::Other,
    };
    Ok(Message::Event(Event { seq: None, at, change }))
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Unreadable> {
    if text.len() > EVENT_BYTES_MAX {
        return Err(Unreadable);
    }
    serde_json::from_str(text).map_err(|_| Unreadable)
}

/// Status of an account in both versions, as the lexicon `com.atproto.sync.subscribeRepos#account` defines it.
#[derive(Deserialize)]
struct Account<'a> {
    active: Option<bool>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
}

impl Account<'_> {
    /// Returns the change that the event reports. Posts of an inactive account must not be shown, whether the account
    /// was deleted, taken down, suspended or deactivated. Posts written after the account is reactivated are accepted.
    fn change(&self, did: Cow<'_, str>) -> Change {
        // These states concern the server that hosts the account.
        let is_about_the_host = matches!(self.status.as_deref(), Some("desynchronized" | "throttled"));
        match self.active {
            Some(false) if !is_name(&did) => Change::Unreadable,
            Some(false) if !is_about_the_host => Change::AuthorGone(did.into_owned()),
            _ => Change::Other,
        }
    }
}

/// Returns whether a text is a valid id of a post or an author: 1 to 256 bytes of visible ASCII.
fn is_name(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Change of one record, in both versions.
#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow, default)]
    operation: Cow<'a, str>,
    #[serde(borrow, default)]
    collection: Cow<'a, str>,
    #[serde(borrow, default)]
    rkey: Cow<'a, str>,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
}

/// Record of a post, as the lexicon `app.bsky.feed.post` defines it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    created_at: Cow<'a, str>,
    #[serde(borrow, default)]
    langs: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    reply: Option<Reply<'a>>,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    parent: Reference<'a>,
}

#[derive(Deserialize)]
struct Reference<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
}

impl Commit<'_> {
    fn change(&self, did: &str, at: Timestamp) -> Change {
        if self.collection != POSTS {
            return Change::Other;
        }
        let id = format!("at://{did}/{POSTS}/{}", self.rkey);
        if !is_name(&id) {
            return Change::Unreadable;
        }
        match self.operation.as_ref() {
            "create" | "update" => self.post(did, id, at).unwrap_or(Change::Unreadable),
            "delete" => Change::PostDeleted(id),
            _ => Change::Unreadable,
        }
    }

    fn post(&self, did: &str, id: String, at: Timestamp) -> Option<Change> {
        let record: Record<'_> = serde_json::from_str(self.record?.get()).ok()?;
        if record.text.trim().is_empty() {
            return Some(Change::Other);
        }
        let written_at = record.created_at.parse::<Timestamp>().ok();
        Some(Change::Post(Box::new(NewPost {
            url: Some(format!("https://bsky.app/profile/{did}/post/{}", self.rkey)),
            id,
            platform: "bluesky".to_owned(),
            text: record.text.replace('\0', ""),
            author: Some(Author { id: Some(did.to_owned()), ..Author::default() }),
            // Some apps add malformed tags, which is no reason to reject a post.
            lang: record.langs.first().filter(|tag| is_language_tag(tag)).map(|tag| tag.clone().into_owned()),
            // Authors' clocks can be wrong, and a post cannot have been received before it was written.
            created_at: Some(written_at.map_or(at, |written_at| written_at.min(at))),
            parent_id: record.reply.map(|reply| reply.parent.uri.into_owned()),
            ..NewPost::default()
        })))
    }
}

#[cfg(test)]
mod tests;
