//! History: posts listed, found, exported.

use deadpool_postgres::Object;
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

use super::codec::Moment;
use super::page::{Cursor, PAGE_MAX, Page, limits};
use super::post_filter::{Conditions, PostFilter, Values};
pub use super::post_ranks::{RANKED_MAX, RANKED_RANGE_MAX};
use super::post_ranks::{Ranked, picked};
use super::scored_rows::{COLUMNS, SCORE_COLUMNS, TABLES, label_of, scored_posts_of, scores_of};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::post::{ListedPost, PastScore, PostOrder, PostWithHistory, ScoredPost};

/// Which posts to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostsQuery {
    /// What they are.
    pub filter: PostFilter,
    /// Written at this time or later.
    pub from: Option<Timestamp>,
    /// Written before this time.
    pub to: Option<Timestamp>,
    /// Which come first. Anything but the newest reads the whole range.
    pub order: PostOrder,
    /// `next_cursor` of the page before; only the newest first go page by page.
    pub cursor: Option<String>,
    /// Most posts to answer, 1 to [`PAGE_MAX`], or [`RANKED_MAX`] in another order.
    pub limit: usize,
}

/// One page of posts.
///
/// Not a cached statement: planned with the values at hand, filters that are absent vanish, days outside the range
/// are not looked at, and a rare word is looked up while a frequent one is filtered. Fails with `BadCursor`.
pub async fn list(store: &Store, query: &PostsQuery) -> Result<Page<ListedPost>, StoreError> {
    let mut values = Values::default();
    let sql = list_sql(query, &mut values)?;
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(&sql, &values.as_params())).await;
    let rows = answered(client, outcome)?;
    let posts = listed_of(&rows)?;
    let cursor_of = |listed: &ListedPost| {
        let post = &listed.scored.post;
        Cursor { at: post.created_at, id: post.uuid }
    };
    let page = Page::of(posts, rows_wanted(query).0, cursor_of);
    let goes_on = query.order == PostOrder::Newest;
    Ok(Page { next_cursor: page.next_cursor.filter(|_| goes_on), ..page })
}

/// The limit, and how many rows to read for it.
fn rows_wanted(query: &PostsQuery) -> (usize, i64) {
    let most = if query.order == PostOrder::Newest { PAGE_MAX } else { RANKED_MAX };
    limits(query.limit.min(most))
}

/// The statement that reads a page.
pub(super) fn list_sql(query: &PostsQuery, values: &mut Values) -> Result<String, StoreError> {
    match query.order {
        PostOrder::Newest => newest_sql(query, values),
        _ => Ok(ranked_sql(query, values)),
    }
}

/// What a person says of the post at hand.
const CORRECTED: &str = "LEFT JOIN label_corrections AS corrected ON corrected.uuid = post.uuid";

fn newest_sql(query: &PostsQuery, values: &mut Values) -> Result<String, StoreError> {
    let mut conditions = conditions_of(query, values);
    if let Some(Cursor { at, id }) = query.cursor.as_deref().map(Cursor::decode).transpose()? {
        let (at, id) = (values.bind(Moment(at)), values.bind(id));
        let table = |table: &str| format!("{table}.created_at <= {at}::timestamptz");
        conditions.of_score.push(table("score"));
        conditions.of_post.push(table("post"));
        conditions.of_post.push(format!("(post.created_at, post.uuid) < ({at}::timestamptz, {id}::uuid)"));
    }
    let limit = values.bind(rows_wanted(query).1);
    Ok(format!(
        "SELECT {COLUMNS}, corrected.label::text FROM {TABLES} {CORRECTED} WHERE {}
        ORDER BY post.created_at DESC, post.uuid DESC LIMIT {limit}",
        conditions.all()
    ))
}

/// Ranks names first and reads the posts of those that come out on top.
fn ranked_sql(query: &PostsQuery, values: &mut Values) -> String {
    let conditions = conditions_of(query, values);
    let ranked = Ranked {
        order: query.order,
        conditions: &conditions,
        from: query.from.unwrap_or(Timestamp::UNIX_EPOCH),
        to: query.to.unwrap_or_else(Timestamp::now),
        limit: rows_wanted(query).1,
    };
    let picked = picked(&ranked, values);
    format!(
        "SELECT {COLUMNS}, corrected.label::text FROM ({picked}) AS picked (uuid, created_at, rank)
        JOIN {TABLES} ON post.uuid = picked.uuid AND post.created_at = picked.created_at {CORRECTED}
        ORDER BY picked.rank DESC, post.created_at DESC, post.uuid DESC",
        TABLES = TABLES.trim_start()
    )
}

/// The conditions of the filter and the range. Both tables are partitioned by time, and each is told.
fn conditions_of(query: &PostsQuery, values: &mut Values) -> Conditions {
    let mut conditions = Conditions::of(&query.filter, values);
    for (edge, moment) in [(">=", query.from), ("<", query.to)] {
        let Some(moment) = moment else { continue };
        let moment = values.bind(Moment(moment));
        conditions.of_post.push(format!("post.created_at {edge} {moment}::timestamptz"));
        conditions.of_score.push(format!("score.created_at {edge} {moment}::timestamptz"));
    }
    conditions
}

/// Reads rows of a post, its score, and what a person says of it.
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

/// The post with this name and the scores it had before, as they were at one moment.
pub async fn get_with_history(store: &Store, uuid: Uuid) -> Result<Option<PostWithHistory>, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, get_with_history_on(&mut client, uuid)).await;
    answered(client, outcome)
}

async fn get_with_history_on(client: &mut Object, uuid: Uuid) -> Result<Option<PostWithHistory>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS}, corrected.label::text FROM {TABLES} {CORRECTED} WHERE post.uuid = $1");
    let past = format!(
        "SELECT {SCORE_COLUMNS}, scored_at, superseded_at
        FROM sentiment_analysis_history AS score JOIN models AS model ON model.id = score.model
        WHERE score.uuid = $1 AND score.created_at = $2 ORDER BY score.revision"
    );
    // A correction between the two reads would be missing from both, or be in both.
    let moment = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = moment.start().await?;
    let rows = transaction.query(&sql, &[&uuid]).await?;
    let Some(ListedPost { scored: ScoredPost { post, score, .. }, corrected_label }) =
        listed_of(&rows)?.pop()
    else {
        return Ok(None);
    };
    let rows = transaction.query(&past, &[&uuid, &Moment(post.created_at)]).await?;
    let mut history = Vec::with_capacity(rows.len());
    let mut corrected_at = None;
    for (score, row) in scores_of(&rows)?.into_iter().zip(&rows) {
        history.push(PastScore { score, scored_at: row.try_get("scored_at")? });
        corrected_at = Some(row.try_get("superseded_at")?);
    }
    Ok(Some(PostWithHistory { post, score, corrected_at, corrected_label, history }))
}

/// Every post that matches, newest first, in pieces of up to [`PAGE_MAX`]. `limit` and `order` are not used.
///
/// Each piece is a query of its own, so that a client that reads slowly holds neither a connection nor a snapshot.
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
