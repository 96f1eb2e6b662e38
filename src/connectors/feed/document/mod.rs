//! Parses documents of feeds into entries: RSS 0.9 to 2.0, RSS 1.0 and Atom with `feed-rs`, JSON Feed with [`json`].

mod encoding; // bytes to text, whatever a host says about them
mod json; // JSON Feed
mod markup; // tags of a document that is not trusted
mod xml; // RSS and Atom

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Feed as of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    /// Entries in the order of the document.
    pub entries: Vec<Result<Entry, Unreadable>>,
}

/// Entry of a feed, with plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Id that the feed states.
    pub id: Option<String>,
    pub link: Option<String>,
    pub title: String,
    pub body: String,
    pub author: Option<String>,
    /// Time of publication or, if that is missing, of the last change.
    pub published_at: Option<Timestamp>,
    pub language: Option<String>,
}

/// Error for an entry that cannot be parsed, with a fingerprint that identifies it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable(pub u64);

/// Parses a document that was fetched from a URL.
///
/// # Errors
/// If the document is not a feed, with the reason.
pub(super) fn read(bytes: &[u8], content_type: Option<&str>, url: &str) -> Result<Document, String> {
    let text = encoding::decoded(bytes, content_type);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match text.chars().next() {
        Some('{') => json::read(text),
        Some('<') => xml::read(text, url),
        Some(_) => Err("it is neither XML nor JSON".to_owned()),
        None => Err("it is empty".to_owned()),
    }
}

/// Returns a hash that identifies texts, and is the same in every version of the program.
pub(super) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.finalize().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Parses a time in RFC 3339 format.
fn instant(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests;
