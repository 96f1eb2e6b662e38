//! Which sums to compute, and how to group them.

use jiff::Timestamp;

use super::sum_columns::Detail;
use crate::models::metrics::Window;
use crate::models::rollup::Dimension;
use crate::store::codec::PgTimestamp;
use crate::store::posts::values::Values;

/// How sums are grouped, in addition to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum GroupBy {
    Nothing,
    /// By the keys of a rollup dimension.
    Dimension(Dimension),
    Source,
    Lang,
    Author,
}

/// Maximum number of posts to read if rollups cannot provide the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum ReadLimit {
    /// The posts of one day, however many there are.
    Day,
    /// [`POSTS_READ_MAX`](super::sum_query::POSTS_READ_MAX) posts, or fewer with a text search.
    Posts,
}

/// Query for the sums of a window by part and step.
#[derive(Debug, Clone)]
pub(in crate::store) struct SumQuery {
    pub window: Window,
    pub by: GroupBy,
    /// Start of each step, ascending; the first step starts with the window.
    pub steps: Vec<Timestamp>,
    /// Restricts the result to the parts with these keys; `None` for all parts.
    pub keys: Option<Vec<String>>,
    /// Maximum number of parts to return, largest first; `None` for all parts.
    pub n_parts_max: Option<i64>,
    /// Number of parts with the most posts in the whole window to return for every step. All others are added up.
    pub n_lines: Option<i64>,
    pub read_limit: ReadLimit,
    pub detail: Detail,
}

impl SumQuery {
    /// Returns a query for all posts of a window, without parts or steps.
    pub(in crate::store) fn whole(window: Window) -> Self {
        let steps = vec![window.from];
        let (read_limit, detail) = (ReadLimit::Day, Detail::All);
        Self {
            window,
            by: GroupBy::Nothing,
            steps,
            keys: None,
            n_parts_max: None,
            n_lines: None,
            read_limit,
            detail,
        }
    }

    /// Returns the start and end of each step.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let ends = self.steps.iter().skip(1).copied().chain([self.window.to]);
        self.steps.iter().copied().zip(ends)
    }
}

/// Returns an expression for the index of the step that contains a time.
pub(super) fn step_of(moment: &str, sum_query: &SumQuery, values: &mut Values) -> String {
    if sum_query.steps.len() < 2 {
        return "0".to_owned();
    }
    let starts: Vec<PgTimestamp> = sum_query.steps.iter().map(|start| PgTimestamp(*start)).collect();
    format!("width_bucket({moment}, {}::timestamptz[]) - 1", values.bind(starts))
}
