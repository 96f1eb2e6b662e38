//! Reads rows and links exactly as stored.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::models::audit::{AuditRow, Link, SealedRow};
use crate::store::StoreError;
use crate::store::codec::PgMicros;

/// Columns of a sealed row, for [`sealed_of`].
pub(super) const SEALED: &str =
    "log.id, log.created_at, log.action, log.actor_kind, log.actor_id, log.actor_name,
    log.object, log.ip_address, log.payload::text, log.seal, log.sealed_by";

/// Columns of a link, for [`link_of`].
pub(super) const LINK: &str =
    "chain.seq, chain.created_at, chain.id, chain.seal, chain.linked_by, chain.hash";

/// Number of columns in [`LINK`].
pub(super) const N_LINK: usize = 6;

/// Reads the columns [`SEALED`] that begin at `first`; `None` if they come from an outer join without a match.
pub(super) fn sealed_of(row: &Row, first: usize) -> Result<Option<SealedRow>, StoreError> {
    let Some(id) = row.try_get::<_, Option<Uuid>>(first)? else {
        return Ok(None);
    };
    let PgMicros(created_at) = row.try_get(first + 1)?;
    Ok(Some(SealedRow {
        row: AuditRow {
            id,
            created_at,
            action: row.try_get(first + 2)?,
            actor_kind: row.try_get(first + 3)?,
            actor_id: row.try_get(first + 4)?,
            actor_name: row.try_get(first + 5)?,
            object: row.try_get(first + 6)?,
            ip_address: row.try_get(first + 7)?,
            payload: row.try_get(first + 8)?,
        },
        seal: row.try_get(first + 9)?,
        sealed_by: row.try_get(first + 10)?,
    }))
}

/// Reads the columns [`LINK`], which come first.
pub(super) fn link_of(row: &Row) -> Result<Link, StoreError> {
    let PgMicros(created_at) = row.try_get(1)?;
    Ok(Link {
        seq: row.try_get(0)?,
        created_at,
        id: row.try_get(2)?,
        seal: row.try_get(3)?,
        linked_by: row.try_get(4)?,
        hash: row.try_get(5)?,
    })
}
