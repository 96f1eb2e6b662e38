//! Alert expiry. Alerts hold copies of posts, which must not outlive the retention period by much.

use jiff::{SignedDuration, Timestamp};

use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Maximum number of rows deleted per call.
const EXPIRED_MAX: i64 = 5_000;

/// Deletes alerts (with their histories) and silences that ended before the retention period began, and returns the
/// number of deleted rows. One call may leave some for the next.
///
/// Keeps alerts whose end has not been published yet.
pub async fn expire(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    const ALERTS: &str = "
        DELETE FROM sentiment_alerts WHERE id IN (
            SELECT id FROM sentiment_alerts
            WHERE opened_at < $1 AND state = 'resolved' AND resolved_at < $1 AND (told_as IS NULL OR told_over)
            ORDER BY opened_at, id LIMIT $2)";
    const SILENCES: &str = "
        DELETE FROM silences WHERE id IN (SELECT id FROM silences WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)";
    let retention = SignedDuration::try_from(store.retention()).unwrap_or(SignedDuration::MAX);
    let before = PgTimestamp(now.checked_sub(retention).unwrap_or(Timestamp::UNIX_EPOCH));
    store
        .run(async |client| {
            let n_alerts = client.execute(ALERTS, &[&before, &EXPIRED_MAX]).await?;
            Ok::<_, StoreError>(n_alerts + client.execute(SILENCES, &[&before, &EXPIRED_MAX]).await?)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{execute, number, test_store};

    #[tokio::test]
    async fn only_alerts_and_silences_older_than_the_retention_are_deleted() {
        let store = test_store().await;
        let alert = |key: &str, columns: &str, values: &str| {
            format!(
                "INSERT INTO sentiment_alerts (id, rule, dimension, key, severity, title, value, threshold, count,
                    updated_at, posts, opened_at, {columns})
                VALUES (gen_random_uuid(), 'churn', 'product', '{key}', 'warning', '', 0, 0, 0,
                    now(), '[]', now() - interval '99 days', {values})"
            )
        };
        let over = "state, resolved_at, told_as, told_over";
        let id = "gen_random_uuid()";
        for sql in [
            alert("never told", "state, resolved_at", "'resolved', now() - interval '91 days'"),
            alert("told", over, &format!("'resolved', now() - interval '91 days', {id}, true")),
            alert("its end not told", over, &format!("'resolved', now() - interval '91 days', {id}, false")),
            alert("over for less", "state, resolved_at", "'resolved', now() - interval '89 days'"),
            alert("open", "state", "'open'"),
            "INSERT INTO alert_history (alert, at, phase, value) SELECT id, opened_at, 'firing', 0 FROM sentiment_alerts"
                .to_owned(),
            "INSERT INTO silences (id, starts_at, ends_at, created_at, comment)
            SELECT gen_random_uuid(), now() - interval '1 year', now() - ago, now() - interval '1 year', ''
            FROM (VALUES (interval '91 days'), (interval '89 days')) AS of (ago)"
                .to_owned(),
        ] {
            execute(&store, &sql).await;
        }
        assert_eq!(expire(&store, Timestamp::now()).await.unwrap(), 3);
        let left = "SELECT count(*) FROM sentiment_alerts WHERE key IN ('its end not told', 'over for less', 'open')";
        assert_eq!(number(&store, left).await, 3);
        for table in ["sentiment_alerts", "alert_history"] {
            assert_eq!(number(&store, &format!("SELECT count(*) FROM {table}")).await, 3, "{table}");
        }
        assert_eq!(number(&store, "SELECT count(*) FROM silences").await, 1);
        assert_eq!(expire(&store, Timestamp::now()).await.unwrap(), 0);
    }
}
