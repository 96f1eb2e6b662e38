//! The key pair that identifies this deployment to push services.

use crate::store::{Store, StoreError};

/// Returns the encrypted key pair that identifies this deployment to push services. If none is stored yet, stores `new`
/// first. Processes that start together all get the same pair.
pub async fn get_or_insert(store: &Store, new: PushKeyRow) -> Result<PushKeyRow, StoreError> {
    const INSERT: &str = "INSERT INTO push_keys (sealed_by, public_key, sealed) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
    const SELECT: &str = "SELECT public_key, sealed FROM push_keys WHERE sealed_by = $1";
    let row = store
        .run(async |client| {
            client.execute(INSERT, &[&new.sealed_by, &new.public_key, &new.sealed]).await?;
            client.query_one(SELECT, &[&new.sealed_by]).await
        })
        .await?;
    Ok(PushKeyRow { sealed_by: new.sealed_by, public_key: row.try_get(0)?, sealed: row.try_get(1)? })
}

/// Key pair with its secret half encrypted, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushKeyRow {
    /// Id of the key that encrypts the secret half.
    pub sealed_by: String,
    /// Public half, which browsers need to subscribe.
    pub public_key: Vec<u8>,
    /// Encrypted secret half, which signs requests to push services.
    pub sealed: Vec<u8>,
}
