//! Responses from the metrics endpoints, and the live window.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::peak::Peak;
use super::rollup::{BUCKET_SECONDS, MICROS, Sums, complete_until};
use super::score::EMOTIONS;

/// Period of event time that a response covers. It contains exactly the posts from `from` until `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// Start of the period, inclusive, on a bucket boundary.
    pub from: Timestamp,
    /// End of the period, exclusive.
    pub to: Timestamp,
    /// Length of the period in seconds.
    pub seconds: i64,
}

/// Length of the live window, a whole number of ten-second buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveWindow(i64);

impl LiveWindow {
    /// Minimum length in seconds; a shorter window would mostly be empty.
    pub const SECONDS_MIN: i64 = BUCKET_SECONDS;
    /// Maximum length in seconds. Summing a longer window four times a second would be too expensive; the history calls
    /// cover longer periods.
    pub const SECONDS_MAX: i64 = 900;

    /// Returns a window of this length, or `None` if it is out of bounds or not a whole number of buckets.
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        let fits =
            (Self::SECONDS_MIN..=Self::SECONDS_MAX).contains(&seconds) && seconds % BUCKET_SECONDS == 0;
        fits.then_some(Self(seconds))
    }

    /// Returns the length in seconds.
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

    /// Parses seconds or minutes with a unit, such as `60s`, `90s` or `5m`.
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
    /// Mean of `sentiment.score`, −1 to 1; null if there are no posts.
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
    /// Mean churn risk, 0 to 1; null if there are no posts.
    pub average: Option<f64>,
    /// Number of posts with a churn risk of 0.8 or more.
    pub high: i64,
}

/// Toxicity of a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToxicitySummary {
    /// Mean toxicity, 0 to 1; null if there are no posts.
    pub average: Option<f64>,
}

/// Metrics for a set of posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Number of posts in the set.
    pub count: i64,
    /// Average sentiment and the number of posts per label.
    pub sentiment: SentimentSummary,
    /// Average churn risk and the number of posts at high risk.
    pub churn: ChurnSummary,
    /// Average toxicity of the posts.
    pub toxicity: ToxicitySummary,
    /// Number of posts by strongest emotion.
    pub emotions: BTreeMap<String, i64>,
    /// Number of posts that arrived more than five seconds after the minute of their event time had ended.
    pub late: i64,
    /// Number of transactions that have changed these metrics; it increases with every change.
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

/// Metrics for all posts in a period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overall {
    /// Period that the metrics cover.
    pub window: Window,
    /// Metrics for all posts in the period.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Metrics for the posts with one key: a city, product, channel or platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdown {
    /// City, product, channel or platform; `""` for posts without one.
    pub key: String,
    /// Latitude of the city in degrees; absent for other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude of the city in degrees; absent for other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Metrics for the posts with this key.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Metrics by key, most posts first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdowns {
    /// Period that the metrics cover.
    pub window: Window,
    /// One entry per city, product, channel or platform.
    pub items: Vec<Breakdown>,
}

/// Number of posts with one emotion or from one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyCount {
    /// Name of the emotion or source.
    pub key: String,
    /// Number of posts with this key.
    pub count: i64,
}

/// Number of posts by strongest emotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emotions {
    /// Period that the counts cover.
    pub window: Window,
    /// All seven emotions, in the order of the models' outputs.
    pub items: Vec<KeyCount>,
}

/// One step of a trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendPoint {
    /// Start of the step.
    pub from: Timestamp,
    /// How much of the step has passed.
    #[serde(flatten)]
    pub progress: StepProgress,
    /// Metrics for the posts in the step.
    #[serde(flatten)]
    pub summary: Summary,
}

/// How much of a step has passed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StepProgress {
    /// Length of the step in seconds; for an unfinished step, the time that has passed so far. Divide counts by it for
    /// a rate. It is 0 if the step has just begun.
    pub seconds: f64,
    /// Whether the step is over. An unfinished step still gains posts, so its counts cannot be compared with those of
    /// other steps.
    pub complete: bool,
}

impl StepProgress {
    /// Returns how much of the step has passed at the given time.
    pub fn of((from, to): (Timestamp, Timestamp), now: Timestamp) -> Self {
        let millis = to.min(now).as_millisecond().saturating_sub(from.as_millisecond()).max(0);
        Self { seconds: millis as f64 / 1_000.0, complete: to <= complete_until(now, BUCKET_SECONDS) }
    }
}

/// Metrics step by step, including steps without posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trend {
    /// Period that the steps cover.
    pub window: Window,
    /// Width of each step in seconds.
    pub step_seconds: i64,
    /// Steps, oldest first. The last one is unfinished if the period ends now.
    pub items: Vec<TrendPoint>,
}

/// Metrics step by step, with the peaks among the steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendWithPeaks {
    /// Steps of the period.
    #[serde(flatten)]
    pub trend: Trend,
    /// Peaks among the completed steps, oldest first.
    pub peaks: Vec<Peak>,
}

/// Live window, as sent in `metrics:initial` and `metrics:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveMetrics {
    /// Period of event time that the window covers: the newest complete ten-second buckets that add up to a minute, or
    /// to the length set by `GROUNDSWELL_LIVE_WINDOW`.
    pub window: Window,
    /// Metrics for all posts in the window.
    pub overall: Summary,
    /// Metrics by city, most posts first.
    pub geo: Vec<Breakdown>,
    /// Metrics by product, most posts first.
    pub products: Vec<Breakdown>,
    /// Metrics by channel, most posts first.
    pub channels: Vec<Breakdown>,
    /// Metrics by platform, most posts first.
    pub platforms: Vec<Breakdown>,
    /// Number of posts in the window by source.
    pub sources: Vec<KeyCount>,
    /// Rate at which posts are currently stored, and the share of them in the feed.
    pub rate: LiveRate,
    /// Metrics for the last five minutes, step by step, including the unfinished step.
    pub trend: LiveTrend,
}

/// Rate at which posts were stored over the last ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveRate {
    /// Posts stored per second by all processes.
    pub posts_per_second: f64,
    /// Share of these posts that `message:new` delivered, 0 to 1; below 1, the feed is a sample.
    pub feed_share: f64,
}

/// Metrics for the last five minutes in steps of ten seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveTrend {
    /// Width of each step in seconds.
    pub step_seconds: i64,
    /// Steps, oldest first. The last one is unfinished.
    pub items: Vec<TrendPoint>,
    /// Peaks among the completed steps, oldest first.
    pub peaks: Vec<Peak>,
}
