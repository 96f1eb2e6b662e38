//! Authors whose posts are erased, including posts that arrive later.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostKey;
use crate::store::codec::PgTimestamp;
use crate::store::posts::filter::AUTHOR;
use crate::store::{Store, StoreError};

/// Records that an author, given by id or handle, was erased now, with everything written until `until`. Older posts
/// that are stored later must be erased too. Posts written afterwards are kept.
pub async fn remember_author(
    store: &Store,
    platform: &str,
    author: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO erased_authors AS known (platform, author, erased_at, until_time) VALUES ($1, $2, $3, $4)
        ON CONFLICT (platform, author) DO UPDATE SET
            erased_at = excluded.erased_at, until_time = greatest(known.until_time, excluded.until_time)";
    store.execute(SQL, &[&platform, &author, &PgTimestamp(now), &PgTimestamp(until)]).await?;
    Ok(())
}

/// Returns the keys of at most `n_max` posts that an author, given by id or handle, published up to a time.
pub async fn keys_of_author(
    store: &Store,
    (platform, author): (&str, &str),
    until: Timestamp,
    n_max: usize,
) -> Result<Vec<PostKey>, StoreError> {
    let sql = posts_by("$2::text", "$3::text", "post.created_at <= $4", "$1");
    keys_of(&store.query(&sql, &[&limit(n_max), &platform, &author, &PgTimestamp(until)]).await?)
}

/// Returns the keys of at most `n_max` posts that are still stored although their author has been erased since `since`.
///
/// It looks every author up in the indexes of every day, so the cost depends on how many authors have been erased in
/// that time.
pub async fn keys_of_erased_authors(
    store: &Store,
    since: Timestamp,
    n_max: usize,
) -> Result<Vec<PostKey>, StoreError> {
    let posts = posts_by("erased.platform", "erased.author", "post.created_at <= erased.until_time", "$1");
    let sql = format!(
        "SELECT post.platform, post.post_id FROM erased_authors AS erased CROSS JOIN LATERAL ({posts}) AS post
        WHERE erased.erased_at >= $2 LIMIT $1"
    );
    keys_of(&store.query(&sql, &[&limit(n_max), &PgTimestamp(since)]).await?)
}

/// Returns the statement that selects the keys of an author's posts that meet a condition. Each of its halves has an
/// index.
fn posts_by(platform: &str, author: &str, condition: &str, n_max: &str) -> String {
    format!(
        "(SELECT post.platform, post.post_id FROM social_media_posts AS post
            WHERE {AUTHOR} = {author} AND post.platform = {platform} AND {condition} LIMIT {n_max})
        UNION
        (SELECT post.platform, post.post_id FROM social_media_posts AS post
            WHERE post.author_id = {author} AND post.author_handle IS NOT NULL AND post.platform = {platform}
                AND {condition}
            LIMIT {n_max})
        LIMIT {n_max}"
    )
}

fn keys_of(rows: &[Row]) -> Result<Vec<PostKey>, StoreError> {
    rows.iter().map(|row| Ok(PostKey { platform: row.try_get(0)?, id: row.try_get(1)? })).collect()
}

fn limit(n_max: usize) -> i64 {
    i64::try_from(n_max).unwrap_or(i64::MAX)
}
