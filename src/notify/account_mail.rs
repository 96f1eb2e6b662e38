//! Letters about accounts. They are plain text, because all that they bring is a link.

use jiff::Timestamp;
use uuid::Uuid;

use super::email::Letter;
use crate::models::invitation::Invitation;

/// Path of the dashboard's page on which an invited person chooses a password.
const INVITATION_PAGE: &str = "/invitation";

/// Path of the dashboard's page on which a person sets a new password.
const RESET_PAGE: &str = "/password-reset";

/// Letter about an account, which contains its secret.
#[derive(Clone)]
pub enum AccountMail {
    /// Invites somebody to create an account.
    Invitation {
        /// Invitation to accept.
        invitation: Invitation,
        /// Token that accepts it.
        token: String,
    },
    /// Brings a link that sets a new password.
    PasswordReset {
        /// Token that sets the password.
        token: String,
        /// Time at which the link expires.
        expires_at: Timestamp,
    },
    /// Says that the password was changed, so that the owner notices if somebody else did it.
    PasswordChanged {
        /// Time of the change.
        at: Timestamp,
    },
}

/// Returns the link that accepts an invitation: a URL, or a path if the URL of the dashboard is unknown. The token is in
/// the fragment, which browsers neither send nor log.
pub fn invitation_link(dashboard: Option<&str>, token: &str) -> String {
    link(dashboard, INVITATION_PAGE, token)
}

/// Returns the link that sets a new password, in the same form as [`invitation_link`].
pub fn reset_link(dashboard: Option<&str>, token: &str) -> String {
    link(dashboard, RESET_PAGE, token)
}

fn link(dashboard: Option<&str>, page: &str, token: &str) -> String {
    format!("{}{page}#{token}", dashboard.unwrap_or_default().trim_end_matches('/'))
}

impl AccountMail {
    /// Writes the letter. `dashboard` is the public URL of the dashboard.
    pub fn letter(&self, dashboard: &str) -> Letter {
        let (subject, plain) = match self {
            Self::Invitation { invitation, token } => (
                "Your invitation to Groundswell",
                format!(
                    "{} invited you to Groundswell as {}.\n\n\
                     Choose a password to create your account:\n\n{}\n\n\
                     The link works once, until {}. If you do not know what this is about, ignore this message.\n",
                    invitation.created_by.as_deref().unwrap_or("An admin"),
                    invitation.role.as_str(),
                    invitation_link(Some(dashboard), token),
                    minute(invitation.expires_at),
                ),
            ),
            Self::PasswordReset { token, expires_at } => (
                "Set a new password for Groundswell",
                format!(
                    "Somebody asked for a new password for your account at {dashboard}.\n\n\
                     Set it here:\n\n{}\n\n\
                     The link works once, until {}. If it was not you, ignore this message: your password stays as it \
                     is.\n",
                    reset_link(Some(dashboard), token),
                    minute(*expires_at),
                ),
            ),
            Self::PasswordChanged { at } => (
                "Your password for Groundswell was changed",
                format!(
                    "The password of your account at {dashboard} was changed on {}, and all sessions were ended.\n\n\
                     If it was not you, tell an admin at once.\n",
                    minute(*at),
                ),
            ),
        };
        let id = format!("account-{}", Uuid::now_v7().simple());
        Letter { id, subject: subject.to_owned(), plain, html: None, pdf: None }
    }
}

/// Returns a time for people, who may live in any time zone.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::InvitationId;
    use crate::models::plan::Plan;
    use crate::models::principal::Role;

    const DASHBOARD: &str = "https://mood.example.org/";

    fn at() -> Timestamp {
        "2026-11-21T10:00:59Z".parse().unwrap()
    }

    #[test]
    fn a_letter_brings_its_link_and_says_until_when_it_works() {
        let invitation = Invitation {
            id: InvitationId::from_u128(1),
            email: "bob@example.com".parse().unwrap(),
            role: Role::Analyst,
            plan: Plan::Free,
            created_at: at(),
            created_by: Some("Ana".to_owned()),
            expires_at: at(),
        };
        let letter = AccountMail::Invitation { invitation, token: "t0k".to_owned() }.letter(DASHBOARD);
        for part in [
            "Ana invited you",
            "as analyst",
            "\nhttps://mood.example.org/invitation#t0k\n",
            "2026-11-21 10:00 UTC",
        ] {
            assert!(letter.plain.contains(part), "{part} is missing in\n{}", letter.plain);
        }
        let reset = AccountMail::PasswordReset { token: "t0k".to_owned(), expires_at: at() };
        let letter = reset.letter(DASHBOARD);
        for part in ["\nhttps://mood.example.org/password-reset#t0k\n", "2026-11-21 10:00 UTC"] {
            assert!(letter.plain.contains(part), "{part} is missing in\n{}", letter.plain);
        }
        assert_eq!(letter.html, None);
        let changed = AccountMail::PasswordChanged { at: at() }.letter(DASHBOARD);
        assert!(changed.plain.contains("2026-11-21 10:00 UTC") && !changed.plain.contains('#'));
    }

    #[test]
    fn a_link_is_a_path_if_the_url_of_the_dashboard_is_unknown() {
        assert_eq!(invitation_link(None, "t0k"), "/invitation#t0k");
        assert_eq!(reset_link(Some("https://a.example"), "t0k"), "https://a.example/password-reset#t0k");
    }
}
