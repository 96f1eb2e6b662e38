//! Entries that carry posts.

use std::time::Duration;

use jiff::Timestamp;

use super::entry_schema;
use super::fields::Fields;
use crate::models::new_post::{self, AcceptedPost, MAX_AHEAD};
use crate::models::post::Source;

/// Kind of entries that carry posts, and of entries in their stream that declare none.
pub(super) const KIND: &str = "post";

/// Decodes the post in an entry.
///
/// # Errors
/// The first reason why the entry contains no valid post.
pub fn decode(fields: &Fields) -> Result<AcceptedPost, String> {
    entry_schema::check(fields, KIND)?;
    let source = fields.text("source")?;
    if source.is_empty() || source.len() > 64 || source.contains('\0') {
        return Err("`source` must be 1 to 64 bytes of text".to_owned());
    }
    let received_at: Timestamp =
        fields.text("received_at")?.parse().map_err(|error| format!("`received_at`: {error}"))?;
    let mut post = new_post::parse(fields.required("post")?)
        .and_then(|post| new_post::check(&post).map(|()| post))
        .map_err(|rejection| format!("`post.{}`: {}", rejection.field, rejection.message))?;
    // Ingestion checks more strictly; this rejects values that the database cannot store.
    let created_at = *post.created_at.get_or_insert(received_at);
    let ahead = created_at.duration_since(received_at);
    if created_at < Timestamp::UNIX_EPOCH || Duration::try_from(ahead).is_ok_and(|ahead| ahead > MAX_AHEAD) {
        return Err("`post.created_at` is before 1970 or after its arrival".to_owned());
    }
    let connector = fields.first("connector").map(|_| fields.text("connector")).transpose()?;
    let connector = connector.map(str::parse).transpose().map_err(|error| format!("`connector`: {error}"))?;
    Ok(AcceptedPost { source: Source::new(source), connector, received_at, post })
}
