//! When something must be acted on: rules as people write them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alert::{AlertRule, Scope, Severity};
use super::rollup::Dimension;
use super::score::EMOTIONS;

mod check;
#[cfg(test)]
mod tests;

pub use check::{VIRALITY_SEEN, WINDOW_SECONDS_MAX};

/// The rule that the field has for everything: more than half of the posts are negative. A migration makes it.
pub const NEGATIVITY_OVERALL: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);

/// The same for each product.
pub const NEGATIVITY_PRODUCTS: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0002);

/// The rule that the field has for people who are about to leave.
///
/// The only one that goes post by post, see [`crate::store::alerts::flagged_posts`]: each post at high risk is in exactly one alert of
/// each of its products.
pub const CHURN: Uuid = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0003);

/// What a rule measures over its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Metric {
    /// Share of posts labelled negative, 0 to 1.
    NegativeShare,
    /// Average sentiment, −1 to 1.
    SentimentAverage,
    /// Posts at high churn risk.
    ChurnHigh,
    /// Average toxicity, 0 to 1.
    Toxicity,
    /// Posts.
    Volume,
    /// The highest predicted virality of any post, 0 to 100. Below [`VIRALITY_SEEN`] it reads as 0.
    Virality,
    /// Share of posts in which one emotion is the strongest, 0 to 1; its place in [`EMOTIONS`].
    Emotion(u8),
}

impl Metric {
    /// The name as stored and sent.
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

    /// The metric of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|metric| metric.name() == name)
    }

    /// All of them.
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

    /// The kind of its alerts, which decides the event they are pushed as.
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
            format!("`{name}` is no metric; there are {}", known.join(", "))
        })
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> Self {
        metric.name()
    }
}

/// On which side of the threshold a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// It fires when the value is greater than the threshold.
    Above,
    /// It fires when the value is less than the threshold.
    Below,
}

impl Comparison {
    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}

/// What a rule watches: everything, one thing, or each thing of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleScope {
    /// `overall`, `product`, `platform`, `channel` or `city`.
    #[schema(value_type = String, pattern = "^(overall|product|platform|channel|city)$")]
    pub dimension: Dimension,
    /// Which product, platform, channel or city; null for each of them, with an alert of its own. At most 128 bytes.
    #[serde(default)]
    #[schema(max_length = 128)]
    pub key: Option<String>,
}

impl RuleScope {
    /// Whether the rule watches this. `""`, the posts that name none, is never one of "each".
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

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// What people call it, 1 to 100 characters on one line.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    pub name: String,
    /// Whether it is evaluated.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// `negative_share`, `sentiment_average`, `churn_high`, `toxicity`, `volume`, `virality`, or `emotion:` followed by
    /// one of the seven.
    #[schema(
        value_type = String,
        pattern = "^(negative_share|sentiment_average|churn_high|toxicity|volume|virality|emotion:(anger|disgust|fear|joy|neutral|sadness|surprise))$"
    )]
    pub metric: Metric,
    /// What it watches.
    pub scope: RuleScope,
    /// How far back it looks, 10 seconds to a day in steps of 10.
    #[schema(minimum = 10, maximum = 86_400, multiple_of = 10)]
    pub window_seconds: i64,
    /// On which side of the threshold it fires.
    pub comparison: Comparison,
    /// It fires beyond this. Shares, toxicity and emotions lie between 0 and 1, sentiment between −1 and 1, virality
    /// between 60 and 100.
    #[schema(minimum = -1, maximum = 1_000_000_000_000_i64)]
    pub threshold: f64,
    /// It ceases at this or less, or for `below` at this or more; between the two it stays as it is. `threshold` when
    /// absent.
    #[serde(default)]
    #[schema(minimum = -1, maximum = 1_000_000_000_000_i64)]
    pub clear_threshold: Option<f64>,
    /// Fewer posts than this say nothing: it neither fires nor holds.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub minimum_volume: i64,
    /// How long it must hold before it fires.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86_400)]
    pub for_seconds: i64,
    /// How long it must have ceased before it is over.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 86_400)]
    pub keep_firing_seconds: i64,
    /// How long after it was over it stays quiet.
    #[serde(default = "a_minute")]
    #[schema(minimum = 0, maximum = 86_400)]
    pub cooldown_seconds: i64,
    /// How loudly. A negative share halfway from the threshold to all posts is critical whatever this says.
    pub severity: Severity,
    /// Where its alerts are sent, at most 32; empty for every channel whose minimum severity fits.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub channels: Vec<Uuid>,
}

const fn yes() -> bool {
    true
}

const fn a_minute() -> i64 {
    60
}

/// A rule as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Rule {
    /// Its name for programs.
    pub id: Uuid,
    /// Whether it came with Groundswell. Such a rule can be changed and switched off, not deleted.
    pub builtin: bool,
    /// What it says.
    #[serde(flatten)]
    pub what: NewRule,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Preview {
    /// What it would have measured: of a rule about each thing, of the one it would have fired for the longest, else of
    /// the one with the most posts.
    pub series: Vec<PreviewPoint>,
    /// When any of its alerts would have been open, oldest first.
    pub firings: Vec<Stretch>,
    /// How far back, in seconds.
    pub seconds: i64,
}

/// What a rule would have measured at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct PreviewPoint {
    /// When; the window ends there.
    pub at: Timestamp,
    /// In the unit of the metric; null where no post had a value.
    pub value: Option<f64>,
    /// Posts behind it.
    pub count: i64,
}

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stretch {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl NewRule {
    /// Where it ceases to hold.
    pub fn clear_threshold(&self) -> f64 {
        self.clear_threshold.unwrap_or(self.threshold)
    }
}
