//! Converts the entries of a document to posts with stable ids.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::document::{Document, Entry, Unreadable, fingerprint};
use crate::connectors::html_text as text;
use crate::models::new_post::{MAX_TEXT_CHARS, NewPost, is_language_tag};
use crate::models::post::Author;

/// Maximum length of an id in bytes.
const ID_BYTES_MAX: usize = 256;

/// Maximum length of an author's name in characters, each of which takes at most four bytes.
const NAME_CHARS_MAX: usize = 64;

/// Maximum length of a link in bytes.
const LINK_BYTES_MAX: usize = 2_048;

/// Maximum length of a language tag in bytes.
const LANGUAGE_BYTES_MAX: usize = 35;

/// Entry that may become a post, with the fingerprints that identify it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Candidate {
    /// Fingerprint of the id.
    pub key: u64,
    /// Fingerprint of the parts that remain when a site gives its entries new ids; `None` if they would not identify
    /// it.
    pub alias: Option<u64>,
    /// Fingerprint of the content.
    pub content: u64,
    /// The post; `None` if the entry cannot be parsed or has no text.
    pub post: Option<NewPost>,
}

/// Returns the entries of a document without duplicates. The first of several entries with the same id is kept.
pub(super) fn candidates(document: Document, feed_url: &str, now: Timestamp) -> Vec<Candidate> {
    let mut by_link: HashMap<String, HashSet<u64>> = HashMap::new();
    for entry in document.entries.iter().flatten() {
        // Copies of one entry do not count as different entries.
        if let Some(link) = &entry.link {
            by_link.entry(link.clone()).or_default().insert(fingerprint([entry.title.as_str(), &entry.body]));
        }
    }
    let mut found = Vec::new();
    let mut n_by_alias: HashMap<u64, usize> = HashMap::new();
    let mut keys = HashSet::new();
    for entry in document.entries {
        let candidate = match entry {
            Ok(entry) => candidate(entry, &by_link, feed_url, now),
            Err(Unreadable(key)) => Candidate { key, alias: None, content: key, post: None },
        };
        if !keys.insert(candidate.key) {
            continue;
        }
        if let Some(alias) = candidate.alias {
            *n_by_alias.entry(alias).or_default() += 1;
        }
        found.push(candidate);
    }
    for candidate in &mut found {
        candidate.alias = candidate.alias.filter(|alias| n_by_alias.get(alias) == Some(&1));
    }
    found
}

fn candidate(
    entry: Entry,
    by_link: &HashMap<String, HashSet<u64>>,
    feed_url: &str,
    now: Timestamp,
) -> Candidate {
    let at = entry.published_at.map(|at| at.to_string()).unwrap_or_default();
    let Entry { title, body, .. } = &entry;
    let link = entry.link.as_deref().unwrap_or_default();
    let alias = [link, title.as_str(), at.as_str()];
    let alias = alias.iter().all(|part| !part.is_empty()).then(|| fingerprint(alias));
    let is_only_one = by_link.get(link).is_some_and(|entries| entries.len() == 1);
    let id = match entry.id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => id.to_owned(),
        // A site without ids may link all entries to one page.
        None if is_only_one => link.to_owned(),
        None => format!("{:016x}", fingerprint([link, title, &at, body])),
    };
    let id = global(&id, feed_url);
    let words = words(title, body);
    let content = fingerprint([words.as_str()]);
    let author =
        entry.author.map(|name| text::of_plain(&name, NAME_CHARS_MAX)).filter(|name| !name.is_empty());
    let post = NewPost {
        platform: "feed".to_owned(),
        author: author.map(|name| Author { handle: Some(name), ..Author::default() }),
        lang: entry.language.filter(|tag| is_language_tag(tag) && tag.len() <= LANGUAGE_BYTES_MAX),
        // An entry cannot have been read before it was published, even if the site's clock says so.
        created_at: entry.published_at.map(|at| at.min(now)),
        url: entry.link.filter(|link| is_web_link(link)),
        id,
        text: words,
        ..NewPost::default()
    };
    Candidate {
        key: fingerprint([post.id.as_str()]),
        alias,
        content,
        post: (!post.text.is_empty()).then_some(post),
    }
}

/// Returns an id that is unique across feeds. Many sites number their entries; only URLs and URNs identify the same
/// entry everywhere, such as in the feeds of two sections of one site.
fn global(id: &str, feed_url: &str) -> String {
    let is_global = ["http://", "https://", "tag:", "urn:"].iter().any(|scheme| id.starts_with(scheme));
    let id = match is_global {
        true => id.to_owned(),
        false => format!("{feed_url}#{id}"),
    };
    if id.len() <= ID_BYTES_MAX && !id.contains('\0') {
        return id;
    }
    format!("feed:{:016x}{:016x}", fingerprint([id.as_str()]), fingerprint([id.as_str(), "2"]))
}

fn is_web_link(link: &str) -> bool {
    let is_web = link.starts_with("https://") || link.starts_with("http://");
    is_web && link.len() <= LINK_BYTES_MAX && !link.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Returns the title and the body, or only the body if it begins with the title, as in many feeds of short posts.
fn words(title: &str, body: &str) -> String {
    let beginning = title.trim_end_matches(['…', '.']).trim_end();
    let words = match (title.is_empty(), body.is_empty()) {
        (_, true) => title.to_owned(),
        (true, false) => body.to_owned(),
        _ if body.starts_with(beginning) => body.to_owned(),
        _ => format!("{title}\n{body}"),
    };
    match words.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => words.get(..end).unwrap_or_default().to_owned(),
        None => words,
    }
}

#[cfg(test)]
mod tests;
