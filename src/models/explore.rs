//! What the calls of the Explore page answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::{SentimentSummary, Summary, Window};

/// How a range is divided. Days and weeks are those of the asked time zone; weeks begin on Mondays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// By the minute.
    Minute,
    /// By the hour.
    Hour,
    /// By the day.
    Day,
    /// By the week.
    Week,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnsweredFrom {
    /// From exact sums, however long the range.
    Rollups,
    /// From the posts themselves, one by one.
    Posts,
}

/// What a breakdown is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BreakdownBy {
    /// By each product they speak of; a post counts once in each.
    Product,
    /// By platform.
    Platform,
    /// By channel.
    Channel,
    /// By city.
    City,
    /// By where they came in.
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

/// One step of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplorePoint {
    /// Its start. The first may begin within a day or hour, where the range does.
    pub from: Timestamp,
    /// Its end, exclusive. The last may be cut short.
    pub to: Timestamp,
    /// What happened in it.
    #[serde(flatten)]
    pub summary: Summary,
}

/// `GET /api/v1/explore/series`; every step is present, also those without posts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreSeries {
    /// The stretch asked for.
    pub range: Window,
    /// The time zone that days and weeks begin in.
    pub tz: String,
    /// Width of a step.
    pub step: Step,
    /// Where the numbers come from.
    pub answered_from: AnsweredFrom,
    /// Oldest first.
    pub items: Vec<ExplorePoint>,
    /// One range earlier, each step beside the one in `items` that stands at the same place; null unless asked for.
    pub previous: Option<Vec<ExplorePoint>>,
}

/// One part of a breakdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreItem {
    /// Its name; `""` for posts that name none.
    pub key: String,
    /// Posts.
    pub count: i64,
    /// Of all posts of the range that pass the filter, 0 to 1. Shares of products may add up to more than 1.
    pub share: f64,
    /// Posts one range earlier; null unless asked for.
    pub previous_count: Option<i64>,
    /// How they feel; null for parts that are feelings themselves.
    pub sentiment: Option<SentimentSummary>,
}

/// `GET /api/v1/explore/breakdown`, the most spoken of first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExploreBreakdown {
    /// The stretch asked for.
    pub range: Window,
    /// What it is by.
    pub by: BreakdownBy,
    /// Where the numbers come from.
    pub answered_from: AnsweredFrom,
    /// At most as many as asked for.
    pub items: Vec<ExploreItem>,
}
