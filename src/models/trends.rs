//! Trending terms and the number of distinct authors.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::Window;

/// Word, hashtag or pair of consecutive words whose use is growing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendingTerm {
    /// Term in lower case; it can be passed as the search parameter `q`.
    pub term: String,
    /// Number of posts that use the term. This is a lower bound, because a term is counted only once it is frequent
    /// enough to be tracked. A search for the term can find more posts, because it also looks in hashtags, mentions and
    /// links.
    pub count: u64,
    /// Number of posts that used the term in the preceding period, scaled to the length of this one.
    pub previous: u64,
    /// Relative growth, always more than 0; 1 means twice as many posts. Computed as `count / previous - 1`, with a
    /// `previous` of 0 counted as 1. Null if there is no data on the preceding period.
    pub growth: Option<f64>,
    /// Mean of `sentiment.score` across the posts that use the term, as first scored; null if none was scored.
    pub sentiment: Option<f64>,
}

/// Number of distinct authors in two successive periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistinctAuthors {
    /// Estimated number of authors in this period. Posts without an author are not counted.
    pub distinct: u64,
    /// Estimated number of authors in the preceding period.
    pub previous: u64,
    /// Relative standard error of both estimates: about two thirds of all estimates are off by less than this.
    pub error: f64,
}

/// Trending terms across the posts of all processes, estimated in bounded memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trends {
    /// Period of event time, up to a twentieth longer than requested.
    pub window: Window,
    /// Number of posts in the period.
    pub count: u64,
    /// Number of stored posts that were not counted because too many arrived at once.
    pub missed: u64,
    /// Terms used more often than in the preceding period. Those that gained the most posts, beyond what chance
    /// explains, come first.
    pub terms: Vec<TrendingTerm>,
    /// Estimated number of distinct authors, in this period and the preceding one.
    pub authors: DistinctAuthors,
    /// Time at which the trends were computed.
    pub as_of: Timestamp,
}
