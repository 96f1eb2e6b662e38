//! Responses from the `explore` endpoints.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::{SentimentSummary, StepProgress, Summary, Window};
use super::peak::Peak;

/// Width of the steps in a series. Days and weeks follow the requested time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// One calendar day.
    Day,
    /// One calendar week.
    Week,
}

/// Data that a response was computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnsweredFrom {
    /// Precomputed exact sums, available for ranges of any length.
    Rollups,
    /// Individual posts, which are read and counted for the request.
    Posts,
}

/// Sample of posts used to estimate figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    /// Share of the range that was read, 0 to 1. The slices that were read are spread evenly across the range.
    pub share: f64,
    /// Number of matching posts in the sample.
    pub posts: i64,
    /// Relative standard error of the total count: about two thirds of estimates are off by less. The counts of
    /// individual keys and steps are less accurate.
    pub error: f64,
}

/// Dimension by which posts are broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BreakdownBy {
    /// By product; a post counts once for each of its products.
    Product,
    /// By the platform that posts were published on.
    Platform,
    /// By the support or marketing channel that was sent with the posts.
    Channel,
    /// By the city that posts come from.
    City,
    /// By the source that posts came from.
    Source,
    /// By sentiment label.
    Label,
    /// By strongest emotion.
    Emotion,
    /// By ISO 639-1 language code.
    Lang,
    /// By author: by handle, or by id if no handle is known.
    Author,
}

/// One step of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplorePoint {
    /// Start of the step. The first step starts where the range does, possibly in the middle of an hour or day.
    pub from: Timestamp,
    /// End of the step, exclusive. The last step ends where the range does.
    pub to: Timestamp,
    /// How much of the step has passed.
    #[serde(flatten)]
    pub progress: StepProgress,
    /// Metrics for the posts in the step.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Metrics over a range, step by step, including steps without posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreSeries {
    /// Range that was requested.
    pub range: Window,
    /// IANA time zone that determines when days and weeks begin.
    pub tz: String,
    /// Width of the steps, as requested or chosen.
    pub step: Step,
    /// Data that the series was computed from.
    pub answered_from: AnsweredFrom,
    /// Sample that all counts are estimated from when a search matches too many posts to count exactly; null if the
    /// counts are exact.
    pub sample: Option<Sample>,
    /// Steps, oldest first.
    pub items: Vec<ExplorePoint>,
    /// Range that `items` are compared with; null unless requested.
    pub previous_range: Option<Window>,
    /// Steps of the range to compare with, in the same order as `items`; null unless requested.
    pub previous: Option<Vec<ExplorePoint>>,
}

/// Metrics over a range, step by step, with the peaks among the steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeriesWithPeaks {
    /// Steps of the range.
    #[serde(flatten)]
    pub series: ExploreSeries,
    /// Peaks among the completed steps, oldest first.
    pub peaks: Vec<Peak>,
}

/// One key of a breakdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreItem {
    /// Product, platform or other key; `""` for posts without one.
    pub key: String,
    /// Number of posts with this key.
    pub count: i64,
    /// Share of all posts that match the filter, 0 to 1. Shares of products can add up to more than 1.
    pub share: f64,
    /// Number of posts in the range to compare with; null unless requested.
    pub previous_count: Option<i64>,
    /// Sentiment of the posts; null in breakdowns by sentiment or emotion.
    pub sentiment: Option<SentimentSummary>,
}

/// Number of posts in a range for each key, largest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreBreakdown {
    /// Range that was requested.
    pub range: Window,
    /// Dimension that the keys belong to.
    pub by: BreakdownBy,
    /// Data that the breakdown was computed from.
    pub answered_from: AnsweredFrom,
    /// Sample that all counts are estimated from when a search matches too many posts to count exactly; null if the
    /// counts are exact.
    pub sample: Option<Sample>,
    /// Keys with the most posts, at most `limit`.
    pub items: Vec<ExploreItem>,
    /// Range that the counts are compared with; null unless requested.
    pub previous_range: Option<Window>,
}

/// One step of a set of lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreStep {
    /// Start of the step.
    pub from: Timestamp,
    /// End of the step, exclusive.
    pub to: Timestamp,
    /// How much of the step has passed.
    #[serde(flatten)]
    pub progress: StepProgress,
}

/// Posts of one line within one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LinePoint {
    /// Number of posts.
    pub count: i64,
    /// Sentiment of the posts; null for lines by sentiment or emotion.
    pub sentiment: Option<SentimentSummary>,
}

/// Posts with one key, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreLine {
    /// Product, platform or other key; `""` for posts without one.
    pub key: String,
    /// Number of posts in the range.
    pub count: i64,
    /// One point per step, in the order of `steps`.
    pub points: Vec<LinePoint>,
}

/// Breakdown of a range over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreLines {
    /// Range that was requested.
    pub range: Window,
    /// IANA time zone that determines when days and weeks begin.
    pub tz: String,
    /// Width of the steps, as requested or chosen.
    pub step: Step,
    /// Dimension that the keys belong to.
    pub by: BreakdownBy,
    /// Data that the lines were computed from.
    pub answered_from: AnsweredFrom,
    /// Sample that all counts are estimated from when a search matches too many posts to count exactly; null if the
    /// counts are exact.
    pub sample: Option<Sample>,
    /// Steps, oldest first.
    pub steps: Vec<ExploreStep>,
    /// Keys with the most posts in the range, at most `limit`, largest first.
    pub items: Vec<ExploreLine>,
    /// All other posts, one point per step. Null by product, where the posts of other keys may also have a key in
    /// `items`, and if there are no other posts.
    pub other: Option<Vec<LinePoint>>,
}
