//! Time series over a range, by the clock of a time zone.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::calendar::{earlier, starts_of, step_for};
use super::sums::{ReadLimit, SumQuery, sum};
use super::window::window_of;
use crate::models::explore::{AnsweredFrom, ExplorePoint, ExploreSeries, Step};
use crate::models::metrics::{Summary, Window};
use crate::models::rollup::Sums;
use crate::store::posts::filter::PostFilter;
use crate::store::{Store, StoreError};

/// Query for a series or breakdown.
#[derive(Debug, Clone)]
pub struct ExploreQuery {
    /// Start of the range by event time, inclusive; rounded down to a bucket boundary.
    pub from: Timestamp,
    /// End of the range, exclusive; rounded up.
    pub to: Timestamp,
    /// Time zone in which days and weeks begin.
    pub zone: TimeZone,
    /// Filter on posts within the range.
    pub filter: PostFilter,
    /// Whether to include the preceding range.
    pub compares: bool,
}

impl ExploreQuery {
    pub(in crate::store) fn range(&self, now: Timestamp) -> Result<Window, StoreError> {
        window_of(self.from, self.to, now)
    }

    /// Returns the preceding range, which is equally long. Ranges of whole days go back the same number of local days.
    pub(in crate::store) fn range_before(&self, range: Window) -> Window {
        let (from, to) = (earlier(range.from, range, &self.zone), earlier(range.to, range, &self.zone));
        Window { from, to, seconds: to.as_second() - from.as_second() }
    }
}

/// Returns the steps of a range, oldest first, including steps without posts. If no step is given, chooses one that suits
/// the range.
///
/// Exact: read from rollups if the filter has at most one of product, platform, channel and city, otherwise counted from
/// posts. Fails with `TooManyPosts`, `StepTooFine` and `BadWindow`.
pub async fn series(
    store: &Store,
    query: &ExploreQuery,
    step: Option<Step>,
) -> Result<ExploreSeries, StoreError> {
    let (sum_query, step) = sum_query_of(query, step, Timestamp::now())?;
    let range = sum_query.window;
    let (items, answered_from) = points(store, &query.filter, &sum_query).await?;
    let previous = if query.compares {
        let window = query.range_before(range);
        let steps = sum_query.steps.iter().map(|start| earlier(*start, range, &query.zone)).collect();
        Some(points(store, &query.filter, &SumQuery { window, steps, ..sum_query }).await?.0)
    } else {
        None
    };
    let tz = query.zone.iana_name().unwrap_or("UTC").to_owned();
    Ok(ExploreSeries { range, tz, step, answered_from, items, previous })
}

/// Returns the sum query for a series, and its step.
pub(in crate::store) fn sum_query_of(
    query: &ExploreQuery,
    step: Option<Step>,
    now: Timestamp,
) -> Result<(SumQuery, Step), StoreError> {
    let range = query.range(now)?;
    let step = step.unwrap_or_else(|| step_for(range));
    let steps = starts_of(range, step, &query.zone)?;
    Ok((SumQuery { steps, read_limit: ReadLimit::Posts, ..SumQuery::whole(range) }, step))
}

async fn points(
    store: &Store,
    filter: &PostFilter,
    sum_query: &SumQuery,
) -> Result<(Vec<ExplorePoint>, AnsweredFrom), StoreError> {
    let grouped = sum(store, filter, sum_query).await?;
    let by_step: HashMap<usize, Sums> =
        grouped.groups.into_iter().map(|group| (group.step, group.sums)).collect();
    let ends = sum_query.steps.iter().skip(1).copied().chain([sum_query.window.to]);
    let items = sum_query.steps.iter().copied().zip(ends).enumerate().map(|(step, (from, to))| {
        ExplorePoint { from, to, summary: Summary::from(&by_step.get(&step).copied().unwrap_or_default()) }
    });
    Ok((items.collect(), grouped.from))
}
