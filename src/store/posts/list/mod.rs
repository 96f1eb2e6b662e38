//! Post lists: pages, search and exports.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Object;
use futures_util::future::try_join_all;
use futures_util::stream::{self, Stream};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{IsolationLevel, Row};

use super::filter::{Conditions, PostFilter};
use super::ranking::{PageRequest, TimeRange, select_by_engagement, select_names, without_engagement};
pub use super::ranking::{RANKED_MAX, RANKED_RANGE_MAX};
use super::row::{COLUMNS, SCORE_COLUMNS, TABLES, label_of, scored_posts_of, scores_of};
use super::values::Values;
use super::work::row::{JOIN as JOIN_WORK, WORK, work_of};
use crate::models::id::PostId;
use crate::models::post::{ListedPost, PastScore, PostOrder, PostWithHistory, ScoredPost};
use crate::models::score::VIRALITY_HIGH;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::time_window::at;
use crate::store::page::{Cursor, PAGE_MAX, Page, RankedCursor, limits};
use crate::store::{Store, StoreError};

/// Filter, range and order for a list of posts, and the page to return.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostsQuery {
    /// Filter that the posts must match.
    pub filter: PostFilter,
    /// Earliest event time of the posts, inclusive.
    pub from: Option<Timestamp>,
    /// Latest event time of the posts, exclusive.
    pub to: Option<Timestamp>,
    /// Order of the posts. By virality or growth, the whole range must be read.
    pub order: PostOrder,
    /// `next_cursor` of the previous page; `None` for the first page. Lists by virality or growth have only one page.
    pub cursor: Option<String>,
    /// Maximum number of posts to return: 1 to [`PAGE_MAX`], or 1 to [`RANKED_MAX`] by virality or growth.
    pub limit: usize,
}

/// Returns one page of posts. Fails with `BadCursor`.
///
/// It first selects the ids and then reads the posts. In newest-first order, it searches the last day and then ever
/// further back: planning a query over months of days takes longer than running most queries, and the last day alone
/// fills nearly all pages. Statements are not cached, because a plan for the actual values skips absent filters and
/// days outside the range; it also looks up a rare search word in the index but merely filters for a frequent one.
pub async fn list(store: &Store, query: &PostsQuery) -> Result<Page<ListedPost>, StoreError> {
    store.run(async |client| list_on(client, query, &mut Vec::new()).await).await
}

/// Text of a statement, and the values of its placeholders.
pub(in crate::store) type Statement = (String, Values);

/// Like [`list`], but also appends every statement that it runs to `executed`.
pub(in crate::store) async fn list_on(
    client: &Object,
    query: &PostsQuery,
    executed: &mut Vec<Statement>,
) -> Result<Page<ListedPost>, StoreError> {
    match query.order {
        PostOrder::Newest => {
            let (limit, n_rows) = limits(query.limit);
            let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
            let mut names = newest(client, (query, cursor), n_rows, executed).await?;
            let goes_on = names.len() > limit;
            names.truncate(limit);
            let next_cursor = names.last().filter(|_| goes_on).map(|name| cursor_at(name).encode());
            Ok(Page { items: read_posts(client, &names, executed).await?, next_cursor })
        }
        PostOrder::Engagement => {
            let (limit, n_rows) = limits(query.limit);
            let mut ranked = by_engagement(client, query, n_rows, executed).await?;
            let goes_on = ranked.len() > limit;
            ranked.truncate(limit);
            let next_cursor = ranked
                .last()
                .filter(|_| goes_on)
                .map(|(name, rank)| RankedCursor { rank: *rank, cursor: cursor_at(name) }.encode());
            let names: Vec<Name> = ranked.into_iter().map(|(name, _)| name).collect();
            Ok(Page { items: read_posts(client, &names, executed).await?, next_cursor })
        }
        PostOrder::Virality | PostOrder::Rising => {
            let (limit, _) = limits(query.limit.min(RANKED_MAX));
            let names = top(client, query, limit, executed).await?;
            Ok(Page { items: read_posts(client, &names, executed).await?, next_cursor: None })
        }
    }
}

fn cursor_at((id, at): &Name) -> Cursor {
    Cursor { at: *at, id: (*id).into() }
}

/// Returns the newest posts after the cursor; for a list by engagement, the newest posts without engagement.
async fn newest(
    client: &Object,
    (query, cursor): (&PostsQuery, Option<Cursor>),
    n_rows: i64,
    executed: &mut Vec<Statement>,
) -> Result<Vec<Name>, StoreError> {
    let mut names: Vec<Name> = Vec::new();
    for within in ranges_back(query, cursor, Timestamp::now()) {
        let mut values = Values::default();
        let mut conditions = conditions_of(&query.filter, within, &mut values);
        if query.order == PostOrder::Engagement {
            conditions.of_post.push(without_engagement());
        }
        let n_missing = n_rows - i64::try_from(names.len()).unwrap_or_default();
        let request = PageRequest { order: query.order, conditions, within, cursor, limit: n_missing };
        let sql = select_names(&request, &mut values);
        for row in client.query(&sql, &values.as_params()).await? {
            names.push((row.try_get(0)?, row.try_get(1)?));
        }
        executed.push((sql, values));
        if i64::try_from(names.len()).is_ok_and(|n_names| n_names >= n_rows) {
            break;
        }
    }
    Ok(names)
}

/// Returns posts with engagement, highest first, and then those without, newest first.
async fn by_engagement(
    client: &Object,
    query: &PostsQuery,
    n_rows: i64,
    executed: &mut Vec<Statement>,
) -> Result<Vec<(Name, Option<i64>)>, StoreError> {
    let after = query.cursor.as_deref().map(RankedCursor::decode).transpose()?;
    let mut ranked = Vec::new();
    if after.is_none_or(|after| after.rank.is_some()) {
        let within = TimeRange { from: query.from, to: query.to };
        let mut values = Values::default();
        let conditions = conditions_of(&query.filter, within, &mut values);
        let cursor = after.map(|after| after.cursor);
        let request = PageRequest { order: query.order, conditions, within, cursor, limit: n_rows };
        let sql = select_by_engagement(&request, after.and_then(|after| after.rank), &mut values);
        for row in client.query(&sql, &values.as_params()).await? {
            ranked.push(((row.try_get(0)?, row.try_get(1)?), Some(row.try_get(2)?)));
        }
        executed.push((sql, values));
    }
    let n_missing = n_rows - i64::try_from(ranked.len()).unwrap_or_default();
    if n_missing > 0 {
        let cursor = after.filter(|after| after.rank.is_none()).map(|after| after.cursor);
        let names = newest(client, (query, cursor), n_missing, executed).await?;
        ranked.extend(names.into_iter().map(|name| (name, None)));
    }
    Ok(ranked)
}

/// Returns the first posts in an order that requires reading the whole range. For most viral first, it looks among the
/// posts of high virality before all others.
async fn top(
    client: &Object,
    query: &PostsQuery,
    limit: usize,
    executed: &mut Vec<Statement>,
) -> Result<Vec<Name>, StoreError> {
    let within = TimeRange { from: query.from, to: query.to };
    let mut filters = vec![query.filter.clone()];
    if query.order == PostOrder::Virality {
        let least = query.filter.min_virality.unwrap_or(VIRALITY_HIGH).max(VIRALITY_HIGH);
        filters.insert(0, PostFilter { min_virality: Some(least), ..query.filter.clone() });
    }
    let mut names: Vec<Name> = Vec::new();
    for filter in filters {
        let mut values = Values::default();
        let conditions = conditions_of(&filter, within, &mut values);
        let n_rows = i64::try_from(limit).unwrap_or(i64::MAX);
        let request = PageRequest { order: query.order, conditions, within, cursor: None, limit: n_rows };
        let sql = select_names(&request, &mut values);
        names.clear();
        for row in client.query(&sql, &values.as_params()).await? {
            names.push((row.try_get(0)?, row.try_get(1)?));
        }
        executed.push((sql, values));
        if names.len() >= limit {
            break;
        }
    }
    Ok(names)
}

/// How many days back to search for the newest posts; each value is tried in turn until there are enough posts.
const DAYS_BACK: [i64; 4] = [1, 4, 16, 64];

/// Returns the ranges to search one after another until there are enough posts: the last day, then ever further back.
fn ranges_back(query: &PostsQuery, cursor: Option<Cursor>, now: Timestamp) -> Vec<TimeRange> {
    // Excludes everything after the cursor's time, but not that time itself.
    let end = cursor.and_then(|cursor| cursor.at.checked_add(SignedDuration::from_micros(1)).ok());
    let to = [query.to, end].into_iter().flatten().min();
    let mut ranges = Vec::new();
    let mut rest = to;
    for days in DAYS_BACK {
        let edge = to.unwrap_or(now).saturating_sub(SignedDuration::from_hours(24 * days)).ok();
        let Some(edge) = edge.filter(|edge| query.from.is_none_or(|from| *edge > from)) else {
            break;
        };
        ranges.push(TimeRange { from: Some(edge), to: rest });
        rest = Some(edge);
    }
    ranges.push(TimeRange { from: query.from, to: rest });
    ranges
}

/// Id and event time of a post. The event time determines the partition that holds the post.
pub(in crate::store) type Name = (PostId, Timestamp);

/// Reads the posts with these ids, in the same order. Runs one query per day, all of them concurrently, because the
/// best plan for a single day is obvious.
pub(super) async fn read_posts(
    client: &Object,
    names: &[Name],
    executed: &mut Vec<Statement>,
) -> Result<Vec<ListedPost>, StoreError> {
    const DAY_SECONDS: i64 = 86_400;
    let sql = format!(
        "SELECT {COLUMNS}, corrected.label::text AS corrected_label, {WORK} FROM {TABLES} {CORRECTED} {JOIN_WORK}
        WHERE post.uuid = ANY ($1) AND post.created_at >= $2 AND post.created_at < $3
            AND score.uuid = ANY ($1) AND score.created_at >= $2 AND score.created_at < $3"
    );
    let mut days: BTreeMap<i64, Vec<PostId>> = BTreeMap::new();
    for (uuid, at) in names {
        days.entry(at.as_second().div_euclid(DAY_SECONDS)).or_default().push(*uuid);
    }
    let first = executed.len();
    for (day, uuids) in days {
        let mut values = Values::default();
        values.bind(uuids);
        values.bind(PgTimestamp(at(day * DAY_SECONDS)));
        values.bind(PgTimestamp(at((day + 1) * DAY_SECONDS)));
        executed.push((sql.clone(), values));
    }
    let reading = executed.iter().skip(first).map(|(sql, values)| async move {
        let rows = client.query(sql, &values.as_params()).await?;
        listed_of(&rows)
    });
    let mut found: HashMap<PostId, ListedPost> = HashMap::with_capacity(names.len());
    for listed in try_join_all(reading).await?.into_iter().flatten() {
        found.insert(listed.scored.post.uuid, listed);
    }
    Ok(names.iter().filter_map(|(uuid, _)| found.remove(uuid)).collect())
}

/// Join with the label that a person gave the post.
const CORRECTED: &str = "LEFT JOIN label_corrections AS corrected ON corrected.uuid = post.uuid";

/// Returns the conditions for a filter and a range. Both tables get the conditions for the range, because both are
/// partitioned by time.
fn conditions_of(filter: &PostFilter, within: TimeRange, values: &mut Values) -> Conditions {
    let mut conditions = Conditions::of(filter, values);
    conditions.asks_scores = !conditions.of_score.is_empty();
    for (edge, moment) in [(">=", within.from), ("<", within.to)] {
        let Some(moment) = moment else { continue };
        let moment = values.bind(PgTimestamp(moment));
        conditions.of_post.push(format!("post.created_at {edge} {moment}::timestamptz"));
        conditions.of_score.push(format!("score.created_at {edge} {moment}::timestamptz"));
    }
    conditions
}

/// Reads rows that each hold a post, its score, the label that a person gave it, and the work on it.
fn listed_of(rows: &[Row]) -> Result<Vec<ListedPost>, StoreError> {
    let posts = scored_posts_of(rows)?;
    posts
        .into_iter()
        .zip(rows)
        .map(|(scored, row)| {
            let label: Option<&str> = row.try_get("corrected_label")?;
            Ok(ListedPost { scored, corrected_label: label.map(label_of).transpose()?, work: work_of(row)? })
        })
        .collect()
}

/// Returns a post with its earlier scores, all read from one snapshot; `None` if the post does not exist.
pub async fn get_with_history(store: &Store, uuid: PostId) -> Result<Option<PostWithHistory>, StoreError> {
    store.run(async |client| get_with_history_on(client, uuid).await).await
}

async fn get_with_history_on(
    client: &mut Object,
    uuid: PostId,
) -> Result<Option<PostWithHistory>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, corrected.label::text AS corrected_label, {WORK}
        FROM {TABLES} {CORRECTED} {JOIN_WORK} WHERE post.uuid = $1"
    );
    let past = format!(
        "SELECT {SCORE_COLUMNS}, scored_at, superseded_at
        FROM sentiment_analysis_history AS score JOIN models AS model ON model.id = score.model
        WHERE score.uuid = $1 AND score.created_at = $2 ORDER BY score.revision"
    );
    // Otherwise a correction between the two reads could be missing from both or appear in both.
    let moment = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = moment.start().await?;
    let rows = transaction.query(&sql, &[&uuid]).await?;
    let Some(ListedPost { scored: ScoredPost { post, score, .. }, corrected_label, .. }) =
        listed_of(&rows)?.pop()
    else {
        return Ok(None);
    };
    let rows = transaction.query(&past, &[&uuid, &PgTimestamp(post.created_at)]).await?;
    let mut history = Vec::with_capacity(rows.len());
    let mut corrected_at = None;
    for (score, row) in scores_of(&rows)?.into_iter().zip(&rows) {
        history.push(PastScore { score, scored_at: row.try_get("scored_at")? });
        corrected_at = Some(row.try_get("superseded_at")?);
    }
    Ok(Some(PostWithHistory { post, score, corrected_at, corrected_label, history }))
}

/// Streams all matching posts, newest first, in chunks of up to [`PAGE_MAX`]. Ignores `limit` and `order`.
///
/// Each chunk is a separate query, so a slow client occupies neither a connection nor a snapshot.
pub fn export(
    store: Store,
    query: PostsQuery,
) -> impl Stream<Item = Result<Vec<ListedPost>, StoreError>> + Send {
    let first = PostsQuery { limit: PAGE_MAX, order: PostOrder::Newest, ..query };
    stream::try_unfold((store, Some(first)), |(store, next)| async move {
        let Some(query) = next else {
            return Ok(None);
        };
        let page = list(&store, &query).await?;
        let next = page.next_cursor.map(|cursor| PostsQuery { cursor: Some(cursor), ..query });
        Ok(Some((page.items, (store, next))))
    })
}

#[cfg(test)]
mod tests;
