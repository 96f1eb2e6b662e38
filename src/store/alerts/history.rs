//! Alert history, with one entry for each phase that an alert entered and each action taken on it.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::models::alert::AlertMoment;
use crate::models::id::AlertId;
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Event that a history entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Event<'a> {
    /// The alert entered the phase with this name.
    Phase(&'static str),
    /// The action with this name was taken on the alert.
    Action(&'static str),
    /// A person took the action with this name.
    Deed {
        /// Name of the action.
        action: &'static str,
        /// Name of the person; `None` if they gave none.
        by: Option<&'a str>,
    },
}

/// Adds an entry with the alert's current value to the history of each alert.
pub(in crate::store) async fn note(
    transaction: &Transaction<'_>,
    alerts: &[AlertId],
    event: Event<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let moments: Vec<_> = alerts.iter().map(|alert| (*alert, at)).collect();
    note_each(transaction, &moments, event).await
}

/// Adds an entry to the history of each alert, with a separate time for each alert.
pub(in crate::store) async fn note_each(
    transaction: &Transaction<'_>,
    moments: &[(AlertId, Timestamp)],
    event: Event<'_>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO alert_history (alert, at, phase, action, actor, value)
        SELECT id, moment.at, $3, $4, $5, value
        FROM unnest($1::uuid[], $2::timestamptz[]) AS moment (alert, at) JOIN sentiment_alerts ON id = alert
        ORDER BY id";
    if moments.is_empty() {
        return Ok(());
    }
    let (phase, action, actor) = match event {
        Event::Phase(name) => (Some(name), None, None),
        Event::Action(name) => (None, Some(name), None),
        Event::Deed { action, by } => (None, Some(action), by),
    };
    let (alerts, times): (Vec<AlertId>, Vec<PgTimestamp>) =
        moments.iter().map(|(alert, at)| (*alert, PgTimestamp(*at))).unzip();
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&alerts, &times, &phase, &action, &actor]).await?;
    Ok(())
}

/// Returns an alert's history, oldest first: its stored entries, and the notifications about it. A long history is
/// limited to the newest entries and all comments.
pub(super) async fn of_alert(client: &Object, alert: AlertId) -> Result<Vec<AlertMoment>, StoreError> {
    const SQL: &str = "
        (SELECT at, phase, action, value, comment, actor, assignee, id FROM alert_history
        WHERE alert = $1 AND comment IS NULL ORDER BY at DESC, id DESC LIMIT 1000)
        UNION ALL
        SELECT at, phase, action, value, comment, actor, assignee, id FROM alert_history WHERE alert = $1 AND comment IS NOT NULL
        ORDER BY at, id";
    let moment = |row: &Row| {
        Ok::<_, StoreError>(AlertMoment {
            at: row.try_get(0)?,
            phase: row.try_get(1)?,
            action: row.try_get(2)?,
            value: row.try_get(3)?,
            comment: row.try_get(4)?,
            actor: row.try_get(5)?,
            assignee: row.try_get(6)?,
            ..AlertMoment::default()
        })
    };
    let rows = client.query(SQL, &[&alert]).await?;
    let mut moments = rows.iter().map(moment).collect::<Result<Vec<_>, _>>()?;
    for row in client.query(NOTIFIED, &[&alert]).await?.iter().rev() {
        let at = row.try_get(0)?;
        let place = moments.partition_point(|moment| moment.at <= at);
        let value = moments.get(place.saturating_sub(1)).and_then(|moment| moment.value);
        let notified = AlertMoment {
            at,
            action: row.try_get(1)?,
            value,
            channel: row.try_get(2)?,
            ..AlertMoment::default()
        };
        moments.insert(place, notified);
    }
    Ok(moments)
}

/// Newest finished notifications about an alert, newest first, each at the time of its last attempt. Notifications
/// about an alert that was published together with others are stored under the id of the first one.
const NOTIFIED: &str = "
    SELECT coalesce((attempts -> -1 ->> 'at')::timestamptz, sent.created_at),
        CASE WHEN sent.state = 'sent' THEN 'notified' ELSE 'notification_failed' END, channel.name
    FROM notifications AS sent JOIN notification_channels AS channel ON channel.id = sent.channel
    WHERE sent.alert = (SELECT coalesce(told_as, id) FROM sentiment_alerts WHERE id = $1)
        AND sent.state <> 'pending'
    ORDER BY sent.seq DESC LIMIT 200";
