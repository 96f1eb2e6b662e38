//! Alert history: one entry for each phase that an alert entered and each action taken on it.

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use uuid::Uuid;

use crate::models::alert::AlertMoment;
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Event in an alert's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Event {
    /// The alert entered a phase.
    Phase(&'static str),
    /// An action was taken on the alert.
    Action(&'static str),
}

/// Adds a history entry to each alert, with its current value.
pub(in crate::store) async fn note(
    transaction: &Transaction<'_>,
    alerts: &[Uuid],
    event: Event,
    at: Timestamp,
) -> Result<(), StoreError> {
    let moments: Vec<_> = alerts.iter().map(|alert| (*alert, at)).collect();
    note_each(transaction, &moments, event).await
}

/// Adds a history entry to each alert, each with its own time.
pub(in crate::store) async fn note_each(
    transaction: &Transaction<'_>,
    moments: &[(Uuid, Timestamp)],
    event: Event,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO alert_history (alert, at, phase, action, value)
        SELECT id, moment.at, $3, $4, value
        FROM unnest($1::uuid[], $2::timestamptz[]) AS moment (alert, at) JOIN sentiment_alerts ON id = alert
        ORDER BY id";
    if moments.is_empty() {
        return Ok(());
    }
    let (phase, action) = match event {
        Event::Phase(name) => (Some(name), None),
        Event::Action(name) => (None, Some(name)),
    };
    let (alerts, times): (Vec<Uuid>, Vec<PgTimestamp>) =
        moments.iter().map(|(alert, at)| (*alert, PgTimestamp(*at))).unzip();
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&alerts, &times, &phase, &action]).await?;
    Ok(())
}

/// Returns an alert's history, oldest first.
pub(super) async fn of_alert(client: &Object, alert: Uuid) -> Result<Vec<AlertMoment>, StoreError> {
    const SQL: &str =
        "SELECT at, phase, action, value FROM alert_history WHERE alert = $1 ORDER BY at, id LIMIT 1000";
    let rows = client.query(SQL, &[&alert]).await?;
    let moment = |row: &tokio_postgres::Row| {
        Ok(AlertMoment {
            at: row.try_get(0)?,
            phase: row.try_get(1)?,
            action: row.try_get(2)?,
            value: row.try_get(3)?,
        })
    };
    rows.iter().map(moment).collect()
}
