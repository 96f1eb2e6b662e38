//! Samples of a post's engagement over time.

use deadpool_postgres::Transaction;

use crate::models::post::{Engagement, ScoredPost};
use crate::store::StoreError;
use crate::store::codec::{PgTimestamp, truncate};

/// Stores a sample for each repeated post whose counts differ from the last known ones, and returns the number of
/// stored samples. The newest sample of a post also becomes its current engagement, by which lists are ordered.
///
/// "Last" refers to the time of acceptance. A late or duplicate stream entry therefore adds nothing: either its time
/// equals that of an existing sample (the primary key), or its counts equal those of the post itself.
///
/// Locks the keys of these posts, in key order. Otherwise a sample could outlive a post that is being erased.
pub(in crate::store) async fn insert(
    transaction: &Transaction<'_>,
    repeated: &[&ScoredPost],
) -> Result<usize, StoreError> {
    const SQL: &str = "
        WITH changed AS MATERIALIZED (
        SELECT sent.*, key.uuid, key.created_at
        FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bool[],
                    $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
            AS sent (platform, post_id, at, follows, likes, shares, comments, views)
        JOIN post_keys AS key USING (platform, post_id)
        JOIN social_media_posts AS post ON post.uuid = key.uuid AND post.created_at = key.created_at
        LEFT JOIN LATERAL (
            SELECT * FROM engagement_samples WHERE uuid = key.uuid AND sampled_at <= sent.at
            ORDER BY sampled_at DESC LIMIT 1
        ) AS last ON true
        WHERE sent.follows OR CASE
            WHEN last.uuid IS NULL
            THEN (sent.likes, sent.shares, sent.comments, sent.views)
                IS DISTINCT FROM (post.likes, post.shares, post.comments, post.views)
            ELSE (sent.likes, sent.shares, sent.comments, sent.views)
                IS DISTINCT FROM (last.likes, last.shares, last.comments, last.views)
            END
        ), kept AS MATERIALIZED (
            SELECT platform, post_id FROM post_keys
            WHERE (platform, post_id) IN (SELECT platform, post_id FROM changed) AND NOT erased
            ORDER BY platform COLLATE \"C\", post_id COLLATE \"C\" FOR KEY SHARE OF post_keys
        ), sampled AS (
            INSERT INTO engagement_samples (uuid, sampled_at, created_at, likes, shares, comments, views)
            SELECT uuid, at, created_at, likes, shares, comments, views
            FROM changed JOIN kept USING (platform, post_id)
            ORDER BY uuid, at
            ON CONFLICT DO NOTHING
            RETURNING *
        ), latest AS (
            INSERT INTO latest_engagement AS latest (uuid, created_at, sampled_at, reactions)
            SELECT DISTINCT ON (uuid) uuid, created_at, sampled_at,
                coalesce(likes, 0) + coalesce(shares, 0) + coalesce(comments, 0)
            FROM sampled WHERE likes IS NOT NULL OR shares IS NOT NULL OR comments IS NOT NULL
            ORDER BY uuid, sampled_at DESC
            ON CONFLICT (uuid) DO UPDATE SET sampled_at = excluded.sampled_at, reactions = excluded.reactions
            WHERE excluded.sampled_at >= latest.sampled_at
        )
        SELECT count(*) FROM sampled";
    let samples = changes(repeated);
    if samples.is_empty() {
        return Ok(0);
    }
    let platforms: Vec<&str> = samples.iter().map(|sample| sample.scored.post.platform.as_str()).collect();
    let ids: Vec<&str> = samples.iter().map(|sample| sample.scored.post.id.as_str()).collect();
    let times: Vec<PgTimestamp> =
        samples.iter().map(|sample| PgTimestamp(sample.scored.post.received_at)).collect();
    let follows: Vec<bool> = samples.iter().map(|sample| sample.follows).collect();
    let likes: Vec<Option<i64>> = samples.iter().map(|sample| sample.counts.likes).collect();
    let shares: Vec<Option<i64>> = samples.iter().map(|sample| sample.counts.shares).collect();
    let comments: Vec<Option<i64>> = samples.iter().map(|sample| sample.counts.comments).collect();
    let views: Vec<Option<i64>> = samples.iter().map(|sample| sample.counts.views).collect();
    let statement = transaction.prepare_cached(SQL).await?;
    let row = transaction
        .query_one(&statement, &[&platforms, &ids, &times, &follows, &likes, &shares, &comments, &views])
        .await?;
    Ok(usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX))
}

struct Sample<'a> {
    scored: &'a ScoredPost,
    counts: Engagement,
    /// Whether another sample of the same post precedes this one in the batch. The two differ, so the server need not
    /// compare them.
    follows: bool,
}

/// Returns the posts that have counts, except those that repeat the previous counts for the same post, sorted by post
/// and time.
fn changes<'a>(repeated: &[&'a ScoredPost]) -> Vec<Sample<'a>> {
    let mut sent: Vec<(&ScoredPost, Engagement)> =
        repeated.iter().filter_map(|scored| Some((*scored, scored.post.engagement?))).collect();
    let name = |scored: &'a ScoredPost| (scored.post.platform.as_str(), scored.post.id.as_str());
    sent.sort_by_key(|(scored, _)| (name(scored), truncate(scored.post.received_at)));
    let mut samples: Vec<Sample<'a>> = Vec::with_capacity(sent.len());
    for (scored, counts) in sent {
        let last = samples.last().filter(|last| name(last.scored) == name(scored));
        if last.is_some_and(|last| last.counts == counts) {
            continue;
        }
        let follows = last.is_some();
        samples.push(Sample { scored, counts, follows });
    }
    samples
}
