//! Posts as senders submit them, and the validation that accepts or rejects them.
//!
//! Validation is written by hand rather than derived: each message names the field as the sender wrote it, several
//! rules depend on the time of arrival, and ten thousand posts a second pass through here.

use std::borrow::Cow;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hidden_characters::is_hidden;
use super::id::SourceId;
use super::post::{Author, Engagement, Source};

mod entities; // HTML character references in texts
mod parse;
pub use parse::{parse, parse_value};

/// How far in the future a post may be dated, to allow for senders whose clocks run fast. Posts dated later are
/// rejected because they would end up in windows that have not begun.
pub const MAX_AHEAD: Duration = Duration::from_secs(300);

/// Maximum length of a text in characters. Long reviews fit; scoring a book would cost as much as a whole batch.
pub const MAX_TEXT_CHARS: usize = 10_000;

/// Maximum value of any count: more views than any post has ever had, but small enough that sums over a billion posts
/// cannot overflow.
const MAX_COUNT: i64 = 1_000_000_000_000;

/// Location that a post was written from, as submitted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Geo {
    /// City name, at most 128 bytes.
    #[schema(max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// ISO 3166-1 alpha-2 country code or English country name, at most 128 bytes.
    #[schema(max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Latitude in degrees, −90 to 90; requires `lon`.
    #[schema(minimum = -90, maximum = 90)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees, −180 to 180; requires `lat`.
    #[schema(minimum = -180, maximum = 180)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
}

/// Post to ingest. A post with an unknown field is rejected, and the error names the field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPost {
    /// Id of the post on its platform, 1 to 256 bytes, without control characters or ones that change the direction of
    /// text.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub id: String,
    /// Platform, matching `[a-z0-9_.-]{1,32}`.
    #[schema(pattern = "^[a-z0-9_.-]{1,32}$")]
    pub platform: String,
    /// Text of the post, 1 to 10,000 characters, without NUL and not all white space. HTML character references such as
    /// `&amp;` are decoded, because networks deliver escaped text.
    #[schema(min_length = 1, max_length = 10000, pattern = r"\S")]
    pub text: String,
    /// Author of the post, as far as the sender knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<Author>,
    /// ISO 639-1 language code; detected when absent.
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// Event time, RFC 3339; defaults to the time of arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Original event time if a replay shifted `created_at`; 1970 or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_created_at: Option<Timestamp>,
    /// Location that the post was written from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geo: Option<Geo>,
    /// Product that the post is about, at most 128 bytes; other products are detected by keyword.
    #[schema(max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Support or marketing channel, at most 128 bytes.
    #[schema(max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// URL of the post, at most 2,048 bytes.
    #[schema(max_length = 2048, pattern = r"^https?://[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Id of the post that this post replies to, at most 256 bytes.
    #[schema(max_length = 256, pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Engagement counts at the time when the post was sent to Groundswell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
}

/// Valid post with its source and event time, as carried in the stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AcceptedPost {
    /// Source that the post came from.
    pub source: Source,
    /// Source of `/sources` that heard the post or received it; `None` if none did.
    pub connector: Option<SourceId>,
    /// Time at which the post was accepted.
    pub received_at: Timestamp,
    /// Fields as sent, except that `created_at` is always set: if it was absent, it equals `received_at`.
    pub post: NewPost,
}

/// Reason for rejecting a post or another request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejection {
    /// Machine-readable code, stable across versions: `malformed_json`, `wrong_type`, `unknown_field`, `missing_field`,
    /// `duplicate_field`, `invalid_text`, `invalid_time`, `invalid_format`, `empty`, `too_long`,
    /// `out_of_range`, `created_at_out_of_range`.
    #[schema(value_type = String)]
    pub code: &'static str,
    /// Path of the invalid field, such as `author.followers`; empty if the body as a whole is invalid.
    pub field: String,
    /// Human-readable message, which may change between versions.
    pub message: String,
}

/// Circumstances of a request that determine whether its posts are accepted.
#[derive(Debug, Clone)]
pub struct AcceptContext {
    /// Time of arrival, which becomes the event time of posts without one.
    pub now: Timestamp,
    /// Retention period. Posts older than this are rejected because their rollups may have expired.
    pub retention: Duration,
    /// Source to record for accepted posts.
    pub source: Source,
    /// Source of `/sources` to record for accepted posts, if it is one.
    pub connector: Option<SourceId>,
}

/// Validates a post, sets its event time and source, and decodes HTML character references in its text.
pub fn accept(mut post: NewPost, context: &AcceptContext) -> Result<AcceptedPost, Rejection> {
    check(&post)?;
    check_visible(&post)?;
    let received_at = whole_micros(context.now);
    post.created_at = Some(match post.created_at {
        Some(created_at) => check_event_time(whole_micros(created_at), context)?,
        None => received_at,
    });
    post.original_created_at = post.original_created_at.map(whole_micros);
    if let Cow::Owned(text) = entities::decoded(&post.text) {
        post.text = text;
    }
    Ok(AcceptedPost { source: context.source.clone(), connector: context.connector, received_at, post })
}

/// Validates everything that does not depend on the time of arrival. A post that passes can be stored.
pub fn check(post: &NewPost) -> Result<(), Rejection> {
    check_name(post)?;
    check_text(&post.text)?;
    check_optional_texts(post)?;
    check_counts(post)?;
    if let Some(geo) = &post.geo {
        check_coordinates(geo)?;
    }
    if post.lang.as_deref().is_some_and(|lang| !is_language_tag(lang)) {
        return Err(reject("invalid_format", "lang", "the language must be a tag such as `en` or `pt-BR`"));
    }
    if post.url.as_deref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        return Err(reject("invalid_format", "url", "the URL must start with `https://` or `http://`"));
    }
    // PostgreSQL's timestamps do not reach as far back as some clients send.
    if post.original_created_at.is_some_and(|original| original < Timestamp::UNIX_EPOCH) {
        return Err(reject(
            "out_of_range",
            "original_created_at",
            "`original_created_at` must be 1970 or later",
        ));
    }
    Ok(())
}

fn check_name(post: &NewPost) -> Result<(), Rejection> {
    if post.id.is_empty() {
        return Err(reject("empty", "id", "the id must be 1 to 256 bytes"));
    }
    bounded("id", &post.id, 256)?;
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.' | b'-');
    if post.platform.is_empty() {
        return Err(reject("empty", "platform", "the platform must be 1 to 32 characters"));
    }
    if post.platform.len() > 32 {
        return Err(reject("too_long", "platform", "the platform must be at most 32 characters"));
    }
    if !post.platform.bytes().all(fits) {
        return Err(reject(
            "invalid_format",
            "platform",
            "the platform may contain only a-z, 0-9, `_`, `.` and `-`",
        ));
    }
    Ok(())
}

/// Rejects ids and names with characters that could pass them off as others. Not part of [`check`], which must also pass
/// the posts that earlier versions put on the stream.
fn check_visible(post: &NewPost) -> Result<(), Rejection> {
    let author = post.author.as_ref();
    let geo = post.geo.as_ref();
    let texts = [
        ("id", Some(post.id.as_str())),
        ("author.id", author.and_then(|author| author.id.as_deref())),
        ("author.handle", author.and_then(|author| author.handle.as_deref())),
        ("geo.city", geo.and_then(|geo| geo.city.as_deref())),
        ("geo.country", geo.and_then(|geo| geo.country.as_deref())),
        ("product", post.product.as_deref()),
        ("channel", post.channel.as_deref()),
        ("url", post.url.as_deref()),
        ("parent_id", post.parent_id.as_deref()),
    ];
    match texts.iter().find(|(_, text)| text.is_some_and(|text| text.contains(is_hidden))) {
        Some((field, _)) => {
            let message = format!(
                "`{field}` must not contain control characters or ones that change the direction of text"
            );
            Err(reject("invalid_text", field, &message))
        }
        None => Ok(()),
    }
}

/// Removes the characters from an author's handle that [`accept`] rejects. For networks, where people choose their names
/// and a post should not be lost for it.
pub fn clean_handle(post: &mut NewPost) {
    if let Some(handle) = post.author.as_mut().and_then(|author| author.handle.as_mut()) {
        handle.retain(|character| !is_hidden(character));
    }
}

fn check_text(text: &str) -> Result<(), Rejection> {
    if text.trim().is_empty() {
        return Err(reject("empty", "text", "the text must not be empty"));
    }
    // A character takes at least one byte, so most texts need not be counted.
    if text.len() > MAX_TEXT_CHARS && text.chars().count() > MAX_TEXT_CHARS {
        return Err(reject("too_long", "text", "the text must be at most 10,000 characters"));
    }
    without_nul("text", text)
}

fn check_optional_texts(post: &NewPost) -> Result<(), Rejection> {
    let author = post.author.as_ref();
    let geo = post.geo.as_ref();
    let texts = [
        ("author.id", author.and_then(|a| a.id.as_deref()), 256),
        ("author.handle", author.and_then(|a| a.handle.as_deref()), 256),
        ("author.location", author.and_then(|a| a.location.as_deref()), 256),
        ("lang", post.lang.as_deref(), 35),
        ("geo.city", geo.and_then(|g| g.city.as_deref()), 128),
        ("geo.country", geo.and_then(|g| g.country.as_deref()), 128),
        ("product", post.product.as_deref(), 128),
        ("channel", post.channel.as_deref(), 128),
        ("url", post.url.as_deref(), 2048),
        ("parent_id", post.parent_id.as_deref(), 256),
    ];
    texts.into_iter().try_for_each(|(field, text, limit)| bounded(field, text.unwrap_or_default(), limit))
}

fn check_counts(post: &NewPost) -> Result<(), Rejection> {
    let engagement = post.engagement.unwrap_or_default();
    let counts = [
        ("author.followers", post.author.as_ref().and_then(|author| author.followers)),
        ("engagement.likes", engagement.likes),
        ("engagement.shares", engagement.shares),
        ("engagement.comments", engagement.comments),
        ("engagement.views", engagement.views),
    ];
    for (field, count) in counts {
        if count.is_some_and(|n| !(0..=MAX_COUNT).contains(&n)) {
            let message = format!("`{field}` must be between 0 and 1,000,000,000,000");
            return Err(reject("out_of_range", field, &message));
        }
    }
    Ok(())
}

fn check_coordinates(geo: &Geo) -> Result<(), Rejection> {
    // NaN lies in no range, so this rejects it too.
    if geo.lat.is_some_and(|lat| !(-90.0..=90.0).contains(&lat)) {
        return Err(reject("out_of_range", "geo.lat", "the latitude must be between -90 and 90"));
    }
    if geo.lon.is_some_and(|lon| !(-180.0..=180.0).contains(&lon)) {
        return Err(reject("out_of_range", "geo.lon", "the longitude must be between -180 and 180"));
    }
    match (geo.lat, geo.lon) {
        (Some(_), None) => Err(reject("missing_field", "geo.lon", "a latitude requires a longitude")),
        (None, Some(_)) => Err(reject("missing_field", "geo.lat", "a longitude requires a latitude")),
        _ => Ok(()),
    }
}

fn check_event_time(created_at: Timestamp, context: &AcceptContext) -> Result<Timestamp, Rejection> {
    let retention = SignedDuration::try_from(context.retention).unwrap_or(SignedDuration::MAX);
    let oldest = context.now.checked_sub(retention).unwrap_or(Timestamp::MIN);
    if created_at < oldest {
        let days = context.retention.as_secs() / 86_400;
        let message = format!("`created_at` must be within the retention period of {days} days");
        return Err(reject("created_at_out_of_range", "created_at", &message));
    }
    if created_at > latest(context) {
        let message = "`created_at` must be at most 5 minutes in the future";
        return Err(reject("created_at_out_of_range", "created_at", message));
    }
    Ok(created_at)
}

fn latest(context: &AcceptContext) -> Timestamp {
    let ahead = SignedDuration::try_from(MAX_AHEAD).unwrap_or(SignedDuration::ZERO);
    context.now.checked_add(ahead).unwrap_or(Timestamp::MAX)
}

/// Truncates to microseconds, as PostgreSQL does, so that a post falls into the same bucket in memory and on disk.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Returns whether the tag has the shape of a BCP 47 tag: a language of 2 or 3 letters, then subtags of up to 8 letters
/// or digits.
pub fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    parts.next().is_some_and(|p| matches!(p.len(), 2 | 3) && p.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(|p| matches!(p.len(), 1..=8) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn bounded(field: &str, text: &str, limit: usize) -> Result<(), Rejection> {
    if text.len() > limit {
        return Err(reject("too_long", field, &format!("`{field}` must be at most {limit} bytes")));
    }
    without_nul(field, text)
}

fn without_nul(field: &str, text: &str) -> Result<(), Rejection> {
    if text.contains('\0') {
        return Err(reject("invalid_text", field, &format!("`{field}` must not contain NUL")));
    }
    Ok(())
}

fn reject(code: &'static str, field: &str, message: &str) -> Rejection {
    Rejection { code, field: field.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests;
