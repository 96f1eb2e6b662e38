//! What people speak of, and how many they are.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::Window;

/// A word, a hashtag or two words in a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrendingTerm {
    /// In lower case; to be searched for as `q`.
    pub term: String,
    /// Posts that name it, at least: a term too rare to be kept at first is counted from when it was.
    pub count: u64,
    /// The same for the period before, scaled to the length of this one.
    pub previous: u64,
    /// How much more often than before: 1 is twice as often, -0.5 half. `(count + 5) / (previous + 5) - 1`, so that of
    /// rare terms little is made. Null when nothing was heard in the period before.
    pub growth: Option<f64>,
    /// Mean of `sentiment.score` of the posts that name it, as they were first scored.
    pub sentiment: Option<f64>,
}

/// How many different people wrote.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DistinctAuthors {
    /// In this window, about. Posts without an author count for nobody.
    pub distinct: u64,
    /// In the period before.
    pub previous: u64,
    /// The relative standard error of both: two estimates of three are off by less than this share.
    pub error: f64,
}

/// What `/trends` answers: over all processes, estimated in bounded memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Trends {
    /// The stretch of event time; up to a twentieth longer than asked for.
    pub window: Window,
    /// Posts in it.
    pub count: u64,
    /// Posts that were stored but not looked at here, because too many came at once.
    pub missed: u64,
    /// What grows most stands first: ordered by how many posts more than before name it, beyond chance.
    pub terms: Vec<TrendingTerm>,
    /// Who wrote.
    pub authors: DistinctAuthors,
    /// When it was looked up.
    pub as_of: Timestamp,
}
