//! Transactional outbox: the transaction that changes an alert also writes its notifications.

mod delivery; // claims, leases and outcomes

#[cfg(test)]
mod delivery_tests; // nothing is lost or sent by two processes

use deadpool_postgres::Transaction;
use tokio_postgres::types::Json;

pub(in crate::store) use self::delivery::dead_letter_pending;
pub use self::delivery::{ClaimedItem, ClaimedMessage, DeliveryOutcome, Settlement, claim, settle};
use crate::models::alert::Alert;
use crate::models::id::ChannelId;
pub use crate::models::notification::NoticeEvent;
use crate::store::StoreError;

/// Alert event and the channels to notify.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Event to notify people of.
    pub event: NoticeEvent,
    /// Alert as it was when the event occurred.
    pub alert: &'a Alert,
    /// Channels of the alert's rule; if empty, every enabled channel whose minimum severity the alert reaches. Used
    /// only when an alert fires, because later events go to the channels that were notified then.
    pub channels: &'a [ChannelId],
}

/// Enqueues notifications in the transaction that changes the alert, so that both happen or neither does.
///
/// Does not send anything and never waits. Skips channels that are missing or disabled. Later events go to the channels
/// that were notified when the alert fired, even if it is less severe by then; otherwise an incident would stay open
/// forever in channels that receive only critical alerts.
pub async fn enqueue(transaction: &Transaction<'_>, notice: &Notice<'_>) -> Result<(), StoreError> {
    // The lock on the channel's row prevents the channel from being deleted before this commits. A digest is due when
    // its first notification is.
    const SQL: &str = "
        WITH recipient AS (
            SELECT id, digest_seconds FROM notification_channels
            WHERE enabled AND CASE
                WHEN $2::text::notification_event = 'fired' THEN CASE
                    WHEN cardinality($3::uuid[]) > 0 THEN id = ANY ($3)
                    ELSE array_position($5::text[], minimum_severity) <= array_position($5, $4::text)
                END
                ELSE ($2::text <> 'acknowledged' OR kind = 'pagerduty') AND EXISTS (
                    SELECT FROM notifications AS earlier
                    WHERE earlier.alert = $1 AND earlier.channel = notification_channels.id AND earlier.event = 'fired')
            END
            ORDER BY id FOR KEY SHARE
        ), new AS (SELECT gen_random_uuid() AS id, recipient.id AS channel, digest_seconds FROM recipient)
        INSERT INTO notifications (id, channel, alert, message, next_attempt_at, event, snapshot)
        SELECT new.id, channel, $1, CASE WHEN digest_seconds IS NULL THEN new.id END,
            CASE WHEN digest_seconds IS NULL THEN now() ELSE coalesce(
                (SELECT min(next_attempt_at) FROM notifications AS gathering
                    WHERE gathering.channel = new.channel AND gathering.state = 'pending'
                        AND gathering.message IS NULL AND gathering.next_attempt_at > now()),
                now() + make_interval(secs => digest_seconds))
            END,
            $2::text::notification_event, $6
        FROM new";
    let statement = transaction.prepare_cached(SQL).await?;
    transaction
        .execute(
            &statement,
            &[
                &notice.alert.id,
                &notice.event.as_str(),
                &notice.channels,
                &notice.alert.severity.as_str(),
                &&SEVERITIES[..],
                &Json(notice.alert),
            ],
        )
        .await?;
    Ok(())
}

/// Severity names, least severe first.
const SEVERITIES: [&str; 3] = ["info", "warning", "critical"];

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::models::alert::{AlertRule, AlertState, Scope, Severity};
    use crate::models::id::AlertId;
    use crate::store::Store;
    use crate::store::testing::{channel, execute, number, test_store};

    pub(in crate::store) fn alert(severity: Severity) -> Alert {
        let opened_at: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        let text = serde_json::json!({
            "id": AlertId::now_v7(), "rule": AlertRule::Churn, "scope": Scope::overall(), "state": AlertState::Open,
            "severity": severity, "title": "people leave", "value": 0.9, "threshold": 0.8, "count": 3,
            "opened_at": opened_at, "updated_at": opened_at, "resolved_at": null, "acknowledged_at": null, "posts": [],
            "rule_id": null, "rule_name": null, "metric": null, "phase": "firing", "silenced": false,
            "inhibited_by": null, "flapping": false, "evidence": null,
        });
        serde_json::from_value(text).unwrap()
    }

    pub(in crate::store) async fn enqueue_committed(store: &Store, notice: Notice<'_>) {
        let mut client = store.client().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        enqueue(&transaction, &notice).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn n_notifications(store: &Store, channel: ChannelId) -> i64 {
        number(store, &format!("SELECT count(*) FROM notifications WHERE channel = '{channel}'")).await
    }

    #[tokio::test]
    async fn later_events_go_to_the_channels_notified_when_the_alert_fired() {
        let store = test_store().await;
        let all = channel(&store, "webhook", "info").await;
        let critical = channel(&store, "slack", "critical").await;
        let pager = channel(&store, "pagerduty", "warning").await;
        let mut it = alert(Severity::Warning);
        enqueue_committed(&store, Notice { event: NoticeEvent::Fired, alert: &it, channels: &[] }).await;
        assert_eq!(
            [
                n_notifications(&store, all).await,
                n_notifications(&store, critical).await,
                n_notifications(&store, pager).await
            ],
            [1, 0, 1]
        );
        enqueue_committed(&store, Notice { event: NoticeEvent::Acknowledged, alert: &it, channels: &[] })
            .await;
        it.severity = Severity::Critical;
        enqueue_committed(&store, Notice { event: NoticeEvent::Resolved, alert: &it, channels: &[critical] })
            .await;
        assert_eq!(
            [
                n_notifications(&store, all).await,
                n_notifications(&store, critical).await,
                n_notifications(&store, pager).await
            ],
            [2, 0, 3]
        );
    }

    #[tokio::test]
    async fn a_rule_that_names_channels_reaches_those_that_are_enabled() {
        let store = test_store().await;
        let (one, other) =
            (channel(&store, "email", "critical").await, channel(&store, "email", "info").await);
        let off = channel(&store, "email", "info").await;
        execute(&store, &format!("UPDATE notification_channels SET enabled = false WHERE id = '{off}'"))
            .await;
        let it = alert(Severity::Warning);
        let channels = [one, off, ChannelId::now_v7()];
        enqueue_committed(&store, Notice { event: NoticeEvent::Fired, alert: &it, channels: &channels })
            .await;
        assert_eq!(
            [
                n_notifications(&store, one).await,
                n_notifications(&store, other).await,
                n_notifications(&store, off).await
            ],
            [1, 0, 0]
        );
    }

    #[tokio::test]
    async fn a_transaction_that_is_rolled_back_notifies_nobody() {
        let store = test_store().await;
        let one = channel(&store, "webhook", "info").await;
        let mut client = store.client().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        let it = alert(Severity::Critical);
        let notice = Notice { event: NoticeEvent::Fired, alert: &it, channels: &[] };
        enqueue(&transaction, &notice).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(n_notifications(&store, one).await, 0);
    }

    #[tokio::test]
    async fn notifications_of_a_digest_are_due_together() {
        let store = test_store().await;
        let one = channel(&store, "email", "info").await;
        execute(&store, "UPDATE notification_channels SET digest_seconds = 600").await;
        for _ in 0..3 {
            let it = alert(Severity::Warning);
            enqueue_committed(&store, Notice { event: NoticeEvent::Fired, alert: &it, channels: &[] }).await;
        }
        assert_eq!(n_notifications(&store, one).await, 3);
        assert_eq!(number(&store, "SELECT count(DISTINCT next_attempt_at) FROM notifications").await, 1);
        assert_eq!(number(&store, "SELECT count(message) FROM notifications").await, 0);
    }
}
