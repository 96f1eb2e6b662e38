//! Errors from checking the settings.

use std::net::SocketAddr;

/// A setting that is wrong, or that contradicts others. The message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Only one of the two URLs is set.
    #[error("`{set}` is set and `{unset}` is not: set both, or neither to run private servers")]
    OneServer {
        /// Environment variable for the URL that is set.
        set: &'static str,
        /// Environment variable for the URL that is missing.
        unset: &'static str,
    },
    /// Other machines could reach the server, and there is neither a token nor an account.
    #[error(
        "`{0}` can be reached from other machines: create an account first, while the server listens on loopback only, set \
         `GROUNDSWELL_AUTH_TOKEN`, or pass `--insecure-open` to allow access without a credential"
    )]
    OpenToAll(SocketAddr),
    /// A value that is unusable, either on its own or in combination with other settings.
    #[error("`{variable}`: {problem}")]
    Invalid {
        /// Name of the setting's environment variable.
        variable: &'static str,
        /// Description of what is wrong with the value, and of what is allowed.
        problem: String,
    },
}

/// Returns the error for a value that is unusable, either on its own or in combination with other settings.
pub fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    ConfigError::Invalid { variable, problem: problem.to_owned() }
}
