//! What is wrong with the settings.

use std::net::SocketAddr;

/// Why the settings make no sense. The message says what to change.
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
    /// Strangers could reach it.
    #[error(
        "`{0}` can be reached from other machines: set `GROUNDSWELL_AUTH_TOKEN`, or pass `--insecure-open` to let everybody in"
    )]
    OpenToAll(SocketAddr),
    /// A value is not one of those there are.
    #[error("`{variable}`: {problem}")]
    Invalid {
        /// Which variable.
        variable: &'static str,
        /// What is wrong with it, and what it may be.
        problem: String,
    },
}

/// A value that cannot be used.
pub fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    ConfigError::Invalid { variable, problem: problem.to_owned() }
}
