//! When nobody shall be told of an alert, though it is raised and shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alert::{Alert, Severity};
use super::new_post::Rejection;
use super::rollup::Dimension;

/// Characters of a comment: a sentence or two.
const COMMENT_CHARS_MAX: usize = 500;

/// Bytes of a key, as long as a post's may be.
pub(super) const KEY_BYTES_MAX: usize = 128;

/// A time in which certain alerts are not notified.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Silence {
    /// Its name.
    pub id: Uuid,
    /// Which alerts, and when.
    #[serde(flatten)]
    pub what: NewSilence,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which alerts not to tell of, and when. Of the four conditions all that are given must agree; without any, every alert
/// is silent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// Only alerts of this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<Uuid>,
    /// Only alerts about such a thing: `overall`, `product`, `platform`, `channel` or `city`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(overall|product|platform|channel|city)$")]
    pub dimension: Option<Dimension>,
    /// Only alerts about this product, platform, channel or city; with its `dimension`, at most 128 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub key: Option<String>,
    /// Only alerts exactly this loud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// From when on; at once when absent.
    #[serde(default = "Timestamp::now")]
    pub starts_at: Timestamp,
    /// Until when: later than `starts_at`, and not over.
    pub ends_at: Timestamp,
    /// Why, for colleagues, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub comment: String,
}

impl NewSilence {
    /// Whether everything in it can be meant.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), Rejection> {
        let reject = |code, field: &str, message: &str| {
            Err(Rejection { code, field: field.to_owned(), message: message.to_owned() })
        };
        if self.ends_at <= self.starts_at {
            return reject("out_of_range", "ends_at", "a silence ends after it starts");
        }
        if self.ends_at <= now {
            return reject("out_of_range", "ends_at", "a silence that is over silences nothing");
        }
        if self.comment.chars().count() > COMMENT_CHARS_MAX || self.comment.contains('\0') {
            return reject(
                "too_long",
                "comment",
                "a comment is at most 500 characters long, none of them NUL",
            );
        }
        match (&self.key, self.dimension) {
            (Some(_), None) => reject("missing_field", "dimension", "a key is that of a dimension"),
            (Some(key), Some(Dimension::Overall)) if !key.is_empty() => {
                reject("invalid_field", "key", "the dimension `overall` has no keys")
            }
            (Some(key), _) if key.len() > KEY_BYTES_MAX || key.contains('\0') => {
                reject("too_long", "key", "a key is at most 128 bytes long, none of them NUL")
            }
            _ => Ok(()),
        }
    }

    /// Whether it silences the alert at this moment.
    pub fn covers(&self, alert: &Alert, now: Timestamp) -> bool {
        self.starts_at <= now
            && now < self.ends_at
            && self.rule_id.is_none_or(|id| alert.rule_id == Some(id))
            && self.dimension.is_none_or(|dimension| alert.scope.dimension == dimension)
            && self.key.as_ref().is_none_or(|key| alert.scope.key == *key)
            && self.severity.is_none_or(|severity| alert.severity == severity)
    }
}
