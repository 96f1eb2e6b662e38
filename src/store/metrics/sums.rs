//! Sums over posts, read from rollups if the filter allows and otherwise from the posts themselves.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::hourly_rollups;
use super::sum_columns::{self, Detail};
use crate::models::explore::AnsweredFrom;
use crate::models::metrics::Window;
use crate::models::rollup::{Dimension, Sums};
use crate::store::codec::PgTimestamp;
use crate::store::posts::filter::{AUTHOR, Conditions, PostFilter, Values, joined};
use crate::store::{Store, StoreError};

/// Longest window, in seconds, for metrics calls that read posts, whatever the number of posts.
pub const POSTS_WINDOW_SECONDS_MAX: i64 = 86_400;

/// Maximum number of posts read for one Explore response. Reading this many takes about a fifth of a second.
pub const POSTS_READ_MAX: i64 = 100_000;

/// Maximum number of posts matching a text search. Each is looked up individually, which costs several times as much as
/// reading it in a range.
pub const WORDS_FOUND_MAX: i64 = 20_000;

/// How sums are grouped, in addition to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum GroupBy {
    Nothing,
    /// By a rollup dimension.
    Dimension(Dimension),
    Source,
    Lang,
    Author,
}

/// How many posts may be read if rollups cannot provide the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum ReadLimit {
    /// Posts of a day, however many there are.
    Day,
    /// [`POSTS_READ_MAX`], or [`WORDS_FOUND_MAX`] with a text search.
    Posts,
}

/// Query for sums over a window.
#[derive(Debug, Clone)]
pub(in crate::store) struct SumQuery {
    pub window: Window,
    pub by: GroupBy,
    /// Start of each step, ascending; the first is the start of the window.
    pub steps: Vec<Timestamp>,
    /// Restricts the parts to these keys.
    pub keys: Option<Vec<String>>,
    /// Maximum number of parts, largest first.
    pub n_parts_max: Option<i64>,
    pub read_limit: ReadLimit,
    pub detail: Detail,
}

impl SumQuery {
    /// Returns a query with one part and one step.
    pub(in crate::store) fn whole(window: Window) -> Self {
        let steps = vec![window.from];
        let (read_limit, detail) = (ReadLimit::Day, Detail::All);
        Self { window, by: GroupBy::Nothing, steps, keys: None, n_parts_max: None, read_limit, detail }
    }
}

/// Part of a window, with its sums.
pub(in crate::store) struct Group {
    /// Index of the step.
    pub step: usize,
    pub key: String,
    /// Number of posts in all parts together, including parts that are not returned.
    pub of: i64,
    pub sums: Sums,
}

/// Sums over a window by part and step, and what they were read from.
pub(in crate::store) struct GroupedSums {
    pub groups: Vec<Group>,
    pub from: AnsweredFrom,
}

pub(in crate::store) fn total(groups: &[Group]) -> Sums {
    let mut total = Sums::default();
    groups.iter().for_each(|group| total.add(&group.sums));
    total
}

/// Sums a window, largest parts first. Parts without posts are absent.
///
/// Fails with `WindowTooLong` or `TooManyPosts` if the filter requires reading too many posts.
pub(in crate::store) async fn sum(
    store: &Store,
    filter: &PostFilter,
    sum_query: &SumQuery,
) -> Result<GroupedSums, StoreError> {
    if rows_for(filter, sum_query.by).is_none() {
        require_few(store, filter, sum_query).await?;
    }
    let grouped = store
        .run(async |client| {
            // Complete hours remain complete, so it does not matter if more are added in the meantime.
            let until = hourly_rollups::until(client).await?;
            let mut values = Values::default();
            let (sql, from) = statement(filter, sum_query, until, &mut values);
            // Not a cached statement: planned with the actual values, it skips the days outside the window.
            let rows = client.query(&sql, &values.as_params()).await?;
            let groups = rows.iter().map(group_of).collect::<Result<Vec<_>, StoreError>>()?;
            Ok::<_, StoreError>(GroupedSums { groups, from })
        })
        .await?;
    // The limit lets one more post through, which shows that there are too many.
    let n_posts = grouped.groups.first().map_or(0, |group| group.of);
    if is_limited(filter, sum_query) && n_posts > WORDS_FOUND_MAX {
        return Err(StoreError::TooManyPosts { n_posts, n_posts_max: WORDS_FOUND_MAX });
    }
    Ok(grouped)
}

/// Returns the statement that computes the sums, and what it reads from.
pub(in crate::store) fn statement(
    filter: &PostFilter,
    sum_query: &SumQuery,
    until: Timestamp,
    values: &mut Values,
) -> (String, AnsweredFrom) {
    match rows_for(filter, sum_query.by) {
        Some(rows) => {
            let read = RollupRead { sum_query, until, source: filter.source.as_deref() };
            (rollups_sql(&rows, &read, values), AnsweredFrom::Rollups)
        }
        None => (posts_sql(filter, sum_query, values), AnsweredFrom::Posts),
    }
}

fn group_of(row: &Row) -> Result<Group, StoreError> {
    let step: i32 = row.try_get(1)?;
    let step = usize::try_from(step).unwrap_or_default();
    Ok(Group { step, key: row.try_get(2)?, of: row.try_get(0)?, sums: sum_columns::read(row)? })
}

/// Returns whether the number of posts matching the text search is limited.
fn is_limited(filter: &PostFilter, sum_query: &SumQuery) -> bool {
    filter.words().is_some()
        && sum_query.read_limit == ReadLimit::Posts
        && rows_for(filter, sum_query.by).is_none()
}

/// Which rollup rows contain the requested sums.
#[derive(Debug, PartialEq, Eq)]
struct RollupRows<'a> {
    dimension: Dimension,
    key: Option<&'a str>,
    part: &'static str,
}

/// Returns which rollup rows contain the requested sums; `None` if posts must be read.
///
/// A row has one dimension in addition to its source. A breakdown by product over the posts of one product also includes the
/// other products that these posts mention, which no row contains.
fn rows_for(filter: &PostFilter, by: GroupBy) -> Option<RollupRows<'_>> {
    if filter.looks_into_posts() {
        return None;
    }
    let (by, part) = match by {
        GroupBy::Nothing | GroupBy::Dimension(Dimension::Overall) => (None, "''"),
        GroupBy::Source => (None, "source"),
        GroupBy::Dimension(dimension) => (Some(dimension), "key"),
        GroupBy::Lang | GroupBy::Author => return None,
    };
    let mut named = dimensions_named(filter);
    let Some((dimension, key)) = named.next() else {
        return Some(RollupRows { dimension: by.unwrap_or(Dimension::Overall), key: None, part });
    };
    let fits = match by {
        None => true,
        Some(Dimension::Product) => false,
        Some(by) => by == dimension,
    };
    (fits && named.next().is_none()).then_some(RollupRows { dimension, key: Some(key), part })
}

fn dimensions_named(filter: &PostFilter) -> impl Iterator<Item = (Dimension, &str)> {
    let named = [
        (Dimension::Product, filter.product.as_deref()),
        (Dimension::Platform, filter.platform.as_deref()),
        (Dimension::Channel, filter.channel.as_deref()),
        (Dimension::City, filter.city.as_deref()),
    ];
    named.into_iter().filter_map(|(dimension, key)| Some((dimension, key?)))
}

/// What to read from the rollups.
struct RollupRead<'a> {
    sum_query: &'a SumQuery,
    until: Timestamp,
    source: Option<&'a str>,
}

/// Reads whole hours from the hourly rows and the rest from the minute rows. Each piece of time is looked up in an index
/// that begins with the dimension and the bucket.
fn rollups_sql(rows: &RollupRows<'_>, read: &RollupRead<'_>, values: &mut Values) -> String {
    let sum_query = read.sum_query;
    let mut conditions = Vec::new();
    let dimension = values.bind(rows.dimension.as_str());
    conditions.push(format!("dimension = {dimension}::text::rollup_dimension"));
    if let Some(key) = rows.key {
        conditions.push(format!("key = {}::text", values.bind(key.to_owned())));
    }
    if let Some(source) = read.source {
        conditions.push(format!("source = {}::text", values.bind(source.to_owned())));
    }
    let conditions = joined(&conditions);
    let (hours, minutes) = hourly_rollups::pieces(sum_query.window, &sum_query.steps, read.until);
    let mut parts = Vec::new();
    for (table, pieces) in [("sentiment_rollup_hours", hours), ("sentiment_rollups", minutes)] {
        if pieces.is_empty() {
            continue;
        }
        let (since, before): (Vec<PgTimestamp>, Vec<PgTimestamp>) =
            pieces.into_iter().map(|(since, before)| (PgTimestamp(since), PgTimestamp(before))).unzip();
        let (since, before) = (values.bind(since), values.bind(before));
        parts.push(format!(
            "SELECT rollup.* FROM unnest({since}::timestamptz[], {before}::timestamptz[]) AS piece (since, before)
            JOIN {table} AS rollup ON bucket >= since AND bucket < before WHERE {conditions}"
        ));
    }
    let step = step_of("bucket", sum_query, values);
    let grouped = format!(
        "SELECT {step} AS step, {} AS part, {} FROM ({}) AS rollup GROUP BY step, part",
        rows.part,
        sum_columns::totals(sum_query.detail),
        parts.join(" UNION ALL ")
    );
    ordered(&grouped, sum_query, values)
}

/// Returns an expression for the index of the step that contains a time.
fn step_of(moment: &str, sum_query: &SumQuery, values: &mut Values) -> String {
    if sum_query.steps.len() < 2 {
        return "0".to_owned();
    }
    let starts: Vec<PgTimestamp> = sum_query.steps.iter().map(|start| PgTimestamp(*start)).collect();
    format!("width_bucket({moment}, {}::timestamptz[]) - 1", values.bind(starts))
}

/// Orders the groups by number of posts, largest first, and adds the total number of posts of all groups.
fn ordered(grouped: &str, sum_query: &SumQuery, values: &mut Values) -> String {
    let only =
        sum_query.keys.as_ref().map(|keys| format!("WHERE part = ANY ({})", values.bind(keys.clone())));
    let limit = sum_query.n_parts_max.map(|limit| format!("LIMIT {}", values.bind(limit)));
    format!(
        "SELECT (sum(count) OVER ())::bigint AS of_all, groups.* FROM ({grouped}) AS groups {} ORDER BY count DESC, part COLLATE \"C\" {}",
        only.unwrap_or_default(),
        limit.unwrap_or_default()
    )
}

/// Rejects queries that would read too many posts. How many posts match a text search is not known in advance.
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
    // Rollups provide these sums, so the recursion ends here.
    let everything = PostFilter { source: filter.source.clone(), ..PostFilter::default() };
    let counted = Box::pin(sum(store, &everything, &SumQuery::whole(sum_query.window))).await?;
    let n_posts = total(&counted.groups).count;
    if n_posts > POSTS_READ_MAX {
        return Err(StoreError::TooManyPosts { n_posts, n_posts_max: POSTS_READ_MAX });
    }
    Ok(())
}

fn posts_sql(filter: &PostFilter, sum_query: &SumQuery, values: &mut Values) -> String {
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
    let posts = if is_limited(filter, sum_query) {
        let limit = values.bind(WORDS_FOUND_MAX + 1);
        format!("(SELECT * FROM social_media_posts AS post WHERE {of_post} LIMIT {limit}) AS post")
    } else {
        "social_media_posts AS post".to_owned()
    };
    let grouped = format!(
        "SELECT {step} AS step, {part} AS part, {}
        FROM {posts}
        JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at {parts}
        WHERE {of_post} AND {of_score} GROUP BY step, part",
        sum_columns::totals_over_posts(sum_query.detail)
    );
    ordered(&grouped, sum_query, values)
}
