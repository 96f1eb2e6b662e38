//! Families of refresh tokens. Each token is used once, and its use issues the next one. A used token that is presented
//! again reveals that two parties hold it, unless a second tab of one browser presents it within the grace period.

use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};

use super::{names_of, scopes_at};
use crate::models::id::{TokenFamilyId, UserId};
use crate::models::principal::Scopes;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// SHA-256 digest of a refresh token. The token itself is never stored.
pub type TokenDigest = [u8; 32];

/// One sign-in, which all tokens issued for it belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// Id of the family.
    pub id: TokenFamilyId,
    /// Account that signed in.
    pub user: UserId,
    /// Kinds of access that its tokens grant at most.
    pub scopes: Scopes,
    /// Time from which its tokens are refused.
    pub expires_at: Timestamp,
}

/// Outcome of presenting a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// The next token of the family was issued.
    Renewed(Family),
    /// The token was used before, and the grace period is over. Its family has just been revoked.
    Reused(Family),
    /// The family was revoked earlier.
    Revoked,
    /// No token has this digest, or its family has expired.
    Unknown,
}

/// Stores a family with its first token.
pub async fn start(
    store: &Store,
    family: &Family,
    (first, now): (&TokenDigest, Timestamp),
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO token_families (id, user_id, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
    let (scopes, created_at, expires_at) =
        (names_of(family.scopes), PgTimestamp(now), PgTimestamp(family.expires_at));
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            transaction.execute(SQL, &[&family.id, &family.user, &scopes, &created_at, &expires_at]).await?;
            issue(&transaction, family.id, (first, now)).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(())
        })
        .await
}

/// Uses a token: issues `next` in its place, or revokes the family if the token was used more than `grace` ago.
///
/// The row of the family is locked first, so all uses of its tokens take turns, and each sees what the previous one did.
/// Thus a token has one first use, and after a reuse no token of the family is ever renewed.
pub async fn redeem(
    store: &Store,
    (presented, next): (&TokenDigest, &TokenDigest),
    (now, grace): (Timestamp, SignedDuration),
) -> Result<Redeemed, StoreError> {
    const FAMILY: &str = "
        SELECT id, user_id, scopes, expires_at, revoked_at IS NOT NULL FROM token_families
        WHERE id = (SELECT family_id FROM refresh_tokens WHERE digest = $1) FOR UPDATE";
    // A statement of its own, because it must see what was committed while the first one waited for the lock.
    const USED_AT: &str = "SELECT used_at FROM refresh_tokens WHERE digest = $1";
    const USE: &str = "UPDATE refresh_tokens SET used_at = $2 WHERE digest = $1 AND used_at IS NULL";
    const REVOKE: &str = "UPDATE token_families SET revoked_at = $2 WHERE id = $1";
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            let digest = presented.as_slice();
            let Some(row) = transaction.query_opt(FAMILY, &[&digest]).await? else {
                return Ok(Redeemed::Unknown);
            };
            let family = Family {
                id: row.try_get(0)?,
                user: row.try_get(1)?,
                scopes: scopes_at(&row, 2)?,
                expires_at: row.try_get(3)?,
            };
            let is_revoked: bool = row.try_get(4)?;
            if is_revoked {
                return Ok(Redeemed::Revoked);
            }
            if family.expires_at <= now {
                return Ok(Redeemed::Unknown);
            }
            let used_at = transaction.query_one(USED_AT, &[&digest]).await?.try_get(0)?;
            if is_reuse(used_at, (now, grace)) {
                transaction.execute(REVOKE, &[&family.id, &PgTimestamp(now)]).await?;
                transaction.commit().await?;
                return Ok(Redeemed::Reused(family));
            }
            transaction.execute(USE, &[&digest, &PgTimestamp(now)]).await?;
            issue(&transaction, family.id, (next, now)).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(Redeemed::Renewed(family))
        })
        .await
}

/// Returns whether a token that was first used at `used_at` must not be used at `now`.
fn is_reuse(used_at: Option<Timestamp>, (now, grace): (Timestamp, SignedDuration)) -> bool {
    used_at.is_some_and(|used_at| now.duration_since(used_at) >= grace)
}

/// Revokes a family, and returns whether it existed and was not revoked.
pub async fn revoke(store: &Store, id: TokenFamilyId, now: Timestamp) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE token_families SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    Ok(store.execute(SQL, &[&id, &PgTimestamp(now)]).await? > 0)
}

async fn issue(
    transaction: &Transaction<'_>,
    family: TokenFamilyId,
    (digest, now): (&TokenDigest, Timestamp),
) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO refresh_tokens (digest, family_id, issued_at) VALUES ($1, $2, $3)";
    transaction.execute(SQL, &[&digest.as_slice(), &family, &PgTimestamp(now)]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, GRACE, family};
    use super::*;
    use crate::store::testing::{now_in_micros, number, test_store};

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    #[test]
    fn a_token_may_be_used_again_within_the_grace_period_only() {
        let used_at = now_in_micros();
        let check = |used_at: Option<Timestamp>, after: SignedDuration, expected: bool| {
            let now = used_at.unwrap_or_else(now_in_micros) + after;
            assert_eq!(is_reuse(used_at, (now, GRACE)), expected, "{used_at:?} {after}");
        };
        check(None, SignedDuration::ZERO, false);
        check(Some(used_at), SignedDuration::ZERO, false);
        check(Some(used_at), GRACE - SECOND, false);
        check(Some(used_at), GRACE, true);
        check(Some(used_at), GRACE * 1_000, true);
        // Another process, whose clock is late.
        check(Some(used_at), -SECOND, false);
    }

    #[tokio::test]
    async fn each_use_issues_the_next_token_and_a_late_reuse_ends_the_family() {
        let store = test_store().await;
        let now = now_in_micros();
        let family = family(testing::user(&store, "viewer").await, now);
        start(&store, &family, (&[0; 32], now)).await.unwrap();
        let redeem = async |presented: u8, next: u8, at: Timestamp| {
            redeem(&store, (&[presented; 32], &[next; 32]), (at, GRACE)).await.unwrap()
        };
        assert_eq!(redeem(9, 10, now).await, Redeemed::Unknown);
        assert_eq!(redeem(0, 1, now).await, Redeemed::Renewed(family));
        // The second tab gets another token of the same family, and both go on.
        assert_eq!(redeem(0, 2, now + GRACE - SECOND).await, Redeemed::Renewed(family));
        let later = now + GRACE * 100;
        assert_eq!(redeem(1, 3, later).await, Redeemed::Renewed(family));
        assert_eq!(redeem(2, 4, later).await, Redeemed::Renewed(family));
        // Using it again prolonged no grace period: the first token counts as reused.
        assert_eq!(redeem(0, 5, now + GRACE).await, Redeemed::Reused(family));
        for digest in 0..=4 {
            assert_eq!(redeem(digest, 6, later).await, Redeemed::Revoked, "{digest}");
        }
        assert_eq!(number(&store, "SELECT count(*) FROM refresh_tokens").await, 5);
    }

    #[tokio::test]
    async fn an_expired_family_is_unknown_and_maintenance_deletes_it_with_its_tokens() {
        let store = test_store().await;
        let now = now_in_micros();
        let family = family(testing::user(&store, "viewer").await, now);
        start(&store, &family, (&[0; 32], now)).await.unwrap();
        let late = redeem(&store, (&[0; 32], &[1; 32]), (family.expires_at, GRACE)).await.unwrap();
        assert_eq!(late, Redeemed::Unknown);
        super::super::expire(&store, family.expires_at).await.unwrap();
        assert_eq!(number(&store, "SELECT count(*) FROM refresh_tokens").await, 1);
        super::super::expire(&store, family.expires_at + SECOND).await.unwrap();
        assert_eq!(number(&store, "SELECT count(*) FROM refresh_tokens").await, 0);
    }

    #[tokio::test]
    async fn a_revoked_family_renews_nothing_and_others_go_on() {
        let store = test_store().await;
        let now = now_in_micros();
        let (ana, bo) = (testing::user(&store, "viewer").await, testing::user(&store, "viewer").await);
        let families = [family(ana, now), family(ana, now), family(ana, now), family(bo, now)];
        for (n, family) in families.iter().enumerate() {
            start(&store, family, (&[n as u8; 32], now)).await.unwrap();
        }
        assert!(revoke(&store, families[0].id, now).await.unwrap());
        assert!(!revoke(&store, families[0].id, now).await.unwrap());
        assert!(revoke(&store, families[2].id, now).await.unwrap());
        let mut outcomes = Vec::new();
        for n in 0..4_u8 {
            let next = [n + 10; 32];
            outcomes.push(redeem(&store, (&[n; 32], &next), (now, GRACE)).await.unwrap());
        }
        let [_, kept, _, other] = families;
        assert_eq!(
            outcomes,
            [Redeemed::Revoked, Redeemed::Renewed(kept), Redeemed::Revoked, Redeemed::Renewed(other)]
        );
    }
}
