//! Notification history, and resending of notifications.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::models::id::{AlertId, ChannelId, NotificationId};
use crate::models::notification::{Attempt, NoticeEvent, Notification, NotificationState};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::page::{Cursor, Page, limits};
use crate::store::{Store, StoreError};

/// Age in days after which finished notifications are deleted.
const KEPT_DAYS: i32 = 30;

/// Maximum number of rows deleted per call.
const EXPIRED_MAX: i64 = 5_000;

/// Filters for a list of notifications, and the page to return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotificationsQuery {
    /// Restricts the list to notifications to this channel.
    pub channel: Option<ChannelId>,
    /// Restricts the list to notifications in this state.
    pub state: Option<NotificationState>,
    /// Restricts the list to notifications about this alert.
    pub alert: Option<AlertId>,
    /// `next_cursor` of the previous page; `None` for the first page.
    pub cursor: Option<String>,
    /// Maximum number of notifications to return, 1 to [`crate::store::page::PAGE_MAX`].
    pub limit: usize,
}

macro_rules! columns {
    () => {
        "id, channel, alert, event::text, state::text, attempts, next_attempt_at, created_at"
    };
}

/// Returns one page of notifications, newest first. Fails with `BadCursor`.
pub async fn list(store: &Store, query: &NotificationsQuery) -> Result<Page<Notification>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM notifications
        WHERE ($1::uuid IS NULL OR channel = $1)
            AND ($2::text IS NULL OR state = $2::notification_state)
            AND ($3::uuid IS NULL OR alert = $3)
            AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
        ORDER BY created_at DESC, id DESC
        LIMIT $6"
    );
    let (limit, n_rows) = limits(query.limit);
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let (at, id) = (cursor.map(|cursor| PgTimestamp(cursor.at)), cursor.map(|cursor| cursor.id));
    let state = query.state.map(NotificationState::as_str);
    let items = store
        .run(async |client| {
            client.query(SQL, &[&query.channel, &state, &query.alert, &at, &id, &n_rows]).await
        })
        .await?
        .iter()
        .map(notification_of)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |item| Cursor { at: item.created_at, id: item.id.into() }))
}

/// Outcome of a request to resend a notification.
#[derive(Debug, Clone, PartialEq)]
pub enum Resent {
    /// The notification, which will be sent at once.
    Pending(Notification),
    /// Nothing happened, because the notification's channel is disabled.
    Disabled,
    /// The notification does not exist.
    Unknown,
}

/// Resends a notification at once, in a message of its own and with a new retry schedule. Receivers see the same id as
/// before, unless the notification arrived in a digest. A pending notification is brought forward.
pub async fn resend(store: &Store, id: NotificationId) -> Result<Resent, StoreError> {
    const SQL: &str = concat!(
        "UPDATE notifications SET state = 'pending', n_attempts = 0, next_attempt_at = now(), message = id
        WHERE id = $1 AND EXISTS (SELECT FROM notification_channels AS c WHERE c.id = channel AND enabled)
        RETURNING ",
        columns!()
    );
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM notifications WHERE id = $1)";
    store
        .run(async |client| {
            if let Some(row) = client.query_opt(SQL, &[&id]).await? {
                return Ok(Resent::Pending(notification_of(&row)?));
            }
            let exists: bool = client.query_one(EXISTS, &[&id]).await?.try_get(0)?;
            Ok::<_, StoreError>(if exists { Resent::Disabled } else { Resent::Unknown })
        })
        .await
}

/// Deletes old finished notifications, up to a maximum per call, and returns how many it deleted. Keeps those about
/// open alerts, because they determine who is notified when the alert ends.
pub async fn expire(store: &Store) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM notifications WHERE id IN (
            SELECT id FROM notifications AS old
            WHERE created_at < now() - make_interval(days => $1) AND state <> 'pending' AND NOT EXISTS (
                SELECT FROM sentiment_alerts AS open WHERE open.id = old.alert AND open.state = 'open')
            ORDER BY created_at LIMIT $2)";
    store.execute(SQL, &[&KEPT_DAYS, &EXPIRED_MAX]).await
}

fn notification_of(row: &Row) -> Result<Notification, StoreError> {
    let state = enum_at(row, 4, &NotificationState::ALL, NotificationState::as_str)?;
    let Json(attempts) = row.try_get::<_, Json<Vec<Attempt>>>(5)?;
    let next: Timestamp = row.try_get(6)?;
    Ok(Notification {
        id: row.try_get(0)?,
        channel: row.try_get(1)?,
        alert: row.try_get(2)?,
        event: enum_at(row, 3, &NoticeEvent::ALL, NoticeEvent::as_str)?,
        state,
        attempts,
        next_attempt_at: (state == NotificationState::Pending).then_some(next),
        created_at: row.try_get(7)?,
    })
}
