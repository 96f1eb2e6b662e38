//! Peaks: steps of a chart over time whose figures are unusually high.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Figure that is unusually high.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PeakMetric {
    /// Number of posts.
    Volume,
    /// Share of posts labelled negative.
    NegativeShare,
}

/// One or more adjacent steps of a chart with an unusually high figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Peak {
    /// Figure that is unusually high.
    pub metric: PeakMetric,
    /// Start of the first unusual step.
    pub from: Timestamp,
    /// End of the last unusual step, exclusive.
    pub to: Timestamp,
    /// Start of the most unusual step, which the following fields describe.
    pub at: Timestamp,
    /// Number of posts in that step, or the share of negative posts, 0 to 1.
    pub value: f64,
    /// Value that the neighbouring steps suggest.
    pub expected: f64,
    /// Number of posts in that step.
    pub count: i64,
    /// Distance from the expected value, in standard deviations of the chart.
    pub deviations: f64,
}
