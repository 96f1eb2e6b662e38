//! Converts statuses, as the entity `Status` of Mastodon's API defines them, to posts.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::connectors::html_text;
use crate::models::new_post::{MAX_TEXT_CHARS, NewPost, is_language_tag};
use crate::models::post::{Author, Engagement};

/// Maximum size of a status in bytes. Most take a few kilobytes. Larger ones are counted but not parsed.
const STATUS_BYTES_MAX: usize = 256 * 1024;

/// Maximum length of an id on an instance in bytes. Mastodon's have 18, those of other servers up to 40.
const LOCAL_ID_BYTES_MAX: usize = 64;

/// Maximum length of a link in bytes.
const LINK_BYTES_MAX: usize = 2_048;

/// Maximum length of a language tag in bytes.
const LANGUAGE_BYTES_MAX: usize = 35;

/// Maximum length of a content warning in characters. Mastodon's limit is the same, and counts the warning as text.
const WARNING_CHARS_MAX: usize = 500;

/// Status of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Status {
    /// Id on the instance. Statuses are ordered by it.
    pub id: String,
    /// Id that is the same on every instance.
    pub uri: String,
    /// Time at which it was written, but not later than now.
    pub at: Timestamp,
    /// Time at which it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Id on the instance of the status that it replies to.
    pub in_reply_to: Option<String>,
    /// The post; `None` if it is a boost, is not public, or has no words.
    pub post: Option<Box<NewPost>>,
}

/// Status that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// Fingerprint that identifies it.
    pub key: String,
    /// Id on the instance, if it can be read.
    pub id: Option<String>,
}

/// Status, or the identity of one that cannot be parsed.
pub(super) type Entry = Result<Status, Unreadable>;

/// Returns the id that a status has on the instance, if it is known.
pub(super) fn id_of(entry: &Entry) -> Option<&str> {
    match entry {
        Ok(status) => Some(&status.id),
        Err(unreadable) => unreadable.id.as_deref(),
    }
}

/// Compares ids of an instance by age: longer ones are newer, as Mastodon's guidelines for clients say.
pub(super) fn by_age(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// Returns whether a text is a valid id of a status on an instance.
pub(super) fn is_local_id(text: &str) -> bool {
    let is_of_id = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    (1..=LOCAL_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_of_id)
}

/// Context in which statuses are parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Domain of the accounts of the instance.
    pub domain: &'a str,
    /// Current time. Statuses that claim to be newer are dated to it.
    pub now: Timestamp,
}

impl Reading<'_> {
    /// Parses a page of a timeline; `None` if it is not a list. Each status is parsed separately, so that a broken one
    /// does not affect the others.
    pub(super) fn page(&self, body: &[u8]) -> Option<Vec<Entry>> {
        let statuses: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
        Some(statuses.into_iter().map(|status| self.status(status.get())).collect())
    }

    /// Parses a status.
    pub(super) fn status(&self, text: &str) -> Entry {
        self.read(text).ok_or_else(|| unreadable(text))
    }

    fn read(&self, text: &str) -> Option<Status> {
        if text.len() > STATUS_BYTES_MAX {
            return None;
        }
        let wire: Wire<'_> = serde_json::from_str(text).ok()?;
        let is_uri = (1..=256).contains(&wire.uri.len()) && wire.uri.bytes().all(|b| b.is_ascii_graphic());
        if !is_local_id(&wire.id) || !is_uri {
            return None;
        }
        // Clocks of other instances can be wrong, and a post cannot have been received before it was written.
        let at = wire.created_at.parse::<Timestamp>().ok()?.min(self.now);
        let is_public = matches!(wire.visibility.as_ref(), "public" | "unlisted");
        let is_offered = is_public && wire.reblog.is_none();
        let post = if is_offered { self.post(&wire, at)? } else { None };
        Some(Status {
            id: wire.id.into_owned(),
            uri: wire.uri.into_owned(),
            at,
            edited_at: wire.edited_at.and_then(|at| at.parse().ok()),
            in_reply_to: wire.in_reply_to_id.map(Cow::into_owned),
            post,
        })
    }

    /// Converts a status to a post. Returns `None` if its author cannot be read, and `Some(None)` if it has no text.
    fn post(&self, wire: &Wire<'_>, at: Timestamp) -> Option<Option<Box<NewPost>>> {
        let author = self.author(&wire.account)?;
        let text = words(&wire.spoiler_text, &wire.content);
        if text.trim().is_empty() {
            return Some(None);
        }
        let is_tag = |tag: &Cow<'_, str>| is_language_tag(tag) && tag.len() <= LANGUAGE_BYTES_MAX;
        let count = |n: Option<i64>| n.map(|n| n.max(0));
        Some(Some(Box::new(NewPost {
            id: wire.uri.clone().into_owned(),
            platform: "mastodon".to_owned(),
            text,
            author: Some(author),
            lang: wire.language.as_ref().filter(|tag| is_tag(tag)).map(|tag| tag.clone().into_owned()),
            created_at: Some(at),
            url: wire.url.as_ref().filter(|url| is_web_link(url)).map(|url| url.clone().into_owned()),
            engagement: Some(Engagement {
                likes: count(wire.favourites_count),
                shares: count(wire.reblogs_count),
                comments: count(wire.replies_count),
                views: None,
            }),
            ..NewPost::default()
        })))
    }

    /// Returns the author, named by the handle that the account has on every instance: `name@domain`.
    fn author(&self, account: &Account<'_>) -> Option<Author> {
        let (name, domain) = account.acct.split_once('@').unwrap_or((&account.acct, self.domain));
        let handle = format!("{name}@{}", domain.to_ascii_lowercase());
        let is_handle = !name.is_empty()
            && handle.len() <= 256
            && !handle.contains(|c: char| c.is_whitespace() || c.is_control());
        is_handle.then(|| Author {
            id: Some(handle.clone()),
            handle: Some(handle),
            // Some accounts hide it, which servers report as -1.
            followers: account.followers_count.filter(|n| *n >= 0),
            location: None,
        })
    }
}

/// Returns a fingerprint of a status that cannot be parsed, and its id if that can be read.
fn unreadable(text: &str) -> Unreadable {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    let id = match text.len() <= STATUS_BYTES_MAX {
        true => serde_json::from_str::<Id<'_>>(text).ok().map(|it| it.id.into_owned()),
        false => None,
    };
    let id = id.filter(|id| is_local_id(id));
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Unreadable { key: format!("#{:016x}", hasher.finish()), id }
}

/// Returns the content warning, which often names the subject, followed by the text.
fn words(warning: &str, content: &str) -> String {
    let warning = html_text::of_plain(warning, WARNING_CHARS_MAX);
    let content = html_text::of_html(content, MAX_TEXT_CHARS - WARNING_CHARS_MAX - 1);
    match (warning.trim().is_empty(), content.trim().is_empty()) {
        (true, _) => content,
        (false, true) => warning,
        (false, false) => format!("{warning}\n{content}"),
    }
}

fn is_web_link(link: &str) -> bool {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    is_web && link.len() <= LINK_BYTES_MAX && !link.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Fields of `Status` that are used.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    uri: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
    #[serde(borrow, default)]
    edited_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Cow<'a, str>,
    #[serde(borrow, default)]
    spoiler_text: Cow<'a, str>,
    #[serde(borrow)]
    visibility: Cow<'a, str>,
    #[serde(borrow, default)]
    language: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    in_reply_to_id: Option<Cow<'a, str>>,
    replies_count: Option<i64>,
    reblogs_count: Option<i64>,
    favourites_count: Option<i64>,
    reblog: Option<IgnoredAny>,
    #[serde(borrow)]
    account: Account<'a>,
}

/// Fields of `Account` that are used.
#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow)]
    acct: Cow<'a, str>,
    followers_count: Option<i64>,
}

#[cfg(test)]
mod tests;
