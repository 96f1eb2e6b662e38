//! What is wrong with the settings.

use std::net::SocketAddr;

/// A contradiction between settings. The message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Only one of the two URLs is set.
    #[error("`{set}` is set and `{unset}` is not: set both, or neither to run private servers")]
    OneServer {
        /// The one that is set.
        set: &'static str,
        /// The one that is not.
        unset: &'static str,
    },
    /// Other machines could reach the server without a token.
    #[error(
        "`{0}` can be reached from other machines: set `GROUNDSWELL_AUTH_TOKEN`, or pass `--insecure-open` to allow access without a token"
    )]
    OpenToAll(SocketAddr),
    /// A value that cannot be used with the others.
    #[error("`{variable}`: {problem}")]
    Invalid {
        /// The variable of the setting.
        variable: &'static str,
        /// What is wrong with it, and what is allowed.
        problem: String,
    },
}

/// Returns the error for a value that cannot be used with the others.
pub fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    ConfigError::Invalid { variable, problem: problem.to_owned() }
}
