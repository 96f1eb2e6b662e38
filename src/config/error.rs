//! Errors in the settings.

use std::net::SocketAddr;

/// A contradiction between settings. The message says what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Only one of the two URLs is set.
    #[error("`{set}` is set and `{unset}` is not: set both, or neither to run private servers")]
    OneServer {
        /// The variable that is set.
        set: &'static str,
        /// The variable that is not set.
        unset: &'static str,
    },
    /// Other machines could reach the server without a token.
    #[error(
        "`{0}` can be reached from other machines: set `GROUNDSWELL_AUTH_TOKEN`, or pass `--insecure-open` to allow access without a token"
    )]
    OpenToAll(SocketAddr),
    /// A value that cannot be used together with the others.
    #[error("`{variable}`: {problem}")]
    Invalid {
        /// The setting's variable.
        variable: &'static str,
        /// What is wrong with the value, and what is allowed.
        problem: String,
    },
}

/// Returns the error for a value that cannot be used together with the others.
pub fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    ConfigError::Invalid { variable, problem: problem.to_owned() }
}
