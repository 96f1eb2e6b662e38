//! Acknowledges alerts, and withdraws acknowledgements.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::types::ToSql;

use super::history::{self, Event};
use super::row::{alert_of, columns};
use crate::models::alert::Alert;
use crate::models::id::AlertId;
use crate::models::person_name::Stamp;
use crate::store::codec::PgTimestamp;
use crate::store::notifications::outbox::{self, Notice, NoticeEvent};
use crate::store::{Store, StoreError};

/// Outcome of acknowledging an alert or withdrawing the acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledgement {
    /// Alert in its current state.
    pub alert: Alert,
    /// Whether the request changed the alert.
    pub is_changed: bool,
}

/// Acknowledges an alert and returns it; `None` if it does not exist. An alert that is already acknowledged keeps its
/// first acknowledgement.
pub async fn acknowledge(
    store: &Store,
    id: AlertId,
    stamp: &Stamp,
) -> Result<Option<Acknowledgement>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sentiment_alerts SET acknowledged_at = $2, revision = revision + 1
        WHERE id = $1 AND acknowledged_at IS NULL RETURNING ",
        columns!()
    );
    let change =
        Change { id, stamp, sql: SQL, params: &[&id, &PgTimestamp(stamp.at)], action: "acknowledged" };
    store.run(async |client| apply(client, &change).await).await
}

/// Withdraws an acknowledgement and returns the alert; `None` if it does not exist. Changes nothing if the alert is not
/// acknowledged.
///
/// Channels that were notified of the acknowledgement are not notified again, because none of them can undo an
/// acknowledgement.
pub async fn unacknowledge(
    store: &Store,
    id: AlertId,
    stamp: &Stamp,
) -> Result<Option<Acknowledgement>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sentiment_alerts SET acknowledged_at = NULL, revision = revision + 1
        WHERE id = $1 AND acknowledged_at IS NOT NULL RETURNING ",
        columns!()
    );
    let change = Change { id, stamp, sql: SQL, params: &[&id], action: "unacknowledged" };
    store.run(async |client| apply(client, &change).await).await
}

/// Statement that changes one alert if necessary, and the history entry that records the change.
struct Change<'a> {
    id: AlertId,
    stamp: &'a Stamp,
    sql: &'a str,
    params: &'a [&'a (dyn ToSql + Sync)],
    action: &'static str,
}

async fn apply(client: &mut Object, change: &Change<'_>) -> Result<Option<Acknowledgement>, StoreError> {
    const READ: &str = concat!("SELECT ", columns!(), " FROM sentiment_alerts WHERE id = $1");
    let transaction = client.transaction().await?;
    let Some(row) = transaction.query_opt(change.sql, change.params).await? else {
        let unchanged = transaction.query_opt(READ, &[&change.id]).await?;
        let alert = unchanged.as_ref().map(alert_of).transpose()?;
        return Ok(alert.map(|alert| Acknowledgement { alert, is_changed: false }));
    };
    let alert = alert_of(&row)?;
    let event = Event::Deed { action: change.action, by: change.stamp.name() };
    history::note(&transaction, &[change.id], event, change.stamp.at).await?;
    if alert.acknowledged_at.is_some() {
        tell_acknowledged(&transaction, change.id).await?;
    }
    transaction.commit().await?;
    Ok(Some(Acknowledgement { alert, is_changed: true }))
}

/// Enqueues the acknowledgement for channels that track the alert in another system. Alerts that were published
/// together are known there by the id of the first, so acknowledging any other one enqueues nothing.
async fn tell_acknowledged(transaction: &Transaction<'_>, id: AlertId) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM sentiment_alerts WHERE id = $1 AND told_as = $1 AND state = 'open'"
    );
    if let Some(row) = transaction.query_opt(SQL, &[&id]).await? {
        let alert = alert_of(&row)?;
        let notice = Notice { event: NoticeEvent::Acknowledged, alert: &alert, channels: &[] };
        outbox::enqueue(transaction, &notice).await?;
    }
    Ok(())
}
