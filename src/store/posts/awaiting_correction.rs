//! Which posts a better model shall score again.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tracing::warn;
use uuid::Uuid;

use super::scored_rows;
use crate::models::post::ScoredPost;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// How long the process that stored a post has to correct it before others may take it up. Twice the longest latency
/// budget, so that nobody scores what is still in somebody's queue; short enough that after a crash it is soon done.
pub const FIRST_CLAIM: Duration = Duration::from_secs(30);

/// A post that was claimed so often and never corrected stays as it is. A single death of a process is nobody's fault,
/// and neither are a few; but a text that kills whoever reads it must not do so for ever.
const CLAIMS_MAX: i16 = 10;

/// Takes up to `n` posts that nobody has in hand, oldest first, with their current scores, for `lease`.
///
/// These are what a dead process left behind: while it lived, its claim held. A claim that runs out before the correction
/// is applied costs a second scoring, and no second correction.
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
        let name: (Uuid, Timestamp) = (row.try_get(0)?, row.try_get(1)?);
        let claims: i16 = row.try_get(2)?;
        if claims > CLAIMS_MAX {
            warn!(post = %name.0, n_attempts = CLAIMS_MAX, "a post keeps its first score, no attempt to correct it ended");
            hopeless.push(name.0);
        } else {
            names.push(name);
        }
    }
    let posts = scored_rows::by_names(&transaction, &names).await?;
    // Those that are missing have expired.
    let gone =
        names.iter().map(|name| name.0).filter(|uuid| posts.iter().all(|found| found.post.uuid != *uuid));
    let settled: Vec<Uuid> = hopeless.into_iter().chain(gone).collect();
    if !settled.is_empty() {
        transaction.execute("DELETE FROM awaiting_correction WHERE uuid = ANY ($1)", &[&settled]).await?;
    }
    transaction.commit().await?;
    Ok(posts)
}

/// Ends the waiting of posts that the better model cannot read: they keep the scores they have.
pub async fn give_up(store: &Store, uuids: &[Uuid]) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM awaiting_correction WHERE uuid = ANY ($1)";
    store.execute(SQL, &[&uuids]).await?;
    Ok(())
}

/// How many posts await a correction, in whosever hand they are.
pub async fn awaiting(store: &Store) -> Result<u64, StoreError> {
    let n_posts: i64 = store.query_one("SELECT count(*) FROM awaiting_correction", &[]).await?.try_get(0)?;
    Ok(n_posts.unsigned_abs())
}

/// Notes which of the new posts await a correction, in the transaction that stores them. Asks the server nothing when
/// none does.
pub(in crate::store) async fn note(
    transaction: &Transaction<'_>,
    new: &[&ScoredPost],
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO awaiting_correction (uuid, created_at, claimed_until)
        SELECT uuid, created_at, now() + make_interval(secs => $3)
        FROM unnest($1::uuid[], $2::timestamptz[]) AS new (uuid, created_at)";
    let admitted = new.iter().filter(|scored| scored.awaits_correction);
    let (uuids, times): (Vec<Uuid>, Vec<PgTimestamp>) =
        admitted.map(|scored| (scored.post.uuid, PgTimestamp(scored.post.created_at))).unzip();
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&uuids, &times, &FIRST_CLAIM.as_secs_f64()]).await?;
    Ok(())
}

/// A post that awaited a correction until this transaction.
pub(in crate::store) struct AwaitedPost {
    pub uuid: Uuid,
    pub created_at: Timestamp,
    pub scored_at: Timestamp,
}

/// Ends the waiting of these posts, and answers those that this very transaction took off the list.
///
/// Whoever else wants one of them waits for this transaction, and then finds it gone. In order of names, so that two
/// never wait for each other.
pub(in crate::store) async fn dequeue(
    transaction: &Transaction<'_>,
    uuids: &[Uuid],
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
