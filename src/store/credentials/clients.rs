//! Reads and writes clients: programs with a role of their own.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{StoredSecret, names_of, scopes_at};
use crate::models::credential::Client;
use crate::models::id::ClientId;
use crate::models::plan::Plan;
use crate::models::principal::Role;
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::locks::{Lock, insert_under_cap};
use crate::store::page::Page;
use crate::store::{Store, StoreError};

/// Maximum number of clients that are not revoked. A single list shows all of them.
pub const CLIENTS_MAX: i64 = 200;

/// Client with what proves that a program is this client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundClient {
    /// Client as listed.
    pub client: Client,
    /// Hashed secret.
    pub secret: StoredSecret,
    /// Hashed previous secret, accepted until [`Client::previous_secret_expires_at`].
    pub previous_secret: Option<StoredSecret>,
    /// Whether the client was revoked.
    pub is_revoked: bool,
}

/// Returns every client that is not revoked, newest first. Previous secrets that have expired are not mentioned.
pub async fn list(store: &Store, now: Timestamp) -> Result<Page<Client>, StoreError> {
    const SQL: &str = "
        SELECT id, name, role, scopes, plan, created_at, created_by, last_used_at,
            CASE WHEN previous_expires_at > $1 THEN previous_expires_at END
        FROM clients WHERE revoked_at IS NULL ORDER BY created_at DESC, id DESC";
    let items = store.query(SQL, &[&PgTimestamp(now)]).await?;
    Ok(Page { items: items.iter().map(client_of).collect::<Result<_, _>>()?, next_cursor: None })
}

/// Returns a client with its hashed secrets, even if it is revoked; `None` if it does not exist.
pub async fn find(store: &Store, id: ClientId) -> Result<Option<FoundClient>, StoreError> {
    const SQL: &str = "
        SELECT id, name, role, scopes, plan, created_at, created_by, last_used_at, previous_expires_at,
            hashed_secret, fingerprint, previous_hashed_secret, previous_fingerprint, revoked_at IS NOT NULL
        FROM clients WHERE id = $1";
    let Some(row) = store.query_opt(SQL, &[&id]).await? else { return Ok(None) };
    let previous: (Option<String>, Option<Vec<u8>>) = (row.try_get(11)?, row.try_get(12)?);
    Ok(Some(FoundClient {
        client: client_of(&row)?,
        secret: StoredSecret { hash: row.try_get(9)?, fingerprint: row.try_get(10)? },
        previous_secret: previous
            .0
            .zip(previous.1)
            .map(|(hash, fingerprint)| StoredSecret { hash, fingerprint }),
        is_revoked: row.try_get(13)?,
    }))
}

/// Stores a new client. Returns `false` if there are already [`CLIENTS_MAX`] clients.
pub async fn create(store: &Store, client: &Client, secret: &StoredSecret) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO clients (id, name, hashed_secret, fingerprint, plan, role, scopes, created_at, created_by)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9
        WHERE (SELECT count(*) FROM clients WHERE revoked_at IS NULL) < $10
        RETURNING id";
    let values: [&(dyn ToSql + Sync); 10] = [
        &client.id,
        &client.name,
        &secret.hash,
        &secret.fingerprint,
        &client.plan.as_str(),
        &client.role.as_str(),
        &names_of(client.scopes),
        &PgTimestamp(client.created_at),
        &client.created_by,
        &CLIENTS_MAX,
    ];
    Ok(insert_under_cap(store, Lock::ClientCount, SQL, &values).await?.is_some())
}

/// Replaces the secret of a client, whose present secret is accepted until `until`. An older one is not accepted any
/// more. Returns `None` if the client does not exist or is revoked.
pub async fn rotate_secret(
    store: &Store,
    id: ClientId,
    (secret, until): (&StoredSecret, Timestamp),
) -> Result<Option<Client>, StoreError> {
    const SQL: &str = "
        UPDATE clients SET
            previous_hashed_secret = hashed_secret, previous_fingerprint = fingerprint, previous_expires_at = $4,
            hashed_secret = $2, fingerprint = $3
        WHERE id = $1 AND revoked_at IS NULL
        RETURNING id, name, role, scopes, plan, created_at, created_by, last_used_at, previous_expires_at";
    let values: [&(dyn ToSql + Sync); 4] = [&id, &secret.hash, &secret.fingerprint, &PgTimestamp(until)];
    store.query_opt(SQL, &values).await?.as_ref().map(client_of).transpose()
}

/// Revokes a client. Returns `false` if it does not exist or is already revoked.
pub async fn revoke(store: &Store, id: ClientId, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE clients SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    Ok(store.execute(SQL, &[&id, &PgTimestamp(now)]).await? > 0)
}

/// Records that a client got a token.
pub async fn mark_used(store: &Store, id: ClientId, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE clients SET last_used_at = greatest(last_used_at, $2) WHERE id = $1";
    store.execute(SQL, &[&id, &PgTimestamp(now)]).await.map(drop)
}

fn client_of(row: &Row) -> Result<Client, StoreError> {
    Ok(Client {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        role: enum_at(row, 2, &Role::ALL, Role::as_str)?,
        scopes: scopes_at(row, 3)?,
        plan: enum_at(row, 4, &Plan::ALL, Plan::as_str)?,
        created_at: row.try_get(5)?,
        created_by: row.try_get(6)?,
        last_used_at: row.try_get(7)?,
        previous_secret_expires_at: row.try_get(8)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::testing::{SECRET, client};
    use super::*;
    use crate::store::testing::{created_at_once, execute, now_in_micros, test_store};

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn secret(n: u8) -> StoredSecret {
        StoredSecret { hash: format!("hash {n}"), fingerprint: vec![n; 8] }
    }

    #[tokio::test]
    async fn a_rotated_secret_is_kept_beside_the_new_one_and_the_one_before_it_is_not() {
        let store = test_store().await;
        let now = now_in_micros();
        let client = client(Role::Analyst, now);
        assert!(create(&store, &client, &secret(1)).await.unwrap());
        let found = find(&store, client.id).await.unwrap().unwrap();
        assert_eq!((&found.client, &found.secret, &found.previous_secret), (&client, &secret(1), &None));
        let rotated = rotate_secret(&store, client.id, (&secret(2), now + HOUR)).await.unwrap().unwrap();
        assert_eq!(rotated, Client { previous_secret_expires_at: Some(now + HOUR), ..client.clone() });
        rotate_secret(&store, client.id, (&secret(3), now + HOUR)).await.unwrap().unwrap();
        let found = find(&store, client.id).await.unwrap().unwrap();
        assert_eq!((found.secret, found.previous_secret), (secret(3), Some(secret(2))));
        let listed = |at| list(&store, at);
        assert_eq!(
            listed(now).await.unwrap().items,
            [Client { previous_secret_expires_at: Some(now + HOUR), ..client.clone() }]
        );
        assert_eq!(listed(now + HOUR).await.unwrap().items, [client]);
    }

    #[tokio::test]
    async fn a_revoked_client_is_found_but_neither_listed_nor_rotated() {
        let store = test_store().await;
        let now = now_in_micros();
        let client = client(Role::Viewer, now);
        create(&store, &client, &SECRET).await.unwrap();
        mark_used(&store, client.id, now).await.unwrap();
        mark_used(&store, client.id, now - HOUR).await.unwrap();
        assert!(revoke(&store, client.id, now).await.unwrap());
        assert!(!revoke(&store, client.id, now).await.unwrap());
        let found = find(&store, client.id).await.unwrap().unwrap();
        assert!(found.is_revoked);
        assert_eq!(found.client.last_used_at, Some(now));
        assert_eq!(list(&store, now).await.unwrap().items, []);
        assert_eq!(rotate_secret(&store, client.id, (&SECRET, now)).await.unwrap(), None);
        assert_eq!(find(&store, ClientId::now_v7()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_cap_on_clients_holds_under_concurrent_creation_and_counts_no_revoked_ones() {
        let store = test_store().await;
        let fill = |n: i64, revoked: &str| {
            format!(
                "INSERT INTO clients (id, name, hashed_secret, fingerprint, plan, role, scopes, created_at, revoked_at)
                SELECT gen_random_uuid(), 'n', '', '', 'free', 'viewer', '{{}}', now(), {revoked}
                FROM generate_series(1, {n})"
            )
        };
        execute(&store, &fill(50, "now()")).await;
        execute(&store, &fill(CLIENTS_MAX - 3, "NULL")).await;
        let make = async || {
            create(&store, &client(Role::Viewer, Timestamp::now()), &SECRET).await.unwrap().then_some(())
        };
        assert_eq!(created_at_once(&store, "clients", make).await, 3);
    }
}
