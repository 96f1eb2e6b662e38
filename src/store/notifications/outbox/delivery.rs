//! Who sends what, and what came of it. All time is the database's, so that processes need not agree on theirs.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::models::notification::{Attempt, ChannelKind, ChannelSettings, NoticeEvent};
use crate::store::codec::enum_at;
use crate::store::{Store, StoreError};

/// Notifications that travel in one message, at most.
const DIGEST_MAX: i64 = 100;

/// Attempts that are remembered of a notification.
const ATTEMPTS_KEPT: i32 = 20;

/// A channel to which nothing arrived for this long, although it was tried again and again, is disabled.
const FAILING_DAYS_MAX: i32 = 5;

/// Failures further apart than this are not one trouble: the longest wait between two attempts is a day.
const SAME_TROUBLE_HOURS: i32 = 30;

/// A message in hand, and the channel with it: until the lease ends nobody else sends to that channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedMessage {
    /// To whom.
    pub channel: Uuid,
    /// By which way.
    pub kind: ChannelKind,
    /// What is known openly of it.
    pub settings: ChannelSettings,
    /// And what is not, encrypted.
    pub sealed: Vec<u8>,
    /// Proves who holds the channel.
    pub lease: Uuid,
    /// What receivers know the message by.
    pub message: Uuid,
    /// What is told, oldest first; at least one.
    pub items: Vec<ClaimedItem>,
    /// Attempts made so far.
    pub n_attempts: usize,
}

/// One thing to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedItem {
    /// Its name.
    pub notification: Uuid,
    /// What happened.
    pub event: NoticeEvent,
    /// When.
    pub at: Timestamp,
    /// The alert as it was then.
    pub snapshot: Value,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// It arrived.
    Sent,
    /// It is tried again after this long.
    Retry(Duration),
    /// It is given up.
    DeadLetter,
    /// It is given up, and its channel is disabled for this reason.
    Disable(&'static str),
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// For people.
    pub attempt: Attempt,
    /// What becomes of the message.
    pub outcome: DeliveryOutcome,
    /// How long nothing is sent to the channel.
    pub pause: Duration,
}

/// Takes messages that are due, of up to `n` channels of which nobody has one in hand, for `lease`.
///
/// A channel is held as a whole, which keeps its messages in order and its throttle true. Of one alert, nothing is sent
/// before what happened earlier has arrived or was given up; but a message that fails holds up no other alert's. Whoever
/// dies with messages in hand sends them when the lease ends: they may then arrive twice, under the same name.
/// Only channels whose secrets are encrypted with the key `sealed_by` are taken.
pub async fn claim(
    store: &Store,
    n: usize,
    lease: Duration,
    sealed_by: &str,
) -> Result<Vec<ClaimedMessage>, StoreError> {
    store.run(async |client| claim_on(client, n, lease, sealed_by).await).await
}

/// That an earlier notification about the same alert waits, in another message.
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
        let channel: Uuid = row.try_get(0)?;
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

/// The message whose turn it is. What gathered becomes one message here, once and for all: every attempt of it, by
/// whomever, holds the same.
async fn head(transaction: &Transaction<'_>, channel: Uuid) -> Result<Option<Uuid>, StoreError> {
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
    let message = Uuid::now_v7();
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

/// Notes what came of an attempt and lets go of the channel.
///
/// By whoever's lease ran out meanwhile as well: that it arrived is true all the same, and nobody's lease but one's own is
/// ended.
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
    // The pause of the last attempt tells when that was.
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
    let ids: Vec<Uuid> = claimed.items.iter().map(|item| item.notification).collect();
    let transaction = client.transaction().await?;
    // The channel first, as whoever claims does, so that two never wait for each other.
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
        _ if has_failed_long => disable(&transaction, channel, "nothing arrived for five days").await?,
        _ => {}
    }
    transaction.commit().await?;
    Ok(())
}

async fn disable(transaction: &Transaction<'_>, channel: Uuid, reason: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE notification_channels SET enabled = false, disabled_reason = $2, updated_at = now() WHERE id = $1";
    transaction.execute(SQL, &[&channel, &reason]).await?;
    dead_letter_pending(transaction, channel).await
}

/// Gives up what a channel was yet to be told. Each can be resent.
pub(in crate::store) async fn dead_letter_pending(
    transaction: &Transaction<'_>,
    channel: Uuid,
) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE notifications SET state = 'dead' WHERE channel = $1 AND state = 'pending'";
    transaction.execute(SQL, &[&channel]).await?;
    Ok(())
}
