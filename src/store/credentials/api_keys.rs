//! Reads and writes API keys.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{StoredSecret, names_of, scopes_at};
use crate::models::credential::ApiKey;
use crate::models::id::{ApiKeyId, UserId};
use crate::store::codec::PgTimestamp;
use crate::store::locks::{self, Lock, insert_under_cap};
use crate::store::page::{Cursor, Page, limits};
use crate::store::{Store, StoreError};

/// Maximum number of keys that one owner has and that have not ended.
pub const KEYS_MAX: i64 = 200;

/// Outcome of rotating a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// The successor was stored.
    Successor(ApiKey),
    /// The key does not exist.
    Unknown,
    /// The key has been revoked or has expired.
    Ended,
    /// The key has a successor already, which has not ended.
    Before,
    /// The owner already has [`KEYS_MAX`] keys.
    Full,
}

/// Returns the keys of one owner, or of everyone, newest first.
pub async fn list(
    store: &Store,
    owner: Option<UserId>,
    (cursor, limit): (Option<&str>, usize),
) -> Result<Page<ApiKey>, StoreError> {
    const SQL: &str = "
        SELECT id, owner_id, name, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, rotated_from
        FROM api_keys
        WHERE ($1::uuid IS NULL OR owner_id = $1)
            AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $4";
    let cursor = cursor.map(Cursor::decode).transpose()?;
    let (at, id) = (cursor.map(|cursor| PgTimestamp(cursor.at)), cursor.map(|cursor| cursor.id));
    let (limit, n_rows) = limits(limit);
    let rows = store.query(SQL, &[&owner, &at, &id, &n_rows]).await?;
    let keys = rows.iter().map(key_of).collect::<Result<_, _>>()?;
    Ok(Page::of(keys, limit, |key: &ApiKey| Cursor { at: key.created_at, id: Uuid::from(key.id) }))
}

/// Returns a key; `None` if it does not exist.
pub async fn get(store: &Store, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    Ok(find(store, id).await?.map(|(key, _)| key))
}

/// Returns a key with its hashed secret, even if the key has ended; `None` if it does not exist.
pub async fn find(store: &Store, id: ApiKeyId) -> Result<Option<(ApiKey, StoredSecret)>, StoreError> {
    const SQL: &str = "
        SELECT id, owner_id, name, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, rotated_from,
            hashed_secret, fingerprint
        FROM api_keys WHERE id = $1";
    let Some(row) = store.query_opt(SQL, &[&id]).await? else { return Ok(None) };
    Ok(Some((key_of(&row)?, StoredSecret { hash: row.try_get(10)?, fingerprint: row.try_get(11)? })))
}

/// Stores a new key. Returns `false` if its owner already has [`KEYS_MAX`] keys.
pub async fn create(store: &Store, key: &ApiKey, secret: &StoredSecret) -> Result<bool, StoreError> {
    let scopes = names_of(key.scopes);
    let (created_at, expires_at) = (PgTimestamp(key.created_at), key.expires_at.map(PgTimestamp));
    let values = values_of(key, secret, (&scopes, &created_at, &expires_at));
    Ok(insert_under_cap(store, Lock::ApiKeyCount, INSERT, &values).await?.is_some())
}

/// Replaces a key: stores its successor, which has the same owner, name, scopes and lifetime, and lets the key expire
/// after the overlap, unless it expires before. The successor expires at `latest`, if it would not expire before.
///
/// The lock makes concurrent rotations of one key take turns, so that only one of them stores a successor.
pub async fn rotate(
    store: &Store,
    (id, overlap): (ApiKeyId, SignedDuration),
    ((successor, secret), latest): ((ApiKeyId, &StoredSecret), Option<Timestamp>),
    (now, by): (Timestamp, Option<&str>),
) -> Result<Rotated, StoreError> {
    const OLD: &str = "
        SELECT id, owner_id, name, scopes, created_at, created_by, expires_at, last_used_at, revoked_at, rotated_from,
            EXISTS (
                SELECT FROM api_keys AS newer
                WHERE newer.rotated_from = api_keys.id AND newer.revoked_at IS NULL
                    AND (newer.expires_at IS NULL OR newer.expires_at > $2)
            )
        FROM api_keys WHERE id = $1 FOR UPDATE";
    const LIMIT: &str = "UPDATE api_keys SET expires_at = least(expires_at, $2) WHERE id = $1";
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            locks::take(&transaction, Lock::ApiKeyCount).await?;
            let Some(row) = transaction.query_opt(OLD, &[&id, &PgTimestamp(now)]).await? else {
                return Ok(Rotated::Unknown);
            };
            let old = key_of(&row)?;
            if old.has_ended(now) {
                return Ok(Rotated::Ended);
            }
            if row.try_get(10)? {
                return Ok(Rotated::Before);
            }
            let renewed = |end: Timestamp| now.checked_add(end.duration_since(old.created_at));
            let expires_at = old.expires_at.map(|end| renewed(end).unwrap_or(Timestamp::MAX));
            let expires_at = expires_at.into_iter().chain(latest).min();
            let new = ApiKey {
                id: successor,
                created_at: now,
                created_by: by.map(str::to_owned),
                expires_at,
                last_used_at: None,
                rotated_from: Some(id),
                ..old
            };
            let until = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
            transaction.execute(LIMIT, &[&id, &PgTimestamp(until)]).await?;
            let scopes = names_of(new.scopes);
            let (created_at, expires_at) = (PgTimestamp(now), new.expires_at.map(PgTimestamp));
            let values = values_of(&new, secret, (&scopes, &created_at, &expires_at));
            if transaction.query_opt(INSERT, &values).await?.is_none() {
                return Ok(Rotated::Full);
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(Rotated::Successor(new))
        })
        .await
}

/// Revokes a key. Returns `false` if it does not exist. The time of the first revocation is kept.
pub async fn revoke(store: &Store, id: ApiKeyId, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";
    Ok(store.execute(SQL, &[&id, &PgTimestamp(now)]).await? > 0)
}

/// Statement that inserts a key unless its owner has too many; see [`values_of`].
const INSERT: &str = "
    INSERT INTO api_keys
        (id, owner_id, name, hashed_secret, fingerprint, scopes, created_at, created_by, expires_at, rotated_from)
    SELECT $1, $2::uuid, $3, $4, $5, $6, $7::timestamptz, $8, $9, $10
    WHERE (
        SELECT count(*) FROM api_keys
        WHERE owner_id IS NOT DISTINCT FROM $2::uuid AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > $7::timestamptz)
    ) < $11
    RETURNING id";

fn values_of<'a>(
    key: &'a ApiKey,
    secret: &'a StoredSecret,
    (scopes, created_at, expires_at): (&'a Vec<&'static str>, &'a PgTimestamp, &'a Option<PgTimestamp>),
) -> [&'a (dyn ToSql + Sync); 11] {
    [
        &key.id,
        &key.owner,
        &key.name,
        &secret.hash,
        &secret.fingerprint,
        scopes,
        created_at,
        &key.created_by,
        expires_at,
        &key.rotated_from,
        &KEYS_MAX,
    ]
}

fn key_of(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.try_get(0)?,
        owner: row.try_get(1)?,
        name: row.try_get(2)?,
        scopes: scopes_at(row, 3)?,
        created_at: row.try_get(4)?,
        created_by: row.try_get(5)?,
        expires_at: row.try_get(6)?,
        last_used_at: row.try_get(7)?,
        revoked_at: row.try_get(8)?,
        rotated_from: row.try_get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, SECRET, key};
    use super::*;
    use crate::models::principal::{Scope, Scopes};
    use crate::store::testing::{created_at_once, execute, now_in_micros, number, test_store};

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn secret() -> StoredSecret {
        StoredSecret { hash: "hash".to_owned(), fingerprint: vec![7; 8] }
    }

    #[tokio::test]
    async fn a_key_is_listed_for_its_owner_and_for_everyone() {
        let store = test_store().await;
        let now = now_in_micros();
        let (ana, bo) = (testing::user(&store, "analyst").await, testing::user(&store, "viewer").await);
        let older = ApiKey { created_at: now - DAY, ..key(Some(ana), now) };
        let newer = ApiKey { expires_at: Some(now + DAY), ..key(Some(ana), now) };
        let (other, of_operator) = (key(Some(bo), now), key(None, now));
        for key in [&older, &newer, &other, &of_operator] {
            assert!(create(&store, key, &secret()).await.unwrap());
        }
        let of_ana = list(&store, Some(ana), (None, 10)).await.unwrap();
        assert_eq!((of_ana.items, of_ana.next_cursor), (vec![newer.clone(), older.clone()], None));
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(&store, None, (cursor.as_deref(), 3)).await.unwrap();
            found.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), 4);
        assert_eq!(found.last(), Some(&older));
        assert_eq!(find(&store, newer.id).await.unwrap(), Some((newer, secret())));
        assert_eq!(get(&store, ApiKeyId::now_v7()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_revoked_key_keeps_the_time_of_its_first_revocation() {
        let store = test_store().await;
        let now = now_in_micros();
        let key = key(None, now);
        create(&store, &key, &secret()).await.unwrap();
        assert!(revoke(&store, key.id, now).await.unwrap());
        assert!(revoke(&store, key.id, now + DAY).await.unwrap());
        let revoked = get(&store, key.id).await.unwrap().unwrap();
        assert_eq!(revoked.revoked_at, Some(now));
        assert!(revoked.has_ended(now) && !key.has_ended(now));
        assert!(!revoke(&store, ApiKeyId::now_v7(), now).await.unwrap());
    }

    #[tokio::test]
    async fn a_rotation_keeps_owner_scopes_and_lifetime_and_ends_the_old_key_after_the_overlap() {
        let store = test_store().await;
        let now = now_in_micros();
        let owner = testing::user(&store, "analyst").await;
        let scopes = Scopes::from_iter([Scope::Ingest]);
        let old = ApiKey { scopes, expires_at: Some(now + DAY), ..key(Some(owner), now - DAY) };
        create(&store, &old, &secret()).await.unwrap();
        let overlap = SignedDuration::from_hours(1);
        let successor = ApiKeyId::now_v7();
        let rotate = async |id, overlap, to| {
            rotate(&store, (id, overlap), ((to, &secret()), None), (now, Some("Ana"))).await.unwrap()
        };
        let Rotated::Successor(new) = rotate(old.id, overlap, successor).await else { panic!("not rotated") };
        assert_eq!((new.id, new.owner, new.scopes, &new.name), (successor, Some(owner), scopes, &old.name));
        assert_eq!((new.expires_at, new.rotated_from), (Some(now + 2 * DAY), Some(old.id)));
        assert_eq!(get(&store, successor).await.unwrap(), Some(new));
        let left = get(&store, old.id).await.unwrap().unwrap();
        assert_eq!(left.expires_at, Some(now + overlap));
        // Again: not while the successor lives, and not once the key has ended.
        assert_eq!(rotate(old.id, overlap, ApiKeyId::now_v7()).await, Rotated::Before);
        revoke(&store, successor, now).await.unwrap();
        let second = rotate(old.id, DAY * 30, ApiKeyId::now_v7()).await;
        let Rotated::Successor(second) = second else { panic!("{second:?}") };
        let left = get(&store, old.id).await.unwrap().unwrap();
        assert_eq!(left.expires_at, Some(now + overlap), "a rotation prolongs no key");
        revoke(&store, second.id, now).await.unwrap();
        let to = ((ApiKeyId::now_v7(), &secret()), Some(now + overlap));
        let third = super::rotate(&store, (old.id, overlap), to, (now, None)).await.unwrap();
        let Rotated::Successor(third) = third else { panic!("{third:?}") };
        assert_eq!(third.expires_at, Some(now + overlap));
        revoke(&store, third.id, now).await.unwrap();
        revoke(&store, old.id, now).await.unwrap();
        assert_eq!(rotate(old.id, overlap, ApiKeyId::now_v7()).await, Rotated::Ended);
        assert_eq!(rotate(ApiKeyId::now_v7(), overlap, ApiKeyId::now_v7()).await, Rotated::Unknown);
    }

    #[tokio::test]
    async fn of_concurrent_rotations_of_a_key_one_stores_a_successor() {
        let store = test_store().await;
        let now = now_in_micros();
        let key = key(None, now);
        create(&store, &key, &secret()).await.unwrap();
        let rotations = (0..8).map(|_| {
            let store = store.clone();
            async move {
                let to = ((ApiKeyId::now_v7(), &secret()), None);
                rotate(&store, (key.id, DAY), to, (now, None)).await.unwrap()
            }
        });
        let outcomes = futures_util::future::join_all(rotations).await;
        let n_successors = outcomes.iter().filter(|one| matches!(one, Rotated::Successor(_))).count();
        assert_eq!(n_successors, 1, "{outcomes:?}");
        assert_eq!(number(&store, "SELECT count(*) FROM api_keys").await, 2);
    }

    #[tokio::test]
    async fn the_cap_counts_the_living_keys_of_one_owner_and_holds_under_concurrent_creation() {
        let store = test_store().await;
        let (ana, bo) = (testing::user(&store, "analyst").await, testing::user(&store, "viewer").await);
        let fill = |n: i64, revoked: &str, expires: &str| {
            format!(
                "INSERT INTO api_keys
                    (id, owner_id, name, hashed_secret, fingerprint, scopes, created_at, revoked_at, expires_at)
                SELECT gen_random_uuid(), '{ana}', 'n', '', '', '{{}}', now(), {revoked}, {expires}
                FROM generate_series(1, {n})"
            )
        };
        execute(&store, &fill(30, "now()", "NULL")).await;
        execute(&store, &fill(30, "NULL", "now()")).await;
        execute(&store, &fill(KEYS_MAX - 3, "NULL", "now() + interval '1 day'")).await;
        let make =
            async || create(&store, &key(Some(ana), Timestamp::now()), &SECRET).await.unwrap().then_some(());
        assert_eq!(created_at_once(&store, "api_keys", make).await, 3);
        let now = Timestamp::now();
        assert!(create(&store, &key(Some(bo), now), &SECRET).await.unwrap());
        assert!(create(&store, &key(None, now), &SECRET).await.unwrap());
    }
}
