//! Stream entries and their decoding.

use std::time::Duration;

use bytes::Bytes;
use fred::types::Value;
use jiff::Timestamp;

use crate::models::new_post::{self, AcceptedPost, MAX_AHEAD};
use crate::models::post::Source;

use super::StreamError;
use super::entry_schema::{EntrySchema, KIND, VERSION, first};

/// Id of a stream entry, assigned by Redis: `milliseconds-sequence`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntryId(String);

impl EntryId {
    /// Creates an id from the text that Redis returns.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the id as Redis returned it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Entry as delivered to a consumer.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// Id used to acknowledge the entry.
    pub id: EntryId,
    /// Number of deliveries, including this one. All entries in a batch are delivered together, so a high number does
    /// not prove that this entry is at fault.
    pub n_deliveries: u32,
    /// Decoded post, or the reason why there is none. A broken entry never affects the rest of its batch.
    pub content: Result<AcceptedPost, BrokenEntry>,
}

/// Entry that contains no valid post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenEntry {
    /// First error found while decoding.
    pub reason: String,
    /// Fields of the entry as text, with invalid UTF-8 replaced.
    pub fields: Vec<(String, String)>,
}

/// Decodes `[id, [field, value, …]]`, the form in which Redis returns entries. If the entry is for a newer process,
/// returns only its schema.
pub(super) fn read(entry: Value, n_deliveries: u32) -> Result<Result<Delivered, EntrySchema>, StreamError> {
    let (id, fields) = split(entry)?;
    if let Some(schema) = EntrySchema::unknown_in(&fields) {
        return Ok(Err(schema));
    }
    let content = decode(&fields).map_err(|reason| BrokenEntry { reason, fields: printable(&fields) });
    Ok(Ok(Delivered { id, n_deliveries, content }))
}

/// Splits an entry of any schema into its id and fields.
pub(super) fn split(entry: Value) -> Result<(EntryId, Vec<(Bytes, Bytes)>), StreamError> {
    let mut parts = entry.into_array().into_iter();
    let id = parts.next().and_then(Value::into_string);
    let id = EntryId(id.ok_or_else(|| StreamError::unexpected("an entry without an id"))?);
    let mut fields = Vec::new();
    let mut values = parts.next().map(Value::into_array).unwrap_or_default().into_iter();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        let bytes = |value: Value| value.into_bytes().unwrap_or_default();
        fields.push((bytes(name), bytes(value)));
    }
    Ok((id, fields))
}

/// Returns fields as text, with invalid UTF-8 replaced.
pub(super) fn printable(fields: &[(Bytes, Bytes)]) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn decode(fields: &[(Bytes, Bytes)]) -> Result<AcceptedPost, String> {
    let version = field(fields, "v")?;
    if version.as_ref() != VERSION.as_bytes() {
        return Err(format!("`v` is not a version: `{}`", String::from_utf8_lossy(version)));
    }
    if let Some(kind) = first(fields, "kind").filter(|kind| kind.as_ref() != KIND.as_bytes()) {
        return Err(format!("`kind` is not a kind: `{}`", String::from_utf8_lossy(kind)));
    }
    let source = text(fields, "source")?;
    if source.is_empty() || source.len() > 64 || source.contains('\0') {
        return Err("`source` must be 1 to 64 bytes of text".to_owned());
    }
    let received_at: Timestamp =
        text(fields, "received_at")?.parse().map_err(|error| format!("`received_at`: {error}"))?;
    let mut post = new_post::parse(field(fields, "post")?)
        .and_then(|post| new_post::check(&post).map(|()| post))
        .map_err(|rejection| format!("`post.{}`: {}", rejection.field, rejection.message))?;
    // Ingestion checks more strictly; this rejects values that the database cannot store.
    let created_at = *post.created_at.get_or_insert(received_at);
    let ahead = created_at.duration_since(received_at);
    if created_at < Timestamp::UNIX_EPOCH || Duration::try_from(ahead).is_ok_and(|ahead| ahead > MAX_AHEAD) {
        return Err("`post.created_at` is before 1970 or after its arrival".to_owned());
    }
    let connector = first(fields, "connector").map(|_| text(fields, "connector")).transpose()?;
    let connector = connector.map(str::parse).transpose().map_err(|error| format!("`connector`: {error}"))?;
    Ok(AcceptedPost { source: Source::new(source), connector, received_at, post })
}

fn field<'a>(fields: &'a [(Bytes, Bytes)], name: &str) -> Result<&'a Bytes, String> {
    first(fields, name).ok_or_else(|| format!("field `{name}` is missing"))
}

fn text<'a>(fields: &'a [(Bytes, Bytes)], name: &str) -> Result<&'a str, String> {
    std::str::from_utf8(field(fields, name)?).map_err(|_| format!("`{name}` is not text"))
}
