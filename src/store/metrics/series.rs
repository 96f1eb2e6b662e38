//! Time series over a range, with steps in the local time of a time zone.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;

use super::calendar::{Shift, starts_of, step_for};
use super::sum_query::{ReadLimit, SumQuery, sum, total};
use super::time_window::{MINUTE_SECONDS, at, window_of, window_on};
use crate::models::explore::{AnsweredFrom, ExplorePoint, ExploreSeries, Sample, Step};
use crate::models::metrics::{Overall, StepProgress, Summary, Window};
use crate::models::rollup::Sums;
use crate::store::posts::filter::PostFilter;
use crate::store::{Store, StoreError};

/// Range, time zone and filter for a series or breakdown.
#[derive(Debug, Clone)]
pub struct ExploreQuery {
    /// Start of the range by event time, inclusive; rounded down to a bucket boundary.
    pub from: Timestamp,
    /// End of the range, exclusive; rounded up to a bucket boundary.
    pub to: Timestamp,
    /// Time zone that determines when days and weeks begin.
    pub zone: TimeZone,
    /// First day of the week.
    pub week_starts: Weekday,
    /// Filter that posts within the range must match.
    pub filter: PostFilter,
    /// Range to return as well, for comparison.
    pub compare: Option<CompareTo>,
}

/// Range of the same length that a range is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareTo {
    /// The preceding range. For a range of whole days, that means the same number of local days.
    Previous,
    /// The range that begins this many local days earlier.
    DaysEarlier(i32),
    /// The range that begins at this time; rounded down to a minute.
    From(Timestamp),
}

impl ExploreQuery {
    /// Returns the range on bucket boundaries. Minute boundaries are used if it is compared with a range that is so old
    /// that its rows may cover whole minutes.
    pub(in crate::store) fn range(&self, now: Timestamp) -> Result<Window, StoreError> {
        match self.compare {
            None | Some(CompareTo::Previous) => window_of(self.from, self.to, now),
            Some(CompareTo::DaysEarlier(_) | CompareTo::From(_)) => {
                window_on(self.from, self.to, MINUTE_SECONDS)
            }
        }
    }

    /// Returns the range to compare with; the preceding one if none is given.
    pub(in crate::store) fn range_before(&self, range: Window) -> Window {
        let shift = self.shift(range);
        let (from, to) = (shift.back(range.from, &self.zone), shift.back(range.to, &self.zone));
        Window { from, to, seconds: to.as_second() - from.as_second() }
    }

    fn shift(&self, range: Window) -> Shift {
        match self.compare {
            None | Some(CompareTo::Previous) => Shift::by_length(range),
            Some(CompareTo::DaysEarlier(n_days)) => Shift::Days(i64::from(n_days)),
            Some(CompareTo::From(from)) => {
                let from = at(from.as_second().div_euclid(MINUTE_SECONDS) * MINUTE_SECONDS);
                Shift::between(range.from, from, &self.zone)
            }
        }
    }
}

/// Returns the steps of a range, oldest first, including steps without posts. If no step is given, chooses one that
/// suits the range.
///
/// The result is exact, unless a search matches too many posts to count exactly; then it is an estimate with a
/// `sample`. It is read from rollups if the filter consists of at most a source and one of product, platform, channel
/// and city; otherwise it is counted from posts. Fails with `TooManyPosts`, `StepTooFine` or `BadWindow`.
pub async fn series(
    store: &Store,
    query: &ExploreQuery,
    step: Option<Step>,
) -> Result<ExploreSeries, StoreError> {
    let (sum_query, step) = sum_query_of(query, step, Timestamp::now())?;
    let range = sum_query.window;
    let (items, answered_from, sample) = points(store, &query.filter, &sum_query).await?;
    let previous_range = query.compare.map(|_| query.range_before(range));
    let previous = match previous_range {
        Some(window) => {
            let shift = query.shift(range);
            let steps = sum_query.steps.iter().map(|start| shift.back(*start, &query.zone)).collect();
            Some(points(store, &query.filter, &SumQuery { window, steps, ..sum_query }).await?.0)
        }
        None => None,
    };
    let tz = zone_name(&query.zone);
    Ok(ExploreSeries { range, tz, step, answered_from, sample, items, previous_range, previous })
}

/// Returns the IANA name of a time zone.
pub(in crate::store) fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// Returns the metrics of a whole range and of the preceding one, which equal the sums of their series.
///
/// Fails like [`series`].
pub async fn totals(store: &Store, query: &ExploreQuery) -> Result<(Overall, Overall), StoreError> {
    let range = query.range(Timestamp::now())?;
    let of = async |window: Window| {
        let sum_query = SumQuery { read_limit: ReadLimit::Posts, ..SumQuery::whole(window) };
        let grouped = sum(store, &query.filter, &sum_query).await?;
        Ok::<_, StoreError>(Overall { window, summary: Summary::from(&total(&grouped.groups)) })
    };
    Ok((of(range).await?, of(query.range_before(range)).await?))
}

/// Builds the query behind a series, and returns it with the given step or, if there is none, the default step.
pub(in crate::store) fn sum_query_of(
    query: &ExploreQuery,
    step: Option<Step>,
    now: Timestamp,
) -> Result<(SumQuery, Step), StoreError> {
    let range = query.range(now)?;
    let step = step.unwrap_or_else(|| step_for(range));
    let steps = starts_of(range, step, (&query.zone, query.week_starts))?;
    Ok((SumQuery { steps, read_limit: ReadLimit::Posts, ..SumQuery::whole(range) }, step))
}

async fn points(
    store: &Store,
    filter: &PostFilter,
    sum_query: &SumQuery,
) -> Result<(Vec<ExplorePoint>, AnsweredFrom, Option<Sample>), StoreError> {
    let now = Timestamp::now();
    let grouped = sum(store, filter, sum_query).await?;
    let by_step: HashMap<usize, Sums> =
        grouped.groups.into_iter().map(|group| (group.step, group.sums)).collect();
    let items = sum_query.spans().enumerate().map(|(step, (from, to))| {
        let summary = Summary::from(&by_step.get(&step).copied().unwrap_or_default());
        ExplorePoint { from, to, progress: StepProgress::of((from, to), now), summary }
    });
    Ok((items.collect(), grouped.from, grouped.sample))
}
