//! Reads and acknowledges alerts.

use std::collections::HashMap;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::history::{self, Event};
use super::row::{alert_of, columns};
use crate::models::alert::{Alert, AlertRule, AlertState, AlertWithHistory, Severity};
use crate::models::evaluation::NotifiedAlert;
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::notifications::outbox::{self, Notice, NoticeEvent};
use crate::store::page::{Cursor, Page, limits};
use crate::store::{Store, StoreError};

/// Query for a list of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertsQuery {
    /// Restricts the list to open or to resolved alerts.
    pub state: Option<AlertState>,
    /// Restricts the list to alerts of this kind.
    pub rule: Option<AlertRule>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
    /// Maximum number of alerts to return, 1 to [`crate::store::page::PAGE_MAX`].
    pub limit: usize,
}

/// Returns one page of alerts, most recently opened first. Fails with `BadCursor`.
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
    let (at, id) = (cursor.map(|cursor| PgTimestamp(cursor.at)), cursor.map(|cursor| cursor.id));
    let rows = store.query(SQL, &[&state, &rule, &at, &id, &n_rows]).await?;
    let alerts = rows.iter().map(alert_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(alerts, limit, |alert| Cursor { at: alert.opened_at, id: alert.id }))
}

/// Returns an alert with its history; `None` if it does not exist.
pub async fn get(store: &Store, id: Uuid) -> Result<Option<AlertWithHistory>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM sentiment_alerts WHERE id = $1");
    store
        .run(async |client| {
            let Some(row) = client.query_opt(SQL, &[&id]).await? else {
                return Ok::<_, StoreError>(None);
            };
            let history = history::of_alert(client, id).await?;
            Ok(Some(AlertWithHistory { alert: alert_of(&row)?, history }))
        })
        .await
}

const BY_IDS: &str =
    concat!("SELECT ", columns!(), " FROM sentiment_alerts WHERE id = ANY ($1) ORDER BY opened_at, id");

/// Returns alerts by id, in the order in which they opened.
pub(in crate::store) async fn by_ids(
    transaction: &Transaction<'_>,
    ids: &[Uuid],
) -> Result<Vec<Alert>, StoreError> {
    let statement = transaction.prepare_cached(BY_IDS).await?;
    transaction.query(&statement, &[&ids]).await?.iter().map(alert_of).collect()
}

/// Returns every open alert, and every resolved alert whose end has not been published yet, in the order in which they
/// opened; with a rule, only that rule's alerts. Posts and evidence are omitted.
pub(in crate::store) async fn notified(
    transaction: &Transaction<'_>,
    rule: Option<Uuid>,
) -> Result<Vec<NotifiedAlert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(brief),
        ", told_as, told_severity::text, channels
        FROM sentiment_alerts
        WHERE (state = 'open' OR (state = 'resolved' AND told_as IS NOT NULL AND NOT told_over))
            AND ($1::uuid IS NULL OR rule_id = $1)
        ORDER BY opened_at, id"
    );
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&rule]).await?;
    let notified = |row: &Row| {
        let name: Option<Uuid> = row.try_get(23)?;
        let notified_as = match name {
            Some(name) => Some((name, enum_at(row, 24, &Severity::ALL, Severity::as_str)?)),
            None => None,
        };
        Ok(NotifiedAlert { alert: alert_of(row)?, notified_as, channels: row.try_get(25)? })
    };
    rows.iter().map(notified).collect()
}

/// Returns every open alert, in the order in which they opened. Posts and evidence are omitted, because for thousands of
/// alerts they take tens of megabytes; [`whole`] reads them.
pub async fn open(store: &Store) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(brief),
        " FROM sentiment_alerts WHERE state = 'open' ORDER BY opened_at, id"
    );
    store.query(SQL, &[]).await?.iter().map(alert_of).collect()
}

/// Returns the open alerts of one kind that belong to the given rule, or to no rule.
pub async fn open_of(
    store: &Store,
    kind: AlertRule,
    rule_id: Option<Uuid>,
) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(brief),
        " FROM sentiment_alerts
        WHERE state = 'open' AND rule = $1::text::alert_rule AND rule_id IS NOT DISTINCT FROM $2
        ORDER BY opened_at, id"
    );
    store.query(SQL, &[&kind.as_str(), &rule_id]).await?.iter().map(alert_of).collect()
}

/// How many alerts need suppression or publication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertBacklog {
    /// Open alerts.
    pub n_open: i64,
    /// Resolved alerts whose end has not been published yet.
    pub n_unpublished_ends: i64,
}

/// Counts the backlog using indexes.
pub async fn backlog(store: &Store) -> Result<AlertBacklog, StoreError> {
    const SQL: &str = "
        SELECT (SELECT count(*) FROM sentiment_alerts WHERE state = 'open'),
            (SELECT count(*) FROM sentiment_alerts WHERE state = 'resolved' AND told_as IS NOT NULL AND NOT told_over)";
    let row = store.query_one(SQL, &[]).await?;
    Ok(AlertBacklog { n_open: row.try_get(0)?, n_unpublished_ends: row.try_get(1)? })
}

/// Counts open alerts by kind and severity.
pub async fn count_open(store: &Store) -> Result<HashMap<(AlertRule, Severity), i64>, StoreError> {
    const SQL: &str = "
        SELECT rule::text, severity::text, count(*) FROM sentiment_alerts WHERE state = 'open' GROUP BY rule, severity";
    let counted = |row: &Row| {
        let rule = enum_at(row, 0, &AlertRule::ALL, AlertRule::as_str)?;
        let severity = enum_at(row, 1, &Severity::ALL, Severity::as_str)?;
        Ok(((rule, severity), row.try_get(2)?))
    };
    store.query(SQL, &[]).await?.iter().map(counted).collect()
}

/// Returns these alerts with posts and evidence, in the order in which they opened.
pub async fn whole(store: &Store, ids: &[Uuid]) -> Result<Vec<Alert>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    store.query(BY_IDS, &[&ids]).await?.iter().map(alert_of).collect()
}

/// Outcome of an acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// Alert in its current state.
    pub alert: Alert,
    /// Whether this is the first acknowledgement.
    pub is_first: bool,
}

/// Acknowledges an alert and returns it; `None` if it does not exist. Only the first acknowledgement counts.
pub async fn acknowledge(store: &Store, id: Uuid, at: Timestamp) -> Result<Option<Acknowledged>, StoreError> {
    store.run(async |client| acknowledge_on(client, id, at).await).await
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
    let first = transaction.query_opt(NOTE, &[&id, &PgTimestamp(at)]).await?;
    let is_first = first.is_some();
    let row = match first {
        Some(row) => Some(row),
        None => transaction.query_opt(READ, &[&id]).await?,
    };
    if is_first {
        history::note(&transaction, &[id], Event::Action("acknowledged"), at).await?;
        tell_acknowledged(&transaction, id).await?;
    }
    transaction.commit().await?;
    let alert = row.as_ref().map(alert_of).transpose()?;
    Ok(alert.map(|alert| Acknowledged { alert, is_first }))
}

/// Enqueues the acknowledgement for channels that track the alert elsewhere, under the id that they know. If alerts were
/// published together, that is the id of the first one.
async fn tell_acknowledged(transaction: &Transaction<'_>, id: Uuid) -> Result<(), StoreError> {
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
