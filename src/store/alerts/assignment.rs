//! Assigns alerts to people.

use deadpool_postgres::Object;

use super::acknowledgement::Acknowledgement;
use super::row::{alert_of, columns};
use crate::models::id::AlertId;
use crate::models::person_name::{PersonName, Stamp};
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Assigns an alert to a person, or unassigns it, and returns it; `None` if it does not exist. Changes nothing if the
/// assignment is the same as before.
pub async fn assign(
    store: &Store,
    id: AlertId,
    assignee: Option<&PersonName>,
    stamp: &Stamp,
) -> Result<Option<Acknowledgement>, StoreError> {
    let assignee = assignee.map(PersonName::as_str);
    store.run(async |client| assign_on(client, id, assignee, stamp).await).await
}

async fn assign_on(
    client: &mut Object,
    id: AlertId,
    assignee: Option<&str>,
    stamp: &Stamp,
) -> Result<Option<Acknowledgement>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sentiment_alerts SET assignee = $2, revision = revision + 1
        WHERE id = $1 AND assignee IS DISTINCT FROM $2 RETURNING ",
        columns!()
    );
    const READ: &str = concat!("SELECT ", columns!(), " FROM sentiment_alerts WHERE id = $1");
    const NOTE: &str = "
        INSERT INTO alert_history (alert, at, action, value, actor, assignee) VALUES ($1, $2, $3, $4, $5, $6)";
    let transaction = client.transaction().await?;
    let Some(row) = transaction.query_opt(SQL, &[&id, &assignee]).await? else {
        let unchanged = transaction.query_opt(READ, &[&id]).await?;
        let alert = unchanged.as_ref().map(alert_of).transpose()?;
        return Ok(alert.map(|alert| Acknowledgement { alert, is_changed: false }));
    };
    let alert = alert_of(&row)?;
    let action = if assignee.is_some() { "assigned" } else { "unassigned" };
    let at = PgTimestamp(stamp.at);
    transaction.execute(NOTE, &[&id, &at, &action, &alert.value, &stamp.name(), &assignee]).await?;
    transaction.commit().await?;
    Ok(Some(Acknowledgement { alert, is_changed: true }))
}
