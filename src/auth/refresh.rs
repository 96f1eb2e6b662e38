//! Refresh tokens: `gsr_<secret>`. Each renews the sign-in of a program once.

use jiff::{SignedDuration, Timestamp};

use super::AuthError;
use super::secret;
use crate::models::id::{TokenFamilyId, UserId};
use crate::models::principal::Scopes;
use crate::store::Store;
use crate::store::credentials::refresh_tokens::{self, Family, Redeemed};

/// Start of every refresh token.
const PREFIX: &str = "gsr_";

/// Lifetime of a family, from its sign-in. After it the person signs in again.
const FAMILY_LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long after its first use a token may be used again: two tabs of a browser renew at the same moment, and a response
/// may get lost on its way. A thief who is later than this is noticed.
pub const GRACE: SignedDuration = SignedDuration::from_secs(20);

/// Refresh token that was just issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Family that the token belongs to.
    pub family: Family,
    /// Text to show once.
    pub token: String,
}

/// Outcome of presenting a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// The next token of the family was issued.
    Renewed(Issued),
    /// The token was used before, so two parties hold it. No token of its family is accepted any more.
    Reused(Family),
    /// The family was revoked earlier.
    Revoked,
    /// It is no refresh token, or its family has expired.
    Wrong,
}

/// Issues and renews refresh tokens.
#[derive(Clone)]
pub struct RefreshTokens {
    store: Store,
}

impl RefreshTokens {
    /// Creates the tokens of this store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Begins a family for a person who has signed in, and issues its first token.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn begin(&self, user: UserId, scopes: Scopes, now: Timestamp) -> Result<Issued, AuthError> {
        let expires_at = now + FAMILY_LIFETIME;
        let family = Family { id: TokenFamilyId::now_v7(), user, scopes, expires_at };
        let secret = secret::random();
        refresh_tokens::start(&self.store, &family, (&secret::digest(&secret), now)).await?;
        Ok(Issued { family, token: format!("{PREFIX}{secret}") })
    }

    /// Uses a token. Of concurrent uses, one is the first; the others count as those of other tabs within [`GRACE`], and
    /// as a reuse after it.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn renew(&self, token: &str, now: Timestamp) -> Result<Renewal, AuthError> {
        let Some(presented) = token.strip_prefix(PREFIX).filter(|secret| secret::is_well_formed(secret))
        else {
            return Ok(Renewal::Wrong);
        };
        let next = secret::random();
        let digests = (&secret::digest(presented), &secret::digest(&next));
        Ok(match refresh_tokens::redeem(&self.store, digests, (now, GRACE)).await? {
            Redeemed::Renewed(family) => {
                Renewal::Renewed(Issued { family, token: format!("{PREFIX}{next}") })
            }
            Redeemed::Reused(family) => Renewal::Reused(family),
            Redeemed::Revoked => Renewal::Revoked,
            Redeemed::Unknown => Renewal::Wrong,
        })
    }

    /// Ends a family, and returns whether it had not ended.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable.
    pub async fn end(&self, family: TokenFamilyId, now: Timestamp) -> Result<bool, AuthError> {
        Ok(refresh_tokens::revoke(&self.store, family, now).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::principal::Role;
    use crate::store::testing::{execute, now_in_micros, number, test_store};

    async fn user(store: &Store) -> UserId {
        let id = UserId::now_v7();
        let sql = format!(
            "INSERT INTO users (id, email, hashed_secret, plan, rbac_roles, is_active, created_at, updated_at)
            VALUES ('{id}', 'ana@example.com', '', 'free', '{{viewer}}', true, now(), now())"
        );
        execute(store, &sql).await;
        id
    }

    fn renewed(renewal: Renewal) -> Issued {
        match renewal {
            Renewal::Renewed(issued) => issued,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn two_tabs_go_on_with_a_token_each_and_a_thief_ends_both() {
        let store = test_store().await;
        let tokens = RefreshTokens::new(store.clone());
        let now = now_in_micros();
        let scopes = Scopes::of(Role::Viewer);
        let first = tokens.begin(user(&store).await, scopes, now).await.unwrap();
        let one = renewed(tokens.renew(&first.token, now).await.unwrap());
        let other = renewed(tokens.renew(&first.token, now + GRACE / 2).await.unwrap());
        assert_eq!((one.family, other.family), (first.family, first.family));
        assert!(one.token != other.token && one.token != first.token);
        let later = now + GRACE * 10;
        let one = renewed(tokens.renew(&one.token, later).await.unwrap());
        let other = renewed(tokens.renew(&other.token, later).await.unwrap());
        assert_eq!(tokens.renew(&first.token, later).await.unwrap(), Renewal::Reused(first.family));
        for token in [&first.token, &one.token, &other.token] {
            assert_eq!(tokens.renew(token, later).await.unwrap(), Renewal::Revoked);
        }
    }

    #[tokio::test]
    async fn a_token_is_wrong_unless_it_was_issued_and_its_family_lasts() {
        let store = test_store().await;
        let tokens = RefreshTokens::new(store.clone());
        let now = now_in_micros();
        let issued = tokens.begin(user(&store).await, Scopes::all(), now).await.unwrap();
        let invented = format!("{PREFIX}{}", secret::random());
        let bare = &issued.token[PREFIX.len()..];
        for wrong in ["", "gsr_", bare, &invented, &format!("{}x", issued.token)] {
            assert_eq!(tokens.renew(wrong, now).await.unwrap(), Renewal::Wrong, "{wrong}");
        }
        let end = now + FAMILY_LIFETIME;
        assert_eq!(tokens.renew(&issued.token, end).await.unwrap(), Renewal::Wrong);
        assert!(tokens.end(issued.family.id, now).await.unwrap());
        assert!(!tokens.end(issued.family.id, now).await.unwrap());
        assert_eq!(tokens.renew(&issued.token, now).await.unwrap(), Renewal::Revoked);
        let in_clear = format!("SELECT count(*) FROM refresh_tokens WHERE digest = '{bare}'::bytea");
        assert_eq!(number(&store, &in_clear).await, 0);
    }
}
