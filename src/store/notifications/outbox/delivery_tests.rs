use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::tests::{alert, enqueue_committed};
use super::{ClaimedMessage, DeliveryOutcome, Notice, NoticeEvent, Settlement, claim, settle};
use crate::models::alert::{Alert, Severity};
use crate::models::id::{ChannelId, NotificationId};
use crate::models::notification::{Attempt, Channel, Notification, NotificationState};
use crate::store::Store;
use crate::store::notifications::channels;
use crate::store::notifications::history::{self, NotificationsQuery, Resent};
use crate::store::testing::{channel, execute, number, test_store};

const LEASE: Duration = Duration::from_secs(3_600);

const NOW: DeliveryOutcome = DeliveryOutcome::Retry(Duration::ZERO);

async fn fire(store: &Store, alert: &Alert, event: NoticeEvent) {
    enqueue_committed(store, Notice { event, alert, channels: &[] }).await;
}

async fn fire_new(store: &Store, n: usize) {
    for _ in 0..n {
        fire(store, &alert(Severity::Warning), NoticeEvent::Fired).await;
    }
}

async fn take(store: &Store) -> Vec<ClaimedMessage> {
    claim(store, 10, LEASE, "k").await.unwrap()
}

fn outcome(outcome: DeliveryOutcome) -> Settlement {
    let error = (outcome != DeliveryOutcome::Sent).then(|| "no".to_owned());
    let attempt = Attempt { at: Timestamp::UNIX_EPOCH, status: Some(500), error, duration_ms: 1 };
    Settlement { attempt, outcome, pause: Duration::ZERO }
}

async fn all(store: &Store) -> Vec<Notification> {
    let query = NotificationsQuery { limit: 100, ..NotificationsQuery::default() };
    history::list(store, &query).await.unwrap().items
}

async fn shown(store: &Store, id: ChannelId) -> Channel {
    channels::get(store, id).await.unwrap().unwrap().channel
}

#[tokio::test]
async fn of_concurrent_claims_one_gets_a_channel() {
    let store = test_store().await;
    channel(&store, "webhook", "info").await;
    fire_new(&store, 5).await;
    let looks = (0..8).map(|_| take(&store));
    let claimed: Vec<ClaimedMessage> = futures_util::future::join_all(looks).await.concat();
    assert_eq!(claimed.len(), 1);
    assert!(take(&store).await.is_empty());
    settle(&store, &claimed[0], &outcome(DeliveryOutcome::Sent)).await.unwrap();
    assert_ne!(take(&store).await[0].message, claimed[0].message);
}

#[tokio::test]
async fn messages_of_a_dead_process_are_sent_by_another_with_the_same_id() {
    let store = test_store().await;
    channel(&store, "webhook", "info").await;
    fire_new(&store, 1).await;
    let first = claim(&store, 1, Duration::ZERO, "k").await.unwrap();
    let second = take(&store).await;
    assert_eq!(first[0].message, second[0].message);
    assert_ne!(first[0].lease, second[0].lease);
    // The first process was only slow. Its result counts, and it releases only its own lease.
    settle(&store, &first[0], &outcome(DeliveryOutcome::Sent)).await.unwrap();
    const HELD: &str = "SELECT count(*) FROM notification_channels WHERE leased_until > now()";
    assert_eq!(number(&store, HELD).await, 1);
    settle(&store, &second[0], &outcome(NOW)).await.unwrap();
    assert_eq!(number(&store, HELD).await, 0);
    assert!(take(&store).await.is_empty());
    assert_eq!(all(&store).await[0].state, NotificationState::Sent);
}

#[tokio::test]
async fn notifications_of_one_alert_arrive_in_order_and_a_failure_delays_no_other() {
    let store = test_store().await;
    channel(&store, "pagerduty", "info").await;
    let (one, other) = (alert(Severity::Warning), alert(Severity::Warning));
    fire(&store, &one, NoticeEvent::Fired).await;
    fire(&store, &one, NoticeEvent::Resolved).await;
    fire(&store, &other, NoticeEvent::Fired).await;
    let first = take(&store).await;
    settle(&store, &first[0], &outcome(DeliveryOutcome::Retry(Duration::from_secs(3_600)))).await.unwrap();
    let second = take(&store).await;
    assert_eq!(second[0].items[0].snapshot["id"], other.id.to_string());
    settle(&store, &second[0], &outcome(DeliveryOutcome::Sent)).await.unwrap();
    assert!(take(&store).await.is_empty());
    execute(&store, "UPDATE notifications SET next_attempt_at = now()").await;
    let again = take(&store).await;
    assert_eq!((again[0].message, again[0].n_attempts), (first[0].message, 1));
    settle(&store, &again[0], &outcome(DeliveryOutcome::DeadLetter)).await.unwrap();
    assert_eq!(take(&store).await[0].items[0].event, NoticeEvent::Resolved);
}

#[tokio::test]
async fn a_digest_is_the_same_at_every_attempt() {
    let store = test_store().await;
    channel(&store, "email", "info").await;
    execute(&store, "UPDATE notification_channels SET digest_seconds = 3600").await;
    let it = alert(Severity::Warning);
    fire(&store, &it, NoticeEvent::Fired).await;
    fire(&store, &it, NoticeEvent::Resolved).await;
    fire_new(&store, 1).await;
    assert!(take(&store).await.is_empty());
    execute(&store, "UPDATE notifications SET next_attempt_at = now()").await;
    let first = take(&store).await;
    let events: Vec<_> = first[0].items.iter().map(|item| item.event).collect();
    assert_eq!(events, [NoticeEvent::Fired, NoticeEvent::Resolved, NoticeEvent::Fired]);
    fire_new(&store, 1).await;
    settle(&store, &first[0], &outcome(NOW)).await.unwrap();
    let again = take(&store).await;
    assert_eq!((again[0].message, &again[0].items), (first[0].message, &first[0].items));
}

#[tokio::test]
async fn a_pause_applies_to_every_message_of_a_channel() {
    let store = test_store().await;
    channel(&store, "webhook", "info").await;
    fire_new(&store, 2).await;
    let first = take(&store).await;
    let busy = Settlement { pause: Duration::from_secs(3_600), ..outcome(NOW) };
    settle(&store, &first[0], &busy).await.unwrap();
    assert!(take(&store).await.is_empty());
    execute(&store, "UPDATE notification_channels SET paused_until = now()").await;
    assert_eq!(take(&store).await.len(), 1);
}

#[tokio::test]
async fn a_channel_that_no_longer_exists_is_disabled_and_its_messages_are_dead_lettered() {
    let store = test_store().await;
    let id = channel(&store, "webhook", "info").await;
    fire_new(&store, 2).await;
    let first = take(&store).await;
    settle(&store, &first[0], &outcome(DeliveryOutcome::Disable("gone"))).await.unwrap();
    let found = shown(&store, id).await;
    assert_eq!((found.enabled, found.disabled_reason.as_deref()), (false, Some("gone")));
    let dead = all(&store).await;
    assert!(dead.len() == 2 && dead.iter().all(|it| it.state == NotificationState::Dead));
    assert_eq!(history::resend(&store, dead[0].id).await.unwrap(), Resent::Disabled);
    assert_eq!(history::resend(&store, NotificationId::from_u128(0)).await.unwrap(), Resent::Unknown);
    execute(&store, "UPDATE notification_channels SET enabled = true").await;
    let resent = history::resend(&store, first[0].items[0].notification).await.unwrap();
    assert!(matches!(resent, Resent::Pending(it) if it.next_attempt_at.is_some()));
    let again = take(&store).await;
    assert_eq!((again[0].message, again[0].n_attempts), (first[0].message, 0));
}

#[tokio::test]
async fn only_five_days_of_continuous_failure_disable_a_channel() {
    let store = test_store().await;
    let id = channel(&store, "webhook", "info").await;
    fire_new(&store, 1).await;
    let fail = async || {
        let claimed = take(&store).await;
        settle(&store, &claimed[0], &outcome(NOW)).await.unwrap();
        shown(&store, id).await
    };
    assert!(fail().await.failing_since.is_some());
    // The last failure was six days ago, with no attempt since, so this is a new failure.
    let long_ago = "UPDATE notification_channels SET failing_since = now() - interval '6 days',
        paused_until = now() - interval '5 days'";
    execute(&store, long_ago).await;
    let found = fail().await;
    let an_hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    assert!(found.enabled && found.failing_since.unwrap() > an_hour_ago);
    execute(&store, "UPDATE notification_channels SET failing_since = now() - interval '121 hours'").await;
    let found = fail().await;
    assert!(!found.enabled && found.disabled_reason.unwrap().contains("five days"));
}

#[tokio::test]
async fn the_log_of_attempts_is_bounded_and_success_ends_the_failure() {
    let store = test_store().await;
    let id = channel(&store, "webhook", "info").await;
    fire_new(&store, 1).await;
    for n in 0..25_u64 {
        let claimed = take(&store).await;
        let mut failed = outcome(NOW);
        failed.attempt.duration_ms = n;
        settle(&store, &claimed[0], &failed).await.unwrap();
    }
    let claimed = take(&store).await;
    assert_eq!(claimed[0].n_attempts, 25);
    settle(&store, &claimed[0], &outcome(DeliveryOutcome::Sent)).await.unwrap();
    let it = all(&store).await.remove(0);
    let durations: Vec<u64> = it.attempts.iter().map(|attempt| attempt.duration_ms).collect();
    let expected: Vec<u64> = (6..25).chain([1]).collect();
    assert_eq!(durations, expected);
    let found = shown(&store, id).await;
    assert!(found.failing_since.is_none() && found.last_success_at.is_some());
}

#[tokio::test]
async fn channels_sealed_with_another_key_are_not_claimed() {
    let store = test_store().await;
    channel(&store, "webhook", "info").await;
    fire_new(&store, 1).await;
    assert!(claim(&store, 10, LEASE, "another").await.unwrap().is_empty());
    assert_eq!(take(&store).await.len(), 1);
}

#[tokio::test]
async fn finished_notifications_are_kept_for_a_month_and_while_their_alert_is_open() {
    let store = test_store().await;
    channel(&store, "webhook", "info").await;
    fire_new(&store, 3).await;
    let age =
        "UPDATE notifications SET state = 'sent', created_at = now() - interval '31 days' WHERE seq < 3";
    execute(&store, age).await;
    let open = "INSERT INTO sentiment_alerts (id, rule, dimension, key, state, severity, title, value, threshold, count,
            opened_at, updated_at, posts)
        SELECT alert, 'churn', 'overall', '', 'open', 'warning', '', 0, 0, 0, now(), now(), '[]'
        FROM notifications WHERE seq = 1";
    execute(&store, open).await;
    assert_eq!(history::expire(&store).await.unwrap(), 1);
    assert_eq!(all(&store).await.len(), 2);
}
