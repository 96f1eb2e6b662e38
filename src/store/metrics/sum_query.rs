//! Sums over posts, read from rollups if the filter allows and otherwise from the posts themselves.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::grouping::step_of;
pub(in crate::store) use super::grouping::{GroupBy, ReadLimit, SumQuery};
use super::hourly_rollups;
use super::rollup_rows::{self, RollupRead, rows_for};
use super::sampling;
use super::sum_columns;
use crate::models::explore::{AnsweredFrom, Sample};
use crate::models::metrics::Window;
use crate::models::rollup::{Dimension, Sums};
use crate::store::codec::PgTimestamp;
use crate::store::posts::filter::{AUTHOR, Conditions, PostFilter, joined};
use crate::store::posts::search;
use crate::store::posts::values::Values;
use crate::store::{Store, StoreError};

/// Maximum length, in seconds, of a window whose posts a metrics call reads, however many there are.
pub const POSTS_WINDOW_SECONDS_MAX: i64 = 86_400;

/// Maximum number of posts read for one Explore response. Reading this many takes about a fifth of a second.
pub const POSTS_READ_MAX: i64 = 100_000;

/// Maximum number of posts matching a text search. Each is looked up individually, which costs several times as much as
/// reading it as part of a range. If there are more, the sums are estimated from a sample of about [`POSTS_READ_MAX`]
/// posts from the range.
pub const WORDS_FOUND_MAX: i64 = 20_000;

/// One part of the posts within one step, with its sums.
pub(in crate::store) struct Group {
    /// Index of the step in [`SumQuery::steps`].
    pub step: usize,
    pub key: String,
    /// Whether the group adds up all parts beyond [`SumQuery::n_lines`]. It has no key.
    pub is_rest: bool,
    /// Total number of posts in all parts, including parts that are not returned.
    pub of: i64,
    pub sums: Sums,
}

/// Sums of a window by part and step, and whether they were read from rollups or posts.
pub(in crate::store) struct GroupedSums {
    pub groups: Vec<Group>,
    pub from: AnsweredFrom,
    /// Sample that the sums are estimated from; `None` if they are exact.
    pub sample: Option<Sample>,
}

/// Posts of the window that a statement reads.
#[derive(Debug, Clone, Copy)]
enum Extent<'a> {
    /// All posts.
    Whole,
    /// Matching posts, up to one more than this number; the extra one shows that there are too many.
    Found(i64),
    /// The posts of these slices of time.
    Slices(&'a [(Timestamp, Timestamp)]),
}

/// Limits on a text search.
#[derive(Debug, Clone, Copy)]
struct SearchLimits {
    /// Maximum number of hits to read.
    n_found: i64,
    /// Number of posts in a sample, whether they match or not.
    n_sampled: i64,
}

const SEARCH_LIMITS: SearchLimits = SearchLimits { n_found: WORDS_FOUND_MAX, n_sampled: POSTS_READ_MAX };

pub(in crate::store) fn total(groups: &[Group]) -> Sums {
    let mut total = Sums::default();
    groups.iter().for_each(|group| total.add(&group.sums));
    total
}

/// Computes the sums of a window, largest parts first. Parts without posts are absent.
///
/// Fails with `WindowTooLong` or `TooManyPosts` if this would require reading too many posts.
pub(in crate::store) async fn sum(
    store: &Store,
    filter: &PostFilter,
    sum_query: &SumQuery,
) -> Result<GroupedSums, StoreError> {
    if rows_for(filter, sum_query.by).is_none() {
        require_few(store, filter, sum_query).await?;
    }
    if is_limited(filter, sum_query) {
        return sum_of_hits(store, filter, (sum_query, SEARCH_LIMITS)).await;
    }
    Ok(read(store, filter, (sum_query, Extent::Whole)).await?.0)
}

/// Computes the sums for the hits of a text search: from all hits if there are few, otherwise from a sample.
async fn sum_of_hits(
    store: &Store,
    filter: &PostFilter,
    (sum_query, limits): (&SumQuery, SearchLimits),
) -> Result<GroupedSums, StoreError> {
    // Without the index, looking for hits would read the whole range.
    if filter.words().is_some_and(search::is_indexed) {
        let (found, n_hits) = read(store, filter, (sum_query, Extent::Found(limits.n_found))).await?;
        if n_hits <= limits.n_found {
            return Ok(found);
        }
    }
    let n_posts = n_posts_of(store, filter, sum_query.window).await?;
    if n_posts <= limits.n_sampled {
        return Ok(read(store, filter, (sum_query, Extent::Whole)).await?.0);
    }
    let share = limits.n_sampled as f64 / n_posts as f64;
    let slices = sampling::slices(sum_query.window, &sum_query.steps, share);
    let (mut grouped, _) = read(store, filter, (sum_query, Extent::Slices(&slices))).await?;
    let n_found = grouped.groups.first().map_or(0, |group| group.of);
    let n_estimated = sampling::scaled(&Sums { count: n_found, ..Sums::default() }, share).count;
    for group in &mut grouped.groups {
        (group.of, group.sums) = (n_estimated, sampling::scaled(&group.sums, share));
    }
    grouped.sample = Some(sampling::sample(share, n_found));
    Ok(grouped)
}

/// Computes the sums of this extent, and returns them with the number of hits read, including hits whose scores do not
/// match the filter; 0 unless the extent is [`Extent::Found`].
async fn read(
    store: &Store,
    filter: &PostFilter,
    (sum_query, extent): (&SumQuery, Extent<'_>),
) -> Result<(GroupedSums, i64), StoreError> {
    store
        .run(async |client| {
            // Complete hours remain complete, so it does not matter if more are added in the meantime.
            let until = hourly_rollups::until(client).await?;
            let mut values = Values::default();
            let (sql, from) = statement_over(filter, (sum_query, extent), until, &mut values);
            // Not a cached statement: planned with the actual values, it skips the days outside the window.
            let rows = client.query(&sql, &values.as_params()).await?;
            let n_hits = rows.first().map(|row| row.try_get(0)).transpose()?.unwrap_or(0);
            let groups = rows.iter().filter_map(|row| group_of(row).transpose());
            let groups = groups.collect::<Result<Vec<_>, StoreError>>()?;
            Ok::<_, StoreError>((GroupedSums { groups, from, sample: None }, n_hits))
        })
        .await
}

/// Returns the statement that computes the sums, and whether it reads rollups or posts.
pub(in crate::store) fn statement(
    filter: &PostFilter,
    sum_query: &SumQuery,
    until: Timestamp,
    values: &mut Values,
) -> (String, AnsweredFrom) {
    let is_limited = is_limited(filter, sum_query);
    let extent = if is_limited { Extent::Found(WORDS_FOUND_MAX) } else { Extent::Whole };
    statement_over(filter, (sum_query, extent), until, values)
}

fn statement_over(
    filter: &PostFilter,
    (sum_query, extent): (&SumQuery, Extent<'_>),
    until: Timestamp,
    values: &mut Values,
) -> (String, AnsweredFrom) {
    match rows_for(filter, sum_query.by) {
        Some(rows) => {
            let read = RollupRead { sum_query, until, filter };
            let largest = |n_parts| rollup_rows::largest(&rows, (&read, n_parts), values);
            let sql = sum_query.n_parts_max.and_then(largest).unwrap_or_else(|| {
                let grouped = rollup_rows::grouped(&rows, &read, values);
                ordered(&grouped, None, sum_query, values)
            });
            (sql, AnsweredFrom::Rollups)
        }
        None => (posts_sql(filter, (sum_query, extent), values), AnsweredFrom::Posts),
    }
}

/// Reads a group; `None` if the row contains only the number of hits.
fn group_of(row: &Row) -> Result<Option<Group>, StoreError> {
    let Some(step) = row.try_get::<_, Option<i32>>(2)? else { return Ok(None) };
    let step = usize::try_from(step).unwrap_or_default();
    let key: Option<String> = row.try_get(3)?;
    Ok(Some(Group {
        step,
        is_rest: key.is_none(),
        key: key.unwrap_or_default(),
        of: row.try_get(1)?,
        sums: sum_columns::read(row)?,
    }))
}

/// Returns whether [`WORDS_FOUND_MAX`] limits the query, because it searches the text of posts.
fn is_limited(filter: &PostFilter, sum_query: &SumQuery) -> bool {
    filter.words().is_some()
        && sum_query.read_limit == ReadLimit::Posts
        && rows_for(filter, sum_query.by).is_none()
}

/// Returns the statement that orders groups by number of posts, largest first, and adds the total number of posts and
/// the number of rows of `hits`, the hits that the groups are computed from. Without groups it returns one row of nulls
/// with that number.
fn ordered(grouped: &str, hits: Option<&str>, sum_query: &SumQuery, values: &mut Values) -> String {
    if let Some(n_lines) = sum_query.n_lines {
        return folded(grouped, hits, (sum_query, n_lines), values);
    }
    let with = hits.map(|hits| format!("WITH hits AS MATERIALIZED ({hits})"));
    let n_hits = if hits.is_some() { "(SELECT count(*) FROM hits)" } else { "0::bigint" };
    let only = sum_query.keys.as_ref().map(|keys| format!("part = ANY ({})", values.bind(keys.clone())));
    let limit = sum_query.n_parts_max.map(|limit| format!("LIMIT {}", values.bind(limit)));
    format!(
        "{} SELECT {n_hits} AS n_hits, sums.* FROM (VALUES (0)) AS always LEFT JOIN (
            SELECT (sum(count) OVER ())::bigint AS of_all, groups.* FROM ({grouped}) AS groups
        ) AS sums ON {} ORDER BY count DESC, part COLLATE \"C\" {}",
        with.unwrap_or_default(),
        only.unwrap_or_else(|| "true".to_owned()),
        limit.unwrap_or_default()
    )
}

/// Like [`ordered`], but returns every step of the parts with the most posts in all steps, and adds up all other parts in
/// rows without a part.
fn folded(
    grouped: &str,
    hits: Option<&str>,
    (sum_query, n_lines): (&SumQuery, i64),
    values: &mut Values,
) -> String {
    let with = hits.map(|hits| format!("hits AS MATERIALIZED ({hits}),")).unwrap_or_default();
    let n_hits = if hits.is_some() { "(SELECT count(*) FROM hits)" } else { "0::bigint" };
    let limit = values.bind(n_lines);
    format!(
        "WITH {with} groups AS MATERIALIZED ({grouped}), top AS (
            SELECT part FROM groups GROUP BY part ORDER BY sum(count) DESC, part COLLATE \"C\" LIMIT {limit}
        )
        SELECT {n_hits} AS n_hits, (SELECT sum(count) FROM groups)::bigint AS of_all, sums.*
        FROM (VALUES (0)) AS always LEFT JOIN (
            SELECT step, top.part AS part, {}
            FROM groups LEFT JOIN top ON top.part = groups.part GROUP BY step, top.part
        ) AS sums ON true",
        sum_columns::totals(sum_query.detail)
    )
}

/// Rejects a query that would read too many posts. A text search is never rejected: with too many hits it is sampled.
async fn require_few(store: &Store, filter: &PostFilter, sum_query: &SumQuery) -> Result<(), StoreError> {
    let seconds = sum_query.window.seconds;
    if sum_query.read_limit == ReadLimit::Day {
        let seconds_max = POSTS_WINDOW_SECONDS_MAX;
        let too_long = seconds > seconds_max;
        return if too_long { Err(StoreError::WindowTooLong { seconds, seconds_max }) } else { Ok(()) };
    }
    if filter.words().is_some() {
        return Ok(());
    }
    let n_posts = n_posts_of(store, filter, sum_query.window).await?;
    if n_posts > POSTS_READ_MAX {
        return Err(StoreError::TooManyPosts { n_posts, n_posts_max: POSTS_READ_MAX });
    }
    Ok(())
}

/// Returns the number of all posts in a window, from the sources that the filter allows.
pub(in crate::store) async fn n_posts_of(
    store: &Store,
    filter: &PostFilter,
    window: Window,
) -> Result<i64, StoreError> {
    // Rollups provide these sums, so the recursion ends here.
    let everything = PostFilter { source: filter.source.clone(), ..PostFilter::default() };
    let counted = Box::pin(sum(store, &everything, &SumQuery::whole(window))).await?;
    Ok(total(&counted.groups).count)
}

fn posts_sql(
    filter: &PostFilter,
    (sum_query, extent): (&SumQuery, Extent<'_>),
    values: &mut Values,
) -> String {
    let conditions = Conditions::of(filter, values);
    let (from, to) =
        (values.bind(PgTimestamp(sum_query.window.from)), values.bind(PgTimestamp(sum_query.window.to)));
    let within = |table: &str| {
        format!("{table}.created_at >= {from}::timestamptz AND {table}.created_at < {to}::timestamptz")
    };
    let step = step_of("post.created_at", sum_query, values);
    let (part, parts) = match sum_query.by {
        GroupBy::Nothing | GroupBy::Dimension(Dimension::Overall) => ("''".to_owned(), ""),
        GroupBy::Dimension(Dimension::City) => ("coalesce(post.city, '')".to_owned(), ""),
        GroupBy::Dimension(Dimension::Channel) => ("coalesce(post.channel, '')".to_owned(), ""),
        GroupBy::Dimension(Dimension::Platform) => ("post.platform".to_owned(), ""),
        GroupBy::Dimension(Dimension::Product) => (
            "product.name".to_owned(),
            "CROSS JOIN LATERAL unnest(CASE WHEN post.products = '{}' THEN ARRAY[''] ELSE post.products END)
                AS product (name)",
        ),
        GroupBy::Source => ("post.source".to_owned(), ""),
        GroupBy::Lang => ("coalesce(post.lang, '')".to_owned(), ""),
        GroupBy::Author => (format!("coalesce({AUTHOR}, '')"), ""),
    };
    let of_post = joined(conditions.of_post.iter().chain([&within("post")]));
    let of_score = joined(conditions.of_score.iter().chain([&within("score")]));
    let mut hits = None;
    let (posts, condition) = match extent {
        Extent::Whole => ("social_media_posts AS post".to_owned(), format!("{of_post} AND {of_score}")),
        Extent::Found(n_found) => {
            let limit = values.bind(n_found + 1);
            hits = Some(format!(
                "SELECT {HIT_COLUMNS} FROM social_media_posts AS post WHERE {of_post} LIMIT {limit}"
            ));
            ("hits AS post".to_owned(), of_score)
        }
        Extent::Slices(slices) => {
            let (since, before): (Vec<PgTimestamp>, Vec<PgTimestamp>) =
                slices.iter().map(|(since, before)| (PgTimestamp(*since), PgTimestamp(*before))).unzip();
            let posts = format!(
                "unnest({}::timestamptz[], {}::timestamptz[]) AS slice (since, before)
                JOIN social_media_posts AS post ON post.created_at >= since AND post.created_at < before",
                values.bind(since),
                values.bind(before)
            );
            (posts, format!("{of_post} AND {of_score}"))
        }
    };
    let grouped = format!(
        "SELECT {step} AS step, {part} AS part, {}
        FROM {posts}
        JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at {parts}
        WHERE {condition} GROUP BY step, part",
        sum_columns::totals_over_posts(sum_query.detail)
    );
    ordered(&grouped, hits.as_deref(), sum_query, values)
}

/// Columns of a hit that sums and parts are computed from. The text, which is long, is no longer needed.
const HIT_COLUMNS: &str = "uuid, created_at, received_at, source, platform, channel, city, lang, products,
    author_handle, author_id";

#[cfg(test)]
mod tests;
