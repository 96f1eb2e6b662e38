//! Trending terms and distinct authors.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::Window;

/// Trending term: a word, a hashtag or two consecutive words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendingTerm {
    /// Term in lower case, usable as the search `q`.
    pub term: String,
    /// Number of posts that use the term, as a lower bound: a term too rare to be tracked is counted only once it is.
    pub count: u64,
    /// Number of posts in the preceding period, scaled to the length of this one.
    pub previous: u64,
    /// Relative growth: 1 is twice as often, -0.5 half as often. Computed as `(count + 5) / (previous + 5) - 1`, which
    /// damps the growth of rare terms. Null when there is no data on the preceding period.
    pub growth: Option<f64>,
    /// Mean of `sentiment.score` over the posts that use the term, as first scored.
    pub sentiment: Option<f64>,
}

/// Number of distinct authors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistinctAuthors {
    /// Estimated number in this window. Posts without an author are not counted.
    pub distinct: u64,
    /// Estimated number in the preceding period.
    pub previous: u64,
    /// Relative standard error of both estimates: about two thirds of estimates are off by less.
    pub error: f64,
}

/// Trending terms over all processes, estimated in bounded memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trends {
    /// Period of event time, up to a twentieth longer than requested.
    pub window: Window,
    /// Number of posts in the period.
    pub count: u64,
    /// Number of stored posts that were not counted because too many arrived at once.
    pub missed: u64,
    /// Terms, by growth in posts beyond chance, largest first.
    pub terms: Vec<TrendingTerm>,
    /// Distinct authors.
    pub authors: DistinctAuthors,
    /// Time of the computation.
    pub as_of: Timestamp,
}
