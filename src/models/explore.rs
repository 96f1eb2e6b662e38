//! Responses of the explore calls.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::{SentimentSummary, Summary, Window};

/// Width of a step. Days and weeks follow the requested time zone; weeks begin on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Minutes.
    Minute,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// Weeks.
    Week,
}

/// Data that a response was computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnsweredFrom {
    /// Exact sums, for ranges of any length.
    Rollups,
    /// Single posts.
    Posts,
}

/// Dimension of a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BreakdownBy {
    /// By product; a post counts once for each of its products.
    Product,
    /// By platform.
    Platform,
    /// By channel.
    Channel,
    /// By city.
    City,
    /// By source.
    Source,
    /// By sentiment.
    Label,
    /// By strongest emotion.
    Emotion,
    /// By language.
    Lang,
    /// By author: the handle, or the id where no handle is known.
    Author,
}

/// Step of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplorePoint {
    /// Start of the step. The first step may start within a day or hour, with the range.
    pub from: Timestamp,
    /// End of the step, exclusive. The last step may be cut short.
    pub to: Timestamp,
    /// Metrics of the step.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Series over a range, including steps without posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreSeries {
    /// Requested range.
    pub range: Window,
    /// Time zone in which days and weeks begin.
    pub tz: String,
    /// Width of a step.
    pub step: Step,
    /// Data that the series was computed from.
    pub answered_from: AnsweredFrom,
    /// Steps, oldest first.
    pub items: Vec<ExplorePoint>,
    /// Steps of the preceding range, aligned with `items`; null unless requested.
    pub previous: Option<Vec<ExplorePoint>>,
}

/// Part of a breakdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreItem {
    /// Key of the part; `""` for posts without one.
    pub key: String,
    /// Number of posts.
    pub count: i64,
    /// Share of all posts that match the filter, 0 to 1. Shares of products can add up to more than 1.
    pub share: f64,
    /// Number of posts in the preceding range; null unless requested.
    pub previous_count: Option<i64>,
    /// Sentiment of the posts; null for breakdowns by sentiment and emotion.
    pub sentiment: Option<SentimentSummary>,
}

/// Breakdown of a range, most posts first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreBreakdown {
    /// Requested range.
    pub range: Window,
    /// Dimension of the breakdown.
    pub by: BreakdownBy,
    /// Data that the breakdown was computed from.
    pub answered_from: AnsweredFrom,
    /// Parts, limited as requested.
    pub items: Vec<ExploreItem>,
}
