//! Accounts and credentials for tests.

use jiff::{SignedDuration, Timestamp};

use super::StoredSecret;
use super::refresh_tokens::Family;
use crate::models::credential::{ApiKey, Client};
use crate::models::id::{ApiKeyId, ClientId, TokenFamilyId, UserId};
use crate::models::plan::Plan;
use crate::models::principal::{Role, Scopes};
use crate::store::Store;
use crate::store::testing::execute;

/// Hashed secret that no secret has.
pub const SECRET: StoredSecret = StoredSecret { hash: String::new(), fingerprint: Vec::new() };

/// Creates an active account with this role.
pub async fn user(store: &Store, role: &str) -> UserId {
    let id = UserId::now_v7();
    let sql = format!(
        "INSERT INTO users (id, email, hashed_secret, plan, rbac_roles, is_active, created_at, updated_at)
        VALUES ('{id}', '{id}@example.com', '', 'pro', '{{{role}}}', true, now(), now())"
    );
    execute(store, &sql).await;
    id
}

/// Returns a key with every scope that does not expire.
pub fn key(owner: Option<UserId>, now: Timestamp) -> ApiKey {
    ApiKey {
        id: ApiKeyId::now_v7(),
        owner,
        name: "Upload".to_owned(),
        scopes: Scopes::all(),
        created_at: now,
        created_by: None,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
        rotated_from: None,
    }
}

/// Returns a client with this role and all its scopes.
pub fn client(role: Role, now: Timestamp) -> Client {
    Client {
        id: ClientId::now_v7(),
        name: "Importer".to_owned(),
        role,
        scopes: Scopes::of(role),
        plan: Plan::Free,
        created_at: now,
        created_by: Some("Ana".to_owned()),
        last_used_at: None,
        previous_secret_expires_at: None,
    }
}

/// Returns a family that expires in an hour.
pub fn family(user: UserId, now: Timestamp) -> Family {
    let expires_at = now + SignedDuration::from_hours(1);
    Family { id: TokenFamilyId::now_v7(), user, scopes: Scopes::of(Role::Viewer), expires_at }
}

/// Grace period of the tests.
pub const GRACE: SignedDuration = SignedDuration::from_secs(20);
