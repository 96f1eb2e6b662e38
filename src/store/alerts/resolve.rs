//! Resolves alerts, and removes posts from them.

use deadpool_postgres::Transaction;
use jiff::Timestamp;

use super::history::{self, Event};
use super::new_alert::AlertSeries;
use super::row::{SeriesColumns, alert_of, columns, counted_title, of_series, series_rows};
use crate::models::alert::{Alert, AlertState};
use crate::models::id::{AlertId, PostId};
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Resolves the open alerts of these series and returns their ids. If several processes do this concurrently, each id
/// is returned to exactly one of them. The caller holds the alerts lock.
pub(in crate::store) async fn resolve(
    transaction: &Transaction<'_>,
    series: &[AlertSeries],
    at: Timestamp,
) -> Result<Vec<AlertId>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET
            state = 'resolved', phase = 'resolved', resolved_at = $6, updated_at = greatest(updated_at, $6),
            revision = revision + 1
        FROM ",
        series_rows!(),
        " AS over (of_rule, of_rule_id, of_metric, of_dimension, of_key)
        WHERE state = 'open' AND ",
        of_series!(),
        " RETURNING id"
    );
    if series.is_empty() {
        return Ok(Vec::new());
    }
    let SeriesColumns { rules, rule_ids, metrics, dimensions, keys } = SeriesColumns::of(series);
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction
        .query(&statement, &[&rules, &rule_ids, &metrics, &dimensions, &keys, &PgTimestamp(at)])
        .await?;
    let resolved = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<AlertId>, _>>()?;
    history::note(transaction, &resolved, Event::Phase("resolved"), at).await?;
    Ok(resolved)
}

/// Posts to remove from an alert.
pub(in crate::store) struct PostRemoval<'a> {
    pub alert: AlertId,
    pub n_posts: i64,
    /// Ids of the posts. Posts that are not in the alert are ignored.
    pub uuids: &'a [PostId],
    pub at: Timestamp,
}

/// Removes posts from an open churn alert. If no post remains, resolves and returns the alert, unless it is flapping:
/// then it is held open until its series calms down.
///
/// Shrinking does not count as an update; otherwise an alert about a past burst would never end. The caller holds the
/// alerts lock.
pub(in crate::store) async fn remove_posts(
    transaction: &Transaction<'_>,
    removal: &PostRemoval<'_>,
) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET
            count = greatest(count - $2, 0),
            value = greatest(count - $2, 0),
            title = CASE WHEN count > $2 THEN ",
        counted_title!("title", "(count - $2)"),
        " ELSE title END,
            posts = (
                SELECT coalesce(jsonb_agg(post ORDER BY place), '[]')
                FROM jsonb_array_elements(posts) WITH ORDINALITY AS of (post, place)
                WHERE (post ->> 'uuid')::uuid <> ALL ($3)),
            state = CASE WHEN count > $2 OR flapping THEN state ELSE 'resolved' END,
            phase = CASE WHEN count > $2 OR flapping THEN phase ELSE 'resolved' END,
            resolved_at = CASE WHEN count > $2 OR flapping THEN resolved_at ELSE $4::timestamptz END,
            updated_at = CASE WHEN count > $2 OR flapping THEN updated_at ELSE greatest(updated_at, $4) END,
            revision = revision + 1
        WHERE id = $1 AND state = 'open'
        RETURNING ",
        columns!()
    );
    let statement = transaction.prepare_cached(SQL).await?;
    let row = transaction
        .query_opt(&statement, &[&removal.alert, &removal.n_posts, &removal.uuids, &PgTimestamp(removal.at)])
        .await?;
    let alert = row.as_ref().map(alert_of).transpose()?;
    let Some(alert) = alert.filter(|alert| alert.state == AlertState::Resolved) else {
        return Ok(None);
    };
    history::note(transaction, &[alert.id], Event::Phase("resolved"), removal.at).await?;
    Ok(Some(alert))
}
