//! Pages and exports of the audit log, newest entry first.

use futures_util::stream::{self, Stream};
use serde_json::value::RawValue;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::models::audit::{AuditEntry, AuditFilter, Inet};
use crate::store::codec::PgTimestamp;
use crate::store::page::{Cursor, PAGE_MAX, Page, limits};
use crate::store::{Store, StoreError};

/// Returns one page of matching entries.
pub async fn list(
    store: &Store,
    filter: &AuditFilter,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<AuditEntry>, StoreError> {
    // Absent conditions are constants when the statement is planned, so they cost nothing.
    const SQL: &str = "
        SELECT log.id, log.created_at, log.action, log.actor_kind, log.actor_id, log.actor_name, log.object,
            log.ip_address, log.payload::text, chain.seq
        FROM (
            SELECT * FROM audit_logs
            WHERE ($1::text[] IS NULL OR actor_id = ANY ($1) OR actor_kind = ANY ($1) OR actor_name = ANY ($1))
                AND ($2::text[] IS NULL OR action = ANY ($2))
                AND ($3::text IS NULL OR object = $3)
                AND ($4::timestamptz IS NULL OR created_at >= $4)
                AND ($5::timestamptz IS NULL OR created_at < $5)
                AND ($6::timestamptz IS NULL OR (created_at, id) < ($6, $7::uuid))
            ORDER BY created_at DESC, id DESC LIMIT $8
        ) AS log
        LEFT JOIN audit_chain AS chain ON chain.id = log.id
        ORDER BY log.created_at DESC, log.id DESC";
    let after = cursor.map(Cursor::decode).transpose()?;
    let actors = (!filter.actors.is_empty()).then_some(&filter.actors);
    let actions: Vec<&str> = filter.actions.iter().map(|action| action.as_str()).collect();
    let actions = (!actions.is_empty()).then_some(actions);
    let (limit, n_rows) = limits(limit);
    let values: [&(dyn ToSql + Sync); 8] = [
        &actors,
        &actions,
        &filter.object,
        &filter.from.map(PgTimestamp),
        &filter.to.map(PgTimestamp),
        &after.map(|after| PgTimestamp(after.at)),
        &after.map(|after| after.id),
        &n_rows,
    ];
    let rows = store.query(SQL, &values).await?;
    let entries = rows.iter().map(entry_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(entries, limit, |entry| Cursor { at: entry.created_at, id: Uuid::from(entry.id) }))
}

/// Streams all matching entries, in chunks. Each chunk is a separate query, so a slow client occupies neither a connection
/// nor a snapshot.
pub fn export(
    store: Store,
    filter: AuditFilter,
) -> impl Stream<Item = Result<Vec<AuditEntry>, StoreError>> + Send {
    stream::try_unfold((store, filter, Some(None)), |(store, filter, cursor)| async move {
        let Some(cursor): Option<Option<String>> = cursor else {
            return Ok(None);
        };
        let page = list(&store, &filter, cursor.as_deref(), PAGE_MAX).await?;
        Ok(Some((page.items, (store, filter, page.next_cursor.map(Some)))))
    })
}

fn entry_of(row: &Row) -> Result<AuditEntry, StoreError> {
    let payload: String = row.try_get(8)?;
    let address: Option<Inet> = row.try_get(7)?;
    Ok(AuditEntry {
        id: row.try_get(0)?,
        created_at: row.try_get(1)?,
        action: row.try_get(2)?,
        actor_kind: row.try_get(3)?,
        actor_id: row.try_get(4)?,
        actor_name: row.try_get(5)?,
        object: row.try_get(6)?,
        ip_address: address.and_then(|address| address.address()),
        payload: RawValue::from_string(payload).map_err(|error| StoreError::internal(error.to_string()))?,
        seq: row.try_get(9)?,
    })
}
