//! Reads and writes the keys that sign access tokens.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::store::codec::PgTimestamp;
use crate::store::locks::{self, Lock};
use crate::store::{Store, StoreError};

/// Signing key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// Id of the key, which every token that it signs names.
    pub kid: String,
    /// Name of the only algorithm that the key is used with, as in the header of a token.
    pub algorithm: String,
    /// Public part.
    pub public_key: Vec<u8>,
    /// Encrypted private part.
    pub sealed_private: Vec<u8>,
    /// Time at which the key was created.
    pub created_at: Timestamp,
    /// Time from which the key verifies nothing any more; `None` for the newest key.
    pub retired_at: Option<Timestamp>,
}

/// Returns the keys that still verify tokens, oldest first.
pub async fn list(store: &Store, now: Timestamp) -> Result<Vec<StoredSigningKey>, StoreError> {
    const SQL: &str = "
        SELECT kid, algorithm, public_key, sealed_private, created_at, retired_at FROM signing_keys
        WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at, kid";
    store.query(SQL, &[&PgTimestamp(now)]).await?.iter().map(key_of).collect()
}

/// Stores a new key unless there is one that was created after `newest_before`. The keys before it are retired at
/// `retire_at`. Returns whether it was stored.
///
/// The lock makes processes take turns, so that all but the first find the new key.
pub async fn add(
    store: &Store,
    key: &StoredSigningKey,
    (newest_before, retire_at): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    const NEWEST: &str =
        "SELECT EXISTS (SELECT FROM signing_keys WHERE retired_at IS NULL AND created_at > $1)";
    const RETIRE: &str = "UPDATE signing_keys SET retired_at = $1 WHERE retired_at IS NULL";
    const INSERT: &str = "
        INSERT INTO signing_keys (kid, algorithm, public_key, sealed_private, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    let created_at = PgTimestamp(key.created_at);
    let values: [&(dyn ToSql + Sync); 5] =
        [&key.kid, &key.algorithm, &key.public_key, &key.sealed_private, &created_at];
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            locks::take(&transaction, Lock::SigningKeys).await?;
            if transaction.query_one(NEWEST, &[&PgTimestamp(newest_before)]).await?.try_get(0)? {
                return Ok(false);
            }
            transaction.execute(RETIRE, &[&PgTimestamp(retire_at)]).await?;
            transaction.execute(INSERT, &values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(true)
        })
        .await
}

fn key_of(row: &Row) -> Result<StoredSigningKey, StoreError> {
    Ok(StoredSigningKey {
        kid: row.try_get(0)?,
        algorithm: row.try_get(1)?,
        public_key: row.try_get(2)?,
        sealed_private: row.try_get(3)?,
        created_at: row.try_get(4)?,
        retired_at: row.try_get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use jiff::SignedDuration;

    use super::*;
    use crate::store::testing::{now_in_micros, test_store};

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn key(kid: &str, created_at: Timestamp) -> StoredSigningKey {
        StoredSigningKey {
            kid: kid.to_owned(),
            algorithm: "EdDSA".to_owned(),
            public_key: vec![1, 2, 3],
            sealed_private: vec![4, 5],
            created_at,
            retired_at: None,
        }
    }

    #[tokio::test]
    async fn a_key_is_added_only_if_the_newest_is_old_and_then_retires_it() {
        let store = test_store().await;
        let now = now_in_micros();
        assert!(add(&store, &key("a", now - HOUR), (now - 2 * HOUR, now)).await.unwrap());
        assert!(!add(&store, &key("b", now), (now - 2 * HOUR, now + HOUR)).await.unwrap());
        assert!(add(&store, &key("b", now), (now - HOUR, now + HOUR)).await.unwrap());
        let retired = StoredSigningKey { retired_at: Some(now + HOUR), ..key("a", now - HOUR) };
        assert_eq!(list(&store, now).await.unwrap(), [retired, key("b", now)]);
        assert_eq!(list(&store, now + HOUR).await.unwrap(), [key("b", now)]);
    }

    #[tokio::test]
    async fn of_processes_that_start_at_once_one_creates_the_first_key() {
        let store = test_store().await;
        let now = now_in_micros();
        let names: Vec<String> = (0..8).map(|n| format!("key {n}")).collect();
        let added = join_all(names.iter().map(|name| {
            let store = &store;
            async move { add(store, &key(name, now), (now - HOUR, now + HOUR)).await.unwrap() }
        }));
        assert_eq!(added.await.into_iter().filter(|is_added| *is_added).count(), 1);
        assert_eq!(list(&store, now).await.unwrap().len(), 1);
    }
}
