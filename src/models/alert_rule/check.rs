//! Validation of alert rules.

use super::{CHURN, Comparison, Metric, NewRule};
use crate::models::hidden_characters::is_hidden;
use crate::models::id::RuleId;
use crate::models::new_post::Rejection;
use crate::models::rollup::{BUCKET_SECONDS, Dimension};
use crate::models::score::VIRALITY_HIGH;
use crate::models::silence::KEY_BYTES_MAX;

/// Maximum length of a window. Longer windows move so slowly that a chart is more useful than an alert.
pub const WINDOW_SECONDS_MAX: i64 = 86_400;

/// Minimum predicted virality for a post to be included in a dedicated index, so a rule reads only the few posts likely
/// to spread widely.
pub const VIRALITY_SEEN: f64 = VIRALITY_HIGH as f64;

/// Maximum length of each delay: before firing, before resolving, and between alerts.
const WAIT_SECONDS_MAX: i64 = 86_400;

const NAME_CHARS_MAX: usize = 100;
const VOLUME_MAX: i64 = 1_000_000_000;

/// Maximum number of channels per rule.
const CHANNELS_MAX: usize = 32;

impl NewRule {
    /// Validates the definition.
    ///
    /// # Errors
    /// Returns the first field that is wrong.
    pub fn check(&self) -> Result<(), Rejection> {
        self.check_name()?;
        self.check_scope()?;
        self.check_thresholds()?;
        self.check_times()?;
        if !(0..=VOLUME_MAX).contains(&self.minimum_volume) {
            return reject(
                "out_of_range",
                "minimum_volume",
                "the minimum volume must be between 0 and 1,000,000,000",
            );
        }
        if self.channels.len() > CHANNELS_MAX {
            return reject("too_long", "channels", "a rule can have at most 32 channels");
        }
        Ok(())
    }

    /// Validates this definition as a replacement for the rule with the given id. The store decides which posts the
    /// churn rule covers, so that part cannot be changed.
    ///
    /// # Errors
    /// Returns the first field that is wrong.
    pub fn check_in_place_of(&self, id: RuleId) -> Result<(), Rejection> {
        self.check()?;
        if id != CHURN {
            return Ok(());
        }
        if self.metric != Metric::ChurnHigh {
            return reject(
                "builtin",
                "metric",
                "this rule always measures posts at high churn risk; create another rule for other metrics",
            );
        }
        if self.scope.dimension != Dimension::Product || self.scope.key.is_some() {
            return reject(
                "builtin",
                "scope",
                "this rule always watches each product; create another rule for other scopes",
            );
        }
        if self.comparison != Comparison::Above {
            return reject("builtin", "comparison", "this rule always fires above its threshold");
        }
        if self.minimum_volume != 0 {
            return reject(
                "builtin",
                "minimum_volume",
                "this rule evaluates single posts and takes no minimum volume; raise its threshold instead",
            );
        }
        if self.for_seconds != 0 {
            return reject(
                "builtin",
                "for_seconds",
                "this rule evaluates single posts and takes no `for` duration",
            );
        }
        Ok(())
    }

    fn check_name(&self) -> Result<(), Rejection> {
        if self.name.trim().is_empty() {
            return reject("empty", "name", "enter a name");
        }
        if self.name.chars().count() > NAME_CHARS_MAX {
            return reject("too_long", "name", "the name must be at most 100 characters");
        }
        if self.name.chars().any(is_hidden) {
            return reject("invalid_text", "name", "the name must be a single line");
        }
        Ok(())
    }

    fn check_scope(&self) -> Result<(), Rejection> {
        match &self.scope.key {
            Some(key) if self.scope.dimension == Dimension::Overall && !key.is_empty() => {
                reject("invalid_field", "scope.key", "the dimension `overall` takes no key")
            }
            Some(key) if self.scope.dimension != Dimension::Overall && key.is_empty() => {
                reject("empty", "scope.key", "enter a key, or omit it to watch each one")
            }
            Some(key) if key.len() > KEY_BYTES_MAX || key.contains('\0') => {
                reject("too_long", "scope.key", "the key must be at most 128 bytes, without NUL")
            }
            None if self.metric == Metric::Volume
                && self.comparison == Comparison::Below
                && self.scope.dimension != Dimension::Overall =>
            {
                // A key without any posts is unknown, so its silence cannot be noticed.
                reject("missing_field", "scope.key", "a rule on low volume needs one specific key; enter it")
            }
            _ => Ok(()),
        }
    }

    fn check_thresholds(&self) -> Result<(), Rejection> {
        let (least, most, range) = match self.metric {
            Metric::NegativeShare | Metric::Toxicity | Metric::Emotion(_) => (0.0, 1.0, "between 0 and 1"),
            Metric::SentimentAverage => (-1.0, 1.0, "between -1 and 1"),
            Metric::ChurnHigh | Metric::Volume => (0.0, 1e12, "0 or more"),
            Metric::Virality => (VIRALITY_SEEN, 100.0, "between 60 and 100"),
        };
        // NaN lies in no range, so this rejects it too.
        for (field, value) in [("threshold", self.threshold), ("clear_threshold", self.clear_threshold())] {
            if !(least..=most).contains(&value) {
                let message = format!("`{field}` must be {range} for `{}`", self.metric.name());
                return reject("out_of_range", field, &message);
            }
        }
        if self.metric == Metric::Virality && self.comparison == Comparison::Below {
            return reject(
                "invalid_field",
                "comparison",
                "virality can only be compared `above`, because nearly every post stays below",
            );
        }
        let clear = self.clear_threshold();
        let reversed = match self.comparison {
            Comparison::Above => clear > self.threshold,
            Comparison::Below => clear < self.threshold,
        };
        if reversed {
            let side = if self.comparison == Comparison::Above { "above" } else { "below" };
            let message = format!("`clear_threshold` must not be {side} `threshold`");
            return reject("out_of_range", "clear_threshold", &message);
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), Rejection> {
        if !(BUCKET_SECONDS..=WINDOW_SECONDS_MAX).contains(&self.window_seconds) {
            return reject("out_of_range", "window_seconds", "the window must be 10 seconds to a day");
        }
        if self.window_seconds % BUCKET_SECONDS != 0 {
            return reject("invalid_field", "window_seconds", "the window must be a multiple of 10 seconds");
        }
        let waits = [
            ("for_seconds", self.for_seconds),
            ("keep_firing_seconds", self.keep_firing_seconds),
            ("cooldown_seconds", self.cooldown_seconds),
        ];
        for (field, seconds) in waits {
            if !(0..=WAIT_SECONDS_MAX).contains(&seconds) {
                return reject("out_of_range", field, &format!("`{field}` must be between 0 and a day"));
            }
        }
        Ok(())
    }
}

fn reject(code: &'static str, field: &str, message: &str) -> Result<(), Rejection> {
    Err(Rejection { code, field: field.to_owned(), message: message.to_owned() })
}
