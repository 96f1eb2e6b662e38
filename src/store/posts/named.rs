//! Reads and locks posts by id and event time, which together locate their rows.

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::row::{COLUMNS, TABLES, scored_posts_of};
use crate::models::id::PostId;
use crate::models::post::ScoredPost;
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Id and event time of a post.
pub(in crate::store) type Name = (PostId, Timestamp);

/// Ids and event times of posts as arrays, with bounds on the event time that limit plans to the days concerned.
pub(in crate::store) struct NameColumns {
    pub uuids: Vec<PostId>,
    pub times: Vec<PgTimestamp>,
    pub from: PgTimestamp,
    pub to: PgTimestamp,
}

impl NameColumns {
    pub fn of(names: &[Name]) -> Self {
        let times = || names.iter().map(|(_, created_at)| *created_at);
        Self {
            uuids: names.iter().map(|(uuid, _)| *uuid).collect(),
            times: times().map(PgTimestamp).collect(),
            from: PgTimestamp(times().min().unwrap_or(Timestamp::MIN)),
            to: PgTimestamp(times().max().unwrap_or(Timestamp::MAX)),
        }
    }

    pub fn params(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.uuids, &self.times, &self.from, &self.to]
    }
}

/// Reads these posts with their current scores, newest first. Posts that are no longer stored are absent.
pub(in crate::store) async fn read(
    transaction: &Transaction<'_>,
    names: &[Name],
) -> Result<Vec<ScoredPost>, StoreError> {
    select(transaction, names, "ORDER BY post.created_at DESC, post.uuid DESC").await
}

/// Locks and returns these posts with their current scores. Any transaction that adds to a post locks one of the same
/// rows, so nothing can be added afterwards. No other transaction may be changing the scores; otherwise their posts
/// would be absent.
pub(in crate::store) async fn lock_and_read(
    transaction: &Transaction<'_>,
    names: &[Name],
) -> Result<Vec<ScoredPost>, StoreError> {
    select(transaction, names, "ORDER BY post.uuid FOR UPDATE OF post, score").await
}

async fn select(
    transaction: &Transaction<'_>,
    names: &[Name],
    order: &str,
) -> Result<Vec<ScoredPost>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
        JOIN {TABLES} ON post.uuid = named.uuid AND post.created_at = named.created_at
        WHERE post.created_at >= $3 AND post.created_at <= $4
            AND score.created_at >= $3 AND score.created_at <= $4
        {order}",
        TABLES = TABLES.trim_start()
    );
    let rows = transaction.query(&sql, &NameColumns::of(names).params()).await?;
    scored_posts_of(&rows)
}

/// Locks these posts and their scores, even while a correction changes the scores: it waits, and a later statement
/// reads the corrected scores. Takes the locks in the order of [`lock_and_read`].
pub(in crate::store) async fn lock(transaction: &Transaction<'_>, names: &[Name]) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT FROM unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
        JOIN social_media_posts AS post ON post.uuid = named.uuid AND post.created_at = named.created_at
        JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at
        WHERE post.created_at >= $3 AND post.created_at <= $4
            AND score.created_at >= $3 AND score.created_at <= $4
        ORDER BY post.uuid FOR UPDATE OF post, score";
    transaction.query(SQL, &NameColumns::of(names).params()).await?;
    Ok(())
}
