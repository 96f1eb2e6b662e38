//! What credentials may do right now. Each call takes a list, so that all open connections are checked by one query.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row;

use super::{fingerprint_number, scopes_at};
use crate::models::id::{ApiKeyId, ClientId, TokenFamilyId, UserId};
use crate::models::plan::Plan;
use crate::models::principal::{Role, Scopes};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::{Store, StoreError};

/// What a credential may do right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CredentialStanding {
    /// Role of the client, or of the owner of the key.
    pub role: Role,
    /// Kinds of access that the credential grants, within the role.
    pub scopes: Scopes,
    /// Plan whose limits apply.
    pub plan: Plan,
    /// When the credential expires, if it does.
    pub expires_at: Option<Timestamp>,
}

/// Returns the standing of those of the keys that have neither been revoked nor expired, and whose owner may sign in. A
/// key without an owner is the operator's.
pub async fn of_keys(
    store: &Store,
    keys: &[ApiKeyId],
    now: Timestamp,
) -> Result<HashMap<ApiKeyId, CredentialStanding>, StoreError> {
    const SQL: &str = "
        SELECT api_keys.id, scopes, coalesce(rbac_roles, '{admin}'), coalesce(plan, 'enterprise'), expires_at
        FROM api_keys LEFT JOIN users ON users.id = owner_id
        WHERE api_keys.id = ANY ($1) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
            AND (owner_id IS NULL OR (is_active AND archived_at IS NULL))";
    let rows = store.query(SQL, &[&keys, &PgTimestamp(now)]).await?;
    let mut standings = HashMap::new();
    for row in &rows {
        if let Some(role) = highest_role(row, 2)? {
            standings.insert(row.try_get(0)?, standing_of(row, role)?);
        }
    }
    Ok(standings)
}

/// What a client may do right now, and which of its secrets are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientStanding {
    /// What the client may do.
    pub standing: CredentialStanding,
    /// Secrets that are accepted, by [`fingerprint_number`].
    pub secrets: Vec<u64>,
}

/// Returns the standing of those of the clients that are not revoked.
pub async fn of_clients(
    store: &Store,
    clients: &[ClientId],
    now: Timestamp,
) -> Result<HashMap<ClientId, ClientStanding>, StoreError> {
    const SQL: &str = "
        SELECT id, scopes, role, plan, NULL::timestamptz, fingerprint,
            CASE WHEN previous_expires_at > $2 THEN previous_fingerprint END
        FROM clients WHERE id = ANY ($1) AND revoked_at IS NULL";
    let mut standings = HashMap::new();
    for row in &store.query(SQL, &[&clients, &PgTimestamp(now)]).await? {
        let standing = standing_of(row, enum_at(row, 2, &Role::ALL, Role::as_str)?)?;
        let (current, previous): (&[u8], Option<&[u8]>) = (row.try_get(5)?, row.try_get(6)?);
        let secrets =
            [Some(current), previous].into_iter().flatten().filter_map(fingerprint_number).collect();
        standings.insert(row.try_get(0)?, ClientStanding { standing, secrets });
    }
    Ok(standings)
}

/// Returns the accounts of those of the families that have neither been revoked nor expired. Whether the account may
/// sign in is another question.
pub async fn of_families(
    store: &Store,
    families: &[TokenFamilyId],
    now: Timestamp,
) -> Result<HashMap<TokenFamilyId, UserId>, StoreError> {
    const SQL: &str = "
        SELECT id, user_id FROM token_families WHERE id = ANY ($1) AND revoked_at IS NULL AND expires_at > $2";
    let rows = store.query(SQL, &[&families, &PgTimestamp(now)]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

fn standing_of(row: &Row, role: Role) -> Result<CredentialStanding, StoreError> {
    let scopes = scopes_at(row, 1)?.intersection(Scopes::of(role));
    let expires_at = row.try_get(4)?;
    let plan = enum_at(row, 3, &Plan::ALL, Plan::as_str)?;
    Ok(CredentialStanding { role, scopes, plan, expires_at })
}

/// Returns the highest of the roles in a column; `None` if it has no role that this version knows.
fn highest_role(row: &Row, column: usize) -> Result<Option<Role>, StoreError> {
    let names: Vec<&str> = row.try_get(column)?;
    Ok(Role::ALL.into_iter().rev().find(|role| names.contains(&role.as_str())))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::testing::{self, SECRET, client, family, key};
    use super::super::{StoredSecret, api_keys, clients, refresh_tokens};
    use super::*;
    use crate::models::credential::{ApiKey, Client};
    use crate::models::principal::Scope;
    use crate::store::testing::{execute, now_in_micros, test_store};

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    #[tokio::test]
    async fn a_key_may_do_what_its_owner_may_within_its_scopes() {
        let store = test_store().await;
        let now = now_in_micros();
        let owner = testing::user(&store, "analyst").await;
        let ingest = Scopes::from_iter([Scope::Ingest]);
        let whole = key(Some(owner), now);
        let narrow = ApiKey { scopes: ingest, ..key(Some(owner), now) };
        let of_operator = ApiKey { scopes: ingest, ..key(None, now) };
        for key in [&whole, &narrow, &of_operator] {
            api_keys::create(&store, key, &SECRET).await.unwrap();
        }
        let ids = [whole.id, narrow.id, of_operator.id, ApiKeyId::now_v7()];
        let standing = |role, scopes, plan| CredentialStanding { role, scopes, plan, expires_at: None };
        let expected = HashMap::from([
            (whole.id, standing(Role::Analyst, Scopes::of(Role::Analyst), Plan::Pro)),
            (narrow.id, standing(Role::Analyst, ingest, Plan::Pro)),
            (of_operator.id, standing(Role::Admin, ingest, Plan::Enterprise)),
        ]);
        assert_eq!(of_keys(&store, &ids, now).await.unwrap(), expected);
        assert_eq!(of_keys(&store, &[], now).await.unwrap(), HashMap::new());
        // A role taken away counts for the keys as well: a viewer sends no posts.
        execute(&store, &format!("UPDATE users SET rbac_roles = '{{viewer}}' WHERE id = '{owner}'")).await;
        let found = of_keys(&store, &ids, now).await.unwrap();
        assert_eq!(found[&whole.id].scopes, Scopes::of(Role::Viewer));
        assert!(found[&narrow.id].scopes.is_empty());
    }

    #[tokio::test]
    async fn a_key_that_ended_or_whose_owner_may_not_sign_in_has_no_standing() {
        let store = test_store().await;
        let now = now_in_micros();
        let owners = [
            testing::user(&store, "admin").await,
            testing::user(&store, "admin").await,
            testing::user(&store, "pilot").await,
        ];
        execute(&store, &format!("UPDATE users SET is_active = false WHERE id = '{}'", owners[0])).await;
        execute(&store, &format!("UPDATE users SET archived_at = now() WHERE id = '{}'", owners[1])).await;
        let expiring = ApiKey { expires_at: Some(now + HOUR), ..key(None, now) };
        let revoked = key(None, now);
        let mut keys = owners.map(|owner| key(Some(owner), now)).to_vec();
        keys.extend([expiring.clone(), revoked.clone()]);
        for key in &keys {
            api_keys::create(&store, key, &SECRET).await.unwrap();
        }
        api_keys::revoke(&store, revoked.id, now).await.unwrap();
        let ids: Vec<ApiKeyId> = keys.iter().map(|key| key.id).collect();
        let living = |at| of_keys(&store, &ids, at);
        let found = living(now).await.unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&expiring.id]);
        assert_eq!(found[&expiring.id].expires_at, expiring.expires_at);
        assert_eq!(living(now + HOUR).await.unwrap(), HashMap::new());
    }

    #[tokio::test]
    async fn clients_and_families_have_a_standing_until_they_end() {
        let store = test_store().await;
        let now = now_in_micros();
        let scopes = Scopes::from_iter([Scope::Read, Scope::Admin]);
        let kept = Client { scopes, ..client(Role::Analyst, now) };
        let revoked = client(Role::Admin, now);
        for client in [&kept, &revoked] {
            clients::create(&store, client, &SECRET).await.unwrap();
        }
        clients::revoke(&store, revoked.id, now).await.unwrap();
        let standing = CredentialStanding {
            role: Role::Analyst,
            scopes: Scopes::from_iter([Scope::Read]),
            plan: Plan::Free,
            expires_at: None,
        };
        let expected = |secrets: &[u64]| {
            HashMap::from([(kept.id, ClientStanding { standing, secrets: secrets.to_vec() })])
        };
        let found = async |at| of_clients(&store, &[kept.id, revoked.id], at).await.unwrap();
        assert_eq!(found(now).await, expected(&[]));
        let secret = |n: u8| StoredSecret { fingerprint: vec![0, 0, 0, 0, 0, 0, 0, n], ..SECRET };
        for n in [1, 2] {
            clients::rotate_secret(&store, kept.id, (&secret(n), now + HOUR)).await.unwrap();
        }
        assert_eq!(found(now).await, expected(&[2, 1]));
        assert_eq!(found(now + HOUR).await, expected(&[2]));

        let user = testing::user(&store, "viewer").await;
        let (living, ended) = (family(user, now), family(user, now));
        refresh_tokens::start(&store, &living, (&[1; 32], now)).await.unwrap();
        refresh_tokens::start(&store, &ended, (&[2; 32], now)).await.unwrap();
        refresh_tokens::revoke(&store, ended.id, now).await.unwrap();
        let ids = [living.id, ended.id];
        assert_eq!(of_families(&store, &ids, now).await.unwrap(), HashMap::from([(living.id, user)]));
        assert_eq!(of_families(&store, &ids, living.expires_at).await.unwrap(), HashMap::new());
    }
}
