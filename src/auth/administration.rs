//! What admins do with accounts. What ends somebody's access also ends their sessions.

use jiff::Timestamp;

use super::AuthError;
use super::accounts::Accounts;
use super::password::{self, WeakPassword};
use crate::models::account::{Email, User};
use crate::models::account_change::UserChange;
use crate::models::id::{SessionId, UserId};
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::models::principal::Role;
use crate::store::accounts::administration::{self, Change};
use crate::store::accounts::users::{self, NewUser};

/// Account to create.
pub struct NewAccount {
    /// Address with which the person will sign in.
    pub email: Email,
    /// Password of the account.
    pub password: String,
    /// Display name.
    pub name: Option<PersonName>,
    /// Role of the person.
    pub role: Role,
    /// Plan of the account.
    pub plan: Plan,
}

/// Outcome of a request to create an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// The account exists.
    Done(User),
    /// Another account has this address.
    EmailTaken,
    /// There are already [`users::USERS_MAX`] accounts.
    TooMany,
    /// The password is refused.
    Weak(WeakPassword),
    /// The account would lock everyone out, because nobody could administer the installation.
    NeedsAdmin,
}

impl Accounts {
    /// Creates an account.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked, or too many passwords are being hashed.
    pub async fn create(&self, new: NewAccount, now: Timestamp) -> Result<Creation, AuthError> {
        let NewAccount { email, password, name, role, plan } = new;
        if self.would_lock_out(role).await? {
            return Ok(Creation::NeedsAdmin);
        }
        if let Err(weak) = password::check_new(&password, &email) {
            return Ok(Creation::Weak(weak));
        }
        if users::find(&self.store, &email).await?.is_some() {
            return Ok(Creation::EmailTaken);
        }
        let hashed_secret = self.passwords.hash(&password).await?;
        let new = NewUser { email, name, plan, role, hashed_secret };
        if let Some(user) = users::create(&self.store, &new, now).await? {
            self.open.note_account();
            return Ok(Creation::Done(user));
        }
        Ok(match users::find(&self.store, &new.email).await? {
            Some(_) => Creation::EmailTaken,
            None => Creation::TooMany,
        })
    }

    /// Returns whether an account with this role would leave an installation without an admin: one that is open until its
    /// first account exists, and has no operator's token.
    pub(super) async fn would_lock_out(&self, role: Role) -> Result<bool, AuthError> {
        if role == Role::Admin || !self.open.is_open() {
            return Ok(false);
        }
        // Another process may just have created the first account.
        self.open.refresh().await?;
        Ok(self.open.is_open())
    }

    /// Changes an account. The change counts at once in this process, and within seconds in others. If the account is no
    /// longer active, call [`Self::end_sessions`] afterwards: otherwise they would live again with the account.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn change(&self, id: UserId, change: &UserChange, now: Timestamp) -> Result<Change, AuthError> {
        let outcome = administration::change(&self.store, id, change, now).await?;
        self.standings.forget();
        Ok(outcome)
    }

    /// Archives an account. Its sessions open nothing any more; call [`Self::end_sessions`] to delete them.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn archive(&self, id: UserId, now: Timestamp) -> Result<Change, AuthError> {
        let outcome = administration::archive(&self.store, id, now).await?;
        self.standings.forget();
        Ok(outcome)
    }

    /// Ends the access tokens of a person. Returns `false` if the account does not exist.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn end_tokens(&self, id: UserId, now: Timestamp) -> Result<bool, AuthError> {
        let exists = administration::revoke_tokens(&self.store, id, now).await?;
        self.standings.forget();
        Ok(exists)
    }

    /// Ends the sessions of a person but one.
    ///
    /// Redis may be away when PostgreSQL is not. Record a change in the audit log before its sessions end, so that it has an
    /// entry even if they do not.
    ///
    /// # Errors
    /// If Redis cannot be asked.
    pub async fn end_sessions(&self, id: UserId, but: Option<SessionId>) -> Result<(), AuthError> {
        self.sessions.end_all(id, but).await?;
        self.standings.forget();
        Ok(())
    }
}
