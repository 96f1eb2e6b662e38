//! From what a caller presents to the principal behind it.

use jiff::Timestamp;

use super::AuthError;
use super::access_token::TokenSubject;
use super::credentials::Credentials;
use super::open_access::OpenAccess;
use super::standing::Standings;
use crate::models::principal::{Grant, Identity, Principal, Scopes};
use crate::stream::Sessions;

/// Credential that a caller presents, not yet verified.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// Value of the cookie of a session.
    Session(&'a str),
    /// API key.
    ApiKey(&'a str),
    /// Access token: a JWT.
    AccessToken(&'a str),
}

/// Verifies credentials. Clones share what is remembered.
#[derive(Clone)]
pub struct Authenticator {
    sessions: Sessions,
    credentials: Credentials,
    standings: Standings,
    open: OpenAccess,
}

impl Authenticator {
    /// Creates an authenticator.
    pub fn new(sessions: Sessions, credentials: Credentials, standings: Standings, open: OpenAccess) -> Self {
        Self { sessions, credentials, standings, open }
    }

    /// Returns whether callers without a credential are the local operator.
    pub fn is_open(&self) -> bool {
        self.open.is_open()
    }

    /// Returns whether there are accounts.
    pub fn has_users(&self) -> bool {
        self.open.has_users()
    }

    /// Returns what identities may do right now.
    pub fn standings(&self) -> &Standings {
        &self.standings
    }

    /// Returns the principal whose credential this is; `None` if it is wrong, has ended, or its owner may do nothing.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, or too many secrets are being verified.
    pub async fn authenticate(
        &self,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<Option<Principal>, AuthError> {
        match presented {
            Presented::Session(cookie) => self.session(cookie, now).await,
            Presented::ApiKey(key) => self.api_key(key, now).await,
            Presented::AccessToken(token) => self.access_token(token, now).await,
        }
    }

    /// Returns the principal with its current access, which is never more than it had; `None` if its access has ended.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked.
    pub async fn recheck(&self, principal: Principal) -> Result<Option<Principal>, AuthError> {
        let standing = self.standings.of(principal.identity, principal.grant).await?;
        Ok(standing.map(|standing| {
            let role = standing.role.min(principal.role);
            let scopes = principal.scopes.intersection(standing.scopes).intersection(Scopes::of(role));
            Principal { role, scopes, plan: standing.plan, ..principal }
        }))
    }

    async fn api_key(&self, key: &str, now: Timestamp) -> Result<Option<Principal>, AuthError> {
        let Some(id) = self.credentials.api_keys().verify(key).await? else { return Ok(None) };
        let subject = TokenSubject { identity: Identity::ApiKey(id), scopes: Scopes::all(), grant: None };
        self.subject(subject, now).await
    }

    async fn access_token(&self, token: &str, now: Timestamp) -> Result<Option<Principal>, AuthError> {
        let Some(subject) = self.credentials.access_tokens().verify(token, now).await? else {
            return Ok(None);
        };
        self.subject(subject, now).await
    }

    /// Returns the principal with what its identity may do right now; the scopes of the credential only narrow that.
    /// Counts the call if it was made with an API key, or with a token for one.
    async fn subject(&self, subject: TokenSubject, now: Timestamp) -> Result<Option<Principal>, AuthError> {
        let TokenSubject { identity, scopes, grant } = subject;
        let Some(standing) = self.standings.of(identity, grant).await? else { return Ok(None) };
        if let Identity::ApiKey(id) = identity {
            self.credentials.api_keys().usage().count(id, now);
        }
        let scopes = standing.scopes.intersection(scopes);
        Ok(Some(Principal { identity, role: standing.role, scopes, plan: standing.plan, grant }))
    }

    async fn session(&self, cookie: &str, now: Timestamp) -> Result<Option<Principal>, AuthError> {
        let Some(session) = self.sessions.find(cookie, now).await? else {
            return Ok(None);
        };
        // Without the grant: the session was just found.
        let identity = Identity::User(session.user);
        let standing = self.standings.of(identity, None).await?;
        Ok(standing.map(|standing| Principal {
            identity,
            role: standing.role,
            scopes: standing.scopes,
            plan: standing.plan,
            grant: Some(Grant::Session(session.id)),
        }))
    }
}
