//! Parses responses: search results, videos and comments. Each item is parsed separately, so that a broken one does not
//! affect the others.

mod comments; // threads of comments

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub(super) use self::comments::{Thread, threads};

use crate::connectors::fingerprint::fingerprint;
use crate::connectors::item_fields::{bounded, count, engagement, if_readable, plain};
use crate::models::new_post::{MAX_TEXT_CHARS, NewPost, is_language_tag};
use crate::models::post::{Author, Engagement};

/// Maximum size of an item in bytes. A thread with five long replies takes 100 kB at most.
const ITEM_BYTES_MAX: usize = 512 << 10;

/// Maximum length of an id in bytes. Ids of videos have 11 bytes, those of replies 49.
const ID_BYTES_MAX: usize = 128;

/// Maximum length of an author's name in characters, each of which takes at most four bytes.
const NAME_CHARS_MAX: usize = 64;

/// Maximum length of a page's token in bytes.
const TOKEN_BYTES_MAX: usize = 2_048;

/// Page of parsed items.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Page<T> {
    /// Items, in the order of the API.
    pub items: Vec<Result<T, Unreadable>>,
    /// Token of the next page; `None` on the last one.
    pub next: Option<String>,
    /// Entity tag of the page.
    pub etag: Option<String>,
}

/// Item that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Fingerprint that identifies it.
    pub key: u64,
    /// Id of the item, if it can be read.
    pub id: Option<String>,
}

/// Video that a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Id of the video.
    pub id: String,
    /// Time at which it was published, if known.
    pub published_at: Option<Timestamp>,
}

/// Video or comment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// Id on the network, without the prefix that distinguishes videos from comments.
    pub id: String,
    /// Time at which it was published, if known.
    pub published_at: Option<Timestamp>,
    /// Fingerprint of its id.
    pub key: u64,
    /// Fingerprint of its content.
    pub content: u64,
    /// Post that the item is converted to.
    pub post: NewPost,
}

/// Returns the fingerprint of a video's id.
pub(super) fn video_key(id: &str) -> u64 {
    fingerprint(["video", id])
}

#[derive(Deserialize)]
struct RawPage<'a> {
    kind: String,
    etag: Option<String>,
    #[serde(rename = "nextPageToken")]
    next: Option<String>,
    /// Items of the page. Some methods omit the field if there are none.
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
}

/// Parses a page, with a function for its items. Returns `None` if the body is not a page of the API.
fn page<'a, T>(body: &'a [u8], read: impl Fn(&'a str) -> Option<T>) -> Option<Page<T>> {
    let raw: RawPage<'a> = serde_json::from_slice(body).ok()?;
    if !raw.kind.starts_with("youtube#") {
        return None;
    }
    let item = |raw: &'a RawValue| {
        let fits = raw.get().len() <= ITEM_BYTES_MAX;
        fits.then(|| read(raw.get())).flatten().ok_or_else(|| unreadable(raw.get()))
    };
    Some(Page {
        items: raw.items.into_iter().map(item).collect(),
        next: raw.next.filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX),
        etag: raw.etag,
    })
}

fn unreadable(raw: &str) -> Unreadable {
    #[derive(Deserialize)]
    struct Named {
        id: String,
    }
    let named = serde_json::from_str::<Named>(raw).ok();
    Unreadable { key: fingerprint(["unreadable", raw]), id: named.map(|named| named.id) }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SearchResult {
    id: ResultId,
    snippet: Option<Published>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultId {
    video_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    published_at: Option<Timestamp>,
}

/// Parses a page of `search.list`.
pub(super) fn found(body: &[u8]) -> Option<Page<Found>> {
    page(body, |item| {
        let SearchResult { id, snippet } = serde_json::from_str(item).ok()?;
        let published_at = snippet.and_then(|snippet| snippet.published_at);
        is_id(&id.video_id).then_some(Found { id: id.video_id, published_at })
    })
}

#[derive(Deserialize)]
struct Video {
    id: String,
    snippet: VideoSnippet,
    #[serde(default, deserialize_with = "if_readable")]
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VideoSnippet {
    #[serde(default, deserialize_with = "if_readable")]
    published_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "if_readable")]
    channel_id: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    channel_title: Option<String>,
    title: String,
    #[serde(default)]
    description: String,
    #[serde(default, deserialize_with = "if_readable")]
    default_language: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    view_count: Option<Value>,
    like_count: Option<Value>,
    comment_count: Option<Value>,
}

/// Parses a response of `videos.list`.
pub(super) fn videos(body: &[u8], now: Timestamp) -> Option<Page<Item>> {
    page(body, |item| {
        let Video { id, snippet, statistics } = serde_json::from_str(item).ok()?;
        let (title, description) = (plain(&snippet.title), plain(&snippet.description));
        let text = [title.as_str(), description.as_str()].join("\n");
        let (text, content) = (bounded(text.trim(), MAX_TEXT_CHARS), [title.as_str(), description.as_str()]);
        let count = |of: fn(&Statistics) -> &Option<Value>| count(of(statistics.as_ref()?).as_ref()?);
        let post = NewPost {
            id: format!("video:{id}"),
            platform: "youtube".to_owned(),
            author: author(snippet.channel_id, snippet.channel_title),
            lang: snippet.default_language.filter(|tag| is_language_tag(tag) && tag.len() <= 35),
            created_at: snippet.published_at.map(|at| at.min(now)),
            url: Some(format!("https://www.youtube.com/watch?v={id}")),
            engagement: engagement(Engagement {
                views: count(|it| &it.view_count),
                likes: count(|it| &it.like_count),
                comments: count(|it| &it.comment_count),
                shares: None,
            }),
            text,
            ..NewPost::default()
        };
        let is_readable = is_id(&id) && !post.text.is_empty();
        let (key, content) = (video_key(&id), fingerprint(content));
        is_readable.then_some(Item { id, published_at: post.created_at, key, content, post })
    })
}

/// Returns the ids of a page's items; `None` if any of them cannot be read.
pub(super) fn ids(page: &Page<Item>) -> Option<HashSet<&str>> {
    page.items
        .iter()
        .map(|item| match item {
            Ok(item) => Some(item.id.as_str()),
            Err(unreadable) => unreadable.id.as_deref(),
        })
        .collect()
}

/// Returns whether an id has a valid form, so that it can be used in URLs.
fn is_id(id: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !id.is_empty() && id.len() <= ID_BYTES_MAX && id.bytes().all(is_allowed)
}

fn author(id: Option<String>, name: Option<String>) -> Option<Author> {
    let id = id.filter(|id| is_id(id));
    let handle =
        name.map(|name| bounded(plain(&name).trim(), NAME_CHARS_MAX)).filter(|name| !name.is_empty());
    let author = Author { id, handle, ..Author::default() };
    (author != Author::default()).then_some(author)
}

#[cfg(test)]
mod tests;
