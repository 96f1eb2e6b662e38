//! One-time links that set a new password: one that is mailed, and one that an admin passes on. Neither replaces the other,
//! because a stranger may ask for the first. Using one ends both.

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::ToSql;

use super::administration::end_access;
use super::users::user_of;
use crate::models::account::{Email, User};
use crate::models::id::UserId;
use crate::store::codec::PgTimestamp;
use crate::store::share_links::SecretDigest;
use crate::store::{Store, StoreError};

/// Maximum number of links that are mailed to a person within an hour, however often they are asked for: one is lost,
/// the next is opened too late, and the third is used. More would let strangers fill a mailbox.
pub const REQUESTS_MAX: i32 = 3;

/// Period in which at most [`REQUESTS_MAX`] links are mailed.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);

/// Maximum number of accounts whose links are deleted per call of [`expire`].
const EXPIRED_MAX: i64 = 1_000;

/// Link to store, in place of the account's earlier one of its kind.
#[derive(Debug, Clone)]
pub struct NewReset {
    /// Digest of the link's token.
    pub digest: SecretDigest,
    /// Time at which the link was asked for.
    pub at: Timestamp,
    /// Time at which the link expires.
    pub expires_at: Timestamp,
}

/// Stores a link for the active account with this address, and returns whether it is to be mailed: `false` if there is no
/// such account, or if it was mailed [`REQUESTS_MAX`] links within the last hour. Then an earlier link stays valid.
///
/// One statement, so that requests at the same time are counted one after the other.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn request(store: &Store, email: &Email, reset: &NewReset) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO password_resets AS reset (user_id, digest, expires_at, period_began_at, n_requests)
        SELECT id, $2, $3, $4, 1 FROM users WHERE email = $1 AND archived_at IS NULL AND is_active
        ON CONFLICT (user_id) DO UPDATE SET
            digest = excluded.digest,
            expires_at = excluded.expires_at,
            period_began_at = CASE WHEN reset.period_began_at > $5 THEN reset.period_began_at ELSE $4 END,
            n_requests = CASE WHEN reset.period_began_at > $5 THEN reset.n_requests + 1 ELSE 1 END
        WHERE reset.period_began_at IS NULL OR reset.period_began_at <= $5 OR reset.n_requests < $6";
    let NewReset { digest, at, expires_at } = reset;
    let (email, digest) = (email.as_str(), digest.as_slice());
    let (expires_at, began_at, before) =
        (PgTimestamp(*expires_at), PgTimestamp(*at), PgTimestamp(*at - PERIOD));
    let values: [&(dyn ToSql + Sync); 6] = [&email, &digest, &expires_at, &began_at, &before, &REQUESTS_MAX];
    Ok(store.execute(SQL, &values).await? > 0)
}

/// Stores a link that an admin passes on, and returns the account; `None` if there is no active account with this id.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn create(store: &Store, id: UserId, reset: &NewReset) -> Result<Option<User>, StoreError> {
    const SQL: &str = "
        WITH owner AS (
            SELECT id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at
            FROM users WHERE id = $1 AND archived_at IS NULL AND is_active
        ), stored AS (
            INSERT INTO password_resets (user_id, passed_on_digest, passed_on_expires_at) SELECT id, $2, $3 FROM owner
            ON CONFLICT (user_id) DO UPDATE SET
                passed_on_digest = excluded.passed_on_digest,
                passed_on_expires_at = excluded.passed_on_expires_at
        )
        SELECT * FROM owner";
    let NewReset { digest, expires_at, .. } = reset;
    let found = store.query_opt(SQL, &[&id, &digest.as_slice(), &PgTimestamp(*expires_at)]).await?;
    found.as_ref().map(user_of).transpose()
}

/// Returns the account whose password the link with this digest sets; `None` if the link has expired, or has been used or
/// replaced.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn find(
    store: &Store,
    digest: &SecretDigest,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    const SQL: &str = "
        SELECT owner.id FROM password_resets AS reset JOIN users AS owner ON owner.id = reset.user_id
        WHERE ((reset.digest = $1 AND reset.expires_at > $2)
                OR (reset.passed_on_digest = $1 AND reset.passed_on_expires_at > $2))
            AND owner.is_active AND owner.archived_at IS NULL";
    let found = store.query_opt(SQL, &[&digest.as_slice(), &PgTimestamp(now)]).await?;
    found.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Sets the password of the account whose link has this digest, revokes its access tokens and ends its links. Returns
/// the account; `None` if the link has expired, or has been used or replaced.
///
/// The account is locked before its link, as by everything else that ends access. Of several uses at the same time, one
/// finds the link.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn redeem(
    store: &Store,
    digest: &SecretDigest,
    hashed_secret: &str,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    const HOLD: &str = "
        SELECT FROM users
        WHERE id = (SELECT user_id FROM password_resets WHERE digest = $1 OR passed_on_digest = $1) FOR UPDATE";
    const TAKE: &str = "
        DELETE FROM password_resets
        WHERE (digest = $1 AND expires_at > $2) OR (passed_on_digest = $1 AND passed_on_expires_at > $2)
        RETURNING user_id";
    const SET: &str = "
        UPDATE users SET hashed_secret = $2, updated_at = $3
        WHERE id = $1 AND is_active AND archived_at IS NULL
        RETURNING id, email, name, plan, rbac_roles, is_active, created_at, updated_at, last_sign_in_at";
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let at = PgTimestamp(now);
            transaction.execute(HOLD, &[&digest.as_slice()]).await?;
            let Some(taken) = transaction.query_opt(TAKE, &[&digest.as_slice(), &at]).await? else {
                return Ok(None);
            };
            let id: UserId = taken.try_get(0)?;
            let changed = transaction.query_opt(SET, &[&id, &hashed_secret, &at]).await?;
            end_access(&transaction, id, now).await?;
            transaction.commit().await?;
            changed.as_ref().map(user_of).transpose()
        })
        .await
}

/// Deletes the links of accounts whose links have all expired and no longer count, and returns the number of accounts. One call
/// may leave some for the next.
///
/// # Errors
/// If PostgreSQL fails.
pub async fn expire(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM password_resets WHERE user_id IN (
            SELECT user_id FROM password_resets
            WHERE coalesce(expires_at <= $1, true) AND coalesce(passed_on_expires_at <= $1, true)
                AND coalesce(period_began_at <= $2, true)
            ORDER BY greatest(expires_at, passed_on_expires_at) LIMIT $3)";
    store.execute(SQL, &[&PgTimestamp(now), &PgTimestamp(now - PERIOD), &EXPIRED_MAX]).await
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::super::administration::tests::user;
    use super::super::passwords;
    use super::*;
    use crate::models::principal::Role;
    use crate::store::testing::{execute, now_in_micros, number, test_store};

    fn reset(n: u8, at: Timestamp) -> NewReset {
        NewReset { digest: [n; 32], at, expires_at: at + SignedDuration::from_mins(30) }
    }

    #[tokio::test]
    async fn a_link_sets_the_password_once_and_ends_the_accounts_tokens() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        let family = format!(
            "INSERT INTO token_families (id, user_id, scopes, created_at, expires_at)
            VALUES (gen_random_uuid(), '{ana}', '{{read}}', now(), now() + interval '1 day')"
        );
        execute(&store, &family).await;
        let owner = create(&store, ana, &reset(1, now)).await.unwrap().unwrap();
        assert_eq!((owner.id, owner.email.as_str()), (ana, "ana@example.com"));
        assert_eq!(find(&store, &[1; 32], now).await.unwrap(), Some(ana));
        assert_eq!(find(&store, &[1; 32], reset(1, now).expires_at).await.unwrap(), None);
        assert_eq!(redeem(&store, &[2; 32], "other", now).await.unwrap(), None);
        let used = join_all((0..8).map(|_| redeem(&store, &[1; 32], "new", now))).await;
        let used: Vec<User> = used.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(used.iter().map(|user| user.id).collect::<Vec<_>>(), [ana]);
        assert_eq!(number(&store, "SELECT count(*) FROM users WHERE hashed_secret = 'new'").await, 1);
        assert_eq!(number(&store, "SELECT count(*) FROM token_families WHERE revoked_at IS NULL").await, 0);
        assert_eq!(find(&store, &[1; 32], now).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_link_is_replaced_by_the_next_and_not_given_to_the_inactive() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        create(&store, ana, &reset(1, now)).await.unwrap().unwrap();
        create(&store, ana, &reset(2, now)).await.unwrap().unwrap();
        assert_eq!(redeem(&store, &[1; 32], "new", now).await.unwrap(), None);
        let late = now + SignedDuration::from_hours(2);
        assert_eq!(redeem(&store, &[2; 32], "new", late).await.unwrap(), None);
        execute(&store, "UPDATE users SET is_active = false").await;
        let ana_s = "ana@example.com".parse().unwrap();
        assert_eq!(find(&store, &[2; 32], now).await.unwrap(), None);
        assert_eq!(redeem(&store, &[2; 32], "new", now).await.unwrap(), None);
        assert_eq!(create(&store, ana, &reset(3, now)).await.unwrap(), None);
        assert!(!request(&store, &ana_s, &reset(3, now)).await.unwrap());
        assert_eq!(number(&store, "SELECT count(*) FROM users WHERE hashed_secret = 'new'").await, 0);
    }

    #[tokio::test]
    async fn a_mailed_link_and_an_admins_stay_beside_each_other_until_one_is_used() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        let email = "ana@example.com".parse().unwrap();
        let for_a_day = |n| NewReset { expires_at: now + SignedDuration::from_hours(24), ..reset(n, now) };
        let works = async |n: u8, at| find(&store, &[n; 32], at).await.unwrap() == Some(ana);
        create(&store, ana, &for_a_day(1)).await.unwrap().unwrap();
        // A stranger asks, twice.
        assert!(request(&store, &email, &reset(2, now)).await.unwrap());
        assert!(request(&store, &email, &reset(3, now)).await.unwrap());
        assert!(works(1, now).await && !works(2, now).await && works(3, now).await);
        let later = now + SignedDuration::from_hours(2);
        assert_eq!(expire(&store, later).await.unwrap(), 0, "the admin's link still works");
        assert!(works(1, later).await && !works(3, later).await);
        // A new link of either kind replaces the earlier one of its kind, and using one ends both.
        create(&store, ana, &for_a_day(4)).await.unwrap().unwrap();
        assert!(!works(1, now).await && works(3, now).await);
        assert!(redeem(&store, &[4; 32], "new", now).await.unwrap().is_some());
        assert!(!works(3, now).await && !works(4, now).await);
        create(&store, ana, &for_a_day(5)).await.unwrap().unwrap();
        assert!(request(&store, &email, &reset(6, now)).await.unwrap());
        assert!(redeem(&store, &[6; 32], "newer", now).await.unwrap().is_some());
        assert!(!works(5, now).await && redeem(&store, &[5; 32], "stolen", now).await.unwrap().is_none());
        // So does another way of changing the password.
        create(&store, ana, &for_a_day(7)).await.unwrap().unwrap();
        assert!(request(&store, &email, &reset(8, now)).await.unwrap());
        assert!(passwords::set(&store, ana, "newest", now).await.unwrap());
        assert!(!works(7, now).await && !works(8, now).await);
        create(&store, ana, &for_a_day(9)).await.unwrap().unwrap();
        assert_eq!(expire(&store, now + SignedDuration::from_hours(24)).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn at_most_three_links_are_mailed_in_an_hour() {
        let store = test_store().await;
        let now = now_in_micros();
        let ana = user(&store, "ana@example.com", Role::Viewer).await;
        let email = "ana@example.com".parse().unwrap();
        // A link by an admin does not count.
        create(&store, ana, &reset(1, now)).await.unwrap().unwrap();
        let asked = join_all((10..20).map(|n| {
            let (store, email) = (&store, &email);
            async move { request(store, email, &reset(n, now)).await.unwrap() }
        }))
        .await;
        assert_eq!(asked.iter().filter(|is_mailed| **is_mailed).count(), 3);
        let soon = now + SignedDuration::from_mins(59);
        assert!(!request(&store, &email, &reset(20, soon)).await.unwrap());
        assert_eq!(expire(&store, soon).await.unwrap(), 0, "it still counts");
        let later = now + SignedDuration::from_hours(1);
        assert!(request(&store, &email, &reset(21, later)).await.unwrap());
        assert_eq!(find(&store, &[21; 32], later).await.unwrap(), Some(ana));
        assert!(!request(&store, &"bob@example.com".parse().unwrap(), &reset(22, later)).await.unwrap());
        assert_eq!(expire(&store, later + SignedDuration::from_hours(1)).await.unwrap(), 1);
    }
}
