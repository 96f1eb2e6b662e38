//! Access tokens: JSON Web Tokens (RFC 9068) that are valid for 15 minutes. They name who acts and what the token may be
//! used for; what that identity may do is looked up at every request, so a token only narrows it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Header, Validation, decode, decode_header, encode};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::AuthError;
use super::keyed_digest::KeyedDigest;
use super::signing_keys::SigningKeys;
use crate::models::id::TokenFamilyId;
use crate::models::principal::{Grant, Identity, Scope, Scopes};

/// Lifetime of a token. Within it a token can be verified without asking anybody, so it must be short.
pub const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// How far the clock of the process that issued a token may be ahead of ours.
const CLOCK_SKEW_MAX: SignedDuration = SignedDuration::from_secs(30);

/// Issuer and audience of every token.
const ISSUER: &str = "groundswell";

/// Type of every token, which keeps other signed objects from being taken for one (RFC 9068, section 2.1).
const TYPE: &str = "at+jwt";

/// Maximum length of a token in bytes. Ours have about 500.
const TOKEN_BYTES_MAX: usize = 2_048;

/// Maximum number of remembered tokens: a few megabytes. Verifying a signature takes longer than most requests do.
const REMEMBERED_MAX: usize = 8_192;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fam: Option<TokenFamilyId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sec: Option<String>,
}

/// Who a token is issued to, and for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenSubject {
    /// Person, API key or client that acts.
    pub identity: Identity,
    /// Kinds of access that the token grants, within what the identity may do.
    pub scopes: Scopes,
    /// Family of refresh tokens that renews the token, or secret of a client that it was issued for; when it ends, so does
    /// the token.
    pub grant: Option<Grant>,
}

impl TokenSubject {
    /// Returns the family of refresh tokens that renews the token.
    pub fn family(&self) -> Option<TokenFamilyId> {
        match self.grant {
            Some(Grant::TokenFamily(family)) => Some(family),
            _ => None,
        }
    }
}

/// Issues and verifies access tokens. Clones share what they remember.
#[derive(Clone)]
pub struct AccessTokens {
    keys: SigningKeys,
    /// Tokens whose signature was verified, by keyed digest.
    verified: Arc<Cache<[u8; 32], Verified>>,
    digest: KeyedDigest,
}

/// Token whose signature was verified.
#[derive(Debug, Clone, Copy)]
struct Verified {
    subject: TokenSubject,
    from: Timestamp,
    until: Timestamp,
}

impl Verified {
    fn subject_at(&self, now: Timestamp) -> Option<TokenSubject> {
        (self.from <= now && now < self.until).then_some(self.subject)
    }
}

impl AccessTokens {
    /// Creates tokens signed with these keys.
    pub fn new(keys: SigningKeys) -> Self {
        Self { keys, verified: Arc::new(Cache::new(REMEMBERED_MAX)), digest: KeyedDigest::new() }
    }

    /// Issues a token that is valid for [`TOKEN_LIFETIME`].
    ///
    /// # Errors
    /// [`AuthError::NoSecretKey`] if there is no key to sign it with; [`AuthError::Signing`] for an identity that gets no
    /// tokens.
    pub async fn issue(&self, subject: &TokenSubject, now: Timestamp) -> Result<String, AuthError> {
        let signer = self.keys.signer(now).await?;
        let header =
            Header { kid: Some(signer.kid), typ: Some(TYPE.to_owned()), ..Header::new(signer.algorithm) };
        let named = name_of(subject.identity)
            .ok_or_else(|| AuthError::Signing("this identity gets no tokens".to_owned()))?;
        let issued_at = now.as_second();
        let names: Vec<&str> = Vec::from(subject.scopes).into_iter().map(Scope::as_str).collect();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: named,
            aud: ISSUER.to_owned(),
            iat: issued_at,
            nbf: issued_at,
            exp: issued_at + TOKEN_LIFETIME.as_secs(),
            jti: Uuid::now_v7().to_string(),
            scope: names.join(" "),
            fam: subject.family(),
            // As text: not every JSON parser keeps 64 bits of a number.
            sec: match subject.grant {
                Some(Grant::ClientSecret(secret)) => Some(format!("{secret:016x}")),
                _ => None,
            },
        };
        encode(&header, &claims, &signer.key).map_err(|error| AuthError::Signing(error.to_string()))
    }

    /// Returns who a token was issued to; `None` if it is not a valid token. The algorithm is that of the key which the
    /// token names, whatever its header says.
    ///
    /// # Errors
    /// If PostgreSQL must be asked for a key and is unavailable.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<TokenSubject>, AuthError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let digest = self.digest.of(token);
        if let Some(verified) = self.verified.get(&digest) {
            return Ok(verified.subject_at(now));
        }
        let Ok(header) = decode_header(token) else { return Ok(None) };
        let Some(kid) = header.kid.filter(|_| header.typ.as_deref() == Some(TYPE) && header.crit.is_none())
        else {
            return Ok(None);
        };
        let Some(key) = self.keys.verifier(&kid, now).await? else { return Ok(None) };
        // Times, issuer and audience are judged below: the library would take the clock's time and accept lists.
        let mut validation = Validation::new(key.algorithm);
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
        let Ok(decoded) = decode::<Claims>(token, &key.key, &validation) else { return Ok(None) };
        let Some(verified) = judge(&decoded.claims) else { return Ok(None) };
        let subject = verified.subject_at(now);
        if subject.is_some() {
            self.verified.insert(digest, verified);
        }
        Ok(subject)
    }
}

/// Returns what the claims of a token with a valid signature mean; `None` if they are not those of an access token of
/// this installation.
fn judge(claims: &Claims) -> Option<Verified> {
    let lifetime = claims.exp.checked_sub(claims.iat)?;
    let is_ours = claims.iss == ISSUER && claims.aud == ISSUER;
    if !is_ours || lifetime <= 0 || lifetime > TOKEN_LIFETIME.as_secs() || claims.nbf < claims.iat {
        return None;
    }
    let scopes = claims.scope.split(' ').filter_map(scope_named).collect();
    let identity = identity_named(&claims.sub)?;
    let from = Timestamp::from_second(claims.nbf).ok()?.checked_sub(CLOCK_SKEW_MAX).ok()?;
    let until = Timestamp::from_second(claims.exp).ok()?;
    let secret = match &claims.sec {
        Some(digits) => Some(u64::from_str_radix(digits, 16).ok()?),
        None => None,
    };
    let grant = claims.fam.map(Grant::TokenFamily).or(secret.map(Grant::ClientSecret));
    Some(Verified { subject: TokenSubject { identity, scopes, grant }, from, until })
}

/// Returns the scope with this name. One that only a newer version knows grants nothing here.
fn scope_named(name: &str) -> Option<Scope> {
    Scope::ALL.into_iter().find(|scope| scope.as_str() == name)
}

fn name_of(identity: Identity) -> Option<String> {
    match identity {
        Identity::User(id) => Some(format!("user:{id}")),
        Identity::Client(id) => Some(format!("client:{id}")),
        Identity::ApiKey(id) => Some(format!("key:{id}")),
        Identity::LocalOperator | Identity::Operator | Identity::ShareHolder(_) => None,
    }
}

fn identity_named(subject: &str) -> Option<Identity> {
    match subject.split_once(':')? {
        ("user", id) => id.parse().ok().map(Identity::User),
        ("client", id) => id.parse().ok().map(Identity::Client),
        ("key", id) => id.parse().ok().map(Identity::ApiKey),
        _ => None,
    }
}

#[cfg(test)]
mod forged_tests; // tokens that nobody issued

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::Keyring;
    use crate::models::id::{ApiKeyId, ClientId, UserId};
    use crate::store::Store;
    use crate::store::testing::test_store;

    pub(super) fn tokens(store: &Store) -> AccessTokens {
        let keyring = Keyring::from_secret("the key of the tests of access tokens");
        AccessTokens::new(SigningKeys::new(store.clone(), keyring))
    }

    pub(super) fn subject(identity: Identity) -> TokenSubject {
        let scopes = Scopes::from_iter([Scope::Read, Scope::Ingest]);
        TokenSubject { identity, scopes, grant: None }
    }

    #[tokio::test]
    async fn every_process_verifies_a_token_until_it_expires() {
        let store = test_store().await;
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (one, other) = (tokens(&store), tokens(&store));
        let grant = Some(Grant::TokenFamily(TokenFamilyId::now_v7()));
        for subject in [
            TokenSubject { grant, ..subject(Identity::User(UserId::now_v7())) },
            TokenSubject {
                grant: Some(Grant::ClientSecret(u64::MAX - 1)),
                ..subject(Identity::Client(ClientId::now_v7()))
            },
            subject(Identity::Client(ClientId::now_v7())),
            subject(Identity::ApiKey(ApiKeyId::now_v7())),
        ] {
            let token = one.issue(&subject, now).await.unwrap();
            assert!(token.len() < TOKEN_BYTES_MAX / 2, "{}", token.len());
            let last = now + TOKEN_LIFETIME - SignedDuration::from_secs(1);
            for tokens in [&one, &other] {
                for at in [now, now - CLOCK_SKEW_MAX, last] {
                    assert_eq!(tokens.verify(&token, at).await.unwrap(), Some(subject), "at {at}");
                }
                for at in [now + TOKEN_LIFETIME, now - CLOCK_SKEW_MAX - SignedDuration::from_secs(1)] {
                    assert_eq!(tokens.verify(&token, at).await.unwrap(), None, "at {at}");
                }
            }
        }
    }

    #[tokio::test]
    async fn identities_without_credentials_of_their_own_get_no_tokens() {
        let store = test_store().await;
        for identity in [Identity::Operator, Identity::LocalOperator] {
            assert!(tokens(&store).issue(&subject(identity), Timestamp::now()).await.is_err());
        }
    }

    #[test]
    fn only_the_claims_of_our_own_tokens_mean_anything() {
        let id = UserId::now_v7();
        let fine = Claims {
            iss: ISSUER.to_owned(),
            sub: format!("user:{id}"),
            aud: ISSUER.to_owned(),
            iat: 1_000,
            nbf: 1_000,
            exp: 1_900,
            jti: String::new(),
            scope: "read fly admin".to_owned(),
            fam: None,
            sec: None,
        };
        let scopes = Scopes::from_iter([Scope::Read, Scope::Admin]);
        let judged = judge(&fine).unwrap();
        assert_eq!(judged.subject, TokenSubject { identity: Identity::User(id), scopes, grant: None });
        let check = |change: fn(&mut Claims)| {
            let mut claims = fine.clone();
            change(&mut claims);
            assert!(judge(&claims).is_none(), "{claims:?}");
        };
        check(|claims| claims.sec = Some("no digits".to_owned()));
        check(|claims| claims.iss = "elsewhere".to_owned());
        check(|claims| claims.aud = "elsewhere".to_owned());
        check(|claims| claims.exp = 1_901);
        check(|claims| claims.exp = claims.iat);
        check(|claims| claims.nbf = 999);
        check(|claims| (claims.iat, claims.nbf, claims.exp) = (i64::MIN, i64::MIN, i64::MAX));
        check(|claims| (claims.iat, claims.nbf, claims.exp) = (i64::MAX - 900, i64::MAX - 900, i64::MAX));
        for sub in ["", "operator", "user", "user:", "user:1", "share:01930000-0000-7000-8000-000000000001"] {
            assert!(judge(&Claims { sub: sub.to_owned(), ..fine.clone() }).is_none(), "{sub}");
        }
        let without = judge(&Claims { scope: String::new(), ..fine.clone() }).unwrap();
        assert!(without.subject.scopes.is_empty());
    }
}
