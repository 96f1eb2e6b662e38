//! What happens on the network: events that a host is given.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

/// The collection of posts.
const POSTS: &str = "app.bsky.feed.post";

/// An event. Clones have the same revision and CID, so that two hosts can send the same event with their own numbers and
/// times.
#[derive(Debug, Clone)]
pub struct HostEvent {
    pub(super) did: Arc<str>,
    pub(super) detail: Detail,
    /// When the host witnesses it, in microseconds since 1970; otherwise the time at which it is appended.
    pub(super) witnessed_us: Option<i64>,
}

/// What distinguishes the kinds of events.
#[derive(Debug, Clone)]
pub(super) enum Detail {
    Commit(Commit),
    Identity { handle: Arc<str> },
    Account { active: bool, status: Option<&'static str> },
    Sync { rev: u64 },
    Raw(Arc<str>),
}

impl Detail {
    /// The kind on the wire; none for frames that are sent as they are.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Identity { .. } => "identity",
            Self::Account { .. } => "account",
            Self::Sync { .. } => "sync",
            Self::Raw(_) => "",
        }
    }
}

/// A change of one record.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub(super) operation: &'static str,
    pub(super) collection: Cow<'static, str>,
    pub(super) rkey: Box<str>,
    /// As a TID, which `encode` spells out.
    pub(super) rev: u64,
    pub(super) record: Option<Record>,
}

/// A record as JSON text, and what its CID is computed from.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) json: Arc<str>,
    pub(super) hash: u64,
}

impl HostEvent {
    /// A new post. `created_at` is the time that the author's client claims.
    pub fn post(did: impl Into<Arc<str>>, rkey: &str, text: &str, created_at: &str) -> Self {
        Self::record(did, POSTS, rkey, json!({"$type": POSTS, "text": text, "createdAt": created_at}))
    }

    /// A new version of a post, with a new CID.
    pub fn edit(did: impl Into<Arc<str>>, rkey: &str, text: &str, created_at: &str) -> Self {
        let mut event = Self::post(did, rkey, text, created_at);
        if let Detail::Commit(commit) = &mut event.detail {
            commit.operation = "update";
        }
        event
    }

    /// The deletion of a post, which carries neither record nor CID.
    pub fn delete_post(did: impl Into<Arc<str>>, rkey: &str) -> Self {
        let (collection, rkey) = (POSTS.into(), rkey.into());
        let commit = Commit { operation: "delete", collection, rkey, rev: next_rev(), record: None };
        Self::of(did, Detail::Commit(commit))
    }

    /// A new record of any collection and content.
    pub fn record(
        did: impl Into<Arc<str>>,
        collection: impl Into<Cow<'static, str>>,
        rkey: &str,
        record: Value,
    ) -> Self {
        let json = record.to_string();
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        let record = Some(Record { hash: hasher.finish(), json: json.into() });
        let (collection, rkey) = (collection.into(), rkey.into());
        Self::of(
            did,
            Detail::Commit(Commit { operation: "create", collection, rkey, rev: next_rev(), record }),
        )
    }

    /// A change of an account's status: `takendown`, `suspended`, `deleted`, `deactivated`, or none when it is active.
    pub fn account(did: impl Into<Arc<str>>, active: bool, status: Option<&'static str>) -> Self {
        Self::of(did, Detail::Account { active, status })
    }

    /// A change of an account's handle or DID document.
    pub fn identity(did: impl Into<Arc<str>>, handle: impl Into<Arc<str>>) -> Self {
        Self::of(did, Detail::Identity { handle: handle.into() })
    }

    /// A break in an account's chain of commits. v1 never sends it.
    pub fn sync(did: impl Into<Arc<str>>) -> Self {
        Self::of(did, Detail::Sync { rev: next_rev() })
    }

    /// A text frame that is sent as it is to every client of both versions, past all filters. `__SEQ__`, `__TIME__` and
    /// `__TIME_US__` in it become the number and the time of the event. A client that reconnects receives it again.
    pub fn raw(text: impl Into<Arc<str>>) -> Self {
        Self::of("", Detail::Raw(text.into()))
    }

    /// Sets when the host witnesses the event. Times never run backwards: the host moves earlier ones up to the last.
    #[must_use]
    pub fn witnessed_at(mut self, time: Timestamp) -> Self {
        self.witnessed_us = Some(time.as_microsecond());
        self
    }

    fn of(did: impl Into<Arc<str>>, detail: Detail) -> Self {
        Self { did: did.into(), detail, witnessed_us: None }
    }
}

/// The next revision: a TID is the time in microseconds above ten bits that tell clocks apart.
fn next_rev() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = (Timestamp::now().as_microsecond() as u64) << 10;
    let next = |last: u64| Some(now.max(last + (1 << 10)));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or_default();
    now.max(last + (1 << 10))
}
