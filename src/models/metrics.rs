//! What the metrics calls and the live window answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rollup::{BUCKET_SECONDS, MICROS, Sums};
use super::score::EMOTIONS;

/// The stretch of event time an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// Its start, inclusive, on a bucket's edge.
    pub from: Timestamp,
    /// Its end, exclusive.
    pub to: Timestamp,
    /// Its length.
    pub seconds: i64,
}

/// The length of the live window: some ten-second buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveWindow(i64);

impl LiveWindow {
    /// Shorter, and it is mostly empty.
    pub const SECONDS_MIN: i64 = BUCKET_SECONDS;
    /// Longer, and summing it four times a second costs more than it tells; history answers longer ones.
    pub const SECONDS_MAX: i64 = 900;

    /// One of so many seconds; none where it cannot be.
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        let fits =
            (Self::SECONDS_MIN..=Self::SECONDS_MAX).contains(&seconds) && seconds % BUCKET_SECONDS == 0;
        fits.then_some(Self(seconds))
    }

    /// Its length.
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

    /// `60s`, `90s` or `5m`.
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

/// Sentiment over a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SentimentSummary {
    /// Mean of `sentiment.score`; null when there are no posts.
    pub average: Option<f64>,
    /// Posts labelled positive.
    pub positive: i64,
    /// Posts labelled neutral.
    pub neutral: i64,
    /// Posts labelled negative.
    pub negative: i64,
}

/// Churn over a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChurnSummary {
    /// Mean churn risk; null when there are no posts.
    pub average: Option<f64>,
    /// Posts at 0.8 or more.
    pub high: i64,
}

/// Toxicity over a set of posts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ToxicitySummary {
    /// Mean toxicity; null when there are no posts.
    pub average: Option<f64>,
}

/// Everything known about a set of posts: overall, one city, one product, one step of a trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Posts.
    pub count: i64,
    /// Pleased or not.
    pub sentiment: SentimentSummary,
    /// About to leave or not.
    pub churn: ChurnSummary,
    /// Toxic or not.
    pub toxicity: ToxicitySummary,
    /// Posts by strongest emotion.
    pub emotions: BTreeMap<String, i64>,
    /// Posts that came after their minute had closed.
    pub late: i64,
    /// Changes to the window so far.
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

/// `GET /api/metrics/overall`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overall {
    /// The stretch asked for.
    pub window: Window,
    /// What happened in it.
    #[serde(flatten)]
    pub summary: Summary,
}

/// One city, product, channel or platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdown {
    /// Its name; `""` for posts that name none.
    pub key: String,
    /// Latitude in degrees; only cities have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees; only cities have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// What was said there.
    #[serde(flatten)]
    pub summary: Summary,
}

/// `GET /api/metrics/geo`, `/products`, `/channels`, `/platforms`; the most spoken of first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breakdowns {
    /// The stretch asked for.
    pub window: Window,
    /// One for each key.
    pub items: Vec<Breakdown>,
}

/// How many posts had this emotion, or came from this source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyCount {
    /// The emotion or source.
    pub key: String,
    /// Posts.
    pub count: i64,
}

/// `GET /api/metrics/emotions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Emotions {
    /// The stretch asked for.
    pub window: Window,
    /// All seven, in the models' order.
    pub items: Vec<KeyCount>,
}

/// One step of a trend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendPoint {
    /// Start of the step.
    pub from: Timestamp,
    /// What happened in it.
    #[serde(flatten)]
    pub summary: Summary,
}

/// `GET /api/metrics/trend`; every step is present, also those without posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trend {
    /// The stretch asked for.
    pub window: Window,
    /// Width of a step.
    pub step_seconds: i64,
    /// Oldest first.
    pub items: Vec<TrendPoint>,
}

/// The live window: data of `metrics:initial` and `metrics:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveMetrics {
    /// The live window, by event time: the last minute where `GROUNDSWELL_LIVE_WINDOW` says nothing else.
    pub window: Window,
    /// Everything.
    pub overall: Summary,
    /// By city, the most spoken of first.
    pub geo: Vec<Breakdown>,
    /// By product.
    pub products: Vec<Breakdown>,
    /// By channel.
    pub channels: Vec<Breakdown>,
    /// By platform.
    pub platforms: Vec<Breakdown>,
    /// By source.
    pub sources: Vec<KeyCount>,
    /// How fast posts are being stored.
    pub rate: LiveRate,
    /// The last five minutes in steps.
    pub trend: LiveTrend,
}

/// How fast posts are being stored, over the last ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveRate {
    /// Posts committed per second, by all processes.
    pub posts_per_second: f64,
    /// The share of them that `message:new` showed, 0 to 1; below 1 the feed is a sample.
    pub feed_share: f64,
}

/// The last five minutes in steps of ten seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveTrend {
    /// Width of a step.
    pub step_seconds: i64,
    /// Oldest first.
    pub items: Vec<TrendPoint>,
}
