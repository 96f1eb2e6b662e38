//! Invitations to create an account.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::users::{USERS_MAX, role_at, user_of};
use crate::models::account::User;
use crate::models::id::{InvitationId, UserId};
use crate::models::invitation::Invitation;
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::locks::{self, Lock};
use crate::store::page::{Cursor, Page, limits};
use crate::store::share_links::SecretDigest;
use crate::store::{Store, StoreError};

/// Maximum number of invitations that have not expired. Each may be mailed, so this also bounds what a stolen session of
/// an admin can send.
pub const INVITATIONS_MAX: i64 = 200;

/// Maximum number of invitations deleted per call of [`expire`].
const EXPIRED_MAX: i64 = 1_000;

/// Columns of an [`Invitation`], in the order that [`invitation_of`] reads them. This is a macro, because `concat!` takes
/// only literals.
macro_rules! columns {
    () => {
        "id, email, plan, rbac_roles, created_at, created_by, expires_at"
    };
}

/// Whether the person who created an invitation may still do so. Invitations of the operator and of programs that belong
/// to nobody name no person.
macro_rules! inviter_may {
    () => {
        "(invited_by IS NULL OR EXISTS (
            SELECT FROM users
            WHERE users.id = invited_by AND is_active AND archived_at IS NULL AND 'admin' = ANY (users.rbac_roles)))"
    };
}

/// Finds the account with an address.
const TAKEN: &str = "SELECT FROM users WHERE email = $1 AND archived_at IS NULL";

/// Returns a page of the invitations that have not expired, newest first.
///
/// # Errors
/// `BadCursor`, or if PostgreSQL fails.
pub async fn list(
    store: &Store,
    (cursor, limit): (Option<&str>, usize),
    now: Timestamp,
) -> Result<Page<Invitation>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invitations
        WHERE expires_at > $1 AND ",
        inviter_may!(),
        " AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $4"
    );
    let (limit, n_rows) = limits(limit);
    let after = cursor.map(Cursor::decode).transpose()?;
    let (at, id) = (after.map(|after| PgTimestamp(after.at)), after.map(|after| after.id));
    let rows = store.query(SQL, &[&PgTimestamp(now), &at, &id, &n_rows]).await?;
    let invitations = rows.iter().map(invitation_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(invitations, limit, |made| Cursor { at: made.created_at, id: made.id.into() }))
}

/// Outcome of a request to invite somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// The invitation was stored. It replaces an earlier one for the same address.
    Stored,
    /// There is an account with this address.
    EmailTaken,
    /// There are already [`INVITATIONS_MAX`] invitations.
    TooMany,
}

/// Stores an invitation, in place of an earlier one for the same address. It ends when the person who created it is no
/// longer an administrator.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn create(
    store: &Store,
    invitation: &Invitation,
    (digest, invited_by): (&SecretDigest, Option<UserId>),
) -> Result<Invited, StoreError> {
    const REPLACED: &str = "DELETE FROM invitations WHERE email = $1";
    const SQL: &str = "
        INSERT INTO invitations (id, email, plan, rbac_roles, digest, created_at, created_by, expires_at, invited_by)
        SELECT $1, $2, $3, ARRAY[$4::text], $5, $6, $7, $8, $10
        WHERE (SELECT count(*) FROM invitations WHERE expires_at > $6) < $9";
    let Invitation { id, email, role, plan, created_at, created_by, expires_at } = invitation;
    let (email, plan, role) = (email.as_str(), plan.as_str(), role.as_str());
    let (created_at, expires_at) = (PgTimestamp(*created_at), PgTimestamp(*expires_at));
    let digest = digest.as_slice();
    let values: [&(dyn ToSql + Sync); 10] = [
        id,
        &email,
        &plan,
        &role,
        &digest,
        &created_at,
        created_by,
        &expires_at,
        &INVITATIONS_MAX,
        &invited_by,
    ];
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            // Also keeps two invitations of the same address from colliding.
            locks::take(&transaction, Lock::InvitationCount).await?;
            if transaction.query_opt(TAKEN, &[&email]).await?.is_some() {
                return Ok(Invited::EmailTaken);
            }
            transaction.execute(REPLACED, &[&email]).await?;
            if transaction.execute(SQL, &values).await? == 0 {
                return Ok(Invited::TooMany);
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(Invited::Stored)
        })
        .await
}

/// Deletes an invitation and returns it; `None` if it does not exist.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn revoke(store: &Store, id: InvitationId) -> Result<Option<Invitation>, StoreError> {
    const SQL: &str = concat!("DELETE FROM invitations WHERE id = $1 RETURNING ", columns!());
    store.query_opt(SQL, &[&id]).await?.as_ref().map(invitation_of).transpose()
}

/// Returns the invitation with this digest; `None` if it has expired, or has been accepted or revoked.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn find(
    store: &Store,
    digest: &SecretDigest,
    now: Timestamp,
) -> Result<Option<Invitation>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM invitations WHERE digest = $1 AND expires_at > $2 AND ",
        inviter_may!()
    );
    let found = store.query_opt(SQL, &[&digest.as_slice(), &PgTimestamp(now)]).await?;
    found.as_ref().map(invitation_of).transpose()
}

/// What an invited person chose.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// Digest of the invitation's token.
    pub digest: SecretDigest,
    /// Display name, if the person chose one.
    pub name: Option<PersonName>,
    /// Hash of the password, in PHC format.
    pub hashed_secret: String,
}

/// Outcome of accepting an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The account was created, and the invitation is gone.
    Created(User),
    /// There is an account with this address by now. The invitation is gone.
    EmailTaken,
    /// There are already [`USERS_MAX`] accounts. The invitation stays.
    TooMany,
    /// The invitation has expired, or has been accepted or revoked, or its creator is no longer an administrator.
    Ended,
}

/// Creates the account of an invitation.
///
/// Deleting the invitation locks its row, so of several acceptances at the same time one finds it. Accounts are counted
/// under the lock under which every account is created.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn accept(store: &Store, chosen: &Acceptance, now: Timestamp) -> Result<Accepted, StoreError> {
    const TAKE: &str = concat!(
        "DELETE FROM invitations WHERE digest = $1 AND expires_at > $2 AND ",
        inviter_may!(),
        " RETURNING ",
        columns!()
    );
    const CREATE: &str = "
        INSERT INTO users (id, email, name, hashed_secret, plan, rbac_roles, is_active, created_at, updated_at)
        SELECT $1, $2, $3, $4, $5, ARRAY[$6::text], true, $7, $7
        WHERE (SELECT count(*) FROM users WHERE archived_at IS NULL) < $8
        ON CONFLICT (email) WHERE archived_at IS NULL DO NOTHING
        RETURNING id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at";
    let Acceptance { digest, name, hashed_secret } = chosen;
    let name = name.as_ref().map(PersonName::as_str);
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let at = PgTimestamp(now);
            locks::take(&transaction, Lock::UserCount).await?;
            let Some(row) = transaction.query_opt(TAKE, &[&digest.as_slice(), &at]).await? else {
                return Ok(Accepted::Ended);
            };
            let Invitation { email, role, plan, .. } = invitation_of(&row)?;
            let (id, email, plan, role) = (UserId::now_v7(), email.as_str(), plan.as_str(), role.as_str());
            let values: [&(dyn ToSql + Sync); 8] =
                [&id, &email, &name, hashed_secret, &plan, &role, &at, &USERS_MAX];
            let created = transaction.query_opt(CREATE, &values).await?;
            if created.is_none() && transaction.query_opt(TAKEN, &[&email]).await?.is_none() {
                return Ok(Accepted::TooMany);
            }
            transaction.commit().await?;
            Ok::<_, StoreError>(match created {
                Some(row) => Accepted::Created(user_of(&row)?),
                None => Accepted::EmailTaken,
            })
        })
        .await
}

/// Deletes invitations that have expired, and returns their number. One call may leave some for the next.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn expire(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM invitations WHERE id IN (
            SELECT id FROM invitations WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    store.execute(SQL, &[&PgTimestamp(now), &EXPIRED_MAX]).await
}

fn invitation_of(row: &Row) -> Result<Invitation, StoreError> {
    let email: &str = row.try_get(1)?;
    Ok(Invitation {
        id: row.try_get(0)?,
        email: email.parse().map_err(|_| StoreError::internal("a stored email address is malformed"))?,
        plan: enum_at(row, 2, &Plan::ALL, Plan::as_str)?,
        role: role_at(row, 3)?,
        created_at: row.try_get(4)?,
        created_by: row.try_get(5)?,
        expires_at: row.try_get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use jiff::SignedDuration;

    use super::super::administration::tests::user;
    use super::*;
    use crate::models::principal::Role;
    use crate::store::testing::{created_at_once, execute, now_in_micros, number, test_store};

    fn invitation(email: &str, now: Timestamp) -> Invitation {
        Invitation {
            id: InvitationId::now_v7(),
            email: email.parse().unwrap(),
            role: Role::Analyst,
            plan: Plan::Pro,
            created_at: now,
            created_by: Some("Ana".to_owned()),
            expires_at: now + SignedDuration::from_hours(1),
        }
    }

    fn acceptance(digest: SecretDigest) -> Acceptance {
        let name = Some("Bob".parse().unwrap());
        Acceptance { digest, name, hashed_secret: "a hash".to_owned() }
    }

    #[tokio::test]
    async fn an_invitation_creates_one_account_with_what_it_promises() {
        let store = test_store().await;
        let now = now_in_micros();
        let made = invitation("bob@example.com", now);
        assert_eq!(create(&store, &made, (&[1; 32], None)).await.unwrap(), Invited::Stored);
        assert_eq!(list(&store, (None, 10), now).await.unwrap().items, std::slice::from_ref(&made));
        assert_eq!(find(&store, &[1; 32], now).await.unwrap(), Some(made.clone()));
        assert_eq!(find(&store, &[2; 32], now).await.unwrap(), None);
        assert_eq!(find(&store, &[1; 32], made.expires_at).await.unwrap(), None);
        let chosen = acceptance([1; 32]);
        let accepted = join_all((0..8).map(|_| accept(&store, &chosen, now))).await;
        let accepted: Vec<Accepted> = accepted.into_iter().map(Result::unwrap).collect();
        let created: Vec<&User> = accepted
            .iter()
            .filter_map(|outcome| match outcome {
                Accepted::Created(user) => Some(user),
                _ => None,
            })
            .collect();
        let [user] = created[..] else { panic!("{accepted:?}") };
        assert_eq!(
            (user.email.as_str(), user.role, user.plan),
            ("bob@example.com", Role::Analyst, Plan::Pro)
        );
        assert_eq!(user.name.as_ref().map(PersonName::as_str), Some("Bob"));
        assert_eq!(accepted.iter().filter(|outcome| **outcome == Accepted::Ended).count(), 7);
        assert_eq!(number(&store, "SELECT count(*) FROM users WHERE hashed_secret = 'a hash'").await, 1);
        assert_eq!(list(&store, (None, 10), now).await.unwrap().items, []);
        assert_eq!(create(&store, &made, (&[3; 32], None)).await.unwrap(), Invited::EmailTaken);
    }

    #[tokio::test]
    async fn an_invitation_that_was_replaced_revoked_or_expired_creates_nothing() {
        let store = test_store().await;
        let now = now_in_micros();
        let accepted = async |digest, at| accept(&store, &acceptance(digest), at).await.unwrap();
        for n in [1, 2] {
            let made = invitation("bob@example.com", now);
            assert_eq!(create(&store, &made, (&[n; 32], None)).await.unwrap(), Invited::Stored);
        }
        assert_eq!(accepted([1; 32], now).await, Accepted::Ended);
        let left = list(&store, (None, 10), now).await.unwrap().items.remove(0);
        assert_eq!(accepted([2; 32], left.expires_at).await, Accepted::Ended);
        assert_eq!(revoke(&store, left.id).await.unwrap(), Some(left.clone()));
        assert_eq!(revoke(&store, left.id).await.unwrap(), None);
        assert_eq!(accepted([2; 32], now).await, Accepted::Ended);
        let other = invitation("eve@example.com", now);
        assert_eq!(create(&store, &other, (&[4; 32], None)).await.unwrap(), Invited::Stored);
        user(&store, "eve@example.com", Role::Viewer).await;
        assert_eq!(accepted([4; 32], now).await, Accepted::EmailTaken);
        assert_eq!(number(&store, "SELECT count(*) FROM users").await, 1);
        create(&store, &invitation("ivy@example.com", now), (&[5; 32], None)).await.unwrap();
        assert_eq!(expire(&store, now).await.unwrap(), 0);
        assert_eq!(expire(&store, other.expires_at).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn an_invitation_ends_when_its_creator_is_no_longer_an_administrator() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Admin).await;
        let made = invitation("bob@example.com", now);
        assert_eq!(create(&store, &made, (&[1; 32], Some(ana))).await.unwrap(), Invited::Stored);
        let set = async |what: &str| execute(&store, &format!("UPDATE users SET {what}")).await;
        for (away, back) in [
            ("is_active = false", "is_active = true"),
            ("archived_at = now()", "archived_at = NULL"),
            ("rbac_roles = '{analyst}'", "rbac_roles = '{admin}'"),
        ] {
            set(away).await;
            assert_eq!(find(&store, &[1; 32], now).await.unwrap(), None, "{away}");
            assert_eq!(list(&store, (None, 10), now).await.unwrap().items, [], "{away}");
            assert_eq!(accept(&store, &acceptance([1; 32]), now).await.unwrap(), Accepted::Ended, "{away}");
            set(back).await;
        }
        let accepted = accept(&store, &acceptance([1; 32]), now).await.unwrap();
        assert!(matches!(accepted, Accepted::Created(_)), "{accepted:?}");
    }

    #[tokio::test]
    async fn the_cap_on_invitations_holds_under_concurrent_creation_and_counts_no_expired_ones() {
        let store = test_store().await;
        let fill = |n: i64, expires: &str| {
            format!(
                "INSERT INTO invitations (id, email, plan, rbac_roles, digest, created_at, expires_at)
                SELECT gen_random_uuid(), gen_random_uuid() || '@example.com', 'free', '{{viewer}}',
                    sha256(gen_random_uuid()::text::bytea), now(), {expires} FROM generate_series(1, {n})"
            )
        };
        execute(&store, &fill(50, "now() - interval '1 minute'")).await;
        execute(&store, &fill(INVITATIONS_MAX - 3, "now() + interval '1 hour'")).await;
        let make = async || {
            let id = InvitationId::now_v7();
            let made = Invitation { id, ..invitation(&format!("{id}@example.com"), Timestamp::now()) };
            let digest = std::array::from_fn(|_| rand::random());
            (create(&store, &made, (&digest, None)).await.unwrap() == Invited::Stored).then_some(())
        };
        assert_eq!(created_at_once(&store, "invitations", make).await, 3);
        assert_eq!(list(&store, (None, 500), Timestamp::now()).await.unwrap().items.len(), 200);
    }
}
