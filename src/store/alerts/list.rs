//! Reads alerts: pages of a list, single alerts, open alerts, and counts.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::history;
use super::row::{alert_of, columns};
use crate::models::alert::{Alert, AlertRule, AlertState, AlertWithHistory, Scope, Severity};
use crate::models::evaluation::NotifiedAlert;
use crate::models::id::{AlertId, RuleId};
use crate::store::codec::{PgTimestamp, enum_at, parse_enum};
use crate::store::page::{Cursor, Page, limits};
use crate::store::{Store, StoreError};

/// Filters for a list of alerts, and the page to return.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertsQuery {
    /// Restricts the list to either open or resolved alerts.
    pub state: Option<AlertState>,
    /// Restricts the list to alerts of this kind.
    pub rule: Option<AlertRule>,
    /// Restricts the list to alerts that are assigned to this person; `""` for nobody.
    pub assignee: Option<String>,
    /// Restricts the list to alerts that opened at or after this time.
    pub from: Option<Timestamp>,
    /// Restricts the list to alerts that opened before this time.
    pub to: Option<Timestamp>,
    /// `next_cursor` of the previous page; `None` for the first page.
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
            AND ($6::text IS NULL OR ($6 = '' AND assignee IS NULL) OR assignee = $6)
            AND ($7::timestamptz IS NULL OR opened_at >= $7)
            AND ($8::timestamptz IS NULL OR opened_at < $8)
        ORDER BY opened_at DESC, id DESC
        LIMIT $5"
    );
    let (limit, n_rows) = limits(query.limit);
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let state = query.state.map(AlertState::as_str);
    let rule = query.rule.map(AlertRule::as_str);
    let (at, id) = (cursor.map(|cursor| PgTimestamp(cursor.at)), cursor.map(|cursor| cursor.id));
    let (from, to) = (query.from.map(PgTimestamp), query.to.map(PgTimestamp));
    let rows = store.query(SQL, &[&state, &rule, &at, &id, &n_rows, &query.assignee, &from, &to]).await?;
    let alerts = rows.iter().map(alert_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(alerts, limit, |alert| Cursor { at: alert.opened_at, id: alert.id.into() }))
}

/// Returns an alert with its history; `None` if it does not exist.
pub async fn get(store: &Store, id: AlertId) -> Result<Option<AlertWithHistory>, StoreError> {
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

/// Returns alerts by id, in the order they opened.
pub(in crate::store) async fn by_ids(
    transaction: &Transaction<'_>,
    ids: &[AlertId],
) -> Result<Vec<Alert>, StoreError> {
    let statement = transaction.prepare_cached(BY_IDS).await?;
    transaction.query(&statement, &[&ids]).await?.iter().map(alert_of).collect()
}

/// Returns every open alert, and every resolved alert whose end has not been published yet, in the order they opened;
/// if a rule is given, only that rule's alerts. Posts and evidence are omitted.
pub(in crate::store) async fn notified(
    transaction: &Transaction<'_>,
    rule: Option<RuleId>,
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
        let name: Option<AlertId> = row.try_get("told_as")?;
        let notified_as = match name {
            Some(name) => {
                Some((name, parse_enum(row.try_get("told_severity")?, &Severity::ALL, Severity::as_str)?))
            }
            None => None,
        };
        Ok(NotifiedAlert { alert: alert_of(row)?, notified_as, channels: row.try_get("channels")? })
    };
    rows.iter().map(notified).collect()
}

/// Returns every open alert, in the order they opened. Posts and evidence are omitted, because they take up tens of
/// megabytes for thousands of alerts; [`whole`] reads them.
pub async fn open(store: &Store) -> Result<Vec<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(brief),
        " FROM sentiment_alerts WHERE state = 'open' ORDER BY opened_at, id"
    );
    store.query(SQL, &[]).await?.iter().map(alert_of).collect()
}

/// Returns the most severe alerts that opened in a period, without posts and evidence, and the total number of such
/// alerts. If scopes are given, only alerts on one of them count.
pub async fn opened_in(
    store: &Store,
    (from, to): (Timestamp, Timestamp),
    scopes: Option<&[Scope]>,
    n_max: usize,
) -> Result<(Vec<Alert>, i64), StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(brief),
        ", count(*) OVER () AS n_all FROM sentiment_alerts
        WHERE opened_at >= $1 AND opened_at < $2
            AND ($3::text[] IS NULL OR (dimension::text, key) IN (SELECT * FROM unnest($3, $4::text[])))
        ORDER BY severity DESC, opened_at DESC, id LIMIT $5"
    );
    let dimensions: Option<Vec<&str>> =
        scopes.map(|scopes| scopes.iter().map(|scope| scope.dimension.as_str()).collect());
    let keys: Option<Vec<&str>> =
        scopes.map(|scopes| scopes.iter().map(|scope| scope.key.as_str()).collect());
    let n_max = i64::try_from(n_max).unwrap_or(i64::MAX);
    let rows = store.query(SQL, &[&PgTimestamp(from), &PgTimestamp(to), &dimensions, &keys, &n_max]).await?;
    let n_all = rows.first().map_or(Ok(0), |row| row.try_get("n_all"))?;
    Ok((rows.iter().map(alert_of).collect::<Result<_, _>>()?, n_all))
}

/// Returns the open alerts of one kind that belong to the given rule or, if none is given, to no rule.
pub async fn open_of(
    store: &Store,
    kind: AlertRule,
    rule_id: Option<RuleId>,
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

/// How many alerts an evaluation must consider for suppression or publication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertBacklog {
    /// Number of open alerts.
    pub n_open: i64,
    /// Number of resolved alerts whose end has not been published yet.
    pub n_unpublished_ends: i64,
}

/// Counts the open alerts and the unpublished ends, using only index scans.
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

/// Returns alerts by id, with posts and evidence, in the order they opened.
pub async fn whole(store: &Store, ids: &[AlertId]) -> Result<Vec<Alert>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    store.query(BY_IDS, &[&ids]).await?.iter().map(alert_of).collect()
}
