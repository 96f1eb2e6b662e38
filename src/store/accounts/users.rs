//! Reads and writes accounts. Those that are archived count as gone.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::models::account::{Email, User};
use crate::models::id::UserId;
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::models::principal::Role;
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::locks::{Lock, insert_under_cap};
use crate::store::{Store, StoreError};

/// Maximum number of accounts. A single list shows all of them.
pub const USERS_MAX: i64 = 10_000;

/// Account to create.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Address with which the person signs in.
    pub email: Email,
    /// Display name.
    pub name: Option<PersonName>,
    /// Plan of the account.
    pub plan: Plan,
    /// Role of the person.
    pub role: Role,
    /// Hash of the password in PHC format.
    pub hashed_secret: String,
}

/// What an account may do right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserStanding {
    /// Role of the person.
    pub role: Role,
    /// Plan of the account.
    pub plan: Plan,
}

/// Creates an account. Returns `None` if the address has one or there are already [`USERS_MAX`] accounts.
pub async fn create(store: &Store, new: &NewUser, now: Timestamp) -> Result<Option<User>, StoreError> {
    const SQL: &str = "
        INSERT INTO users (id, email, name, hashed_secret, plan, rbac_roles, is_active, created_at, updated_at)
        SELECT $1, $2, $3, $4, $5, $6, true, $7, $7
        WHERE (SELECT count(*) FROM users WHERE archived_at IS NULL) < $8
        ON CONFLICT (email) WHERE archived_at IS NULL DO NOTHING
        RETURNING id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at";
    insert(store, (SQL, USERS_MAX), new, now).await
}

/// Creates the first account. Returns `None` if there is one already. Of several calls at the same time, one succeeds,
/// because each counts under a lock that the others wait for.
pub async fn create_first(store: &Store, new: &NewUser, now: Timestamp) -> Result<Option<User>, StoreError> {
    const SQL: &str = "
        INSERT INTO users (id, email, name, hashed_secret, plan, rbac_roles, is_active, created_at, updated_at)
        SELECT $1, $2, $3, $4, $5, $6, true, $7, $7
        WHERE (SELECT count(*) FROM users WHERE archived_at IS NULL) < $8
        RETURNING id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at";
    insert(store, (SQL, 1), new, now).await
}

async fn insert(
    store: &Store,
    (sql, cap): (&str, i64),
    new: &NewUser,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    let (id, name) = (UserId::now_v7(), new.name.as_ref().map(PersonName::as_str));
    let values: [&(dyn ToSql + Sync); 8] = [
        &id,
        &new.email.as_str(),
        &name,
        &new.hashed_secret,
        &new.plan.as_str(),
        &vec![new.role.as_str()],
        &PgTimestamp(now),
        &cap,
    ];
    insert_under_cap(store, Lock::UserCount, sql, &values).await?.as_ref().map(user_of).transpose()
}

/// Returns all accounts, sorted by email address.
pub async fn list(store: &Store) -> Result<Vec<User>, StoreError> {
    const SQL: &str = "
        SELECT id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at FROM users
        WHERE archived_at IS NULL ORDER BY email";
    store.query(SQL, &[]).await?.iter().map(user_of).collect()
}

/// Returns the account with this id.
pub async fn get(store: &Store, id: UserId) -> Result<Option<User>, StoreError> {
    const SQL: &str = "
        SELECT id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at FROM users
        WHERE id = $1 AND archived_at IS NULL";
    store.query_opt(SQL, &[&id]).await?.as_ref().map(user_of).transpose()
}

/// Returns the account with this email address, and the hash of its password.
pub async fn find(store: &Store, email: &Email) -> Result<Option<(User, String)>, StoreError> {
    const SQL: &str = "
        SELECT id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at, hashed_secret
        FROM users WHERE email = $1 AND archived_at IS NULL";
    let Some(row) = store.query_opt(SQL, &[&email.as_str()]).await? else { return Ok(None) };
    Ok(Some((user_of(&row)?, row.try_get(9)?)))
}

/// Returns the hash of the password of an account that is active.
pub async fn hash_of(store: &Store, id: UserId) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT hashed_secret FROM users WHERE id = $1 AND is_active AND archived_at IS NULL";
    Ok(store.query_opt(SQL, &[&id]).await?.map(|row| row.try_get(0)).transpose()?)
}

/// Returns whether there is an account, active or not.
pub async fn exist(store: &Store) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM users WHERE archived_at IS NULL)";
    Ok(store.query_one(SQL, &[]).await?.try_get(0)?)
}

/// Returns what each of these accounts may do. Accounts that are not active or archived are missing.
pub async fn standings(store: &Store, ids: &[UserId]) -> Result<HashMap<UserId, UserStanding>, StoreError> {
    const SQL: &str = "
        SELECT id, rbac_roles, plan FROM users WHERE id = ANY($1) AND is_active AND archived_at IS NULL";
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    store.query(SQL, &[&ids]).await?.iter().map(standing_of).collect()
}

fn standing_of(row: &Row) -> Result<(UserId, UserStanding), StoreError> {
    let plan = enum_at(row, 2, &Plan::ALL, Plan::as_str)?;
    Ok((row.try_get(0)?, UserStanding { role: role_at(row, 1)?, plan }))
}

/// Lets the person sign in, or no longer. Returns the account; `None` if it does not exist.
pub async fn set_active(
    store: &Store,
    id: UserId,
    is_active: bool,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    const SQL: &str = "
        UPDATE users SET is_active = $2, updated_at = $3 WHERE id = $1 AND archived_at IS NULL
        RETURNING id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at";
    store.query_opt(SQL, &[&id, &is_active, &PgTimestamp(now)]).await?.as_ref().map(user_of).transpose()
}

/// Notes that the person has signed in, and returns the time of their last sign-in; `None` if there is no account.
pub async fn record_sign_in(
    store: &Store,
    id: UserId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "
        UPDATE users SET last_sign_in_at = greatest(last_sign_in_at, $2) WHERE id = $1
        RETURNING last_sign_in_at";
    let row = store.query_opt(SQL, &[&id, &PgTimestamp(now)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Reads an account from the columns that every query here begins with.
pub(super) fn user_of(row: &Row) -> Result<User, StoreError> {
    let email: &str = row.try_get(1)?;
    let name: Option<&str> = row.try_get(2)?;
    Ok(User {
        id: row.try_get(0)?,
        email: email.parse().map_err(|_| StoreError::internal("a stored email address is malformed"))?,
        name: name.and_then(|name| name.parse().ok()),
        plan: enum_at(row, 3, &Plan::ALL, Plan::as_str)?,
        role: role_at(row, 4)?,
        is_active: row.try_get(5)?,
        created_at: row.try_get(6)?,
        updated_at: row.try_get(7)?,
        last_sign_in_at: row.try_get(8)?,
    })
}

/// Reads the highest role of a list. Names that this version does not know grant nothing.
pub(super) fn role_at(row: &Row, column: usize) -> Result<Role, StoreError> {
    let names: Vec<&str> = row.try_get(column)?;
    let role = Role::ALL.into_iter().rev().find(|role| names.contains(&role.as_str()));
    role.ok_or_else(|| StoreError::internal(format!("no known role among {names:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{created_at_once, execute, now_in_micros, test_store};

    fn new(email: &str, role: Role) -> NewUser {
        NewUser {
            email: email.parse().unwrap(),
            name: Some("Ana Müller'; --".parse().unwrap()),
            plan: Plan::Pro,
            role,
            hashed_secret: "hash".to_owned(),
        }
    }

    #[tokio::test]
    async fn an_account_is_created_once_for_an_address_and_found_by_it() {
        let store = test_store().await;
        let now = now_in_micros();
        let wish = new("Ana@Example.com", Role::Analyst);
        let ana = create(&store, &wish, now).await.unwrap().unwrap();
        assert_eq!((ana.email.as_str(), ana.role, ana.plan), ("ana@example.com", Role::Analyst, Plan::Pro));
        assert!(ana.is_active && ana.created_at == now && ana.last_sign_in_at.is_none());
        assert_eq!(create(&store, &wish, now).await.unwrap(), None);
        let bo = create(&store, &new("bo@example.com", Role::Viewer), now).await.unwrap().unwrap();
        assert_eq!(list(&store).await.unwrap(), [ana.clone(), bo.clone()]);
        assert_eq!(get(&store, ana.id).await.unwrap(), Some(ana.clone()));
        assert_eq!(find(&store, &wish.email).await.unwrap(), Some((ana.clone(), "hash".to_owned())));
        // An archived account frees its address and is found no more.
        execute(&store, &format!("UPDATE users SET archived_at = now() WHERE id = '{}'", ana.id)).await;
        assert_eq!(get(&store, ana.id).await.unwrap(), None);
        assert_eq!(find(&store, &wish.email).await.unwrap(), None);
        assert!(create(&store, &wish, now).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn of_several_first_accounts_at_the_same_time_one_is_created() {
        let store = test_store().await;
        let now = now_in_micros();
        assert!(!exist(&store).await.unwrap());
        let number = std::sync::atomic::AtomicUsize::new(0);
        let create = async || {
            let n = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            create_first(&store, &new(&format!("{n}@example.com"), Role::Admin), now).await.unwrap()
        };
        assert_eq!(created_at_once(&store, "users", create).await, 1);
        assert_eq!(list(&store).await.unwrap().len(), 1);
        assert!(exist(&store).await.unwrap());
    }

    #[tokio::test]
    async fn changes_count_for_the_account_and_its_standing() {
        let store = test_store().await;
        let now = now_in_micros();
        let [ana, bo, cy] = ["ana@example.com", "bo@example.com", "cy@example.com"];
        let ana = create(&store, &new(ana, Role::Admin), now).await.unwrap().unwrap();
        let bo = create(&store, &new(bo, Role::Viewer), now).await.unwrap().unwrap();
        let cy = create(&store, &new(cy, Role::Analyst), now).await.unwrap().unwrap();
        let later = now + jiff::SignedDuration::from_secs(9);
        record_sign_in(&store, ana.id, later).await.unwrap();
        record_sign_in(&store, ana.id, now).await.unwrap();
        assert_eq!(get(&store, ana.id).await.unwrap().unwrap().last_sign_in_at, Some(later));
        let disabled = set_active(&store, bo.id, false, later).await.unwrap().unwrap();
        assert!(!disabled.is_active && disabled.updated_at == later);
        assert_eq!(hash_of(&store, bo.id).await.unwrap(), None);
        execute(&store, &format!("UPDATE users SET archived_at = now() WHERE id = '{}'", cy.id)).await;
        let standings = standings(&store, &[ana.id, bo.id, cy.id, UserId::now_v7()]).await.unwrap();
        let expected = UserStanding { role: Role::Admin, plan: Plan::Pro };
        assert_eq!(standings, HashMap::from([(ana.id, expected)]));
        let nobody = UserId::now_v7();
        assert_eq!(set_active(&store, nobody, true, now).await.unwrap(), None);
        // A role of a later version grants nothing.
        execute(&store, "UPDATE users SET rbac_roles = ARRAY['owner', 'viewer', 'analyst']").await;
        assert_eq!(get(&store, ana.id).await.unwrap().unwrap().role, Role::Analyst);
        execute(&store, "UPDATE users SET rbac_roles = ARRAY['owner']").await;
        assert!(get(&store, ana.id).await.is_err());
    }
}
