//! The audit log: rows, the chain that links them, and checkpoints.
//!
//! Rows are inserted without a lock and never change. One transaction at a time, under an advisory lock, links rows that
//! wait in `audit_unchained`. So after a crash, the chain is complete up to some position, and all later rows still wait.

pub mod chain; // linking rows
pub mod checkpoints; // signed statements about the chain
pub mod list; // pages and exports
pub mod retention; // monthly partitions, and expiry of whole months
pub mod verification; // reading the whole chain

mod row; // reading rows and links

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::codec::PgMicros;
use super::{Store, StoreError};
use crate::models::audit::{AuditRow, Inet, SealedRow};

/// Inserts rows, which then wait to be chained. A statement inserts all of them or none.
pub async fn insert(store: &Store, rows: &[SealedRow]) -> Result<(), StoreError> {
    let columns = Columns::of(rows);
    store.execute(INSERT, &columns.params()).await.map(drop)
}

/// Statement that inserts rows, with the parameters of [`Columns::params`].
const INSERT: &str = "
    WITH entry AS (
        INSERT INTO audit_logs (id, created_at, action, actor_kind, actor_id, actor_name, object, ip_address,
            payload, seal, sealed_by)
        SELECT id, created_at, action, actor_kind, actor_id, actor_name, object, ip_address, payload::json,
            seal, sealed_by
        FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::inet[], $9::text[], $10::bytea[], $11::text[])
            AS given (id, created_at, action, actor_kind, actor_id, actor_name, object, ip_address, payload,
                seal, sealed_by)
        RETURNING created_at, id
    )
    INSERT INTO audit_unchained (created_at, id) SELECT created_at, id FROM entry";

/// Rows by columns.
struct Columns<'a> {
    ids: Vec<Uuid>,
    times: Vec<PgMicros>,
    actions: Vec<&'a str>,
    actor_kinds: Vec<&'a str>,
    actor_ids: Vec<Option<&'a str>>,
    actor_names: Vec<Option<&'a str>>,
    objects: Vec<Option<&'a str>>,
    addresses: Vec<Option<&'a Inet>>,
    payloads: Vec<&'a str>,
    seals: Vec<&'a [u8]>,
    sealed_by: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    fn of(rows: &'a [SealedRow]) -> Self {
        let row = |column: fn(&AuditRow) -> &str| rows.iter().map(|sealed| column(&sealed.row)).collect();
        let optional = |column: fn(&AuditRow) -> Option<&str>| {
            rows.iter().map(|sealed| column(&sealed.row)).collect::<Vec<_>>()
        };
        Self {
            ids: rows.iter().map(|sealed| sealed.row.id).collect(),
            times: rows.iter().map(|sealed| PgMicros(sealed.row.created_at)).collect(),
            actions: row(|row| &row.action),
            actor_kinds: row(|row| &row.actor_kind),
            actor_ids: optional(|row| row.actor_id.as_deref()),
            actor_names: optional(|row| row.actor_name.as_deref()),
            objects: optional(|row| row.object.as_deref()),
            addresses: rows.iter().map(|sealed| sealed.row.ip_address.as_ref()).collect(),
            payloads: row(|row| &row.payload),
            seals: rows.iter().map(|sealed| sealed.seal.as_slice()).collect(),
            sealed_by: rows.iter().map(|sealed| sealed.sealed_by.as_str()).collect(),
        }
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 11] {
        [
            &self.ids,
            &self.times,
            &self.actions,
            &self.actor_kinds,
            &self.actor_ids,
            &self.actor_names,
            &self.objects,
            &self.addresses,
            &self.payloads,
            &self.seals,
            &self.sealed_by,
        ]
    }
}
