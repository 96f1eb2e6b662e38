//! Answers of the host, read: pages of posts and comments. Each thing is read by itself, so that a broken one costs none
//! of the others.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::name::{Kind, Name};
use crate::connectors::fingerprint::fingerprint;
use crate::connectors::item_fields::{bounded, count, engagement, if_readable, plain};
use crate::models::new_post::{MAX_TEXT_CHARS, NewPost};
use crate::models::post::{Author, Engagement};

/// Maximum size of a thing in bytes. A post of 40,000 characters takes 300 kB at most.
const THING_BYTES_MAX: usize = 512 << 10;

/// Maximum length of an author's id or name in bytes. Reddit allows names of 20 characters.
const AUTHOR_BYTES_MAX: usize = 64;

/// Maximum length of the path of a post or comment in bytes.
const PATH_BYTES_MAX: usize = 1_024;

/// Maximum length of a name that pages are asked by, in bytes.
const AFTER_BYTES_MAX: usize = 64;

/// What stands for an author who can no longer be named.
const NOBODY: &str = "[deleted]";

/// Page of things.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page {
    /// Things, in the order of the host.
    pub things: Vec<Result<Thing, Unreadable>>,
    /// What the next page begins after; `None` if this is the last one.
    pub after: Option<String>,
}

/// Thing that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Fingerprint that tells it from others.
    pub key: u64,
}

/// Post or comment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thing {
    pub name: Name,
    pub created_at: Timestamp,
    /// Fingerprint of what it says.
    pub content: u32,
    /// The post; `None` if it was deleted or removed, or its author was.
    pub post: Option<NewPost>,
}

#[derive(Deserialize)]
struct RawListing<'a> {
    kind: String,
    #[serde(borrow)]
    data: RawPage<'a>,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    after: Option<String>,
    #[serde(borrow)]
    children: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Child {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    name: String,
    created_utc: f64,
    /// Of a post.
    title: Option<String>,
    /// Of a post.
    selftext: Option<String>,
    /// Of a comment.
    body: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    author: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    author_fullname: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    permalink: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    parent_id: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    removed_by_category: Option<String>,
    score: Option<Value>,
    num_comments: Option<Value>,
    num_crossposts: Option<Value>,
}

/// Reads a page. Returns `None` if it is no page of the API.
pub(super) fn page(body: &[u8], now: Timestamp) -> Option<Page> {
    let RawListing { kind, data } = serde_json::from_slice(body).ok()?;
    if kind != "Listing" {
        return None;
    }
    let thing = |raw: &RawValue| {
        let fits = raw.get().len() <= THING_BYTES_MAX;
        let read = fits.then(|| thing(raw.get(), now)).flatten();
        read.ok_or_else(|| Unreadable { key: fingerprint([raw.get()]) })
    };
    Some(Page {
        things: data.children.into_iter().map(thing).collect(),
        after: data.after.filter(|after| !after.is_empty() && after.len() <= AFTER_BYTES_MAX),
    })
}

fn thing(raw: &str, now: Timestamp) -> Option<Thing> {
    let Child { data } = serde_json::from_str(raw).ok()?;
    let name = Name::read(&data.name)?;
    let created_at = SignedDuration::try_from_secs_f64(data.created_utc).ok();
    let created_at = Timestamp::from_duration(created_at?).ok()?.min(now);
    if data.is_gone() {
        return Some(Thing { name, created_at, content: 0, post: None });
    }
    let text = data.text(name.kind)?;
    // Half of a fingerprint tells texts apart as well.
    let content = u32::try_from(fingerprint([text.as_str()]) >> u32::BITS).unwrap_or_default();
    let post = NewPost {
        id: name.to_string(),
        platform: "reddit".to_owned(),
        created_at: Some(created_at),
        url: data.url(),
        author: data.author(),
        parent_id: data.parent_id.as_deref().and_then(Name::read).map(|parent| parent.to_string()),
        engagement: engagement(Engagement {
            likes: data.score.as_ref().and_then(count),
            comments: data.num_comments.as_ref().and_then(count),
            shares: data.num_crossposts.as_ref().and_then(count),
            views: None,
        }),
        text: bounded(&text, MAX_TEXT_CHARS),
        ..NewPost::default()
    };
    Some(Thing { name, created_at, content, post: Some(post) })
}

impl Data {
    /// Returns whether nobody is to see it any more. Without its author, the text may still stand there, but what was
    /// heard names the author.
    fn is_gone(&self) -> bool {
        self.author.as_deref() == Some(NOBODY) || self.removed_by_category.is_some()
    }

    /// Returns the text, which for a post begins with its title; `None` if there is none.
    fn text(&self, kind: Kind) -> Option<String> {
        let text = match kind {
            Kind::Post => [self.title.as_deref()?, self.selftext.as_deref().unwrap_or_default()].join("\n"),
            Kind::Comment => self.body.clone()?,
        };
        let text = plain(&text).trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn url(&self) -> Option<String> {
        let path = self.permalink.as_deref()?;
        let is_path = path.starts_with('/')
            && path.len() <= PATH_BYTES_MAX
            && !path.contains(|c: char| c.is_whitespace() || c.is_control());
        is_path.then(|| format!("https://www.reddit.com{path}"))
    }

    fn author(&self) -> Option<Author> {
        let is_name = |name: &&String| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            (1..=AUTHOR_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_allowed)
        };
        let id = self.author_fullname.as_ref().filter(is_name).cloned();
        let handle = self.author.as_ref().filter(is_name).cloned();
        let author = Author { id, handle, ..Author::default() };
        (author != Author::default()).then_some(author)
    }
}

#[cfg(test)]
mod tests;
