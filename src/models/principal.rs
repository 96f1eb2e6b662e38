//! Who makes a request or holds a live connection, and what they may do.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{ApiKeyId, ClientId, SessionId, ShareLinkId, TokenFamilyId, UserId};
use super::plan::Plan;

/// What a person may do. Each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything that is shown.
    Viewer,
    /// Also changes what the team works with: labels, work on posts, alerts, rules, views and topics.
    Analyst,
    /// Also changes the installation: sources, channels, models and settings.
    Admin,
}

impl Role {
    /// Every role, each after those that it includes.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Analyst, Self::Admin];

    /// Returns the name, as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }
}

/// One kind of access that a credential grants, within the role of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AccessScope)]
pub enum Scope {
    /// Reads posts, figures, alerts and settings, and listens to live updates.
    Read,
    /// Sends posts.
    Ingest,
    /// Changes what the team works with.
    Write,
    /// Has content scored and analyzed.
    Analyze,
    /// Changes the installation.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Ingest, Self::Write, Self::Analyze, Self::Admin];

    /// Returns the name, as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Write => "write",
            Self::Analyze => "analyze",
            Self::Admin => "admin",
        }
    }
}

/// Set of scopes. Sent and stored as a list without repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    /// Returns every scope.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Returns the scopes that a person with this role has.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Viewer => Self::from_iter([Scope::Read, Scope::Analyze]),
            Role::Analyst => Self::from_iter([Scope::Read, Scope::Ingest, Scope::Write, Scope::Analyze]),
            Role::Admin => Self::all(),
        }
    }

    /// Returns whether the scope is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// Returns whether the set has no scope.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the scopes that are in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

const fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | bit(scope)))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        Scope::ALL.into_iter().filter(|scope| scopes.contains(*scope)).collect()
    }
}

/// Who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// Caller of an installation that requires no credential.
    LocalOperator,
    /// Holder of the operator's token.
    Operator,
    /// Holder of a share link.
    ShareHolder(ShareLinkId),
    /// Person with an account.
    User(UserId),
    /// Holder of an API key.
    ApiKey(ApiKeyId),
    /// Program with credentials of its own.
    Client(ClientId),
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalOperator => out.write_str("local operator"),
            Self::Operator => out.write_str("operator"),
            Self::ShareHolder(link) => write!(out, "holder of share link {link}"),
            Self::User(user) => write!(out, "user {user}"),
            Self::ApiKey(key) => write!(out, "API key {key}"),
            Self::Client(client) => write!(out, "client {client}"),
        }
    }
}

/// What a principal signed in with, where that can end before the identity does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Session of the dashboard.
    Session(SessionId),
    /// Access token that a family of refresh tokens renews.
    TokenFamily(TokenFamilyId),
    /// Access token that a client got for the secret with this fingerprint.
    ClientSecret(u64),
}

/// Who makes a request or holds a live connection, with what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Principal {
    /// Who it is.
    pub identity: Identity,
    /// Role of the person, or of the owner of the credential.
    pub role: Role,
    /// Kinds of access that the presented credential grants.
    pub scopes: Scopes,
    /// Plan whose limits apply.
    #[serde(default)]
    pub plan: Plan,
    /// Sign-in through which the principal acts; `None` where the identity itself is the credential.
    #[serde(default)]
    pub grant: Option<Grant>,
}

impl Principal {
    /// Returns the principal of an installation that requires no credential. May do everything.
    pub fn local_operator() -> Self {
        Self::unlimited(Identity::LocalOperator)
    }

    /// Returns the holder of the operator's token. May do everything.
    pub fn operator() -> Self {
        Self::unlimited(Identity::Operator)
    }

    fn unlimited(identity: Identity) -> Self {
        Self { identity, role: Role::Admin, scopes: Scopes::all(), plan: Plan::Enterprise, grant: None }
    }

    /// Returns the holder of a share link. May read; which calls and which query is checked for each request.
    pub fn share_holder(link: ShareLinkId) -> Self {
        let scopes = Scopes::from_iter([Scope::Read]);
        let identity = Identity::ShareHolder(link);
        Self { identity, role: Role::Viewer, scopes, plan: Plan::Free, grant: None }
    }

    /// Returns whether the principal has at least this role and its credential grants this scope.
    pub fn may(&self, role: Role, scope: Scope) -> bool {
        self.role >= role && self.scopes.contains(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_includes_those_before_it() {
        let principal = |role| Principal { role, scopes: Scopes::of(role), ..Principal::operator() };
        let (viewer, analyst, admin) =
            (principal(Role::Viewer), principal(Role::Analyst), principal(Role::Admin));
        assert!(viewer.may(Role::Viewer, Scope::Read) && !viewer.may(Role::Analyst, Scope::Write));
        assert!(analyst.may(Role::Viewer, Scope::Read) && analyst.may(Role::Analyst, Scope::Write));
        assert!(!analyst.may(Role::Admin, Scope::Admin) && !analyst.may(Role::Viewer, Scope::Admin));
        assert!(Scope::ALL.into_iter().all(|scope| admin.may(Role::Admin, scope)));
    }

    #[test]
    fn a_credential_grants_no_more_than_its_scopes() {
        let sender = Principal { scopes: Scopes::from_iter([Scope::Ingest]), ..Principal::operator() };
        assert!(sender.may(Role::Analyst, Scope::Ingest) && !sender.may(Role::Viewer, Scope::Read));
        let narrowed = Scopes::of(Role::Viewer).intersection(Scopes::from_iter([Scope::Read, Scope::Admin]));
        assert_eq!(Vec::from(narrowed), [Scope::Read]);
    }

    #[test]
    fn scopes_are_sent_as_a_list() {
        let sent = serde_json::to_string(&Scopes::of(Role::Viewer)).unwrap();
        assert_eq!(sent, r#"["read","analyze"]"#);
        let read: Scopes = serde_json::from_str(r#"["analyze","read","read"]"#).unwrap();
        assert_eq!(read, Scopes::of(Role::Viewer));
        assert!(serde_json::from_str::<Scopes>(r#"["everything"]"#).is_err());
    }

    #[test]
    fn names_are_those_that_are_sent() {
        for role in [Role::Viewer, Role::Analyst, Role::Admin] {
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
