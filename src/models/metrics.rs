//! Responses of the metrics calls, and the live window.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rollup::{BUCKET_SECONDS, MICROS, Sums};
use super::score::EMOTIONS;

/// Period of event time that a response covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// Start, inclusive, on a bucket boundary.
    pub from: Timestamp,
    /// End, exclusive.
    pub to: Timestamp,
    /// Length in seconds.
    pub seconds: i64,
}

/// Length of the live window, a multiple of ten-second buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveWindow(i64);

impl LiveWindow {
    /// Minimum length in seconds; a shorter window would mostly be empty.
    pub const SECONDS_MIN: i64 = BUCKET_SECONDS;
    /// Maximum length in seconds. Summing a longer window four times a second would cost too much; the history calls cover
    /// longer ones.
    pub const SECONDS_MAX: i64 = 900;

    /// Returns a window of this length, or `None` if the length is not allowed.
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        let fits =
            (Self::SECONDS_MIN..=Self::SECONDS_MAX).contains(&seconds) && seconds % BUCKET_SECONDS == 0;
        fits.then_some(Self(seconds))
    }

    /// Returns the window length in seconds.
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl Default for LiveWindow {
    fn default() -> Self {
        Self(60)
    }
}

impl std::str::FromStr for LiveWindow {
    type Err = &'static str;

    /// Parses `60s`, `90s` or `5m`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = match (text.strip_suffix('s'), text.strip_suffix('m')) {
            (Some(number), _) => (number, 1),
            (_, Some(number)) => (number, 60),
            _ => (text, 0),
        };
        let digits = number.chars().all(|c| c.is_ascii_digit()).then_some(number);
        let seconds = digits.and_then(|digits| digits.parse::<i64>().ok()?.checked_mul(unit));
        seconds
            .and_then(Self::of_seconds)
            .ok_or("must be 10s to 15m in steps of ten seconds, such as 60s or 5m")
    }
}

/// Sentiment of a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SentimentSummary {
    /// Mean of `sentiment.score`; null without posts.
    pub average: Option<f64>,
    /// Number of posts labelled positive.
    pub positive: i64,
    /// Number of posts labelled neutral.
    pub neutral: i64,
    /// Number of posts labelled negative.
    pub negative: i64,
}

/// Churn risk of a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChurnSummary {
    /// Mean churn risk; null without posts.
    pub average: Option<f64>,
    /// Number of posts with a churn risk of 0.8 or more.
    pub high: i64,
}

/// Toxicity of a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToxicitySummary {
    /// Mean toxicity; null without posts.
    pub average: Option<f64>,
}

/// Metrics of a set of posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Number of posts.
    pub count: i64,
    /// Sentiment of the posts.
    pub sentiment: SentimentSummary,
    /// Churn risk of the posts.
    pub churn: ChurnSummary,
    /// Toxicity of the posts.
    pub toxicity: ToxicitySummary,
    /// Number of posts by strongest emotion.
    pub emotions: BTreeMap<String, i64>,
    /// Number of posts that arrived after their minute had closed.
    pub late: i64,
    /// Number of changes to the window so far.
    pub revision: i64,
}

impl From<&Sums> for Summary {
    fn from(sums: &Sums) -> Self {
        let average = |micros: i64| (sums.count > 0).then(|| micros as f64 / MICROS / sums.count as f64);
        Self {
            count: sums.count,
            sentiment: SentimentSummary {
                average: average(sums.sentiment_micros),
                positive: sums.positive,
                neutral: sums.neutral,
                negative: sums.negative,
            },
            churn: ChurnSummary { average: average(sums.churn_micros), high: sums.churn_high },
            toxicity: ToxicitySummary { average: average(sums.toxicity_micros) },
            emotions: EMOTIONS.iter().map(|name| (*name).to_owned()).zip(sums.emotions).collect(),
            late: sums.late,
            revision: sums.revision,
        }
    }
}

/// Metrics of all posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overall {
    /// Requested period.
    pub window: Window,
    /// Metrics of the period.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Metrics of one city, product, channel or platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdown {
    /// Key of the part; `""` for posts without one.
    pub key: String,
    /// Latitude in degrees; only for cities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees; only for cities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Metrics of the posts.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Metrics by city, product, channel or platform, most posts first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdowns {
    /// Requested period.
    pub window: Window,
    /// One entry per key.
    pub items: Vec<Breakdown>,
}

/// Number of posts of one emotion or source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyCount {
    /// Emotion or source.
    pub key: String,
    /// Number of posts.
    pub count: i64,
}

/// Number of posts by emotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emotions {
    /// Requested period.
    pub window: Window,
    /// All seven emotions, in the order of the models.
    pub items: Vec<KeyCount>,
}

/// Step of a trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendPoint {
    /// Start of the step.
    pub from: Timestamp,
    /// Metrics of the step.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Metrics step by step, including steps without posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trend {
    /// Requested period.
    pub window: Window,
    /// Width of a step in seconds.
    pub step_seconds: i64,
    /// Steps, oldest first.
    pub items: Vec<TrendPoint>,
}

/// Live window: the data of `metrics:initial` and `metrics:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveMetrics {
    /// Period of the live window, by event time; the last minute unless `GROUNDSWELL_LIVE_WINDOW` changes it.
    pub window: Window,
    /// Metrics of all posts.
    pub overall: Summary,
    /// Metrics by city, most posts first.
    pub geo: Vec<Breakdown>,
    /// Metrics by product.
    pub products: Vec<Breakdown>,
    /// Metrics by channel.
    pub channels: Vec<Breakdown>,
    /// Metrics by platform.
    pub platforms: Vec<Breakdown>,
    /// Number of posts by source.
    pub sources: Vec<KeyCount>,
    /// Rate at which posts are stored.
    pub rate: LiveRate,
    /// Metrics of the last five minutes, step by step.
    pub trend: LiveTrend,
}

/// Rate at which posts are stored, over the last ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveRate {
    /// Posts stored per second by all processes.
    pub posts_per_second: f64,
    /// Share of them that `message:new` delivered, 0 to 1; below 1 the feed is a sample.
    pub feed_share: f64,
}

/// Metrics of the last five minutes in steps of ten seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveTrend {
    /// Width of a step in seconds.
    pub step_seconds: i64,
    /// Steps, oldest first.
    pub items: Vec<TrendPoint>,
}
