//! Responses about one author.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::explore::{Sample, Step};
use super::metrics::{SentimentSummary, StepProgress, Summary, Window};
use super::post::{Author, Engagement, ListedPost};

/// Posts of one author in a range, with their reception and subjects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorProfile {
    /// Platform on which the author posts.
    pub platform: String,
    /// Name that identifies the author on the platform: the handle, or the id if no handle is known.
    pub author: String,
    /// Id, handle, followers and location, each from the newest post that contains it.
    pub account: Author,
    /// Event time of the author's oldest stored post.
    pub first_seen: Timestamp,
    /// Event time of the author's newest stored post.
    pub last_seen: Timestamp,
    /// Range that the figures cover.
    pub range: Window,
    /// IANA time zone that determines when days and weeks begin.
    pub tz: String,
    /// Width of the steps, chosen according to the length of the range.
    pub step: Step,
    /// Sample that all figures are estimated from if the author has more than 10,000 posts in the range; null if they
    /// are exact.
    pub sample: Option<Sample>,
    /// Metrics for the author's posts in the range.
    #[serde(flatten)]
    pub summary: Summary,
    /// Sum of the reach of these posts.
    pub reach: i64,
    /// Sums of the last reported engagement counts of these posts; a count that no post has is absent.
    pub engagement: Engagement,
    /// Steps, oldest first, including steps without posts.
    pub items: Vec<AuthorPoint>,
    /// Products that the posts are about, most posts first, at most 20; `""` stands for posts about none.
    pub products: Vec<AuthorProduct>,
    /// Posts with the most engagement, then the greatest reach, at most 10.
    pub top_posts: Vec<ListedPost>,
}

/// One step of an author's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorPoint {
    /// Start of the step.
    pub from: Timestamp,
    /// End of the step, exclusive.
    pub to: Timestamp,
    /// How much of the step has passed.
    #[serde(flatten)]
    pub progress: StepProgress,
    /// Metrics for the posts in the step.
    #[serde(flatten)]
    pub summary: Summary,
    /// Number of followers at the author's last post in the step; null if unknown.
    pub followers: Option<i64>,
    /// Sum of the reach of the posts.
    pub reach: i64,
    /// Sums of the last reported engagement counts of the posts.
    pub engagement: Engagement,
}

/// Posts of one author about one product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorProduct {
    /// Product; `""` for posts about none.
    pub key: String,
    /// Number of posts about the product.
    pub count: i64,
    /// Sentiment of these posts.
    pub sentiment: SentimentSummary,
}
