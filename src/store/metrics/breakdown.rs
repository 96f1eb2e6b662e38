//! Breakdowns: the posts in a range, grouped by product, platform, author and so on.

use std::collections::HashMap;

use jiff::Timestamp;

use super::series::ExploreQuery;
use super::sum_columns::Detail;
use super::sum_query::{GroupBy, GroupedSums, ReadLimit, SumQuery, sum, total};
use crate::models::explore::{AnsweredFrom, BreakdownBy, ExploreBreakdown, ExploreItem, Sample};
use crate::models::metrics::{Summary, Window};
use crate::models::rollup::{Dimension, Sums};
use crate::models::score::{EMOTIONS, SentimentLabel};
use crate::store::posts::filter::PostFilter;
use crate::store::{Store, StoreError};

/// Returns up to `n_items_max` parts of a range, those with the most posts first.
///
/// The result is exact, as it is for [`super::series::series`]. Breakdowns by language and author are always counted
/// from posts; others are read from rollups if the filter allows. Fails with `TooManyPosts` or `BadWindow`.
pub async fn breakdown(
    store: &Store,
    query: &ExploreQuery,
    by: BreakdownBy,
    n_items_max: usize,
) -> Result<ExploreBreakdown, StoreError> {
    let range = query.range(Timestamp::now())?;
    let before = query.compare.map(|_| query.range_before(range));
    let sum_query = sum_query_of(by, range, n_items_max);
    let parts = match feelings_of(by) {
        None => by_part(store, &query.filter, (&sum_query, before)).await?,
        Some(counts_of) => by_feeling(store, &query.filter, (&sum_query, before), counts_of).await?,
    };
    let Parted { mut items, answered_from, sample } = parts;
    items.truncate(n_items_max);
    Ok(ExploreBreakdown { range, by, answered_from, sample, items, previous_range: before })
}

struct Parted {
    items: Vec<ExploreItem>,
    answered_from: AnsweredFrom,
    sample: Option<Sample>,
}

/// Extracts the counts by label or by emotion, which are part of every sum.
pub(super) type Feelings = fn(&Sums) -> Vec<(&'static str, i64)>;

pub(super) fn feelings_of(by: BreakdownBy) -> Option<Feelings> {
    match by {
        BreakdownBy::Label => Some(labels),
        BreakdownBy::Emotion => Some(emotions),
        _ => None,
    }
}

/// Builds the query behind a breakdown. Labels and emotions need no groups, because every sum contains their counts.
pub(in crate::store) fn sum_query_of(by: BreakdownBy, range: Window, n_items_max: usize) -> SumQuery {
    let by = match by {
        BreakdownBy::Product => GroupBy::Dimension(Dimension::Product),
        BreakdownBy::Platform => GroupBy::Dimension(Dimension::Platform),
        BreakdownBy::Channel => GroupBy::Dimension(Dimension::Channel),
        BreakdownBy::City => GroupBy::Dimension(Dimension::City),
        BreakdownBy::Source => GroupBy::Source,
        BreakdownBy::Lang => GroupBy::Lang,
        BreakdownBy::Author => GroupBy::Author,
        // Every sum contains the counts by label and emotion.
        BreakdownBy::Label | BreakdownBy::Emotion => GroupBy::Nothing,
    };
    let n_parts_max = i64::try_from(n_items_max).ok();
    let detail = if by == GroupBy::Nothing { Detail::All } else { Detail::Sentiment };
    SumQuery { by, n_parts_max, read_limit: ReadLimit::Posts, detail, ..SumQuery::whole(range) }
}

fn labels(sums: &Sums) -> Vec<(&'static str, i64)> {
    vec![
        (SentimentLabel::Positive.as_str(), sums.positive),
        (SentimentLabel::Neutral.as_str(), sums.neutral),
        (SentimentLabel::Negative.as_str(), sums.negative),
    ]
}

fn emotions(sums: &Sums) -> Vec<(&'static str, i64)> {
    EMOTIONS.into_iter().zip(sums.emotions).collect()
}

async fn by_part(
    store: &Store,
    filter: &PostFilter,
    (sum_query, before): (&SumQuery, Option<Window>),
) -> Result<Parted, StoreError> {
    let GroupedSums { groups, from: answered_from, sample } = sum(store, filter, sum_query).await?;
    let n_posts = match sum_query.by {
        // A post may mention several products, so the parts add up to more than the number of posts.
        GroupBy::Dimension(Dimension::Product) => {
            total(&whole(store, filter, sum_query.window).await?.groups).count
        }
        _ => groups.first().map_or(0, |group| group.of),
    };
    let earlier: Option<HashMap<String, i64>> = match before {
        Some(before) => {
            let keys = Some(groups.iter().map(|group| group.key.clone()).collect());
            let sum_query = SumQuery {
                keys,
                window: before,
                steps: vec![before.from],
                n_parts_max: None,
                ..sum_query.clone()
            };
            let groups = sum(store, filter, &sum_query).await?.groups;
            Some(groups.into_iter().map(|group| (group.key, group.sums.count)).collect())
        }
        None => None,
    };
    let items = groups.into_iter().map(|group| ExploreItem {
        count: group.sums.count,
        share: share(group.sums.count, n_posts),
        previous_count: earlier.as_ref().map(|counts| counts.get(&group.key).copied().unwrap_or_default()),
        sentiment: Some(Summary::from(&group.sums).sentiment),
        key: group.key,
    });
    Ok(Parted { items: items.collect(), answered_from, sample })
}

async fn by_feeling(
    store: &Store,
    filter: &PostFilter,
    (sum_query, before): (&SumQuery, Option<Window>),
    counts_of: Feelings,
) -> Result<Parted, StoreError> {
    let GroupedSums { groups, from: answered_from, sample } = whole(store, filter, sum_query.window).await?;
    let sums = total(&groups);
    let earlier = match before {
        Some(before) => Some(counts_of(&total(&whole(store, filter, before).await?.groups))),
        None => None,
    };
    let mut items: Vec<ExploreItem> = counts_of(&sums)
        .into_iter()
        .enumerate()
        .map(|(place, (key, count))| ExploreItem {
            key: key.to_owned(),
            count,
            share: share(count, sums.count),
            previous_count: earlier.as_ref().and_then(|counts| Some(counts.get(place)?.1)),
            sentiment: None,
        })
        .collect();
    items.sort_by_key(|item| std::cmp::Reverse(item.count));
    Ok(Parted { items, answered_from, sample })
}

async fn whole(store: &Store, filter: &PostFilter, range: Window) -> Result<GroupedSums, StoreError> {
    sum(store, filter, &SumQuery { read_limit: ReadLimit::Posts, ..SumQuery::whole(range) }).await
}

fn share(count: i64, of: i64) -> f64 {
    if of == 0 { 0.0 } else { count as f64 / of as f64 }
}
