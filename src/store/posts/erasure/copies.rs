//! Copies of posts in alerts and notifications.

use deadpool_postgres::Transaction;

use crate::models::id::PostId;
use crate::store::StoreError;

/// Removes the copies of these posts from all alerts, open or not, and from their notifications. The measurements of
/// the alerts stay unchanged. The caller holds the alerts lock.
///
/// No index finds a copy by its post, so this reads all alerts, of which there are few.
pub(super) async fn remove(transaction: &Transaction<'_>, uuids: &[PostId]) -> Result<(), StoreError> {
    const ALERTS: &str = "
        UPDATE sentiment_alerts SET
            posts = (
                SELECT coalesce(jsonb_agg(post ORDER BY place), '[]')
                FROM jsonb_array_elements(posts) WITH ORDINALITY AS of (post, place)
                WHERE (post ->> 'uuid')::uuid <> ALL ($1)),
            revision = revision + 1
        WHERE EXISTS (
            SELECT FROM jsonb_array_elements(posts) AS of (post) WHERE (post ->> 'uuid')::uuid = ANY ($1))";
    const NOTIFICATIONS: &str = "
        UPDATE notifications SET snapshot = jsonb_set(snapshot, '{posts}', (
            SELECT coalesce(jsonb_agg(post ORDER BY place), '[]')
            FROM jsonb_array_elements(snapshot -> 'posts') WITH ORDINALITY AS of (post, place)
            WHERE (post ->> 'uuid')::uuid <> ALL ($1)))
        WHERE EXISTS (
            SELECT FROM jsonb_array_elements(snapshot -> 'posts') AS of (post)
            WHERE (post ->> 'uuid')::uuid = ANY ($1))";
    for sql in [ALERTS, NOTIFICATIONS] {
        transaction.execute(sql, &[&uuids]).await?;
    }
    Ok(())
}
