//! Credentials that networks issue.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Maximum length of each credential in characters.
pub const CREDENTIAL_CHARS_MAX: usize = 4_096;

/// Credentials of a source. They are stored encrypted, and neither logged nor shown again.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceCredentials, example = json!({}))]
pub struct Credentials {
    /// Access token, bearer token or API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096, pattern = "^[!-~]+$")]
    pub token: Option<String>,
    /// Id of the application, for networks that issue tokens to applications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096, pattern = "^[!-~]+$")]
    pub client_id: Option<String>,
    /// Secret of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4096, pattern = "^[!-~]+$")]
    pub client_secret: Option<String>,
}

impl Credentials {
    /// Returns each credential with its name.
    pub fn fields(&self) -> [(&'static str, Option<&str>); 3] {
        let Self { token, client_id, client_secret } = self;
        [
            ("token", token.as_deref()),
            ("client_id", client_id.as_deref()),
            ("client_secret", client_secret.as_deref()),
        ]
    }

    /// Returns whether no credential is set.
    pub fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_none())
    }
}

impl fmt::Debug for Credentials {
    /// Writes the names of the credentials, but never their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.fields().into_iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name);
        f.debug_set().entries(given).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_output_shows_a_credential() {
        let credentials = Credentials { token: Some("hunter2".to_owned()), ..Credentials::default() };
        assert_eq!(format!("{credentials:?}"), r#"{"token"}"#);
        assert!(!credentials.is_empty() && Credentials::default().is_empty());
    }
}
