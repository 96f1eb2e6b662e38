//! Silences: periods in which matching alerts are raised and shown, but no notifications are sent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alert::{Alert, Severity};
use super::new_post::Rejection;
use super::rollup::Dimension;

/// Maximum length of a comment in characters.
const COMMENT_CHARS_MAX: usize = 500;

/// Maximum length of a key in bytes, the same as in a post.
pub(super) const KEY_BYTES_MAX: usize = 128;

/// Stored silence.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Silence {
    /// Unique id.
    pub id: Uuid,
    /// Alerts to silence, and the period.
    #[serde(flatten)]
    pub what: NewSilence,
    /// Creation time.
    pub created_at: Timestamp,
}

/// Silence to create. An alert matches when all of the given conditions hold; without any condition, every alert
/// matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// Matches only alerts of this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<Uuid>,
    /// Matches only alerts of this dimension: `overall`, `product`, `platform`, `channel` or `city`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(overall|product|platform|channel|city)$")]
    pub dimension: Option<Dimension>,
    /// Matches only alerts about this product, platform, channel or city, at most 128 bytes; requires `dimension`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub key: Option<String>,
    /// Matches only alerts of exactly this severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Start of the silence; defaults to now.
    #[serde(default = "Timestamp::now")]
    pub starts_at: Timestamp,
    /// End of the silence, after `starts_at` and in the future.
    pub ends_at: Timestamp,
    /// Reason, for colleagues, at most 500 characters.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub comment: String,
}

impl NewSilence {
    /// Validates the silence.
    ///
    /// # Errors
    /// Returns the first field that is wrong.
    pub fn check(&self, now: Timestamp) -> Result<(), Rejection> {
        let reject = |code, field: &str, message: &str| {
            Err(Rejection { code, field: field.to_owned(), message: message.to_owned() })
        };
        if self.ends_at <= self.starts_at {
            return reject("out_of_range", "ends_at", "`ends_at` must be after `starts_at`");
        }
        if self.ends_at <= now {
            return reject("out_of_range", "ends_at", "`ends_at` must be in the future");
        }
        if self.comment.chars().count() > COMMENT_CHARS_MAX || self.comment.contains('\0') {
            return reject("too_long", "comment", "the comment must be at most 500 characters, without NUL");
        }
        match (&self.key, self.dimension) {
            (Some(_), None) => reject("missing_field", "dimension", "`key` requires `dimension`"),
            (Some(key), Some(Dimension::Overall)) if !key.is_empty() => {
                reject("invalid_field", "key", "the dimension `overall` takes no key")
            }
            (Some(key), _) if key.len() > KEY_BYTES_MAX || key.contains('\0') => {
                reject("too_long", "key", "the key must be at most 128 bytes, without NUL")
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the silence covers the alert now.
    pub fn covers(&self, alert: &Alert, now: Timestamp) -> bool {
        self.starts_at <= now
            && now < self.ends_at
            && self.rule_id.is_none_or(|id| alert.rule_id == Some(id))
            && self.dimension.is_none_or(|dimension| alert.scope.dimension == dimension)
            && self.key.as_ref().is_none_or(|key| alert.scope.key == *key)
            && self.severity.is_none_or(|severity| alert.severity == severity)
    }
}
