//! Post lists: pages, search and exports.

use std::collections::{BTreeMap, HashMap};

use deadpool_postgres::Object;
use futures_util::future::try_join_all;
use futures_util::stream::{self, Stream};
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

use super::filter::{Conditions, PostFilter, Values};
use super::ranking::{PageRequest, TimeRange, select_names};
pub use super::ranking::{RANKED_MAX, RANKED_RANGE_MAX};
use super::scored_rows::{COLUMNS, SCORE_COLUMNS, TABLES, label_of, scored_posts_of, scores_of};
use crate::models::post::{ListedPost, PastScore, PostOrder, PostWithHistory, ScoredPost};
use crate::models::score::VIRALITY_HIGH;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::window::at;
use crate::store::page::{Cursor, PAGE_MAX, Page, limits};
use crate::store::{Store, StoreError};

/// Query for a list of posts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostsQuery {
    /// Filter that the posts must match.
    pub filter: PostFilter,
    /// Earliest event time, inclusive.
    pub from: Option<Timestamp>,
    /// Latest event time, exclusive.
    pub to: Option<Timestamp>,
    /// Order of the posts. Any order other than newest first reads the whole range.
    pub order: PostOrder,
    /// `next_cursor` of the previous page. Only newest first has more than one page.
    pub cursor: Option<String>,
    /// Maximum number of posts to return: 1 to [`PAGE_MAX`] for newest first, or up to [`RANKED_MAX`] in another order.
    pub limit: usize,
}

/// Returns one page of posts.
///
/// It first selects the ids and then reads the posts. Newest first searches one day back, then further and further: planning
/// for all days of a season takes longer than most queries, and the first day fills nearly all pages. No statement is
/// cached: planned with the actual values, it skips absent filters and days outside the range, and looks up a rare word
/// while it filters for a frequent one. Fails with `BadCursor`.
pub async fn list(store: &Store, query: &PostsQuery) -> Result<Page<ListedPost>, StoreError> {
    store.run(async |client| list_on(client, query, &mut Vec::new()).await).await
}

/// Statement with its parameters.
pub(in crate::store) type Statement = (String, Values);

/// Like [`list`], but adds the statements it runs to `executed`.
pub(in crate::store) async fn list_on(
    client: &Object,
    query: &PostsQuery,
    executed: &mut Vec<Statement>,
) -> Result<Page<ListedPost>, StoreError> {
    let ranked = query.order != PostOrder::Newest;
    let (limit, n_rows) = limits(query.limit.min(if ranked { RANKED_MAX } else { PAGE_MAX }));
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let mut names: Vec<Name> = Vec::new();
    for Search { within, filter } in searches(query, cursor, Timestamp::now()) {
        if ranked {
            // The next range includes the one that was not enough.
            names.clear();
        }
        let mut values = Values::default();
        let conditions = conditions_of(&filter, within, &mut values);
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
    let goes_on = !ranked && names.len() > limit;
    names.truncate(limit);
    let next_cursor = names.last().filter(|_| goes_on).map(|(id, at)| Cursor { at: *at, id: *id }.encode());
    Ok(Page { items: read_posts(client, &names, executed).await?, next_cursor })
}

/// Numbers of days to search back for the newest posts, tried one after another until there are enough posts.
const DAYS_BACK: [i64; 4] = [1, 4, 16, 64];

/// Range and filter to search.
struct Search {
    within: TimeRange,
    filter: PostFilter,
}

/// Returns the searches to run until there are enough posts. Newest first goes back a day, then further and further; most
/// viral first starts with posts of high virality.
fn searches(query: &PostsQuery, cursor: Option<Cursor>, now: Timestamp) -> Vec<Search> {
    // Excludes everything after the cursor's time, but not that time itself.
    let end = cursor.and_then(|cursor| cursor.at.checked_add(SignedDuration::from_micros(1)).ok());
    let to = [query.to, end].into_iter().flatten().min();
    let search = |from, to| Search { within: TimeRange { from, to }, filter: query.filter.clone() };
    let mut all = Vec::new();
    let mut rest = to;
    match query.order {
        PostOrder::Newest => {
            for days in DAYS_BACK {
                let edge = to.unwrap_or(now).saturating_sub(SignedDuration::from_hours(24 * days)).ok();
                let Some(edge) = edge.filter(|edge| query.from.is_none_or(|from| *edge > from)) else {
                    break;
                };
                all.push(search(Some(edge), rest));
                rest = Some(edge);
            }
        }
        PostOrder::Virality => {
            let mut far = search(query.from, to);
            far.filter.min_virality =
                Some(query.filter.min_virality.unwrap_or(VIRALITY_HIGH).max(VIRALITY_HIGH));
            all.push(far);
        }
        PostOrder::Engagement | PostOrder::Rising => {}
    }
    all.push(search(query.from, rest));
    all
}

/// Post id and event time; the latter determines the post's day.
type Name = (Uuid, Timestamp);

/// Reads the posts with these ids, in the same order. Runs one query per day, all concurrently, because the best plan for a
/// single day is obvious.
async fn read_posts(
    client: &Object,
    names: &[Name],
    executed: &mut Vec<Statement>,
) -> Result<Vec<ListedPost>, StoreError> {
    const DAY_SECONDS: i64 = 86_400;
    let sql = format!(
        "SELECT {COLUMNS}, corrected.label::text FROM {TABLES} {CORRECTED}
        WHERE post.uuid = ANY ($1) AND post.created_at >= $2 AND post.created_at < $3
            AND score.uuid = ANY ($1) AND score.created_at >= $2 AND score.created_at < $3"
    );
    let mut days: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
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
    let mut found: HashMap<Uuid, ListedPost> = HashMap::with_capacity(names.len());
    for listed in try_join_all(reading).await?.into_iter().flatten() {
        found.insert(listed.scored.post.uuid, listed);
    }
    Ok(names.iter().filter_map(|(uuid, _)| found.remove(uuid)).collect())
}

/// Joins the label that a person gave the post.
const CORRECTED: &str = "LEFT JOIN label_corrections AS corrected ON corrected.uuid = post.uuid";

/// Returns the conditions for the filter and the range. Both tables are partitioned by time, so each gets the range.
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

/// Reads rows that hold a post, its score, and a person's label.
fn listed_of(rows: &[Row]) -> Result<Vec<ListedPost>, StoreError> {
    let posts = scored_posts_of(rows)?;
    posts
        .into_iter()
        .zip(rows)
        .map(|(scored, row)| {
            let label: Option<&str> = row.try_get(row.len().saturating_sub(1))?;
            Ok(ListedPost { scored, corrected_label: label.map(label_of).transpose()? })
        })
        .collect()
}

/// Returns a post with its earlier scores, read from one snapshot; `None` if it does not exist.
pub async fn get_with_history(store: &Store, uuid: Uuid) -> Result<Option<PostWithHistory>, StoreError> {
    store.run(async |client| get_with_history_on(client, uuid).await).await
}

async fn get_with_history_on(client: &mut Object, uuid: Uuid) -> Result<Option<PostWithHistory>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS}, corrected.label::text FROM {TABLES} {CORRECTED} WHERE post.uuid = $1");
    let past = format!(
        "SELECT {SCORE_COLUMNS}, scored_at, superseded_at
        FROM sentiment_analysis_history AS score JOIN models AS model ON model.id = score.model
        WHERE score.uuid = $1 AND score.created_at = $2 ORDER BY score.revision"
    );
    // Otherwise a correction between the two reads could be missing from both or appear in both.
    let moment = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = moment.start().await?;
    let rows = transaction.query(&sql, &[&uuid]).await?;
    let Some(ListedPost { scored: ScoredPost { post, score, .. }, corrected_label }) =
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

/// Streams every matching post, newest first, in chunks of up to [`PAGE_MAX`]. Ignores `limit` and `order`.
///
/// Each chunk is a separate query, so a slow client holds neither a connection nor a snapshot.
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
