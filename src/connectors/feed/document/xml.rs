//! Parses RSS and Atom.

use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::model;
use feed_rs::parser;
use jiff::Timestamp;

use super::markup::{self, Kind, Tag, Tags};
use super::{Document, Entry, Unreadable, fingerprint};
use crate::connectors::html_text as text;
use crate::models::new_post::MAX_TEXT_CHARS;

/// Maximum number of entries that are parsed separately.
const SINGLE_ENTRIES_MAX: usize = 2_000;

/// Maximum size in bytes of the markup around the entries, because it is parsed again with each of them.
const FRAME_BYTES_MAX: usize = 32 * 1024;

/// Parses a document. If it cannot be parsed as a whole, parses its entries separately, so that a broken entry does not
/// affect the others.
///
/// # Errors
/// If the document is not a feed, with the reason.
pub(super) fn read(xml: &str, url: &str) -> Result<Document, String> {
    match parse(xml, url) {
        Ok(entries) => Ok(Document { entries: entries.into_iter().map(Ok).collect() }),
        Err(why) => one_by_one(xml, url).ok_or(why),
    }
}

fn parse(xml: &str, url: &str) -> Result<Vec<Entry>, String> {
    if let Some(objection) = markup::objection(xml) {
        return Err(objection.to_owned());
    }
    // The URL resolves relative links. No ids are generated here.
    let parser = parser::Builder::new().base_uri(Some(url)).id_generator(|_, _, _| String::new()).build();
    // The parser panics on some malformed texts.
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse(xml.as_bytes())));
    let feed = match parsed {
        Ok(Ok(feed)) => feed,
        Ok(Err(parser::ParseFeedError::ParseError(parser::ParseErrorKind::NoFeedRoot))) => {
            return Err("it is XML or HTML, but not a feed".to_owned());
        }
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("the parser failed".to_owned()),
    };
    let author = feed.authors.into_iter().find_map(|person| person.name);
    let language = feed.language;
    let entries = feed.entries.into_iter().map(|entry| Entry {
        author: name(&entry).or_else(|| author.clone()),
        language: entry.language.clone().or_else(|| language.clone()),
        ..read_entry(entry)
    });
    Ok(entries.collect())
}

fn name(entry: &model::Entry) -> Option<String> {
    let name = |person: &model::Person| person.name.clone().or_else(|| person.email.clone());
    entry.authors.iter().find_map(name).filter(|name| !name.trim().is_empty())
}

fn read_entry(entry: model::Entry) -> Entry {
    let words = |text: &model::Text| {
        words(&text.content, text.content_type.as_str() == "text/plain" && !has_markup(&text.content))
    };
    let content = entry.content.as_ref().and_then(|content| {
        let is_text = content.content_type.as_str().starts_with("text/")
            || content.content_type.as_str().contains("xhtml");
        let body = content.body.as_deref().filter(|_| is_text)?;
        Some(self::words(body, content.content_type.as_str() == "text/plain"))
    });
    let summary = || entry.summary.as_ref().map(words);
    let is_alternate = |link: &&model::Link| {
        link.rel.as_deref().is_none_or(|rel| rel == "alternate") && link.target.is_none()
    };
    let link = entry.links.iter().find(is_alternate).map(|link| link.href.trim().to_owned());
    // The id of an RSS item is its permanent link, unless the item says otherwise.
    let id = Some(entry.id.trim().to_owned()).filter(|id| !id.is_empty());
    let link = link.or_else(|| id.clone().filter(|id| id.starts_with("http")));
    let published_at = entry.published.or(entry.updated);
    Entry {
        link,
        id,
        title: entry.title.as_ref().map(words).unwrap_or_default(),
        body: content.filter(|text| !text.is_empty()).or_else(summary).unwrap_or_default(),
        published_at: published_at.and_then(|at| Timestamp::from_millisecond(at.timestamp_millis()).ok()),
        ..Entry::default()
    }
}

fn words(text: &str, is_plain: bool) -> String {
    match is_plain {
        true => text::of_plain(text, MAX_TEXT_CHARS),
        false => text::of_html(text, MAX_TEXT_CHARS),
    }
}

/// Returns whether a text that is declared as plain is in fact HTML, as in the titles of many RSS feeds.
fn has_markup(text: &str) -> bool {
    text.contains("</")
        || text.contains("/>")
        || text.split('&').skip(1).any(|rest| {
            rest.split(';').next().is_some_and(|name| {
                (2..8).contains(&name.len())
                    && rest.contains(';')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#')
            })
        })
}

/// Parses the entries separately, each with the markup that surrounds them all. Returns `None` if the document is not a
/// feed, or is truncated: the missing entries would never be fetched.
fn one_by_one(xml: &str, url: &str) -> Option<Document> {
    let mut spans = Vec::new();
    let mut open: Option<Tag<'_>> = None;
    let mut root = None;
    let mut is_complete = false;
    for tag in Tags::of(xml) {
        root = root.or(Some(tag.name));
        match (&open, tag.kind) {
            (None, Kind::Start) if matches!(tag.name, "item" | "entry") => open = Some(tag),
            (Some(start), Kind::End) if start.name == tag.name => {
                spans.push(start.at.start..tag.at.end);
                open = None;
            }
            (None, Kind::End) => is_complete |= root == Some(tag.name),
            _ => {}
        }
    }
    let (first, last) = (spans.first()?, spans.last()?);
    let (head, tail) = (xml.get(..first.start)?, xml.get(last.end..)?);
    if !is_complete || spans.len() > SINGLE_ENTRIES_MAX || head.len() + tail.len() > FRAME_BYTES_MAX {
        return None;
    }
    let mut entries = Vec::new();
    for span in spans {
        let part = xml.get(span)?;
        let single = parse(&format!("{head}{part}{tail}"), url);
        match single.ok().and_then(|entries| entries.into_iter().next()) {
            Some(entry) => entries.push(Ok(entry)),
            None => entries.push(Err(Unreadable(fingerprint([part])))),
        }
    }
    // If no entry can be parsed, the document itself is broken.
    entries.iter().any(Result::is_ok).then_some(Document { entries })
}
