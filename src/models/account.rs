//! Accounts of people.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::UserId;
use super::person_name::{PersonName, is_deceptive};
use super::plan::Plan;
use super::principal::Role;

/// Maximum length of an email address in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;

/// Email address by which an account is found. In lower case, because nobody expects `Ana@example.com` and
/// `ana@example.com` to be different people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = "email", min_length = 3, max_length = 254)]
pub struct Email(String);

/// Error for a text that is not an email address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an email address such as `ana@example.com`, at most {EMAIL_BYTES_MAX} bytes long")]
pub struct NoEmail;

impl Email {
    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = NoEmail;

    /// Checks the form only: whether the address exists shows when mail arrives.
    fn from_str(text: &str) -> Result<Self, NoEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NoEmail)?;
        let is_misplaced = |character: char| character.is_whitespace() || is_deceptive(character);
        if local.is_empty()
            || domain.is_empty()
            || local.contains('@')
            || text.len() > EMAIL_BYTES_MAX
            || text.chars().any(is_misplaced)
        {
            return Err(NoEmail);
        }
        Ok(Self(text.to_lowercase()))
    }
}

impl TryFrom<String> for Email {
    type Error = NoEmail;

    fn try_from(text: String) -> Result<Self, NoEmail> {
        text.parse()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Account of a person, without the hash of the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Id of the account.
    pub id: UserId,
    /// Address with which the person signs in.
    pub email: Email,
    /// Display name; null until the person chooses one.
    pub name: Option<PersonName>,
    /// Plan of the account.
    pub plan: Plan,
    /// Role of the person.
    pub role: Role,
    /// Whether the person may sign in. An account that is not active has no access at all.
    pub is_active: bool,
    /// Time at which the account was created.
    pub created_at: Timestamp,
    /// Time of the last change to the account.
    pub updated_at: Timestamp,
    /// Time of the last sign-in; null if there was none.
    pub last_sign_in_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_lower_case_and_checked_for_its_form() {
        let email: Email = " Ana.Berg@Example.COM ".parse().unwrap();
        assert_eq!(email.as_str(), "ana.berg@example.com");
        for wrong in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "a b@example.com",
            "a@b@example.com",
            "ana@ex\u{202e}ample.com",
        ] {
            assert_eq!(wrong.parse::<Email>(), Err(NoEmail), "{wrong}");
        }
        let long = format!("{}@example.com", "a".repeat(EMAIL_BYTES_MAX - 12));
        assert!(long.parse::<Email>().is_ok() && format!("a{long}").parse::<Email>().is_err());
        assert!(serde_json::from_str::<Email>("\"ana\"").is_err());
    }
}
