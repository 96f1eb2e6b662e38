//! What admins do with accounts: list, change and archive them.
//!
//! An installation that has an active admin keeps one. Every statement that may take one away runs under the lock
//! `Lock::Admins`, so that two admins who demote each other at the same time do not both succeed.

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::users::user_of;
use crate::models::account::User;
use crate::models::account_change::{UserChange, is_active_admin};
use crate::models::id::UserId;
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::models::principal::Role;
use crate::store::codec::PgTimestamp;
use crate::store::locks::{self, Lock};
use crate::store::page::{Cursor, Page, limits};
use crate::store::{Store, StoreError};

/// Columns of a [`User`], in the order that [`user_of`] reads them. This is a macro, because `concat!` takes only
/// literals.
macro_rules! columns {
    () => {
        "id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at"
    };
}

/// Accounts to list. Absent conditions match every account that is not archived.
#[derive(Debug, Clone, Default)]
pub struct UsersQuery {
    /// Role of the accounts.
    pub role: Option<Role>,
    /// Plan of the accounts.
    pub plan: Option<Plan>,
    /// Whether the accounts are active.
    pub is_active: Option<bool>,
    /// Text that the address or the name contains, in any case.
    pub search: Option<String>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
    /// Maximum number of accounts on the page.
    pub limit: usize,
}

/// Returns a page of accounts, newest first.
///
/// # Errors
/// `BadCursor`, or if PostgreSQL fails.
pub async fn list(store: &Store, query: &UsersQuery) -> Result<Page<User>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM users
        WHERE archived_at IS NULL
            AND ($1::text IS NULL OR rbac_roles @> ARRAY[$1::text] AND NOT rbac_roles && $2::text[])
            AND ($3::text IS NULL OR plan = $3)
            AND ($4::bool IS NULL OR is_active = $4)
            AND ($5::text IS NULL OR strpos(email, lower($5)) > 0 OR strpos(lower(name), lower($5)) > 0)
            AND ($6::timestamptz IS NULL OR (created_at, id) < ($6, $7::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $8"
    );
    let (limit, n_rows) = limits(query.limit);
    let after = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let higher: Vec<&str> =
        Role::ALL.into_iter().filter(|role| query.role < Some(*role)).map(Role::as_str).collect();
    let values: [&(dyn ToSql + Sync); 8] = [
        &query.role.map(Role::as_str),
        &higher,
        &query.plan.map(Plan::as_str),
        &query.is_active,
        &query.search,
        &after.map(|after| PgTimestamp(after.at)),
        &after.map(|after| after.id),
        &n_rows,
    ];
    let users = store.query(SQL, &values).await?.iter().map(user_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(users, limit, |user| Cursor { at: user.created_at, id: user.id.into() }))
}

/// Outcome of a change to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "there is one of them per change to an account")]
pub enum Change {
    /// The account was changed, or archived.
    Made {
        /// Account before the change.
        before: User,
        /// Account after the change.
        after: User,
    },
    /// The account does not exist.
    Unknown,
    /// Nothing changed: the account is the only active admin.
    LastAdmin,
}

/// Changes an account. One that is disabled loses its access tokens and password reset.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn change(
    store: &Store,
    id: UserId,
    change: &UserChange,
    at: Timestamp,
) -> Result<Change, StoreError> {
    const SQL: &str = concat!(
        "UPDATE users SET rbac_roles = ARRAY[$2::text], plan = $3, is_active = $4, name = $5, updated_at = $6
        WHERE id = $1 RETURNING ",
        columns!()
    );
    alter(store, id, at, async |transaction, before| {
        let after = change.apply(before);
        let name = after.name.as_ref().map(PersonName::as_str);
        let (role, plan) = (after.role.as_str(), after.plan.as_str());
        let values: [&(dyn ToSql + Sync); 6] = [&id, &role, &plan, &after.is_active, &name, &PgTimestamp(at)];
        user_of(&transaction.query_one(SQL, &values).await?)
    })
    .await
}

/// Archives an account: nobody can sign in to it, it is no longer listed, and its address is free again.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn archive(store: &Store, id: UserId, at: Timestamp) -> Result<Change, StoreError> {
    const SQL: &str = concat!(
        "UPDATE users SET archived_at = $2, is_active = false, updated_at = $2 WHERE id = $1 RETURNING ",
        columns!()
    );
    alter(store, id, at, async |transaction, _| {
        user_of(&transaction.query_one(SQL, &[&id, &PgTimestamp(at)]).await?)
    })
    .await
}

/// Runs `write` on an account, and undoes it if it left no active admin.
async fn alter(
    store: &Store,
    id: UserId,
    at: Timestamp,
    write: impl AsyncFn(&Transaction<'_>, &User) -> Result<User, StoreError>,
) -> Result<Change, StoreError> {
    const HOLD: &str =
        concat!("SELECT ", columns!(), " FROM users WHERE id = $1 AND archived_at IS NULL FOR UPDATE");
    const HAS_ADMIN: &str = "
        SELECT EXISTS (SELECT FROM users WHERE archived_at IS NULL AND is_active AND 'admin' = ANY (rbac_roles))";
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            locks::take(&transaction, Lock::Admins).await?;
            let Some(row) = transaction.query_opt(HOLD, &[&id]).await? else {
                return Ok(Change::Unknown);
            };
            let before = user_of(&row)?;
            let after = write(&transaction, &before).await?;
            if is_active_admin(&before) && !is_active_admin(&after) {
                let has_admin: bool = transaction.query_one(HAS_ADMIN, &[]).await?.try_get(0)?;
                if !has_admin {
                    transaction.rollback().await?;
                    return Ok(Change::LastAdmin);
                }
            }
            if !after.is_active {
                end_access(&transaction, id, at).await?;
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(Change::Made { before, after })
        })
        .await
}

/// Ends what a person signed in to with tokens, and what would set a new password.
///
/// # Errors
/// If PostgreSQL fails.
pub(super) async fn end_access(
    transaction: &Transaction<'_>,
    id: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    const RESETS: &str = "DELETE FROM password_resets WHERE user_id = $1";
    transaction.execute(RESETS, &[&id]).await?;
    transaction.execute(REVOKE_TOKENS, &[&id, &PgTimestamp(at)]).await?;
    Ok(())
}

const REVOKE_TOKENS: &str =
    "UPDATE token_families SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL";

/// Ends what a person signed in to with tokens. Returns `false` if the account does not exist.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn revoke_tokens(store: &Store, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
    const EXISTS: &str = "SELECT FROM users WHERE id = $1 AND archived_at IS NULL";
    store
        .run(async |client| {
            if client.query_opt(EXISTS, &[&id]).await?.is_none() {
                return Ok(false);
            }
            client.execute(REVOKE_TOKENS, &[&id, &PgTimestamp(at)]).await?;
            Ok::<_, StoreError>(true)
        })
        .await
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::store::accounts::users;
    use crate::store::testing::{execute, now_in_micros, number, test_store};

    /// Creates an active account without a usable password.
    pub async fn user(store: &Store, email: &str, role: Role) -> UserId {
        let id = UserId::now_v7();
        let sql = format!(
            "INSERT INTO users (id, email, hashed_secret, plan, rbac_roles, is_active, created_at, updated_at)
            VALUES ('{id}', '{email}', '', 'free', '{{{}}}', true, now(), now())",
            role.as_str()
        );
        execute(store, &sql).await;
        id
    }

    fn demote() -> UserChange {
        UserChange { role: Some(Role::Analyst), ..UserChange::default() }
    }

    fn disable() -> UserChange {
        UserChange { is_active: Some(false), ..UserChange::default() }
    }

    fn is_made(outcome: &Change) -> bool {
        matches!(outcome, Change::Made { .. })
    }

    async fn n_admins(store: &Store) -> i64 {
        number(store, "SELECT count(*) FROM users WHERE is_active AND 'admin' = ANY (rbac_roles)").await
    }

    #[tokio::test]
    async fn accounts_are_listed_page_by_page_and_by_every_filter() {
        let store = test_store().await;
        let mut made = Vec::new();
        for (email, role) in [
            ("ana@example.com", Role::Admin),
            ("bob@example.com", Role::Viewer),
            ("eve@example.org", Role::Viewer),
        ] {
            made.push(user(&store, email, role).await);
        }
        let [ana, bob, eve] = made[..] else { panic!() };
        let named = UserChange {
            name: Some(Some("Eve Ångström".parse().unwrap())),
            plan: Some(Plan::Pro),
            ..disable()
        };
        assert!(is_made(&change(&store, eve, &named, now_in_micros()).await.unwrap()));
        let found = async |query: UsersQuery| {
            let items = list(&store, &UsersQuery { limit: 10, ..query }).await.unwrap().items;
            items.into_iter().map(|user| user.id).collect::<Vec<_>>()
        };
        let all = UsersQuery::default;
        assert_eq!(found(all()).await, [eve, bob, ana]);
        assert_eq!(found(UsersQuery { role: Some(Role::Viewer), ..all() }).await, [eve, bob]);
        assert_eq!(found(UsersQuery { role: Some(Role::Analyst), ..all() }).await, []);
        assert_eq!(found(UsersQuery { plan: Some(Plan::Pro), ..all() }).await, [eve]);
        assert_eq!(found(UsersQuery { is_active: Some(true), ..all() }).await, [bob, ana]);
        for (text, expected) in
            [("EXAMPLE.COM", &[bob, ana][..]), ("eve å", &[eve][..]), ("%", &[][..]), ("_", &[][..])]
        {
            assert_eq!(
                found(UsersQuery { search: Some(text.to_owned()), ..all() }).await,
                expected,
                "{text}"
            );
        }
        let mut pages = Vec::new();
        let mut query = UsersQuery { limit: 2, ..all() };
        loop {
            let page = list(&store, &query).await.unwrap();
            pages.push(page.items.iter().map(|user| user.id).collect::<Vec<_>>());
            let Some(cursor) = page.next_cursor else { break };
            query.cursor = Some(cursor);
        }
        assert_eq!(pages, [vec![eve, bob], vec![ana]]);
        assert!(is_made(&archive(&store, bob, now_in_micros()).await.unwrap()));
        assert_eq!(found(all()).await, [eve, ana]);
        assert_eq!(users::get(&store, bob).await.unwrap(), None);
        let again = user(&store, "bob@example.com", Role::Viewer).await;
        assert_ne!(again, bob, "the address of an archived account is free");
        let wrong = UsersQuery { cursor: Some("x".to_owned()), ..all() };
        assert!(matches!(list(&store, &wrong).await, Err(StoreError::BadCursor)));
    }

    #[tokio::test]
    async fn the_last_active_admin_stays() {
        let store = test_store().await;
        let ana = user(&store, "ana@example.com", Role::Admin).await;
        let bob = user(&store, "bob@example.com", Role::Admin).await;
        let viewer = user(&store, "eve@example.com", Role::Viewer).await;
        let now = now_in_micros();
        let Change::Made { before, after } = change(&store, bob, &disable(), now).await.unwrap() else {
            panic!()
        };
        assert_eq!(after, User { is_active: false, updated_at: now, ..before });
        for refused in [
            change(&store, ana, &demote(), now).await.unwrap(),
            change(&store, ana, &disable(), now).await.unwrap(),
            archive(&store, ana, now).await.unwrap(),
        ] {
            assert_eq!(refused, Change::LastAdmin);
        }
        assert_eq!(n_admins(&store).await, 1);
        // The other changes go on, and so do those of others.
        let renamed = UserChange { name: Some(Some("Ana".parse().unwrap())), ..UserChange::default() };
        assert!(is_made(&change(&store, ana, &renamed, now).await.unwrap()));
        assert!(is_made(&archive(&store, viewer, now).await.unwrap()));
        assert_eq!(change(&store, viewer, &renamed, now).await.unwrap(), Change::Unknown);
        assert_eq!(archive(&store, UserId::now_v7(), now).await.unwrap(), Change::Unknown);
        assert!(is_made(&archive(&store, bob, now).await.unwrap()), "bob was not active");
    }

    #[tokio::test]
    async fn of_two_admins_who_remove_each_other_at_the_same_time_one_stays() {
        let store = test_store().await;
        // Slow commits, because the race is between the check and the commit: each would still see the other as an admin.
        execute(
            &store,
            "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER take_time AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION take_time()",
        )
        .await;
        let now = now_in_micros();
        for n in 0..6 {
            let one = user(&store, &format!("one{n}@example.com"), Role::Admin).await;
            let other = user(&store, &format!("other{n}@example.com"), Role::Admin).await;
            let (demotion, disabling) = (demote(), disable());
            let (first, second) = tokio::join!(
                async {
                    match n % 2 {
                        0 => change(&store, one, &demotion, now).await.unwrap(),
                        _ => archive(&store, one, now).await.unwrap(),
                    }
                },
                change(&store, other, if n < 3 { &demotion } else { &disabling }, now),
            );
            let outcomes = [first, second.unwrap()];
            assert_eq!(outcomes.iter().filter(|outcome| is_made(outcome)).count(), 1, "{outcomes:?}");
            assert!(outcomes.contains(&Change::LastAdmin), "{outcomes:?}");
            assert_eq!(n_admins(&store).await, 1);
            execute(&store, "UPDATE users SET is_active = false WHERE is_active").await;
        }
    }

    #[tokio::test]
    async fn a_disabled_account_loses_its_tokens_and_its_reset() {
        let store = test_store().await;
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        let bob = user(&store, "bob@example.com", Role::Viewer).await;
        for id in [ana, bob] {
            let sql = format!(
                "INSERT INTO token_families (id, user_id, scopes, created_at, expires_at)
                    VALUES (gen_random_uuid(), '{id}', '{{read}}', now(), now() + interval '1 day');
                INSERT INTO password_resets (user_id, digest, expires_at)
                    VALUES ('{id}', sha256('{id}'), now() + interval '1 hour')"
            );
            execute(&store, &sql).await;
        }
        let left = async |id: UserId| {
            let families = format!("FROM token_families WHERE user_id = '{id}' AND revoked_at IS NULL");
            let resets = format!("FROM password_resets WHERE user_id = '{id}'");
            (
                number(&store, &format!("SELECT count(*) {families}")).await,
                number(&store, &format!("SELECT count(*) {resets}")).await,
            )
        };
        let now = now_in_micros();
        assert!(is_made(&change(&store, ana, &disable(), now).await.unwrap()));
        assert_eq!((left(ana).await, left(bob).await), ((0, 0), (1, 1)));
        assert!(revoke_tokens(&store, bob, now).await.unwrap());
        assert_eq!(left(bob).await, (0, 1));
        assert!(!revoke_tokens(&store, UserId::now_v7(), now).await.unwrap());
    }
}
