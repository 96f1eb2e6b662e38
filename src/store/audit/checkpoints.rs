//! Stores signed checkpoints.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::models::audit::{ChainEnd, Checkpoint, CheckpointKind, HASH_BYTES, SignedCheckpoint};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::{Store, StoreError};

/// Stores a checkpoint.
pub async fn insert(store: &Store, signed: &SignedCheckpoint) -> Result<(), StoreError> {
    store.run(async |client| insert_on(&*client, signed).await).await
}

pub(super) async fn insert_on(
    client: &impl GenericClient,
    signed: &SignedCheckpoint,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO audit_checkpoints (seq, kind, created_at, hash, expired_before, public_key, signature)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let Checkpoint { kind, end, at, expired_before } = &signed.checkpoint;
    let values: [&(dyn ToSql + Sync); 7] = [
        &end.seq,
        &kind.as_str(),
        &PgTimestamp(*at),
        &end.hash.as_slice(),
        &expired_before.map(PgTimestamp),
        &signed.public_key,
        &signed.signature,
    ];
    client.execute(SQL, &values).await?;
    Ok(())
}

/// Returns the newest checkpoint of the chain's end, if there is one.
pub async fn newest(store: &Store) -> Result<Option<SignedCheckpoint>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM audit_checkpoints WHERE kind = 'head' ORDER BY seq DESC LIMIT 1");
    store.query_opt(&sql, &[]).await?.as_ref().map(checkpoint_of).transpose()
}

/// Columns that [`checkpoint_of`] reads, in this order.
pub(super) const COLUMNS: &str = "seq, kind, created_at, hash, expired_before, public_key, signature";

pub(super) fn checkpoint_of(row: &Row) -> Result<SignedCheckpoint, StoreError> {
    let hash: &[u8] = row.try_get(3)?;
    Ok(SignedCheckpoint {
        checkpoint: Checkpoint {
            kind: enum_at(row, 1, &CheckpointKind::ALL, CheckpointKind::as_str)?,
            end: ChainEnd {
                seq: row.try_get(0)?,
                // The signature of a hash of another length is invalid.
                hash: <[u8; HASH_BYTES]>::try_from(hash).unwrap_or_default(),
            },
            at: row.try_get(2)?,
            expired_before: row.try_get(4)?,
        },
        public_key: row.try_get(5)?,
        signature: row.try_get(6)?,
    })
}
