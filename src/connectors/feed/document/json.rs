//! JSON Feed, version 1.1: <https://www.jsonfeed.org/version/1.1/>. Each item is parsed separately, so that a broken
//! item does not affect the others.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Document, Entry, Unreadable, fingerprint, instant};
use crate::connectors::html_text as text;
use crate::models::new_post::MAX_TEXT_CHARS;

#[derive(Deserialize)]
struct Feed<'a> {
    version: String,
    language: Option<Value>,
    author: Option<Value>,
    authors: Option<Value>,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item {
    id: Option<Value>,
    url: Option<String>,
    external_url: Option<String>,
    title: Option<String>,
    content_html: Option<String>,
    content_text: Option<String>,
    summary: Option<String>,
    date_published: Option<String>,
    date_modified: Option<String>,
    language: Option<String>,
    author: Option<Value>,
    authors: Option<Value>,
}

/// Parses a document.
///
/// # Errors
/// If the document is not a feed, with the reason.
pub(super) fn read(json: &str) -> Result<Document, String> {
    let feed: Feed<'_> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if !feed.version.contains("jsonfeed.org/version/1") {
        return Err("it is JSON, but not a feed".to_owned());
    }
    let author = author(feed.authors.as_ref(), feed.author.as_ref());
    let language = feed.language.as_ref().and_then(Value::as_str).map(str::to_owned);
    let entries = feed.items.into_iter().map(|raw| {
        let item: Item = serde_json::from_str(raw.get()).map_err(|_| Unreadable(fingerprint([raw.get()])))?;
        Ok(entry(item, author.as_ref(), language.as_ref()))
    });
    Ok(Document { entries: entries.collect() })
}

fn entry(item: Item, feed_author: Option<&String>, feed_language: Option<&String>) -> Entry {
    let plain = |text: Option<String>| text.map(|text| text::of_plain(&text, MAX_TEXT_CHARS));
    let html = |html: Option<String>| html.map(|html| text::of_html(&html, MAX_TEXT_CHARS));
    let is_text = |text: &String| !text.is_empty();
    let body = html(item.content_html).filter(is_text).or_else(|| plain(item.content_text)).filter(is_text);
    Entry {
        // The specification tells readers to convert numbers to text.
        id: match item.id {
            Some(Value::String(id)) => Some(id),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        },
        link: item.url.or(item.external_url),
        title: plain(item.title).unwrap_or_default(),
        body: body.or_else(|| plain(item.summary)).unwrap_or_default(),
        author: author(item.authors.as_ref(), item.author.as_ref()).or_else(|| feed_author.cloned()),
        published_at: item
            .date_published
            .as_deref()
            .and_then(instant)
            .or_else(|| instant(item.date_modified.as_deref()?)),
        language: item.language.or_else(|| feed_language.cloned()),
    }
}

/// Returns the name of the first author. Version 1.0 has one author, version 1.1 a list.
fn author(authors: Option<&Value>, author: Option<&Value>) -> Option<String> {
    let first = authors.and_then(|authors| authors.get(0)).or(author)?;
    first.get("name").and_then(Value::as_str).map(str::to_owned)
}
