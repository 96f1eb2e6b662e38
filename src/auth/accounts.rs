//! Signing in: with a password, and once with the setup code.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use tracing::warn;

use super::AuthError;
use super::open_access::OpenAccess;
use super::password::{self, PasswordHasher, WeakPassword};
use super::standing::Standings;
use crate::models::account::{Email, User};
use crate::models::id::{SessionId, UserId};
use crate::models::person_name::PersonName;
use crate::models::plan::Plan;
use crate::models::principal::Role;
use crate::models::session::Session;
use crate::store::Store;
use crate::store::accounts::passwords;
use crate::store::accounts::users::{self, NewUser};
use crate::stream::{
    Attempt, NewSession, Sessions, SetupCode, SignInAttempts, SignInDevices, SignInTarget, Stream,
};

/// From where a person signs in.
#[derive(Debug, Clone)]
pub struct SignInOrigin {
    /// Address of the caller.
    pub address: IpAddr,
    /// Browser, as it describes itself.
    pub agent: Option<String>,
    /// Secret of the device's cookie, if it has one.
    pub device: Option<String>,
}

/// Person who has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The account.
    pub user: User,
    /// The session that began.
    pub session: Session,
    /// Value of the session's cookie.
    pub cookie: String,
    /// Value of the device's cookie.
    pub device: String,
}

/// Outcome of an attempt to sign in.
#[derive(Debug)]
pub enum SignIn {
    /// A session began.
    Done(Box<SignedIn>),
    /// The account does not exist or is not active, or the password is wrong. The caller does not learn which.
    Wrong,
    /// There were too many failures; another attempt is possible after this time.
    Wait(Duration),
}

/// Person who has presented the password.
#[derive(Debug)]
pub struct Proven {
    /// The account.
    pub user: User,
    /// Hash of the password that was presented.
    hash: String,
}

/// Outcome of an attempt to prove who one is.
#[derive(Debug)]
pub enum Proof {
    /// It is this person.
    Person(Box<Proven>),
    /// The account does not exist or is not active, or the password is wrong. The caller does not learn which.
    Wrong,
    /// There were too many failures; another attempt is possible after this time.
    Wait(Duration),
}

/// First administrator, as somebody sets the installation up.
pub struct FirstAdmin {
    /// Address with which the person will sign in.
    pub email: Email,
    /// Password of the account.
    pub password: String,
    /// Display name.
    pub name: Option<PersonName>,
}

/// Outcome of an attempt to create the first account.
#[derive(Debug)]
pub enum SetUp {
    /// The account exists.
    Done(Box<User>),
    /// There are accounts already.
    AlreadyDone,
    /// The code is wrong.
    WrongCode,
    /// The password is refused.
    Weak(WeakPassword),
    /// There were too many wrong codes; another attempt is possible after this time.
    Wait(Duration),
}

/// Outcome of an attempt to change a password.
#[derive(Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// The new password counts.
    Done,
    /// The current password of this account is wrong.
    Wrong(Email),
    /// The account is gone.
    Gone,
    /// The new password is refused.
    Weak(WeakPassword),
    /// There were too many failures; another attempt is possible after this time.
    Wait(Duration),
}

/// Signs people in and changes their passwords. Clones share the limits.
#[derive(Clone)]
pub struct Accounts {
    pub(super) store: Store,
    pub(super) passwords: PasswordHasher,
    pub(super) sessions: Sessions,
    attempts: SignInAttempts,
    devices: SignInDevices,
    setup_code: SetupCode,
    pub(super) standings: Standings,
    pub(super) open: OpenAccess,
}

impl Accounts {
    /// Creates the part of a process that signs people in.
    pub fn new(store: Store, stream: &Stream, standings: Standings, open: OpenAccess) -> Self {
        Self {
            store,
            passwords: PasswordHasher::new(),
            sessions: stream.sessions(),
            attempts: stream.sign_in_attempts(),
            devices: stream.sign_in_devices(),
            setup_code: stream.setup_code(),
            standings,
            open,
        }
    }

    /// Returns the sessions of all people.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Returns the code that makes the first account; `None` if there are accounts.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked.
    pub async fn setup_code(&self) -> Result<Option<String>, AuthError> {
        if users::exist(&self.store).await? {
            return Ok(None);
        }
        Ok(Some(self.setup_code.show().await?))
    }

    /// Signs a person in with a password.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, or too many passwords are being hashed.
    pub async fn sign_in(
        &self,
        email: &Email,
        password: &str,
        origin: SignInOrigin,
        now: Timestamp,
    ) -> Result<SignIn, AuthError> {
        let known_device = match origin.device.clone() {
            Some(device) if self.devices.is_known(email, &device, now).await? => Some(device),
            _ => None,
        };
        let target = SignInTarget::PasswordOf(email.clone());
        let attempt = Attempt { target, address: origin.address, known_device };
        if let Some(wait) = self.attempts.begin(&attempt, now).await? {
            return Ok(SignIn::Wait(wait));
        }
        let verified = self.verify(email, password).await;
        let Some((user, hash)) = self.judged(&attempt, verified).await? else {
            return Ok(SignIn::Wrong);
        };
        self.attempts.succeeded(&attempt, now).await?;
        let signed_in =
            self.begin(user, SignInOrigin { device: attempt.known_device, ..origin }, now).await?;
        // A password that was changed meanwhile, or an account that was disabled, ended only older sessions.
        if users::hash_of(&self.store, signed_in.user.id).await? != Some(hash) {
            self.sessions.end(signed_in.session.id).await?;
            return Ok(SignIn::Wrong);
        }
        // Another process, or the command line, may have created the account a moment ago.
        self.open.note_account();
        Ok(SignIn::Done(Box::new(signed_in)))
    }

    /// Verifies a person's password as [`Self::sign_in`] does, and counts the attempt, but begins no session.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, or too many passwords are being hashed.
    pub async fn prove(
        &self,
        email: &Email,
        password: &str,
        origin: &SignInOrigin,
        now: Timestamp,
    ) -> Result<Proof, AuthError> {
        let target = SignInTarget::PasswordOf(email.clone());
        let attempt = Attempt { target, address: origin.address, known_device: None };
        if let Some(wait) = self.attempts.begin(&attempt, now).await? {
            return Ok(Proof::Wait(wait));
        }
        let verified = self.verify(email, password).await;
        let Some((user, hash)) = self.judged(&attempt, verified).await? else {
            return Ok(Proof::Wrong);
        };
        self.attempts.succeeded(&attempt, now).await?;
        users::record_sign_in(&self.store, user.id, now).await?;
        Ok(Proof::Person(Box::new(Proven { user, hash })))
    }

    /// Returns whether the password that was presented still is that of an active account. A change ends only what began
    /// before it, so whatever begins with a password must ask this afterwards.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn is_still(&self, proven: &Proven) -> Result<bool, AuthError> {
        Ok(users::hash_of(&self.store, proven.user.id).await?.as_ref() == Some(&proven.hash))
    }

    /// Begins a session of a person who has proved who they are, on a device that is known from now on.
    /// `origin.device` must be known to the account, or `None`.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked.
    pub async fn begin(
        &self,
        user: User,
        origin: SignInOrigin,
        now: Timestamp,
    ) -> Result<SignedIn, AuthError> {
        let device = self.devices.remember(&user.email, origin.device, now).await?;
        let new = NewSession { user: user.id, address: Some(origin.address), agent: origin.agent };
        let (session, cookie) = self.sessions.begin(new, now).await?;
        let last_sign_in_at = users::record_sign_in(&self.store, user.id, now).await?;
        let user = User { last_sign_in_at, ..user };
        Ok(SignedIn { user, session, cookie, device })
    }

    /// Creates the first account, that of an administrator, for a person who has the setup code.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, or too many passwords are being hashed.
    pub async fn set_up(
        &self,
        code: &str,
        admin: FirstAdmin,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<SetUp, AuthError> {
        if users::exist(&self.store).await? {
            return Ok(SetUp::AlreadyDone);
        }
        let attempt = Attempt { target: SignInTarget::SetupCode, address, known_device: None };
        if let Some(wait) = self.attempts.begin(&attempt, now).await? {
            return Ok(SetUp::Wait(wait));
        }
        if !self.setup_code.matches(code).await? {
            return Ok(SetUp::WrongCode);
        }
        self.attempts.succeeded(&attempt, now).await?;
        if let Err(weak) = password::check_new(&admin.password, &admin.email) {
            return Ok(SetUp::Weak(weak));
        }
        let new = NewUser {
            email: admin.email,
            name: admin.name,
            plan: Plan::Enterprise,
            role: Role::Admin,
            hashed_secret: self.passwords.hash(&admin.password).await?,
        };
        let Some(user) = users::create_first(&self.store, &new, now).await? else {
            return Ok(SetUp::AlreadyDone);
        };
        self.open.note_account();
        if let Err(error) = self.setup_code.forget().await {
            warn!(%error, "the setup code was not deleted; it has no effect while there are accounts");
        }
        Ok(SetUp::Done(Box::new(user)))
    }

    /// Changes the password of a person who presents the current one, and ends their access tokens and other sessions.
    ///
    /// Sessions that began in between remain, so call [`Self::end_sessions`] afterwards. The first end shows that Redis can be
    /// asked, before the password changes.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, or too many passwords are being hashed.
    pub async fn change_password(
        &self,
        (user, session): (UserId, SessionId),
        (current, new): (&str, &str),
        address: IpAddr,
        now: Timestamp,
    ) -> Result<PasswordChange, AuthError> {
        let Some(user) = users::get(&self.store, user).await? else {
            return Ok(PasswordChange::Gone);
        };
        if let Err(weak) = password::check_new(new, &user.email) {
            return Ok(PasswordChange::Weak(weak));
        }
        // Counted for this session alone: the failures of others delay nobody who is signed in.
        let known_device = Some(session.to_string());
        let target = SignInTarget::PasswordOf(user.email.clone());
        let attempt = Attempt { target, address, known_device };
        if let Some(wait) = self.attempts.begin(&attempt, now).await? {
            return Ok(PasswordChange::Wait(wait));
        }
        let verified = self.verify(&user.email, current).await;
        let Some((_, old)) = self.judged(&attempt, verified).await? else {
            return Ok(PasswordChange::Wrong(user.email));
        };
        self.attempts.succeeded(&attempt, now).await?;
        let hash = self.passwords.hash(new).await?;
        self.sessions.end_all(user.id, Some(session)).await?;
        if !passwords::replace(&self.store, user.id, (&old, &hash), now).await? {
            return Ok(PasswordChange::Wrong(user.email));
        }
        self.standings.forget();
        Ok(PasswordChange::Done)
    }

    /// Returns the active account with this address and password, and the hash of the password. Takes the same time
    /// whether or not there is one.
    async fn verify(&self, email: &Email, password: &str) -> Result<Option<(User, String)>, AuthError> {
        let Some((user, hash)) = users::find(&self.store, email).await? else {
            self.passwords.verify_nobody(password).await?;
            return Ok(None);
        };
        let is_right = self.passwords.verify(password, &hash).await?;
        Ok((is_right && user.is_active).then_some((user, hash)))
    }

    /// Returns the outcome of an attempt. One that ended in an error does not count.
    async fn judged<T>(&self, attempt: &Attempt, outcome: Result<T, AuthError>) -> Result<T, AuthError> {
        if outcome.is_err()
            && let Err(error) = self.attempts.abandoned(attempt).await
        {
            warn!(%error, "an attempt to sign in counts as failed");
        }
        outcome
    }
}
