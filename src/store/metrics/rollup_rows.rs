//! Rollup rows that contain requested sums, and the statement that adds them up.

use jiff::Timestamp;

use super::grouping::{GroupBy, SumQuery, step_of};
use super::hourly_rollups;
use super::sum_columns;
use crate::models::rollup::Dimension;
use crate::store::codec::PgTimestamp;
use crate::store::posts::filter::{PostFilter, joined};
use crate::store::posts::key_filter::KeyFilter;
use crate::store::posts::values::Values;

/// Rollup rows that contain the requested sums.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RollupRows<'a> {
    dimension: Dimension,
    keys: Keys<'a>,
    part: &'static str,
}

/// Key of sums that are not broken down.
const WHOLE: &str = "''";

/// Keys of the rows.
#[derive(Debug, PartialEq, Eq)]
enum Keys<'a> {
    All,
    /// These keys.
    Of(Vec<&'a str>),
    /// All other keys.
    Except(Vec<&'a str>),
    /// The rows of all posts, minus the rows with these keys.
    AllLess(Vec<&'a str>),
}

/// Returns the rollup rows that contain the requested sums; `None` if posts must be read.
///
/// A row has only one dimension besides its source. A breakdown by product of the posts about one product also includes
/// the other products that these posts mention, which no row contains.
pub(super) fn rows_for(filter: &PostFilter, by: GroupBy) -> Option<RollupRows<'_>> {
    if filter.looks_into_posts() {
        return None;
    }
    let (by, part) = match by {
        GroupBy::Nothing | GroupBy::Dimension(Dimension::Overall) => (None, WHOLE),
        GroupBy::Source => (None, "source"),
        GroupBy::Dimension(dimension) => (Some(dimension), "key"),
        GroupBy::Lang | GroupBy::Author => return None,
    };
    let mut named = dimensions_named(filter);
    let Some((dimension, keys)) = named.next() else {
        return Some(RollupRows { dimension: by.unwrap_or(Dimension::Overall), keys: Keys::All, part });
    };
    if named.next().is_some() {
        return None;
    }
    let keys = match by {
        None => keys_of_sum(dimension, keys)?,
        Some(by) if by == dimension && by != Dimension::Product => keys_of_parts(keys),
        Some(_) => return None,
    };
    Some(RollupRows { dimension, keys, part })
}

fn dimensions_named(filter: &PostFilter) -> impl Iterator<Item = (Dimension, &KeyFilter)> {
    let named = [
        (Dimension::Product, &filter.product),
        (Dimension::Platform, &filter.platform),
        (Dimension::Channel, &filter.channel),
        (Dimension::City, &filter.city),
    ];
    named.into_iter().filter(|(_, keys)| !keys.is_empty())
}

/// Returns the keys of rows that add up to the posts of a filter; `None` if a post may be in several of the rows
/// because it mentions several products.
fn keys_of_sum(dimension: Dimension, filter: &KeyFilter) -> Option<Keys<'_>> {
    let KeyFilter { any_of, none_of } = filter;
    if dimension == Dimension::Product {
        let n_products = any_of.iter().chain(none_of).filter(|key| !key.is_empty()).count();
        let is_mixed = !any_of.is_empty() && !none_of.is_empty();
        if n_products > 1 || is_mixed {
            return None;
        }
    }
    if any_of.is_empty() {
        return Some(Keys::AllLess(none_of.iter().map(String::as_str).collect()));
    }
    Some(Keys::Of(kept(filter)))
}

/// Returns the keys of the parts of a breakdown by the filter's own dimension.
fn keys_of_parts(filter: &KeyFilter) -> Keys<'_> {
    if filter.any_of.is_empty() {
        return Keys::Except(filter.none_of.iter().map(String::as_str).collect());
    }
    Keys::Of(kept(filter))
}

/// Returns the values that are selected and not excluded.
fn kept(KeyFilter { any_of, none_of }: &KeyFilter) -> Vec<&str> {
    any_of.iter().filter(|key| !none_of.contains(key)).map(String::as_str).collect()
}

/// Query for sums with the details needed to read rollups.
pub(super) struct RollupRead<'a> {
    pub sum_query: &'a SumQuery,
    pub until: Timestamp,
    pub filter: &'a PostFilter,
}

/// Returns the statement that groups the rows by step and part.
pub(super) fn grouped(rows: &RollupRows<'_>, read: &RollupRead<'_>, values: &mut Values) -> String {
    let selected = selected(rows, read, values);
    let step = step_of("bucket", read.sum_query, values);
    // A part may become empty after a subtraction, or because its posts were erased.
    let has_parts = rows.part != WHOLE || matches!(rows.keys, Keys::AllLess(_));
    let having = if has_parts { "HAVING sum(count) <> 0" } else { "" };
    format!(
        "SELECT {step} AS step, {} AS part, {} FROM ({selected}) AS rollup GROUP BY step, part {having}",
        rows.part,
        sum_columns::totals(read.sum_query.detail),
    )
}

/// Returns the statement that groups the rows by part, orders the parts by number of posts, and sums only the largest
/// `n_parts`. Counting costs a fraction of summing every column, and senders can name tens of thousands of products.
/// The first two columns are 0 and the number of posts in all parts. `None` if the query is about several steps or only
/// some of the parts.
pub(super) fn largest(
    rows: &RollupRows<'_>,
    (read, n_parts): (&RollupRead<'_>, i64),
    values: &mut Values,
) -> Option<String> {
    let is_whole = read.sum_query.steps.len() < 2 && read.sum_query.keys.is_none();
    if !is_whole || matches!(rows.keys, Keys::AllLess(_)) {
        return None;
    }
    let (selected, n_parts) = (selected(rows, read, values), values.bind(n_parts));
    let (part, totals) = (rows.part, sum_columns::totals(read.sum_query.detail));
    Some(format!(
        "SELECT 0::bigint AS n_hits, largest.of_all, 0 AS step, largest.part, {totals}
        FROM (
            SELECT part, (sum(n_posts) OVER ())::bigint AS of_all
            FROM (SELECT {part} AS part, sum(count) AS n_posts FROM ({selected}) AS rollup GROUP BY part
                HAVING sum(count) <> 0) AS counts
            ORDER BY n_posts DESC, part COLLATE \"C\" LIMIT {n_parts}
        ) AS largest
        JOIN ({selected}) AS rollup ON {part} = largest.part
        GROUP BY largest.of_all, largest.part ORDER BY count DESC, largest.part COLLATE \"C\""
    ))
}

/// Returns the statement that selects the rows. It reads whole hours from the hourly rows and the rest from the minute
/// rows, and looks up each piece of time in an index on dimension and bucket.
fn selected(rows: &RollupRows<'_>, read: &RollupRead<'_>, values: &mut Values) -> String {
    let sum_query = read.sum_query;
    let mut conditions = Vec::new();
    let KeyFilter { any_of, none_of } = &read.filter.source;
    if !any_of.is_empty() {
        conditions.push(format!("source = ANY ({}::text[])", values.bind(any_of.clone())));
    }
    if !none_of.is_empty() {
        conditions.push(format!("source <> ALL ({}::text[])", values.bind(none_of.clone())));
    }
    let mut bound = |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        format!("{}::text[]", values.bind(keys))
    };
    let of = |dimension: Dimension, keys: Option<String>| {
        let dimension = format!("dimension = '{}'", dimension.as_str());
        joined(std::iter::once(&dimension).chain(&keys).chain(&conditions))
    };
    let added = format!("bucket, source, key, {}", sum_columns::names());
    let subtracted = format!("bucket, source, key, {}", sum_columns::negated());
    let selections = match &rows.keys {
        Keys::All => vec![(added, of(rows.dimension, None))],
        Keys::Of(keys) => vec![(added, of(rows.dimension, Some(format!("key = ANY ({})", bound(keys)))))],
        Keys::Except(keys) => {
            vec![(added, of(rows.dimension, Some(format!("key <> ALL ({})", bound(keys)))))]
        }
        Keys::AllLess(keys) => vec![
            (added, of(Dimension::Overall, None)),
            (subtracted, of(rows.dimension, Some(format!("key = ANY ({})", bound(keys))))),
        ],
    };
    let (hours, minutes) = hourly_rollups::pieces(sum_query.window, &sum_query.steps, read.until);
    let mut parts = Vec::new();
    for (table, pieces) in [("sentiment_rollup_hours", hours), ("sentiment_rollups", minutes)] {
        if pieces.is_empty() {
            continue;
        }
        let (since, before): (Vec<PgTimestamp>, Vec<PgTimestamp>) =
            pieces.into_iter().map(|(since, before)| (PgTimestamp(since), PgTimestamp(before))).unzip();
        let (since, before) = (values.bind(since), values.bind(before));
        for (columns, condition) in &selections {
            parts.push(format!(
                "SELECT {columns} FROM unnest({since}::timestamptz[], {before}::timestamptz[]) AS piece (since, before)
                JOIN {table} AS rollup ON bucket >= since AND bucket < before WHERE {condition}"
            ));
        }
    }
    parts.join(" UNION ALL ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(any_of: &[&str], none_of: &[&str]) -> KeyFilter {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        KeyFilter::new(&owned(any_of), &owned(none_of))
    }

    fn check(filter: &PostFilter, by: GroupBy, expected: Option<(Dimension, Keys<'_>)>) {
        let rows = rows_for(filter, by).map(|rows| (rows.dimension, rows.keys));
        assert_eq!(rows, expected, "{filter:?} {by:?}");
    }

    #[test]
    fn values_of_a_dimension_are_added_up_only_where_no_post_has_two_of_them() {
        let city =
            |any: &[&str], none: &[&str]| PostFilter { city: keys(any, none), ..PostFilter::default() };
        let product =
            |any: &[&str], none: &[&str]| PostFilter { product: keys(any, none), ..PostFilter::default() };
        let by_city = GroupBy::Dimension(Dimension::City);
        let (cities, products) = (Dimension::City, Dimension::Product);
        let of = |dimension, keys: &[&'static str]| Some((dimension, Keys::Of(keys.to_vec())));
        let less = |dimension, keys: &[&'static str]| Some((dimension, Keys::AllLess(keys.to_vec())));

        check(&PostFilter::default(), GroupBy::Nothing, Some((Dimension::Overall, Keys::All)));
        check(&PostFilter::default(), by_city, Some((cities, Keys::All)));
        check(&city(&["a", "b"], &[]), GroupBy::Nothing, of(cities, &["a", "b"]));
        check(&city(&["a", "b"], &["b"]), GroupBy::Source, of(cities, &["a"]));
        check(&city(&["a"], &["a"]), GroupBy::Nothing, of(cities, &[]));
        check(&city(&[], &["a", ""]), GroupBy::Nothing, less(cities, &["a", ""]));
        check(&city(&[], &["a"]), by_city, Some((cities, Keys::Except(vec!["a"]))));
        check(&city(&["a", "b"], &[]), by_city, of(cities, &["a", "b"]));
        check(&city(&[], &["a"]), GroupBy::Dimension(Dimension::Channel), None);

        check(&product(&["a"], &[]), GroupBy::Nothing, of(products, &["a"]));
        check(&product(&["a", ""], &[]), GroupBy::Nothing, of(products, &["a", ""]));
        check(&product(&["a", "b"], &[]), GroupBy::Nothing, None);
        check(&product(&["a"], &["b"]), GroupBy::Nothing, None);
        check(&product(&[], &["a"]), GroupBy::Nothing, less(products, &["a"]));
        check(&product(&[], &["a", "b"]), GroupBy::Source, None);
        check(&product(&[], &["a"]), GroupBy::Dimension(products), None);
        check(&PostFilter { product: keys(&[], &["a"]), ..city(&["b"], &[]) }, GroupBy::Nothing, None);
    }
}
