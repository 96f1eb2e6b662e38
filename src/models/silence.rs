//! Silences: periods in which matching alerts are raised and shown without sending notifications.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::{Alert, Severity};
use super::id::{RuleId, SilenceId};
use super::new_post::Rejection;
use super::rollup::Dimension;

/// Maximum length of a comment in characters.
const COMMENT_CHARS_MAX: usize = 500;

/// Maximum length of a key in bytes, the same as in posts.
pub(super) const KEY_BYTES_MAX: usize = 128;

/// Silence as stored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Silence {
    /// Id of the silence, as used in `/silences/{id}`.
    pub id: SilenceId,
    /// Definition of the silence.
    #[serde(flatten)]
    pub what: NewSilence,
    /// Time at which the silence was created.
    pub created_at: Timestamp,
    /// Name of the person or program that created the silence; null if no name was given.
    pub created_by: Option<String>,
    /// Time at which the silence was ended early; null if it was not.
    pub updated_at: Option<Timestamp>,
    /// Name of the person or program that ended the silence early; null if no name was given, or it was not ended.
    pub updated_by: Option<String>,
}

/// Silence to create. An alert matches if all given conditions hold. A silence without conditions must set
/// `everything`, and then matches every alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSilence {
    /// Rule whose alerts match; if absent, alerts of every rule and all anomalies match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<RuleId>,
    /// Dimension whose alerts match: `overall`, `product`, `platform`, `channel` or `city`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^(overall|product|platform|channel|city)$")]
    pub dimension: Option<Dimension>,
    /// Product, platform, channel or city whose alerts match, at most 128 bytes; requires `dimension`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128)]
    pub key: Option<String>,
    /// Exact severity of the alerts that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Whether every alert matches; set it only if there are no other conditions.
    #[serde(default)]
    pub everything: bool,
    /// Start of the silence; defaults to now.
    #[serde(default = "Timestamp::now")]
    pub starts_at: Timestamp,
    /// End of the silence, after `starts_at` and in the future.
    pub ends_at: Timestamp,
    /// Reason to show to colleagues, at most 500 characters.
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
        match (self.has_conditions(), self.everything) {
            (false, false) => {
                let message = "a silence without a rule, scope or severity silences all alerts; choose one, or set \
                     `everything` to true";
                return reject("missing_field", "everything", message);
            }
            (true, true) => {
                let message = "`everything` cannot be combined with a rule, scope or severity";
                return reject("invalid_field", "everything", message);
            }
            _ => {}
        }
        match (&self.key, self.dimension) {
            (Some(_), None) => reject("missing_field", "dimension", "`key` requires `dimension`"),
            (Some(key), Some(Dimension::Overall)) if !key.is_empty() => {
                reject("invalid_field", "key", "the dimension `overall` takes no key")
            }
            (Some(key), Some(dimension)) if dimension != Dimension::Overall && key.trim().is_empty() => {
                let message = format!("name a {}, or omit `key` to silence all of them", dimension.as_str());
                reject("empty", "key", &message)
            }
            (Some(key), _) if key.len() > KEY_BYTES_MAX || key.contains('\0') => {
                reject("too_long", "key", "the key must be at most 128 bytes, without NUL")
            }
            _ => Ok(()),
        }
    }

    /// Returns whether the silence has any condition.
    pub const fn has_conditions(&self) -> bool {
        self.rule_id.is_some() || self.dimension.is_some() || self.key.is_some() || self.severity.is_some()
    }

    /// Returns whether the silence is active and matches the alert.
    pub fn covers(&self, alert: &Alert, now: Timestamp) -> bool {
        self.starts_at <= now
            && now < self.ends_at
            && self.rule_id.is_none_or(|id| alert.rule_id == Some(id))
            && self.dimension.is_none_or(|dimension| alert.scope.dimension == dimension)
            && self.key.as_ref().is_none_or(|key| alert.scope.key == *key)
            && self.severity.is_none_or(|severity| alert.severity == severity)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn check(change: impl Fn(&mut NewSilence), expected: Option<&str>) {
        let now = Timestamp::now();
        let mut silence = NewSilence {
            rule_id: None,
            dimension: None,
            key: None,
            severity: None,
            everything: false,
            starts_at: now,
            ends_at: now + SignedDuration::from_hours(1),
            comment: String::new(),
        };
        change(&mut silence);
        let refused = silence.check(now).err();
        assert_eq!(
            refused.as_ref().map(|refused| refused.field.as_str()),
            expected,
            "{silence:?}: {refused:?}"
        );
    }

    #[test]
    fn a_silence_without_conditions_must_say_that_it_means_everything() {
        check(|_| {}, Some("everything"));
        check(|silence| silence.everything = true, None);
        check(|silence| silence.severity = Some(Severity::Info), None);
        check(|silence| silence.dimension = Some(Dimension::Product), None);
        check(
            |silence| (silence.dimension, silence.everything) = (Some(Dimension::Product), true),
            Some("everything"),
        );
    }

    #[test]
    fn a_blank_key_is_refused() {
        for blank in ["", "  "] {
            let about = |dimension| {
                move |silence: &mut NewSilence| {
                    (silence.dimension, silence.key) = (Some(dimension), Some(blank.to_owned()));
                }
            };
            check(about(Dimension::Product), Some("key"));
            check(about(Dimension::City), Some("key"));
        }
        check(
            |silence| (silence.dimension, silence.key) = (Some(Dimension::Overall), Some(String::new())),
            None,
        );
    }
}
