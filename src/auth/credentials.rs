//! Credentials of programs, and the access tokens that they are exchanged for.

use jiff::Timestamp;

use super::AuthError;
use super::access_token::{AccessTokens, TokenSubject};
use super::api_key::ApiKeys;
use super::password::PasswordHasher;
use super::program_secret;
use super::refresh::{RefreshTokens, Renewal};
use super::signing_keys::SigningKeys;
use crate::keyring::Keyring;
use crate::models::id::{ClientId, UserId};
use crate::models::principal::{Grant, Identity, Scopes};
use crate::store::Store;
use crate::store::accounts::users;
use crate::store::credentials::refresh_tokens::Family;
use crate::store::credentials::{api_keys, clients, fingerprint_number, standing};

/// Credential that is presented in exchange for an access token.
#[derive(Clone, Copy)]
pub enum Exchanged<'a> {
    /// API key.
    ApiKey(&'a str),
    /// Client with its secret.
    Client {
        /// Id of the client, as presented.
        id: &'a str,
        /// Secret of the client.
        secret: &'a str,
    },
    /// Refresh token.
    RefreshToken(&'a str),
}

/// Tokens that were issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Holder and scopes.
    pub subject: TokenSubject,
    /// Access token.
    pub access_token: String,
    /// Refresh token, for a person who signed in.
    pub refresh_token: Option<String>,
}

/// Outcome of presenting a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exchange {
    /// Tokens were issued.
    Issued(Tokens),
    /// The credential is wrong. The caller does not learn what about it.
    Wrong,
    /// The credential is right, and was revoked or has expired, or its owner may do nothing.
    Ended,
    /// The refresh token was used before. Its family has ended.
    Reused(Family),
    /// The credential does not grant every scope that is asked for.
    TooWide,
}

/// Verifies credentials of programs, and issues tokens. Clones share what is remembered.
#[derive(Clone)]
pub struct Credentials {
    store: Store,
    hasher: PasswordHasher,
    api_keys: ApiKeys,
    signing_keys: SigningKeys,
    access_tokens: AccessTokens,
    refresh_tokens: RefreshTokens,
}

impl Credentials {
    /// Creates the part of a process that knows the credentials of programs.
    pub fn new(store: Store, keyring: Keyring, hasher: PasswordHasher) -> Self {
        let signing_keys = SigningKeys::new(store.clone(), keyring);
        Self {
            api_keys: ApiKeys::new(store.clone(), hasher.clone()),
            access_tokens: AccessTokens::new(signing_keys.clone()),
            refresh_tokens: RefreshTokens::new(store.clone()),
            signing_keys,
            store,
            hasher,
        }
    }

    /// Returns the API keys.
    pub fn api_keys(&self) -> &ApiKeys {
        &self.api_keys
    }

    /// Returns the access tokens.
    pub fn access_tokens(&self) -> &AccessTokens {
        &self.access_tokens
    }

    /// Returns the refresh tokens.
    pub fn refresh_tokens(&self) -> &RefreshTokens {
        &self.refresh_tokens
    }

    /// Returns the keys that sign access tokens.
    pub fn signing_keys(&self) -> &SigningKeys {
        &self.signing_keys
    }

    /// Returns the hasher of secrets.
    pub fn hasher(&self) -> &PasswordHasher {
        &self.hasher
    }

    /// Exchanges a credential for an access token with the scopes that are asked for, or with all that it grants.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable, too many secrets are being hashed, or there is no key to sign a token with.
    pub async fn exchange(
        &self,
        presented: Exchanged<'_>,
        asked: Option<Scopes>,
        now: Timestamp,
    ) -> Result<Exchange, AuthError> {
        match presented {
            Exchanged::ApiKey(text) => self.of_key(text, asked, now).await,
            Exchanged::Client { id, secret } => self.of_client((id, secret), asked, now).await,
            Exchanged::RefreshToken(token) => self.of_refresh_token(token, asked, now).await,
        }
    }

    /// Issues the first tokens of a person who has proved who they are.
    ///
    /// # Errors
    /// If PostgreSQL is unavailable, or there is no key to sign a token with.
    pub async fn sign_in(
        &self,
        (user, granted): (UserId, Scopes),
        asked: Option<Scopes>,
        now: Timestamp,
    ) -> Result<Exchange, AuthError> {
        let Some(scopes) = narrowed(granted, asked) else { return Ok(Exchange::TooWide) };
        // Signed first, so that without a key there is no family either.
        self.signing_keys.signer(now).await?;
        let issued = self.refresh_tokens.begin(user, scopes, now).await?;
        self.renewed(issued.family, (issued.token, scopes), now).await
    }

    async fn of_key(&self, text: &str, asked: Option<Scopes>, now: Timestamp) -> Result<Exchange, AuthError> {
        let Some(id) = self.api_keys.verify(text).await? else { return Ok(Exchange::Wrong) };
        let found = standing::of_keys(&self.store, &[id], now).await?;
        let Some(standing) = found.get(&id) else {
            let is_gone = api_keys::get(&self.store, id).await?.is_none();
            return Ok(if is_gone { Exchange::Wrong } else { Exchange::Ended });
        };
        self.api_keys.usage().count(id, now);
        self.issued((Identity::ApiKey(id), None), (standing.scopes, asked), now).await
    }

    async fn of_client(
        &self,
        (id, secret): (&str, &str),
        asked: Option<Scopes>,
        now: Timestamp,
    ) -> Result<Exchange, AuthError> {
        let Ok(id) = id.parse::<ClientId>() else { return Ok(Exchange::Wrong) };
        let Some(found) = clients::find(&self.store, id).await? else { return Ok(Exchange::Wrong) };
        let is_in_overlap = found.client.previous_secret_expires_at.is_some_and(|until| now < until);
        let previous = found.previous_secret.filter(|_| is_in_overlap);
        let mut right = None;
        for stored in [Some(found.secret), previous].into_iter().flatten() {
            if right.is_none() && program_secret::verify(&self.hasher, secret, &stored).await? {
                right = Some(stored);
            }
        }
        let Some(right) = right else { return Ok(Exchange::Wrong) };
        if found.is_revoked {
            return Ok(Exchange::Ended);
        }
        let granted = found.client.scopes.intersection(Scopes::of(found.client.role));
        let grant = fingerprint_number(&right.fingerprint).map(Grant::ClientSecret);
        let outcome = self.issued((Identity::Client(id), grant), (granted, asked), now).await?;
        clients::mark_used(&self.store, id, now).await?;
        Ok(outcome)
    }

    async fn of_refresh_token(
        &self,
        token: &str,
        asked: Option<Scopes>,
        now: Timestamp,
    ) -> Result<Exchange, AuthError> {
        // Before the token is used: otherwise it would be lost.
        self.signing_keys.signer(now).await?;
        match self.refresh_tokens.renew(token, now).await? {
            Renewal::Renewed(issued) => {
                let user = issued.family.user;
                let standings = users::standings(&self.store, &[user]).await?;
                let Some(standing) = standings.get(&user) else { return Ok(Exchange::Ended) };
                let granted = issued.family.scopes.intersection(Scopes::of(standing.role));
                // The token is used up, but within the grace period the caller can ask for less.
                let Some(scopes) = narrowed(granted, asked) else { return Ok(Exchange::TooWide) };
                self.renewed(issued.family, (issued.token, scopes), now).await
            }
            Renewal::Reused(family) => Ok(Exchange::Reused(family)),
            Renewal::Revoked => Ok(Exchange::Ended),
            Renewal::Wrong => Ok(Exchange::Wrong),
        }
    }

    async fn renewed(
        &self,
        family: Family,
        (refresh_token, scopes): (String, Scopes),
        now: Timestamp,
    ) -> Result<Exchange, AuthError> {
        let grant = Some(Grant::TokenFamily(family.id));
        let subject = TokenSubject { identity: Identity::User(family.user), scopes, grant };
        let access_token = self.access_tokens.issue(&subject, now).await?;
        Ok(Exchange::Issued(Tokens { subject, access_token, refresh_token: Some(refresh_token) }))
    }

    async fn issued(
        &self,
        (identity, grant): (Identity, Option<Grant>),
        (granted, asked): (Scopes, Option<Scopes>),
        now: Timestamp,
    ) -> Result<Exchange, AuthError> {
        let Some(scopes) = narrowed(granted, asked) else { return Ok(Exchange::TooWide) };
        let subject = TokenSubject { identity, scopes, grant };
        let access_token = self.access_tokens.issue(&subject, now).await?;
        Ok(Exchange::Issued(Tokens { subject, access_token, refresh_token: None }))
    }
}

/// Returns the scopes of a token; `None` if more are asked for than are granted.
fn narrowed(granted: Scopes, asked: Option<Scopes>) -> Option<Scopes> {
    let Some(asked) = asked else { return Some(granted) };
    (asked.intersection(granted) == asked).then_some(asked)
}
