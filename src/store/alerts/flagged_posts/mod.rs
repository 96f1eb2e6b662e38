//! Posts flagged for high churn risk, until they join an alert.

use std::collections::HashSet;

use deadpool_postgres::Transaction;
use jiff::Timestamp;

use super::new_alert::{NewAlert, Raise};
use super::raise::{self, Merge};
use super::resolve::{PostRemoval, remove_posts};
use crate::models::alert::Alert;
use crate::models::id::PostId;
use crate::models::post::ScoredPost;
use crate::models::score::CHURN_HIGH;
use crate::store::codec::PgTimestamp;
use crate::store::posts::row;
use crate::store::{Store, StoreError, locks};

/// Maximum number of posts taken per call. Posts that remain flagged are taken again by the next call.
const FLAGGED_MAX: i64 = 2_000;

/// Maximum number of posts per call that remain flagged because more may follow. Half of the posts taken, so that the
/// next call reads others too.
pub const WAITING_MAX: usize = 1_000;

/// Number of seconds during which a new post awaiting a correction cannot join an alert. This is long enough for the
/// better model to withdraw most false alarms before anyone is notified, and short enough for a timely alert about a
/// customer who really is leaving, even if the correction is late or never arrives.
const CORRECTED_WITHIN_SECONDS: f64 = 5.0;

/// Decision about which flagged posts join alerts and which remain flagged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Triage {
    /// Alerts to open or update, with the posts that join them.
    pub alerts: Vec<NewAlert>,
    /// Posts that remain flagged because more may follow: the newest [`WAITING_MAX`] of them.
    pub waiting: HashSet<PostId>,
}

/// Flags posts with a high churn risk, in the transaction that stores their scores.
pub(in crate::store) async fn note(
    transaction: &Transaction<'_>,
    posts: &[&ScoredPost],
) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO flagged_posts (uuid, created_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])";
    let flagged = posts.iter().filter(|scored| scored.score.churn_risk >= CHURN_HIGH);
    let (uuids, times): (Vec<PostId>, Vec<PgTimestamp>) =
        flagged.map(|scored| (scored.post.uuid, PgTimestamp(scored.post.created_at))).unzip();
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&uuids, &times]).await?;
    Ok(())
}

/// Returns whether any post is flagged.
pub async fn any(store: &Store) -> Result<bool, StoreError> {
    let rows = store.query("SELECT EXISTS (SELECT FROM flagged_posts)", &[]).await?;
    rows.first().map_or(Ok(false), |row| Ok(row.try_get(0)?))
}

/// Adds flagged posts to the alerts that `judge` returns, in the transaction that removes their flags, so that each
/// post is added only once, even across crashes. Returns nothing if no posts were flagged.
///
/// The caller holds the alerts lock. A new post that awaits a correction remains flagged until it is corrected, its
/// correction is abandoned, or [`CORRECTED_WITHIN_SECONDS`] have passed. The server measures that time, so it passes
/// even if a process dies.
///
/// Flags of waiting posts are neither locked nor rewritten. There may be a thousand of them at each of several calls a
/// second, and each lock is a write.
pub(in crate::store) async fn raise(
    transaction: &Transaction<'_>,
    judge: impl Fn(&[ScoredPost]) -> Triage,
) -> Result<Vec<Raise>, StoreError> {
    const TAKE: &str = "DELETE FROM flagged_posts WHERE uuid = ANY ($1)";
    let names = flagged(transaction).await?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut posts = row::by_names(transaction, &names).await?;
    // A flag must not outlive a correction to a low risk.
    posts.retain(|scored| scored.score.churn_risk >= CHURN_HIGH);
    let mut uuids: Vec<PostId> = names.into_iter().map(|(uuid, _)| uuid).collect();
    let (mut alerts, mut taken) = triage(&uuids, &posts, &judge);
    if lock(transaction, &taken).await?.len() < taken.len() {
        // Corrections have withdrawn some of these posts, or are about to.
        let locked = lock(transaction, &uuids).await?;
        uuids.retain(|uuid| locked.contains(uuid));
        posts.retain(|scored| locked.contains(&scored.post.uuid));
        if uuids.is_empty() {
            return Ok(Vec::new());
        }
        (alerts, taken) = triage(&uuids, &posts, &judge);
    }
    if !taken.is_empty() {
        transaction.execute(TAKE, &[&taken]).await?;
    }
    let raised = raise::raise(transaction, &alerts, Merge::Add).await?;
    remember(transaction, &alerts, &raised).await?;
    Ok(raised)
}

/// Returns the ids of the posts that can join an alert now, oldest first, and the times at which they were created.
async fn flagged(transaction: &Transaction<'_>) -> Result<Vec<(PostId, Timestamp)>, StoreError> {
    const SQL: &str = "
        SELECT uuid, created_at FROM flagged_posts AS flagged
        WHERE NOT EXISTS (
            SELECT FROM awaiting_correction AS awaiting
            WHERE awaiting.uuid = flagged.uuid AND awaiting.scored_at > now() - make_interval(secs => $2))
        ORDER BY uuid LIMIT $1";
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&FLAGGED_MAX, &CORRECTED_WITHIN_SECONDS]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// Returns the alerts to open or update, and the posts that lose their flags.
fn triage(
    uuids: &[PostId],
    posts: &[ScoredPost],
    judge: &impl Fn(&[ScoredPost]) -> Triage,
) -> (Vec<NewAlert>, Vec<PostId>) {
    let Triage { alerts, waiting } = judge(posts);
    let waiting = posts.iter().rev().map(|scored| scored.post.uuid).filter(|uuid| waiting.contains(uuid));
    let waiting: HashSet<PostId> = waiting.take(WAITING_MAX).collect();
    (alerts, uuids.iter().copied().filter(|uuid| !waiting.contains(uuid)).collect())
}

/// Locks the flags of these posts and returns the posts that are still flagged. Skips flags that another transaction
/// has locked, because it waits for the alerts lock in order to withdraw them.
async fn lock(transaction: &Transaction<'_>, uuids: &[PostId]) -> Result<HashSet<PostId>, StoreError> {
    const SQL: &str =
        "SELECT uuid FROM flagged_posts WHERE uuid = ANY ($1) ORDER BY uuid FOR UPDATE SKIP LOCKED";
    if uuids.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&uuids]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Stores which posts each alert counts.
async fn remember(
    transaction: &Transaction<'_>,
    found: &[NewAlert],
    raised: &[Raise],
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO churn_alert_posts (uuid, created_at, alert)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) ON CONFLICT DO NOTHING";
    let (mut uuids, mut times, mut alerts) = (Vec::new(), Vec::new(), Vec::new());
    for (found, raise) in found.iter().zip(raised) {
        let (Raise::Opened(alert) | Raise::Updated(alert)) = raise else { continue };
        for (uuid, created_at) in &found.members {
            uuids.push(*uuid);
            times.push(PgTimestamp(*created_at));
            alerts.push(alert.id);
        }
    }
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&uuids, &times, &alerts]).await?;
    Ok(())
}

/// Withdraws posts whose churn risk is no longer high: deletes the flags of posts that are not in any alert, and
/// removes the other posts from their open alerts. Returns the alerts that lost their last post, already resolved.
///
/// It locks flags first and then alerts. [`raise`] locks them in the opposite order, but skips locked flags.
pub(in crate::store) async fn withdraw(
    transaction: &Transaction<'_>,
    uuids: &[PostId],
    at: Timestamp,
) -> Result<Vec<Alert>, StoreError> {
    const FORGET: &str = "DELETE FROM flagged_posts WHERE uuid = ANY ($1)";
    // Resolved alerts keep what they record about the past.
    const LEAVE: &str = "
        WITH gone AS (DELETE FROM churn_alert_posts WHERE uuid = ANY ($1) RETURNING alert)
        SELECT id, count(*) FROM gone JOIN sentiment_alerts ON id = alert
        WHERE state = 'open' GROUP BY id";
    if uuids.is_empty() {
        return Ok(Vec::new());
    }
    transaction.execute(FORGET, &[&uuids]).await?;
    let left = transaction.query(LEAVE, &[&uuids]).await?;
    if left.is_empty() {
        return Ok(Vec::new());
    }
    locks::take_alerts(transaction).await?;
    let mut resolved = Vec::new();
    for row in left {
        let removal = PostRemoval { alert: row.try_get(0)?, n_posts: row.try_get(1)?, uuids, at };
        resolved.extend(remove_posts(transaction, &removal).await?);
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests;
