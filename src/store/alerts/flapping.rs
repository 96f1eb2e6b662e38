//! Flapping detection: how often a series has opened recently.

use deadpool_postgres::Transaction;
use jiff::Timestamp;

use crate::models::id::AlertId;
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Returns the open alerts whose series has opened at least `n_openings` times since the given time, including the
/// current opening. Openings from before the series last flapped and calmed down do not count.
pub(in crate::store) async fn opened_often(
    transaction: &Transaction<'_>,
    alerts: &[AlertId],
    (n_openings, since): (usize, Timestamp),
) -> Result<Vec<AlertId>, StoreError> {
    // Uses the index of resolved alerts: an alert that opened after that time was also resolved after it.
    const SQL: &str = "
        SELECT opened.id FROM sentiment_alerts AS opened
        CROSS JOIN LATERAL (
            SELECT count(*) AS n_openings FROM (
                SELECT opened_at, max(resolved_at) FILTER (WHERE flapping) OVER () AS calm_since
                FROM sentiment_alerts AS earlier
                WHERE earlier.state = 'resolved' AND earlier.resolved_at > $2
                    AND earlier.rule = opened.rule AND earlier.dimension = opened.dimension AND earlier.key = opened.key
                    AND earlier.rule_id IS NOT DISTINCT FROM opened.rule_id
                    AND earlier.metric IS NOT DISTINCT FROM opened.metric
            ) AS earlier
            WHERE opened_at > greatest($2, calm_since)
        ) AS earlier
        WHERE opened.id = ANY ($1) AND 1 + n_openings >= $3
        ORDER BY opened.id";
    if alerts.is_empty() {
        return Ok(Vec::new());
    }
    let n_openings = i64::try_from(n_openings).unwrap_or(i64::MAX);
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&alerts, &PgTimestamp(since), &n_openings]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
