//! How an alert opens and grows.

use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::history::{self, Event};
use super::row::{alert_of, columns, of_series};
use super::{ALERT_POSTS_MAX, AlertSeries, NewAlert, Raise};
use crate::models::alert::{Alert, AlertPost};
use crate::store::StoreError;
use crate::store::codec::Moment;

/// How a finding meets an alert that is open already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// It says how things are now.
    Replace,
    /// It adds to what was found before.
    Add,
}

/// Opens an alert, or brings the open one of this series up to date: its value, count, severity, posts and evidence
/// become those given.
pub(in crate::store) async fn open_or_update(
    transaction: &Transaction<'_>,
    found: &NewAlert,
) -> Result<Raise, StoreError> {
    raise_in(transaction, found, Merge::Replace).await
}

/// Opens an alert, or adds posts to the open one of this series, so that a burst is one alert: counts add up, the
/// highest value stays, and the newest [`ALERT_POSTS_MAX`] posts are kept.
pub(in crate::store) async fn add_posts(
    transaction: &Transaction<'_>,
    found: &NewAlert,
) -> Result<Raise, StoreError> {
    raise_in(transaction, found, Merge::Add).await
}

async fn raise_in(
    transaction: &Transaction<'_>,
    found: &NewAlert,
    merge: Merge,
) -> Result<Raise, StoreError> {
    take_turns(transaction, &found.series).await?;
    if let Some(alert) = update_open(transaction, found, merge).await? {
        return Ok(Raise::Updated(alert));
    }
    let Some(alert) = insert_open(transaction, found).await? else {
        return Ok(Raise::Quiet);
    };
    history::note(transaction, &[alert.id], Event::Phase("firing"), found.at).await?;
    Ok(Raise::Opened(alert))
}

/// Makes processes that judge the same series take turns.
///
/// The unique index already keeps a second alert from opening. But without turns, one process could see an open alert,
/// another resolve it, and the first, its view of the cooldown being older, open it again at once.
pub(super) async fn take_turns(
    transaction: &Transaction<'_>,
    series: &AlertSeries,
) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT pg_advisory_xact_lock(
            hashtextextended(concat_ws('/', $1::text, $2::uuid, $3::text, $4::text, $5::text), 0))";
    let statement = transaction.prepare_cached(SQL).await?;
    let AlertSeries { rule, rule_id, metric, scope } = series;
    let dimension = scope.dimension.as_str();
    transaction.execute(&statement, &[&rule.as_str(), rule_id, metric, &dimension, &scope.key]).await?;
    Ok(())
}

async fn update_open(
    transaction: &Transaction<'_>,
    found: &NewAlert,
    merge: Merge,
) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET
            severity = CASE WHEN $12 THEN greatest(severity, $6::text::alert_severity)
                ELSE $6::text::alert_severity END,
            title = $7,
            value = CASE WHEN $12 THEN greatest(value, $8) ELSE $8 END,
            count = CASE WHEN $12::bool THEN count ELSE 0 END + $9,
            updated_at = greatest(updated_at, $10),
            posts = CASE WHEN $12 THEN (
                SELECT coalesce(jsonb_agg(post ORDER BY place), '[]') FROM (
                    SELECT post, place FROM jsonb_array_elements($11::jsonb || posts) WITH ORDINALITY AS of (post, place)
                    ORDER BY place LIMIT $13
                ) AS newest
            ) ELSE $11 END,
            rule_name = $14,
            threshold = $15,
            channels = $16,
            evidence = coalesce($17, evidence),
            phase = 'firing'
        WHERE state = 'open' AND ",
        of_series!(),
        " RETURNING ",
        columns!()
    );
    let statement = transaction.prepare_cached(SQL).await?;
    let limit = i64::try_from(ALERT_POSTS_MAX).unwrap_or(i64::MAX);
    let AlertSeries { rule, rule_id, metric, scope } = &found.series;
    let row = transaction
        .query_opt(
            &statement,
            &[
                &rule.as_str(),
                rule_id,
                metric,
                &scope.dimension.as_str(),
                &scope.key,
                &found.severity.as_str(),
                &found.title,
                &found.value,
                &found.count,
                &Moment(found.at),
                &Json(newest(&found.posts)),
                &(merge == Merge::Add),
                &limit,
                &found.rule_name,
                &found.threshold,
                &found.channels,
                &found.evidence.as_ref().map(Json),
            ],
        )
        .await?;
    row.as_ref().map(alert_of).transpose()
}

/// Opens an alert unless the same was resolved within the cooldown.
async fn insert_open(transaction: &Transaction<'_>, found: &NewAlert) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        INSERT INTO sentiment_alerts
            (id, rule, rule_id, metric, dimension, key, state, severity, title, value, threshold, count, opened_at,
            updated_at, posts, rule_name, channels, evidence)
        SELECT $6, $1::text::alert_rule, $2, $3, $4::text::rollup_dimension, $5, 'open', $7::text::alert_severity, $8,
            $9, $10, $11, $12::timestamptz, $12, $13, $15, $16, $17
        WHERE NOT EXISTS (
            SELECT FROM sentiment_alerts
            WHERE state = 'resolved' AND resolved_at > $14 AND ",
        of_series!(),
        ")
        ON CONFLICT DO NOTHING
        RETURNING ",
        columns!()
    );
    let cooldown = SignedDuration::try_from(found.cooldown).unwrap_or(SignedDuration::MAX);
    let quiet_since = found.at.checked_sub(cooldown).unwrap_or(Timestamp::UNIX_EPOCH);
    let statement = transaction.prepare_cached(SQL).await?;
    let AlertSeries { rule, rule_id, metric, scope } = &found.series;
    let row = transaction
        .query_opt(
            &statement,
            &[
                &rule.as_str(),
                rule_id,
                metric,
                &scope.dimension.as_str(),
                &scope.key,
                &Uuid::now_v7(),
                &found.severity.as_str(),
                &found.title,
                &found.value,
                &found.threshold,
                &found.count,
                &Moment(found.at),
                &Json(newest(&found.posts)),
                &Moment(quiet_since),
                &found.rule_name,
                &found.channels,
                &found.evidence.as_ref().map(Json),
            ],
        )
        .await?;
    row.as_ref().map(alert_of).transpose()
}

fn newest(posts: &[AlertPost]) -> &[AlertPost] {
    posts.get(..ALERT_POSTS_MAX).unwrap_or(posts)
}
