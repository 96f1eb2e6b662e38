//! Alerts as they are shown.

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::history::{self, Event};
use super::row::{alert_of, columns};
use crate::models::alert::{Alert, AlertRule, AlertState, AlertWithHistory};
use crate::store::codec::Moment;
use crate::store::page::{Cursor, Page, limits};
use crate::store::{ANSWER_TIMEOUT, Store, StoreError, answered};

/// Which alerts to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertsQuery {
    /// Only open ones, or only resolved ones.
    pub state: Option<AlertState>,
    /// Only those of this kind.
    pub rule: Option<AlertRule>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Most alerts to answer, 1 to [`crate::store::page::PAGE_MAX`].
    pub limit: usize,
}

/// One page of alerts, the last opened first. Fails with `BadCursor`.
pub async fn list(store: &Store, query: &AlertsQuery) -> Result<Page<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        "
        FROM sentiment_alerts
        WHERE ($1::text IS NULL OR state = $1::alert_state)
            AND ($2::text IS NULL OR rule = $2::alert_rule)
            AND ($3::timestamptz IS NULL OR (opened_at, id) < ($3, $4::uuid))
        ORDER BY opened_at DESC, id DESC
        LIMIT $5"
    );
    let (limit, n_rows) = limits(query.limit);
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let state = query.state.map(AlertState::as_str);
    let rule = query.rule.map(AlertRule::as_str);
    let (at, id) = (cursor.map(|cursor| Moment(cursor.at)), cursor.map(|cursor| cursor.id));
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(SQL, &[&state, &rule, &at, &id, &n_rows])).await;
    let rows = answered(client, outcome)?;
    let alerts = rows.iter().map(alert_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(alerts, limit, |alert| Cursor { at: alert.opened_at, id: alert.id }))
}

/// One alert with its history; `None` when there is no such alert.
pub async fn get(store: &Store, id: Uuid) -> Result<Option<AlertWithHistory>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM sentiment_alerts WHERE id = $1");
    let client = store.client().await?;
    let work = async {
        let Some(row) = client.query_opt(SQL, &[&id]).await? else {
            return Ok::<_, StoreError>(None);
        };
        let history = history::of_alert(&client, id).await?;
        Ok(Some(AlertWithHistory { alert: alert_of(&row)?, history }))
    };
    let outcome = timeout(ANSWER_TIMEOUT, work).await;
    answered(client, outcome)
}

/// What became of an acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// The alert as it is now.
    pub alert: Alert,
    /// Whether nobody had seen it before.
    pub is_first: bool,
}

/// Notes that a person has seen it, and answers it; `None` when there is no such alert. The first time stands.
pub async fn acknowledge(store: &Store, id: Uuid, at: Timestamp) -> Result<Option<Acknowledged>, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, acknowledge_on(&mut client, id, at)).await;
    answered(client, outcome)
}

async fn acknowledge_on(
    client: &mut Object,
    id: Uuid,
    at: Timestamp,
) -> Result<Option<Acknowledged>, StoreError> {
    const NOTE: &str = concat!(
        "UPDATE sentiment_alerts SET acknowledged_at = $2 WHERE id = $1 AND acknowledged_at IS NULL RETURNING ",
        columns!()
    );
    const READ: &str = concat!("SELECT ", columns!(), " FROM sentiment_alerts WHERE id = $1");
    let transaction = client.transaction().await?;
    let first = transaction.query_opt(NOTE, &[&id, &Moment(at)]).await?;
    let is_first = first.is_some();
    let row = match first {
        Some(row) => Some(row),
        None => transaction.query_opt(READ, &[&id]).await?,
    };
    if is_first {
        history::note(&transaction, &[id], Event::Action("acknowledged"), at).await?;
    }
    transaction.commit().await?;
    let alert = row.as_ref().map(alert_of).transpose()?;
    Ok(alert.map(|alert| Acknowledged { alert, is_first }))
}
