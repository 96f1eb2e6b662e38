//! Delivery from the outbox: claims, leases and outcomes. The database provides all times, so the clocks of processes
//! need not agree.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::models::id::{ChannelId, MessageId, NotificationId};
use crate::models::notification::{Attempt, ChannelKind, ChannelSettings, NoticeEvent};
use crate::store::codec::enum_at;
use crate::store::{Store, StoreError};

/// Maximum number of notifications that are gathered into one message.
const DIGEST_MAX: i64 = 100;

/// Number of most recent attempts kept per notification.
const ATTEMPTS_KEPT: i32 = 20;

/// Number of days of continuous failure after which a channel is disabled.
const FAILING_DAYS_MAX: i32 = 5;

/// Number of hours after which another failure no longer counts as part of the same outage. It exceeds the longest wait
/// between two attempts, which is a day.
const SAME_TROUBLE_HOURS: i32 = 30;

/// Claimed message with its channel. Until the lease ends, no other process sends to this channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedMessage {
    /// Id of the channel to send to.
    pub channel: ChannelId,
    /// Kind of the channel, which determines how messages are sent.
    pub kind: ChannelKind,
    /// Settings of the channel, except secrets.
    pub settings: ChannelSettings,
    /// Secret settings of the channel, in encrypted form.
    pub sealed: Vec<u8>,
    /// Token that proves that this process holds the channel.
    pub lease: Uuid,
    /// Id that identifies the message to receivers.
    pub message: MessageId,
    /// Notifications in the message, oldest first; at least one.
    pub items: Vec<ClaimedItem>,
    /// Number of attempts to deliver this message so far.
    pub n_attempts: usize,
}

/// One of the notifications gathered into a message.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedItem {
    /// Id of the notification in the history.
    pub notification: NotificationId,
    /// Event that the notification reports.
    pub event: NoticeEvent,
    /// When the event occurred, according to the database clock.
    pub at: Timestamp,
    /// Alert as it was at the time of the event.
    pub snapshot: Value,
}

/// Fate of a message after a delivery attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The message arrived.
    Sent,
    /// The attempt failed, and the message is retried after this delay.
    Retry(Duration),
    /// The message is dead-lettered, because retrying it would be useless.
    DeadLetter,
    /// The message is dead-lettered, and the channel is disabled for this reason.
    Disable(&'static str),
}

/// Result of a delivery attempt, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Entry for the history of each notification in the message.
    pub attempt: Attempt,
    /// New state of the message.
    pub outcome: DeliveryOutcome,
    /// How long to wait before sending anything else to the channel.
    pub pause: Duration,
}

/// Claims due messages from up to `n` free channels for the duration of `lease`.
///
/// Claiming whole channels keeps the messages of each channel in order and its throttle exact. Each notification about
/// an alert is sent only after the previous one about the same alert was delivered or dead-lettered, but a failing
/// message does not delay other alerts. If a process dies, another one sends its messages after the lease ends; they
/// may then arrive twice, with the same id. Claims only channels whose secrets are encrypted with the key `sealed_by`.
pub async fn claim(
    store: &Store,
    n: usize,
    lease: Duration,
    sealed_by: &str,
) -> Result<Vec<ClaimedMessage>, StoreError> {
    store.run(async |client| claim_on(client, n, lease, sealed_by).await).await
}

/// Condition that holds if no earlier notification about the same alert is pending in another message.
macro_rules! is_first_of_its_alert {
    () => {
        "NOT EXISTS (
            SELECT FROM notifications AS earlier
            WHERE earlier.alert = due.alert AND earlier.channel = due.channel AND earlier.seq < due.seq
                AND earlier.state = 'pending' AND earlier.message IS DISTINCT FROM due.message)"
    };
}

async fn claim_on(
    client: &mut Object,
    n: usize,
    lease: Duration,
    sealed_by: &str,
) -> Result<Vec<ClaimedMessage>, StoreError> {
    // Not FOR UPDATE, which would wait for alerts that are being written.
    const SQL: &str = concat!(
        "
        UPDATE notification_channels AS channel
        SET lease = gen_random_uuid(), leased_until = now() + make_interval(secs => $2)
        FROM (
            SELECT id FROM notification_channels AS idle
            WHERE enabled AND sealed_by = $3 AND leased_until <= now() AND paused_until <= now() AND EXISTS (
                SELECT FROM notifications AS due
                WHERE due.channel = idle.id AND due.state = 'pending' AND due.next_attempt_at <= now() AND ",
        is_first_of_its_alert!(),
        ")
            ORDER BY paused_until LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
        ) AS free
        WHERE channel.id = free.id
        RETURNING channel.id, kind::text, settings, sealed, lease"
    );
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached(SQL).await?;
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let channels = transaction.query(&statement, &[&n, &lease.as_secs_f64(), &sealed_by]).await?;
    let mut claimed = Vec::with_capacity(channels.len());
    for row in &channels {
        let channel: ChannelId = row.try_get(0)?;
        let Some(message) = head(&transaction, channel).await? else { continue };
        let Json(settings) = row.try_get(2)?;
        let mut it = ClaimedMessage {
            channel,
            kind: enum_at(row, 1, &ChannelKind::ALL, ChannelKind::as_str)?,
            settings,
            sealed: row.try_get(3)?,
            lease: row.try_get(4)?,
            message,
            items: Vec::new(),
            n_attempts: 0,
        };
        fill(&transaction, &mut it).await?;
        claimed.push(it);
    }
    transaction.commit().await?;
    Ok(claimed)
}

/// Returns a channel's next message. Once notifications have been gathered into a message, they stay together, so every
/// attempt by any process contains the same ones.
async fn head(transaction: &Transaction<'_>, channel: ChannelId) -> Result<Option<MessageId>, StoreError> {
    const FIRST: &str = concat!(
        "SELECT message FROM notifications AS due
        WHERE channel = $1 AND state = 'pending' AND next_attempt_at <= now() AND ",
        is_first_of_its_alert!(),
        " ORDER BY seq LIMIT 1"
    );
    const GATHER: &str = concat!(
        "UPDATE notifications SET message = $2 WHERE id IN (
            SELECT id FROM notifications AS due
            WHERE channel = $1 AND state = 'pending' AND next_attempt_at <= now() AND message IS NULL AND ",
        is_first_of_its_alert!(),
        " ORDER BY seq LIMIT $3)"
    );
    let statement = transaction.prepare_cached(FIRST).await?;
    let Some(row) = transaction.query_opt(&statement, &[&channel]).await? else {
        return Ok(None);
    };
    if let Some(message) = row.try_get(0)? {
        return Ok(Some(message));
    }
    let message = MessageId::now_v7();
    let statement = transaction.prepare_cached(GATHER).await?;
    transaction.execute(&statement, &[&channel, &message, &DIGEST_MAX]).await?;
    Ok(Some(message))
}

async fn fill(transaction: &Transaction<'_>, claimed: &mut ClaimedMessage) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT id, event::text, created_at, snapshot, n_attempts FROM notifications
        WHERE message = $1 AND channel = $2 AND state = 'pending' ORDER BY seq";
    let statement = transaction.prepare_cached(SQL).await?;
    for row in transaction.query(&statement, &[&claimed.message, &claimed.channel]).await? {
        let Json(snapshot) = row.try_get(3)?;
        let n_attempts: i32 = row.try_get(4)?;
        claimed.n_attempts = claimed.n_attempts.max(usize::try_from(n_attempts).unwrap_or(0));
        let event = enum_at(&row, 1, &NoticeEvent::ALL, NoticeEvent::as_str)?;
        let item = ClaimedItem { notification: row.try_get(0)?, event, at: row.try_get(2)?, snapshot };
        claimed.items.push(item);
    }
    Ok(())
}

/// Records the outcome of an attempt and releases the channel.
///
/// This is correct even after the lease has expired: the attempt did take place, and the caller releases only its own
/// lease.
pub async fn settle(
    store: &Store,
    claimed: &ClaimedMessage,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    store.run(async |client| settle_on(client, claimed, settlement).await).await
}

async fn settle_on(
    client: &mut Object,
    claimed: &ClaimedMessage,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    const MESSAGE: &str = "
        UPDATE notifications SET
            state = $3::text::notification_state,
            n_attempts = n_attempts + 1,
            next_attempt_at = now() + make_interval(secs => $4),
            attempts = (
                SELECT jsonb_agg(attempt ORDER BY place) FROM (
                    SELECT attempt, place FROM jsonb_array_elements(attempts || $5::jsonb) WITH ORDINALITY AS of (attempt, place)
                    ORDER BY place DESC LIMIT $6::int
                ) AS newest)
        WHERE id = ANY ($1) AND message = $2 AND state = 'pending'";
    // The pause set by the last attempt shows when that attempt was made.
    const CHANNEL: &str = "
        UPDATE notification_channels SET
            last_success_at = CASE WHEN $2 THEN now() ELSE last_success_at END,
            failing_since = CASE
                WHEN $2 THEN NULL
                WHEN failing_since IS NULL OR paused_until < now() - make_interval(hours => $4) THEN now()
                ELSE failing_since END,
            paused_until = greatest(paused_until, now() + make_interval(secs => $3))
        WHERE id = $1
        RETURNING enabled AND NOT $2 AND failing_since < now() - make_interval(days => $5)";
    const RELEASE: &str = "
        UPDATE notification_channels SET lease = NULL, leased_until = now() WHERE id = $1 AND lease = $2";
    let (state, wait) = match settlement.outcome {
        DeliveryOutcome::Sent => ("sent", Duration::ZERO),
        DeliveryOutcome::Retry(wait) => ("pending", wait),
        DeliveryOutcome::DeadLetter | DeliveryOutcome::Disable(_) => ("dead", Duration::ZERO),
    };
    let ids: Vec<NotificationId> = claimed.items.iter().map(|item| item.notification).collect();
    let transaction = client.transaction().await?;
    // Locks the channel first, as in `claim`, so that two transactions never deadlock.
    let is_success = settlement.outcome == DeliveryOutcome::Sent;
    let (pause, channel) = (settlement.pause.as_secs_f64(), claimed.channel);
    let row = transaction
        .query_opt(CHANNEL, &[&channel, &is_success, &pause, &SAME_TROUBLE_HOURS, &FAILING_DAYS_MAX])
        .await?;
    transaction.execute(RELEASE, &[&channel, &claimed.lease]).await?;
    let attempt = Json(&settlement.attempt);
    transaction
        .execute(MESSAGE, &[&ids, &claimed.message, &state, &wait.as_secs_f64(), &attempt, &ATTEMPTS_KEPT])
        .await?;
    let has_failed_long = row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false);
    match settlement.outcome {
        DeliveryOutcome::Disable(reason) => disable(&transaction, channel, reason).await?,
        _ if has_failed_long => {
            disable(&transaction, channel, "no notification could be delivered for five days").await?
        }
        _ => {}
    }
    transaction.commit().await?;
    Ok(())
}

async fn disable(transaction: &Transaction<'_>, channel: ChannelId, reason: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE notification_channels
        SET enabled = false, disabled_reason = $2, updated_at = now(), updated_by = NULL
        WHERE id = $1";
    transaction.execute(SQL, &[&channel, &reason]).await?;
    dead_letter_pending(transaction, channel).await
}

/// Dead-letters the pending notifications of a channel. They can still be resent.
pub(in crate::store) async fn dead_letter_pending(
    transaction: &Transaction<'_>,
    channel: ChannelId,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE notifications SET state = 'dead' WHERE channel = $1 AND state = 'pending'";
    transaction.execute(SQL, &[&channel]).await?;
    Ok(())
}
