//! Breakdowns over time: one line for each of the keys with the most posts.

use jiff::Timestamp;

use super::breakdown::{self, feelings_of};
use super::series::{self, ExploreQuery, zone_name};
use super::sum_query::{Group, GroupBy, SumQuery, sum, total};
use crate::models::explore::{BreakdownBy, ExploreLine, ExploreLines, ExploreStep, LinePoint, Step};
use crate::models::metrics::{StepProgress, Summary};
use crate::models::rollup::{Dimension, Sums};
use crate::store::{Store, StoreError};

/// Returns the steps of a range for each of the `n_lines` keys with the most posts, and for all other posts together.
///
/// The result is exact, as it is for [`series::series`], and read by a single statement. Fails with `TooManyPosts`,
/// `StepTooFine` or `BadWindow`.
pub async fn lines(
    store: &Store,
    query: &ExploreQuery,
    step: Option<Step>,
    (by, n_lines): (BreakdownBy, usize),
) -> Result<ExploreLines, StoreError> {
    let now = Timestamp::now();
    let (sum_query, step) = sum_query_of(query, step, (by, n_lines), now)?;
    let grouped = sum(store, &query.filter, &sum_query).await?;
    let n_steps = sum_query.steps.len();
    let steps = sum_query.spans().map(|(from, to)| {
        let progress = StepProgress::of((from, to), now);
        ExploreStep { from, to, progress }
    });
    let (mut items, other) = match feelings_of(by) {
        Some(counts_of) => (by_feeling(&grouped.groups, n_steps, counts_of), None),
        None => by_part(&grouped.groups, n_steps),
    };
    // A stable sort keeps the order of keys with equally many posts.
    items.sort_by_key(|line| std::cmp::Reverse(line.count));
    items.truncate(n_lines);
    // Posts about another product may also be about one of those with a line.
    let other = other.filter(|_| sum_query.by != GroupBy::Dimension(Dimension::Product));
    Ok(ExploreLines {
        range: sum_query.window,
        tz: zone_name(&query.zone),
        step,
        by,
        answered_from: grouped.from,
        sample: grouped.sample,
        steps: steps.collect(),
        items,
        other,
    })
}

/// Builds the query behind the lines, and returns it with the given step or, if there is none, the default step.
pub(in crate::store) fn sum_query_of(
    query: &ExploreQuery,
    step: Option<Step>,
    (by, n_lines): (BreakdownBy, usize),
    now: Timestamp,
) -> Result<(SumQuery, Step), StoreError> {
    let (SumQuery { window, steps, .. }, step) = series::sum_query_of(query, step, now)?;
    let parts = breakdown::sum_query_of(by, window, n_lines);
    // Labels and emotions are part of every sum.
    let n_lines = parts.n_parts_max.filter(|_| parts.by != GroupBy::Nothing);
    Ok((SumQuery { steps, n_parts_max: None, n_lines, ..parts }, step))
}

fn by_part(groups: &[Group], n_steps: usize) -> (Vec<ExploreLine>, Option<Vec<LinePoint>>) {
    let mut lines: Vec<(Option<&str>, Vec<Sums>)> = Vec::new();
    for group in groups {
        let key = (!group.is_rest).then_some(group.key.as_str());
        let place = lines.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            lines.push((key, vec![Sums::default(); n_steps]));
            lines.len() - 1
        });
        if let Some(sums) = lines.get_mut(place).and_then(|(_, steps)| steps.get_mut(group.step)) {
            sums.add(&group.sums);
        }
    }
    // By key, as in a breakdown, where counts are equal.
    lines.sort_by_key(|(key, _)| *key);
    let mut other = None;
    let mut items = Vec::with_capacity(lines.len());
    for (key, steps) in lines {
        let points = steps.iter().map(point).collect();
        match key {
            Some(key) => {
                let count = steps.iter().map(|sums| sums.count).sum();
                items.push(ExploreLine { key: key.to_owned(), count, points });
            }
            None => other = Some(points),
        }
    }
    (items, other)
}

fn point(sums: &Sums) -> LinePoint {
    LinePoint { count: sums.count, sentiment: Some(Summary::from(sums).sentiment) }
}

fn by_feeling(groups: &[Group], n_steps: usize, counts_of: breakdown::Feelings) -> Vec<ExploreLine> {
    let mut steps = vec![Sums::default(); n_steps];
    for group in groups {
        if let Some(sums) = steps.get_mut(group.step) {
            *sums = group.sums;
        }
    }
    let line = |(place, (key, count)): (usize, (&'static str, i64))| {
        let points = steps.iter().map(|sums| {
            let count = counts_of(sums).get(place).map_or(0, |counted| counted.1);
            LinePoint { count, sentiment: None }
        });
        ExploreLine { key: key.to_owned(), count, points: points.collect() }
    };
    counts_of(&total(groups)).into_iter().enumerate().map(line).collect()
}
