//! Webhooks: sources to which other systems deliver posts.

use tokio_postgres::types::{Json, ToSql};

use super::{Stored, stored};
use crate::models::id::SourceId;
use crate::models::person_name::Stamp;
use crate::models::source::{SourceCounts, SourceSettings};
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Reason for the state of a webhook whose deliveries cannot be verified.
pub const OTHER_KEY: &str = "its secret was encrypted with another key; rotate it";

/// Source that posts are delivered to.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Settings, which determine how items are parsed.
    pub settings: SourceSettings,
    /// Whether the source is paused.
    pub is_paused: bool,
    /// Encrypted secret that verifies deliveries.
    pub sealed_secret: Vec<u8>,
}

/// Summary of a delivery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delivered {
    /// Numbers of posts in the delivery.
    pub counts: SourceCounts,
    /// Number of seconds between the publication of the newest post and its receipt; `None` if no post was accepted.
    pub lag_seconds: Option<f64>,
}

/// Returns the webhook with this id; `None` if it does not exist.
pub async fn target(store: &Store, id: SourceId) -> Result<Option<Target>, StoreError> {
    const SQL: &str = "
        SELECT settings, paused, sealed_secret FROM sources
        WHERE id = $1 AND network = 'webhook' AND sealed_secret IS NOT NULL";
    let Some(row) = store.query_opt(SQL, &[&id]).await? else {
        return Ok(None);
    };
    let Json(settings) = row.try_get(0)?;
    Ok(Some(Target { settings, is_paused: row.try_get(1)?, sealed_secret: row.try_get(2)? }))
}

/// Replaces the secret of a webhook.
pub async fn reseal(
    store: &Store,
    id: SourceId,
    sealed_secret: &[u8],
    stamp: &Stamp,
) -> Result<Stored, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sources AS source SET
            sealed_secret = $4, state = CASE WHEN paused THEN state ELSE 'running' END,
            reason = CASE WHEN paused THEN reason END, updated_at = $2, updated_by = $3
        WHERE id = $1 AND network = 'webhook' RETURNING ",
        columns!()
    );
    let (at, by) = (PgTimestamp(stamp.at), stamp.name());
    let values: [&(dyn ToSql + Sync); 4] = [&id, &at, &by, &sealed_secret];
    stored(store, store.query_opt(SQL, &values).await, Stored::Unknown).await
}

/// Adds the posts of a delivery to the counts of a source. Also clears an earlier report that its secret cannot be
/// decrypted.
pub async fn record(store: &Store, id: SourceId, delivered: &Delivered) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE sources SET
            offered = offered + $2, stored = stored + $3, rejected = rejected + $4,
            lag_seconds = coalesce($5, lag_seconds),
            last_post_at = CASE WHEN $5::float8 IS NULL THEN last_post_at ELSE now() END,
            state = CASE state WHEN 'needs_key' THEN 'running' ELSE state END,
            reason = CASE state WHEN 'needs_key' THEN NULL ELSE reason END
        WHERE id = $1";
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let Delivered { counts, lag_seconds } = delivered;
    let (offered, stored, rejected) =
        (signed(counts.offered), signed(counts.stored), signed(counts.rejected));
    store.execute(SQL, &[&id, &offered, &stored, &rejected, lag_seconds]).await?;
    Ok(())
}

/// Reports in the state of a webhook that this secret cannot be decrypted, so that no delivery can be verified. Does
/// nothing if the secret was rotated in the meantime.
pub async fn need_key(store: &Store, id: SourceId, sealed_secret: &[u8]) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE sources SET state = 'needs_key', reason = $2
        WHERE id = $1 AND state = 'running' AND sealed_secret = $3";
    store.execute(SQL, &[&id, &OTHER_KEY, &sealed_secret]).await?;
    Ok(())
}
