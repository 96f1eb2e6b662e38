//! Posts that await a score from a better model.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tracing::warn;

use super::row;
use crate::models::id::PostId;
use crate::models::post::ScoredPost;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// How long the process that stored a post has to correct it before other processes may claim it. This is twice the
/// longest latency budget: long enough that no other process scores a post that is still queued, but short enough for a
/// quick recovery after a crash.
pub const FIRST_CLAIM: Duration = Duration::from_secs(30);

/// Number of claims after which a post keeps its score. A few processes may crash for other reasons, but a poison text
/// must not crash processes forever.
const CLAIMS_MAX: i16 = 10;

/// Claims up to `n` unclaimed posts for the duration of `lease`, oldest first, and returns them with their current
/// scores.
///
/// A post becomes unclaimed when the process that should correct it has died or dropped it. If a claim expires before
/// the correction is applied, the post is scored twice but corrected once.
pub async fn claim(store: &Store, n: usize, lease: Duration) -> Result<Vec<ScoredPost>, StoreError> {
    store.run(async |client| claim_on(client, n, lease).await).await
}

async fn claim_on(client: &mut Object, n: usize, lease: Duration) -> Result<Vec<ScoredPost>, StoreError> {
    const CLAIM: &str = "
        UPDATE awaiting_correction AS awaiting
        SET claimed_until = now() + make_interval(secs => $2), claims = awaiting.claims + 1
        FROM (
            SELECT uuid FROM awaiting_correction WHERE claimed_until < now()
            ORDER BY claimed_until LIMIT $1 FOR UPDATE SKIP LOCKED
        ) AS free
        WHERE awaiting.uuid = free.uuid
        RETURNING awaiting.uuid, awaiting.created_at, awaiting.claims";
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached(CLAIM).await?;
    let rows = transaction.query(&statement, &[&n, &lease.as_secs_f64()]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let (mut names, mut hopeless) = (Vec::new(), Vec::new());
    for row in &rows {
        let name: (PostId, Timestamp) = (row.try_get(0)?, row.try_get(1)?);
        let claims: i16 = row.try_get(2)?;
        if claims > CLAIMS_MAX {
            warn!(post = %name.0, n_attempts = CLAIMS_MAX, "a post keeps its first score because no attempt to correct it finished");
            hopeless.push(name.0);
        } else {
            names.push(name);
        }
    }
    let posts = row::by_names(&transaction, &names).await?;
    // Posts that are missing have expired.
    let gone =
        names.iter().map(|name| name.0).filter(|uuid| posts.iter().all(|found| found.post.uuid != *uuid));
    let settled: Vec<PostId> = hopeless.into_iter().chain(gone).collect();
    if !settled.is_empty() {
        transaction.execute("DELETE FROM awaiting_correction WHERE uuid = ANY ($1)", &[&settled]).await?;
    }
    transaction.commit().await?;
    Ok(posts)
}

/// Gives up posts that the better model cannot score, by removing them from the queue. They keep their current scores.
pub async fn give_up(store: &Store, uuids: &[PostId]) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM awaiting_correction WHERE uuid = ANY ($1)";
    store.execute(SQL, &[&uuids]).await?;
    Ok(())
}

/// Returns the number of posts that await a correction, claimed or not.
pub async fn awaiting(store: &Store) -> Result<u64, StoreError> {
    let n_posts: i64 = store.query_one("SELECT count(*) FROM awaiting_correction", &[]).await?.try_get(0)?;
    Ok(n_posts.unsigned_abs())
}

/// Queues the new posts that await a correction, in the transaction that stores them. Runs no query if there are none.
pub(in crate::store) async fn note(
    transaction: &Transaction<'_>,
    new: &[&ScoredPost],
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO awaiting_correction (uuid, created_at, claimed_until)
        SELECT uuid, created_at, now() + make_interval(secs => $3)
        FROM unnest($1::uuid[], $2::timestamptz[]) AS new (uuid, created_at)";
    let admitted = new.iter().filter(|scored| scored.awaits_correction);
    let (uuids, times): (Vec<PostId>, Vec<PgTimestamp>) =
        admitted.map(|scored| (scored.post.uuid, PgTimestamp(scored.post.created_at))).unzip();
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&uuids, &times, &FIRST_CLAIM.as_secs_f64()]).await?;
    Ok(())
}

/// Post that awaited a correction until this transaction.
pub(in crate::store) struct AwaitedPost {
    pub uuid: PostId,
    pub created_at: Timestamp,
    pub scored_at: Timestamp,
}

/// Removes these posts from the queue, and returns the ones that were still in it.
///
/// Concurrent transactions that remove the same post wait for this one, and then find the post gone. Posts are sorted
/// by id, so that two transactions never deadlock.
pub(in crate::store) async fn dequeue(
    transaction: &Transaction<'_>,
    uuids: &[PostId],
) -> Result<Vec<AwaitedPost>, StoreError> {
    const SQL: &str = "
        DELETE FROM awaiting_correction WHERE uuid IN
            (SELECT uuid FROM awaiting_correction WHERE uuid = ANY ($1) ORDER BY uuid FOR UPDATE)
        RETURNING uuid, created_at, scored_at";
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&uuids]).await?;
    rows.iter()
        .map(|row| {
            Ok(AwaitedPost { uuid: row.try_get(0)?, created_at: row.try_get(1)?, scored_at: row.try_get(2)? })
        })
        .collect()
}
