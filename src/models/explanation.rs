//! Explanations: what distinguishes the posts of one period from those of another.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::explore::{AnsweredFrom, BreakdownBy, Sample};
use super::id::PostId;
use super::metrics::{SentimentSummary, Window};
use super::rollup::Sums;

/// Explanation of a period: how its posts differ from those of another period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// Period to explain.
    pub range: Window,
    /// Whether the period is over. An unfinished period still gains posts.
    pub complete: bool,
    /// Period that it is compared with; unless requested otherwise, the preceding period of the same length.
    pub compared_with: Window,
    /// Data that the figures and contributions were computed from.
    pub answered_from: AnsweredFrom,
    /// Sample that figures and contributions are estimated from when a search matches too many posts to count exactly;
    /// null if they are exact.
    pub sample: Option<Sample>,
    /// Figures of the period.
    pub now: PeriodFigures,
    /// Figures of the period that it is compared with.
    pub before: PeriodFigures,
    /// Differences between the two; null if either has fewer than 30 posts.
    pub change: Option<PeriodChange>,
    /// Two sentences that summarize the following fields, without claiming a cause.
    pub sentences: Vec<Sentence>,
    /// Posts of the period that were read for terms, clusters and authors.
    pub read: PostsRead,
    /// Posts of the other period that were read for terms.
    pub read_before: PostsRead,
    /// Terms that are more frequent in the period than in the other, most distinctive first, at most 10. They are
    /// ranked with near copies counted once, so that one repeated text does not fill the list.
    pub terms: Vec<ExplainedTerm>,
    /// Groups of near copies, largest first, at most 8.
    pub clusters: Vec<PostCluster>,
    /// Number of posts read, counting near copies once.
    pub distinct_texts: i64,
    /// Authors of the posts.
    pub authors: ExplainedAuthors,
    /// Products, platforms, channels and cities whose numbers of posts changed most, largest change first, at most 12.
    /// Dimensions in the filter are omitted.
    pub contributions: Vec<Contribution>,
}

/// Figures of a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PeriodFigures {
    /// Number of posts.
    pub count: i64,
    /// Average sentiment and the number of posts per label.
    pub sentiment: SentimentSummary,
    /// Share of posts labelled negative, 0 to 1; null if there are no posts.
    pub negative_share: Option<f64>,
}

/// Differences between the figures of two periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PeriodChange {
    /// Difference between the numbers of posts.
    pub count: i64,
    /// Difference between the average sentiments.
    pub sentiment: f64,
    /// Difference between the shares of negative posts.
    pub negative_share: f64,
}

/// Sentence about the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sentence {
    /// Complete sentence, with times in RFC 3339.
    pub text: String,
    /// Parts of the sentence, so that clients can write its times in another time zone.
    pub parts: Vec<SentencePart>,
}

/// Part of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SentencePart {
    /// Text, including surrounding spaces.
    Text(String),
    /// A point in time.
    Time(Timestamp),
}

/// Number of posts of a period that were read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PostsRead {
    /// Number of posts that were read.
    pub posts: i64,
    /// Number of posts in the period.
    pub of: i64,
    /// Whether only some of the posts were read, in slices of time spread evenly over the period.
    pub sampled: bool,
    /// Largest standard error of a share of the posts read; 0 if all were read. About two thirds of shares are off by
    /// less.
    pub error: f64,
}

/// Term that is more frequent in one period than in another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedTerm {
    /// The term, in lower case; a hashtag includes its `#`.
    pub term: String,
    /// Number of posts read that contain the term.
    pub count: i64,
    /// Share of the posts read that contain the term, 0 to 1.
    pub share: f64,
    /// Share of the other period's posts read that contain the term, 0 to 1.
    pub previous_share: f64,
    /// Difference between the log-odds of the term in the two periods, in standard errors, with near copies counted once.
    pub deviations: f64,
}

/// Posts with nearly the same text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PostCluster {
    /// Number of posts read that belong to the group.
    pub posts: i64,
    /// Share of the posts read, 0 to 1.
    pub share: f64,
    /// Number of distinct authors; posts without an author are not counted.
    pub authors: i64,
    /// Earliest post of the group.
    pub example: ExamplePost,
    /// Words that most posts of the group contain in this order, as a search; null if there are none.
    pub phrase: Option<String>,
    /// Number of posts read that contain the phrase; 0 if there is none.
    pub phrase_posts: i64,
}

/// Post shown as an example of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExamplePost {
    /// Groundswell's own id for the post.
    pub uuid: PostId,
    /// Event time of the post.
    pub created_at: Timestamp,
    /// Platform that the post was published on.
    pub platform: String,
    /// Text of the post.
    pub text: String,
    /// Language of the post; null if unknown.
    pub lang: Option<String>,
    /// Author, as accepted by the filter `author`; null if unknown.
    pub author: Option<String>,
    /// Number of the author's followers; null if unknown.
    pub followers: Option<i64>,
}

/// Authors of the posts read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedAuthors {
    /// Number of distinct authors.
    pub distinct: i64,
    /// Number of posts without a known author.
    pub unknown: i64,
    /// Share of the posts read that the listed authors wrote, 0 to 1. It shows how concentrated the posts are.
    pub share: f64,
    /// Authors with the most posts, at most 10.
    pub items: Vec<ExplainedAuthor>,
}

/// Author of some of the posts read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExplainedAuthor {
    /// Author, as accepted by the filter `author`: the handle, or the id if no handle is known.
    pub author: String,
    /// Number of posts read by the author.
    pub posts: i64,
    /// Share of the posts read, 0 to 1.
    pub share: f64,
    /// Largest reach of these posts. It is not a sum, because the same followers see all of them.
    pub reach: i64,
}

/// Change in the posts of one product, platform, channel or city.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Contribution {
    /// Dimension that the key belongs to.
    pub by: BreakdownBy,
    /// Product, platform, channel or city; `""` for posts without one.
    pub key: String,
    /// Number of posts in the period.
    pub count: i64,
    /// Share of all posts of the period, 0 to 1. Shares of products can add up to more than 1.
    pub share: f64,
    /// Number of posts in the other period.
    pub previous_count: i64,
    /// Difference between the two numbers.
    pub change: i64,
}

/// Sums of two periods, in total and by dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedPeriods {
    /// Period to explain.
    pub range: Window,
    /// Period that it is compared with.
    pub compared_with: Window,
    /// Data that the sums were computed from.
    pub answered_from: AnsweredFrom,
    /// Sample that the sums are estimated from; `None` if they are exact.
    pub sample: Option<Sample>,
    /// Sums of the period.
    pub now: Sums,
    /// Sums of the other period.
    pub before: Sums,
    /// Number of posts in both periods for each key of the dimensions that the filter does not name.
    pub keys: Vec<ComparedKey>,
}

/// Number of posts of one key in two periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedKey {
    /// Dimension that the key belongs to.
    pub by: BreakdownBy,
    /// Product, platform, channel or city; `""` for posts without one.
    pub key: String,
    /// Number of posts in the period.
    pub now: i64,
    /// Number of posts in the other period.
    pub before: i64,
}

/// Fields of a post that explanations need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampledPost {
    /// The post itself.
    pub post: ExamplePost,
    /// Estimated number of people who see the post.
    pub reach: i64,
}
