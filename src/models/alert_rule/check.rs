//! What is said to somebody whose rule makes no sense.

use super::{CHURN, Comparison, Metric, NewRule};
use crate::models::new_post::Rejection;
use crate::models::rollup::{BUCKET_SECONDS, Dimension};
use crate::models::silence::KEY_BYTES_MAX;

/// The longest window. A longer one moves so slowly that a chart tells more than an alert.
pub const WINDOW_SECONDS_MAX: i64 = 86_400;

/// Predicted viralities from here on are found by an index of their own, so that a rule asks for the few posts that may go
/// far and never reads all others.
pub const VIRALITY_SEEN: f64 = 60.0;

/// Waits longer than a day are forgotten by people, too.
const WAIT_SECONDS_MAX: i64 = 86_400;

const NAME_CHARS_MAX: usize = 100;
const VOLUME_MAX: i64 = 1_000_000_000;

/// Channels of one rule; more is a mailing list.
const CHANNELS_MAX: usize = 32;

impl NewRule {
    /// Whether everything in it can be meant.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), Rejection> {
        self.check_name()?;
        self.check_scope()?;
        self.check_thresholds()?;
        self.check_times()?;
        if !(0..=VOLUME_MAX).contains(&self.minimum_volume) {
            return reject("out_of_range", "minimum_volume", "a volume lies between 0 and 1,000,000,000");
        }
        if self.channels.len() > CHANNELS_MAX {
            return reject("too_long", "channels", "a rule has at most 32 channels");
        }
        Ok(())
    }

    /// Whether the rule that came with Groundswell under this name may become this one. Which posts the churn rule is
    /// about is decided where they are stored, so that part of it stays.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check_in_place_of(&self, id: uuid::Uuid) -> Result<(), Rejection> {
        self.check()?;
        if id != CHURN {
            return Ok(());
        }
        if self.metric != Metric::ChurnHigh {
            return reject(
                "builtin",
                "metric",
                "this rule is about posts at high churn risk; write another for other metrics",
            );
        }
        if self.scope.dimension != Dimension::Product || self.scope.key.is_some() {
            return reject(
                "builtin",
                "scope",
                "this rule is about each product; write another for other scopes",
            );
        }
        if self.comparison != Comparison::Above {
            return reject("builtin", "comparison", "this rule fires above its threshold");
        }
        if self.minimum_volume != 0 {
            return reject(
                "builtin",
                "minimum_volume",
                "this rule goes by single posts; raise its threshold",
            );
        }
        if self.for_seconds != 0 {
            return reject("builtin", "for_seconds", "this rule goes by single posts, which do not last");
        }
        Ok(())
    }

    fn check_name(&self) -> Result<(), Rejection> {
        if self.name.trim().is_empty() {
            return reject("empty", "name", "a name is more than white space");
        }
        if self.name.chars().count() > NAME_CHARS_MAX {
            return reject("too_long", "name", "a name is at most 100 characters long");
        }
        if self.name.chars().any(char::is_control) {
            return reject("invalid_text", "name", "a name is one line of text");
        }
        Ok(())
    }

    fn check_scope(&self) -> Result<(), Rejection> {
        match &self.scope.key {
            Some(key) if self.scope.dimension == Dimension::Overall && !key.is_empty() => {
                reject("invalid_field", "scope.key", "the dimension `overall` has no keys")
            }
            Some(key) if self.scope.dimension != Dimension::Overall && key.is_empty() => {
                reject("empty", "scope.key", "a key is not empty; leave it out to watch each")
            }
            Some(key) if key.len() > KEY_BYTES_MAX || key.contains('\0') => {
                reject("too_long", "scope.key", "a key is at most 128 bytes long, none of them NUL")
            }
            None if self.metric == Metric::Volume
                && self.comparison == Comparison::Below
                && self.scope.dimension != Dimension::Overall =>
            {
                // Whoever nobody speaks of is not known to exist.
                reject("missing_field", "scope.key", "too few posts can be noticed of one key, not of each")
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
        // NaN lies in no range, so it is refused as well.
        for (field, value) in [("threshold", self.threshold), ("clear_threshold", self.clear_threshold())] {
            if !(least..=most).contains(&value) {
                let message = format!("for `{}` it lies {range}", self.metric.name());
                return reject("out_of_range", field, &message);
            }
        }
        if self.metric == Metric::Virality && self.comparison == Comparison::Below {
            return reject(
                "invalid_field",
                "comparison",
                "nearly every post is predicted to stay below; only `above` tells something",
            );
        }
        let clear = self.clear_threshold();
        let reversed = match self.comparison {
            Comparison::Above => clear > self.threshold,
            Comparison::Below => clear < self.threshold,
        };
        if reversed {
            return reject("out_of_range", "clear_threshold", "it would cease to hold where it begins to");
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), Rejection> {
        if !(BUCKET_SECONDS..=WINDOW_SECONDS_MAX).contains(&self.window_seconds) {
            return reject("out_of_range", "window_seconds", "a window is 10 seconds to a day long");
        }
        if self.window_seconds % BUCKET_SECONDS != 0 {
            return reject("invalid_field", "window_seconds", "a window is a multiple of 10 seconds long");
        }
        let waits = [
            ("for_seconds", self.for_seconds),
            ("keep_firing_seconds", self.keep_firing_seconds),
            ("cooldown_seconds", self.cooldown_seconds),
        ];
        for (field, seconds) in waits {
            if !(0..=WAIT_SECONDS_MAX).contains(&seconds) {
                return reject("out_of_range", field, "it is at most a day long");
            }
        }
        Ok(())
    }
}

fn reject(code: &'static str, field: &str, message: &str) -> Result<(), Rejection> {
    Err(Rejection { code, field: field.to_owned(), message: message.to_owned() })
}
