//! What links that work once do: they create the account of an invitation, or set a new password.

use jiff::{SignedDuration, Timestamp};

use super::AuthError;
use super::accounts::Accounts;
use super::one_time_token::{OneTimeToken, digest_of};
use super::password::{self, WeakPassword};
use crate::models::account::User;
use crate::models::id::{InvitationId, UserId};
use crate::models::invitation::{Invitation, NewInvitation};
use crate::models::person_name::{PersonName, Stamp};
use crate::store::accounts::invitations::{self, Acceptance, Accepted, Invited};
use crate::store::accounts::password_resets::{self, NewReset};
use crate::store::accounts::users;

/// How long an invitation can be accepted: a week, so that one that arrives in a holiday does not.
pub const INVITATION_LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a link that an admin passes on works. It travels by hand, so it needs longer than one that is mailed.
const PASSED_ON_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Outcome of a request to invite somebody.
pub enum Invite {
    /// The invitation was stored. This is the only time that its token is known.
    Done {
        /// Invitation.
        invitation: Invitation,
        /// Token that accepts it.
        token: String,
    },
    /// There is an account with this address.
    EmailTaken,
    /// There are already [`invitations::INVITATIONS_MAX`] invitations.
    TooMany,
}

/// What an invited person chooses.
pub struct Choice {
    /// Token of the invitation.
    pub token: String,
    /// Password of the account.
    pub password: String,
    /// Display name.
    pub name: Option<PersonName>,
}

/// Outcome of accepting an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptation {
    /// The account exists.
    Done(User),
    /// The invitation has expired, has been accepted or revoked, or never existed.
    Ended,
    /// Another account has this address by now.
    EmailTaken,
    /// There are already [`users::USERS_MAX`] accounts.
    TooMany,
    /// The password is refused; the invitation stays.
    Weak(WeakPassword),
    /// The account would lock everyone out, because nobody could administer the installation. The invitation stays.
    NeedsAdmin,
}

/// Link that sets a new password, to be shown once.
pub struct ResetLink {
    /// Token of the link.
    pub token: String,
    /// Time at which the link expires.
    pub expires_at: Timestamp,
}

/// Outcome of setting a password by a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reset {
    /// The account has the new password, and all its sessions have ended.
    Done(User),
    /// The link has expired, has been used or replaced, or never existed.
    Ended,
    /// The password is refused; the link stays.
    Weak(WeakPassword),
}

impl Accounts {
    /// Invites somebody. The invitation replaces an earlier one for the same address, and works only while the person who
    /// creates it is an active administrator.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn invite(
        &self,
        new: NewInvitation,
        (stamp, invited_by): (&Stamp, Option<UserId>),
    ) -> Result<Invite, AuthError> {
        let NewInvitation { email, role, plan } = new;
        let invitation = Invitation {
            id: InvitationId::now_v7(),
            email,
            role,
            plan,
            created_at: stamp.at,
            created_by: stamp.name().map(str::to_owned),
            expires_at: stamp.at + INVITATION_LIFETIME,
        };
        let OneTimeToken { token, digest } = OneTimeToken::random();
        Ok(match invitations::create(&self.store, &invitation, (&digest, invited_by)).await? {
            Invited::Stored => Invite::Done { invitation, token },
            Invited::EmailTaken => Invite::EmailTaken,
            Invited::TooMany => Invite::TooMany,
        })
    }

    /// Creates the account of an invitation.
    ///
    /// The invitation is looked up before the password is hashed, so that guessing costs the server little.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked, or too many passwords are being hashed.
    pub async fn accept(&self, choice: Choice, now: Timestamp) -> Result<Acceptation, AuthError> {
        let digest = digest_of(&choice.token);
        let Some(invitation) = invitations::find(&self.store, &digest, now).await? else {
            return Ok(Acceptation::Ended);
        };
        if let Err(weak) = password::check_new(&choice.password, &invitation.email) {
            return Ok(Acceptation::Weak(weak));
        }
        if self.would_lock_out(invitation.role).await? {
            return Ok(Acceptation::NeedsAdmin);
        }
        let hashed_secret = self.passwords.hash(&choice.password).await?;
        let chosen = Acceptance { digest, name: choice.name, hashed_secret };
        Ok(match invitations::accept(&self.store, &chosen, now).await? {
            Accepted::Created(user) => {
                self.open.note_account();
                Acceptation::Done(user)
            }
            Accepted::EmailTaken => Acceptation::EmailTaken,
            Accepted::TooMany => Acceptation::TooMany,
            Accepted::Ended => Acceptation::Ended,
        })
    }

    /// Makes a link that sets a new password, for an admin to pass on. Returns `None` if there is no active account with
    /// this id.
    ///
    /// # Errors
    /// If PostgreSQL cannot be asked.
    pub async fn make_reset_link(&self, id: UserId, now: Timestamp) -> Result<Option<ResetLink>, AuthError> {
        let OneTimeToken { token, digest } = OneTimeToken::random();
        let expires_at = now + PASSED_ON_LIFETIME;
        let reset = NewReset { digest, at: now, expires_at };
        let owner = password_resets::create(&self.store, id, &reset).await?;
        Ok(owner.map(|_| ResetLink { token, expires_at }))
    }

    /// Sets the password of the account that the link belongs to, and ends all its sessions and access tokens.
    ///
    /// Sessions that began in between with the old password remain, so call [`Self::end_sessions`] afterwards. The first end
    /// shows that Redis can be asked, before the link is used up.
    ///
    /// # Errors
    /// If PostgreSQL or Redis cannot be asked, or too many passwords are being hashed.
    pub async fn reset_password(
        &self,
        token: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<Reset, AuthError> {
        let digest = digest_of(token);
        let Some(id) = password_resets::find(&self.store, &digest, now).await? else {
            return Ok(Reset::Ended);
        };
        let Some(owner) = users::get(&self.store, id).await? else {
            return Ok(Reset::Ended);
        };
        if let Err(weak) = password::check_new(password, &owner.email) {
            return Ok(Reset::Weak(weak));
        }
        let hash = self.passwords.hash(password).await?;
        self.sessions.end_all(id, None).await?;
        let Some(user) = password_resets::redeem(&self.store, &digest, &hash, now).await? else {
            return Ok(Reset::Ended);
        };
        self.standings.forget();
        Ok(Reset::Done(user))
    }
}
