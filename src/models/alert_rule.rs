//! Alert rules as users define them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::{AlertRule, Scope, Severity};
use super::id::{ChannelId, RuleId};
use super::rollup::Dimension;
use super::score::EMOTIONS;

mod check;
#[cfg(test)]
mod tests;

pub use check::{VIRALITY_SEEN, WINDOW_SECONDS_MAX};

/// Built-in rule, inserted by a migration: more than half of all posts are negative.
pub const NEGATIVITY_OVERALL: RuleId = RuleId::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);

/// Built-in rule: more than half of a product's posts are negative.
pub const NEGATIVITY_PRODUCTS: RuleId = RuleId::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002);

/// Built-in rule about posts at high churn risk.
///
/// This is the only rule that is evaluated post by post; see [`crate::store::alerts::flagged_posts`]. Each post at high
/// risk belongs to exactly one alert for each of its products.
pub const CHURN: RuleId = RuleId::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0003);

/// Quantity that a rule measures over its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Share of posts labelled negative, 0 to 1.
    NegativeShare,
    /// Average sentiment, −1 to 1.
    SentimentAverage,
    /// Number of posts at high churn risk.
    ChurnHigh,
    /// Average toxicity, 0 to 1.
    Toxicity,
    /// Number of posts.
    Volume,
    /// Highest predicted virality of any post, 0 to 100; values below [`VIRALITY_SEEN`] count as 0.
    Virality,
    /// Share of posts whose strongest emotion is this one (an index into [`EMOTIONS`]), 0 to 1.
    Emotion(u8),
}

impl Metric {
    /// Returns the name used in the database and the API.
    pub fn name(self) -> String {
        match self {
            Self::NegativeShare => "negative_share".to_owned(),
            Self::SentimentAverage => "sentiment_average".to_owned(),
            Self::ChurnHigh => "churn_high".to_owned(),
            Self::Toxicity => "toxicity".to_owned(),
            Self::Volume => "volume".to_owned(),
            Self::Virality => "virality".to_owned(),
            Self::Emotion(i) => format!("emotion:{}", EMOTIONS.get(usize::from(i)).unwrap_or(&"neutral")),
        }
    }

    /// Returns the metric with this name, or `None` if there is none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|metric| metric.name() == name)
    }

    /// Iterates over all metrics.
    pub fn all() -> impl Iterator<Item = Self> {
        [
            Self::NegativeShare,
            Self::SentimentAverage,
            Self::ChurnHigh,
            Self::Toxicity,
            Self::Volume,
            Self::Virality,
        ]
        .into_iter()
        .chain((0..7).map(Self::Emotion))
    }

    /// Returns the kind of alert that rules on this metric raise. The kind determines which event is pushed.
    pub const fn kind(self) -> AlertRule {
        match self {
            Self::NegativeShare | Self::SentimentAverage => AlertRule::Negativity,
            Self::ChurnHigh => AlertRule::Churn,
            Self::Volume => AlertRule::Spike,
            Self::Virality => AlertRule::Virality,
            Self::Toxicity | Self::Emotion(_) => AlertRule::Threshold,
        }
    }
}

impl TryFrom<String> for Metric {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Self::from_name(&name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(|metric| format!("`{}`", metric.name())).collect();
            format!("unknown metric `{name}`, expected one of {}", known.join(", "))
        })
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name()
    }
}

/// Direction in which a value must pass the threshold for a rule to fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// Fires when the value is greater than the threshold.
    Above,
    /// Fires when the value is less than the threshold.
    Below,
}

impl Comparison {
    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// Posts that a rule watches: all posts, those of one product, platform, channel or city, or those of each one
/// separately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleScope {
    /// `overall`, `product`, `platform`, `channel` or `city`.
    #[schema(value_type = String, pattern = "^(overall|product|platform|channel|city)$")]
    pub dimension: Dimension,
    /// Product, platform, channel or city to watch, at most 128 bytes; null watches each key separately, each with its
    /// own alert.
    #[serde(default)]
    #[schema(max_length = 128)]
    pub key: Option<String>,
}

impl RuleScope {
    /// Returns whether the rule watches this scope. A rule that watches every key skips `""`, which stands for posts
    /// without a key.
    pub fn covers(&self, scope: &Scope) -> bool {
        if self.dimension != scope.dimension {
            return false;
        }
        match &self.key {
            Some(key) => *key == scope.key,
            None => self.dimension == Dimension::Overall || !scope.key.is_empty(),
        }
    }
}

/// Alert rule to store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// Display name, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: String,
    /// Whether the rule is evaluated; defaults to true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Quantity to measure: `negative_share`, `sentiment_average`, `churn_high`, `toxicity`, `volume`, `virality`, or
    /// `emotion:` followed by one of the seven emotions.
    #[schema(
        value_type = String,
        pattern = "^(negative_share|sentiment_average|churn_high|toxicity|volume|virality|emotion:(anger|disgust|fear|joy|neutral|sadness|surprise))$"
    )]
    pub metric: Metric,
    /// Posts that the rule watches.
    pub scope: RuleScope,
    /// Length of the window, 10 seconds to a day in steps of 10.
    #[schema(minimum = 10, maximum = 86_400, multiple_of = 10)]
    pub window_seconds: i64,
    /// Direction in which the value must pass `threshold` for the rule to fire.
    pub comparison: Comparison,
    /// Threshold beyond which the rule fires. Shares, toxicity and emotions range from 0 to 1, sentiment from −1 to 1,
    /// virality from 60 to 100.
    #[schema(minimum = -1, maximum = 1_000_000_000_000_i64)]
    pub threshold: f64,
    /// Threshold for resolving an alert: the value must fall to it or below or, if `comparison` is `below`, rise to it
    /// or above. Between the two thresholds, the alert keeps its state. Defaults to `threshold`.
    #[serde(default)]
    #[schema(minimum = -1, maximum = 1_000_000_000_000_i64)]
    pub clear_threshold: Option<f64>,
    /// Minimum number of posts in the window; with fewer, the rule neither fires nor keeps firing.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub minimum_volume: i64,
    /// Number of seconds for which the condition must hold before the rule fires.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86_400)]
    pub for_seconds: i64,
    /// Number of seconds for which the condition must stay clear before the alert resolves.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86_400)]
    pub keep_firing_seconds: i64,
    /// Number of seconds after an alert resolves during which the rule cannot fire again; defaults to 60.
    #[serde(default = "a_minute")]
    #[schema(minimum = 0, maximum = 86_400)]
    pub cooldown_seconds: i64,
    /// Severity of the rule's alerts. An alert about the share of negative posts is always critical if that share is
    /// more than halfway from the threshold to 1.
    pub severity: Severity,
    /// Channels to notify, at most 32; if empty, every channel whose minimum severity admits the alert is notified.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub channels: Vec<ChannelId>,
}

const fn yes() -> bool {
    true
}

const fn a_minute() -> i64 {
    60
}

/// Alert rule as stored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rule {
    /// Id of the rule, as used in `/alert-rules/{id}`.
    pub id: RuleId,
    /// Whether the rule ships with Groundswell. Built-in rules can be changed and disabled, but not deleted.
    pub builtin: bool,
    /// Definition of the rule, as created or last replaced.
    #[serde(flatten)]
    pub what: NewRule,
    /// Time at which the rule was created.
    pub created_at: Timestamp,
    /// Time at which the rule was last changed.
    pub updated_at: Timestamp,
    /// Name of the person or program that created the rule; null if no name was given, and for built-in rules.
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the rule; null if no name was given.
    pub updated_by: Option<String>,
}

/// Alerts that a rule would have raised on past data.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Preview {
    /// Values over time. For a rule that watches every key, these are the values of the key for which it would have
    /// fired longest or, if it would not have fired, of the key with the most posts.
    pub series: Vec<PreviewPoint>,
    /// Periods during which an alert would have been open, oldest first.
    pub firings: Vec<Stretch>,
    /// Length of the past period examined, in seconds.
    pub seconds: i64,
}

/// Value of a rule's metric at one point in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct PreviewPoint {
    /// End of the window that was measured.
    pub at: Timestamp,
    /// Value in the unit of the metric; null if no post had one.
    pub value: Option<f64>,
    /// Number of posts in the window.
    pub count: i64,
}

/// Period during which an alert would have been open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stretch {
    /// Time at which the alert would have opened.
    pub from: Timestamp,
    /// Time at which the alert would have resolved, or the end of the data.
    pub to: Timestamp,
}

impl NewRule {
    /// Returns the value at which an alert resolves: `clear_threshold`, or `threshold` if none is set.
    pub fn clear_threshold(&self) -> f64 {
        self.clear_threshold.unwrap_or(self.threshold)
    }
}
