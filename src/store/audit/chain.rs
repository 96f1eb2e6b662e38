//! Links rows that wait.

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::row::{SEALED, sealed_of};
use super::{Columns, INSERT};
use crate::models::audit::{ChainEnd, HASH_BYTES, Link, SealedRow, Waiting};
use crate::store::codec::PgMicros;
use crate::store::locks::Lock;
use crate::store::{Store, StoreError};

/// What to append to the chain.
#[derive(Debug, Clone, Default)]
pub struct Extension {
    /// Links in the order of their numbers, without gaps.
    pub links: Vec<Link>,
    /// Rows to insert, which then wait to be chained themselves.
    pub notes: Vec<SealedRow>,
    /// End of the chain afterwards.
    pub end: Option<ChainEnd>,
}

/// Result of [`extend`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// Number of rows that were taken from those that wait.
    pub n_taken: usize,
    /// End of the chain.
    pub end: ChainEnd,
}

/// Takes up to `n_max` rows that wait and appends the links that `link` makes of them. Returns `None` if another process is
/// doing so.
///
/// The lock is taken before anything is read, so the end of the chain is current. Rows leave `audit_unchained` in the
/// transaction that links them, so none is linked twice or forgotten.
pub async fn extend(
    store: &Store,
    n_max: usize,
    link: impl FnOnce(ChainEnd, Vec<Waiting>) -> Extension,
) -> Result<Option<Extended>, StoreError> {
    const TRY: &str = "SELECT pg_try_advisory_xact_lock($1)";
    let take = format!(
        "WITH taken AS (
            DELETE FROM audit_unchained
            WHERE position IN (SELECT position FROM audit_unchained ORDER BY position LIMIT $1)
            RETURNING position, created_at, id
        )
        SELECT taken.id, {SEALED} FROM taken
        LEFT JOIN audit_logs AS log ON log.created_at = taken.created_at AND log.id = taken.id
        ORDER BY taken.position"
    );
    let n_max = i64::try_from(n_max).unwrap_or(i64::MAX);
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let lock = transaction.query_one(TRY, &[&Lock::AuditChain.number()]).await?;
            if !lock.try_get::<_, bool>(0)? {
                return Ok(None);
            }
            let end = end_of(&transaction).await?;
            let rows = transaction.query(&take, &[&n_max]).await?;
            if rows.is_empty() {
                return Ok(Some(Extended { n_taken: 0, end }));
            }
            let waiting = rows
                .iter()
                .map(|row| Ok(Waiting { id: row.try_get(0)?, sealed: sealed_of(row, 1)? }))
                .collect::<Result<Vec<_>, StoreError>>()?;
            let n_taken = waiting.len();
            let extension = link(end, waiting);
            append(&transaction, &extension.links).await?;
            if !extension.notes.is_empty() {
                transaction.execute(INSERT, &Columns::of(&extension.notes).params()).await?;
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(Some(Extended { n_taken, end: extension.end.unwrap_or(end) }))
        })
        .await
}

/// Returns the end of the chain: its last link, or where it continues after everything has expired.
pub(super) async fn end_of(client: &impl deadpool_postgres::GenericClient) -> Result<ChainEnd, StoreError> {
    const SQL: &str = "
        SELECT seq, hash FROM (
            (SELECT seq, hash FROM audit_chain ORDER BY seq DESC LIMIT 1)
            UNION ALL
            (SELECT seq, hash FROM audit_checkpoints WHERE kind = 'tombstone' ORDER BY seq DESC LIMIT 1)
        ) AS known ORDER BY seq DESC LIMIT 1";
    let Some(row) = client.query_opt(SQL, &[]).await? else {
        return Ok(ChainEnd::GENESIS);
    };
    let hash: &[u8] = row.try_get(1)?;
    // A hash of another length was tampered with; the verification treats it as zeros, too.
    let hash = <[u8; HASH_BYTES]>::try_from(hash).unwrap_or_default();
    Ok(ChainEnd { seq: row.try_get(0)?, hash })
}

/// Returns whether the chain still contains what was once its end, or that has expired.
pub async fn contains(store: &Store, end: &ChainEnd) -> Result<bool, StoreError> {
    const SQL: &str = "
        SELECT EXISTS (SELECT FROM audit_chain WHERE seq = $1 AND hash = $2)
            OR EXISTS (SELECT FROM audit_checkpoints WHERE kind = 'tombstone' AND seq >= $1)";
    if end.seq == 0 {
        return Ok(true);
    }
    Ok(store.query_one(SQL, &[&end.seq, &end.hash.as_slice()]).await?.try_get(0)?)
}

async fn append(transaction: &deadpool_postgres::Transaction<'_>, links: &[Link]) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO audit_chain (seq, created_at, id, seal, linked_by, hash)
        SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::uuid[], $4::bytea[], $5::text[], $6::bytea[])";
    let seqs: Vec<i64> = links.iter().map(|link| link.seq).collect();
    let times: Vec<PgMicros> = links.iter().map(|link| PgMicros(link.created_at)).collect();
    let ids: Vec<Uuid> = links.iter().map(|link| link.id).collect();
    let seals: Vec<&[u8]> = links.iter().map(|link| link.seal.as_slice()).collect();
    let keys: Vec<&str> = links.iter().map(|link| link.linked_by.as_str()).collect();
    let hashes: Vec<&[u8]> = links.iter().map(|link| link.hash.as_slice()).collect();
    let values: [&(dyn ToSql + Sync); 6] = [&seqs, &times, &ids, &seals, &keys, &hashes];
    transaction.execute(SQL, &values).await?;
    Ok(())
}

/// Holds the lock of the chain for this time, as a chainer does; `locked` tells when it has begun.
///
/// # Errors
/// If PostgreSQL fails.
#[cfg(test)]
pub async fn hold_lock(
    store: &Store,
    locked: &tokio::sync::Notify,
    time: std::time::Duration,
) -> Result<(), StoreError> {
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let number = Lock::AuditChain.number();
            transaction.query_one("SELECT pg_advisory_xact_lock($1)", &[&number]).await?;
            locked.notify_one();
            tokio::time::sleep(time).await;
            Ok::<_, StoreError>(())
        })
        .await
}
