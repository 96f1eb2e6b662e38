//! Posts flagged for high churn risk, until they join an alert.

use std::collections::HashSet;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use uuid::Uuid;

use super::finding::{NewAlert, Raise};
use super::raise::{self, Merge};
use super::resolve::{PostRemoval, remove_posts};
use crate::models::alert::Alert;
use crate::models::post::ScoredPost;
use crate::models::score::CHURN_HIGH;
use crate::store::codec::PgTimestamp;
use crate::store::posts::scored_rows;
use crate::store::{StoreError, locks};

/// Maximum number of posts taken per call. Posts that wait for others are taken again each time.
const FLAGGED_MAX: i64 = 2_000;

/// How long a post that awaits a correction is left alone. Long enough for the better model to withdraw most false alarms
/// before anyone is notified; short enough to notify in time about a customer who really is leaving, even if the correction
/// is late or never comes.
const CORRECTED_WITHIN_SECONDS: f64 = 5.0;

const NOTE_SQL: &str =
    "INSERT INTO flagged_posts (uuid, created_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])";

/// Decision about flagged posts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Triage {
    /// Alerts to which posts are added.
    pub alerts: Vec<NewAlert>,
    /// Posts that remain flagged because more may follow. At most half of the posts taken in a call may wait, or the others
    /// would never be read.
    pub waiting: HashSet<Uuid>,
}

impl From<Vec<NewAlert>> for Triage {
    fn from(alerts: Vec<NewAlert>) -> Self {
        Self { alerts, waiting: HashSet::new() }
    }
}

/// Flags posts with a high churn risk, in the transaction that stores their scores.
pub(in crate::store) async fn note(
    transaction: &Transaction<'_>,
    posts: &[&ScoredPost],
) -> Result<(), StoreError> {
    let flagged = posts.iter().filter(|scored| scored.score.churn_risk >= CHURN_HIGH);
    let (uuids, times): (Vec<Uuid>, Vec<PgTimestamp>) =
        flagged.map(|scored| (scored.post.uuid, PgTimestamp(scored.post.created_at))).unzip();
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(NOTE_SQL).await?;
    transaction.execute(&statement, &[&uuids, &times]).await?;
    Ok(())
}

/// Takes flagged posts and adds them to the alerts that `judge` returns, in one transaction: each post is in exactly one
/// alert, even across crashes. Returns nothing if no posts were flagged.
///
/// The caller holds the alerts lock. A new post that awaits a correction remains flagged until it is corrected, its
/// correction is abandoned, or [`CORRECTED_WITHIN_SECONDS`] have passed by the server's clock, even if a process dies.
pub(in crate::store) async fn raise<J: Into<Triage>>(
    transaction: &Transaction<'_>,
    judge: impl Fn(&[ScoredPost]) -> J,
) -> Result<Vec<Raise>, StoreError> {
    // Several processes may take posts concurrently; each post goes to one of them.
    const SQL: &str = "
        DELETE FROM flagged_posts WHERE uuid IN (
            SELECT uuid FROM flagged_posts AS flagged
            WHERE NOT EXISTS (
                SELECT FROM awaiting_correction AS awaiting
                WHERE awaiting.uuid = flagged.uuid AND awaiting.scored_at > now() - make_interval(secs => $2))
            ORDER BY uuid LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING uuid, created_at";
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&FLAGGED_MAX, &CORRECTED_WITHIN_SECONDS]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = Vec::with_capacity(rows.len());
    for row in &rows {
        names.push((row.try_get(0)?, row.try_get(1)?));
    }
    let mut posts = scored_rows::by_names(transaction, &names).await?;
    // A correction could not withdraw a flag that another transaction deleted and then restored.
    posts.retain(|scored| scored.score.churn_risk >= CHURN_HIGH);
    let Triage { alerts, waiting } = judge(&posts).into();
    let n_waiting_max = usize::try_from(FLAGGED_MAX).unwrap_or(usize::MAX) / 2;
    let waiting = posts.iter().rev().filter(|scored| waiting.contains(&scored.post.uuid)).take(n_waiting_max);
    put_back(transaction, &waiting.collect::<Vec<_>>()).await?;
    let raised = raise::raise(transaction, &alerts, Merge::Add).await?;
    remember(transaction, &alerts, &raised).await?;
    Ok(raised)
}

async fn put_back(transaction: &Transaction<'_>, posts: &[&ScoredPost]) -> Result<(), StoreError> {
    if posts.is_empty() {
        return Ok(());
    }
    let (uuids, times): (Vec<Uuid>, Vec<PgTimestamp>) =
        posts.iter().map(|scored| (scored.post.uuid, PgTimestamp(scored.post.created_at))).unzip();
    let statement = transaction.prepare_cached(NOTE_SQL).await?;
    transaction.execute(&statement, &[&uuids, &times]).await?;
    Ok(())
}

/// Records which posts each alert counts.
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

/// Withdraws posts whose churn risk is no longer high: deletes the flags of posts that are in no alert, and removes the
/// others from their open alert. Returns the alerts that lost their last post, already resolved.
///
/// Call it after the new scores are written, because an alert's value is the highest remaining risk. It locks flags first
/// and then alerts. [`raise`] locks them in the opposite order, but skips locked flags.
pub(in crate::store) async fn withdraw(
    transaction: &Transaction<'_>,
    uuids: &[Uuid],
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
