//! What can go wrong with Redis.

use fred::error::{Error, ErrorKind};

/// Why a command on the stream failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Redis is away, starting, full or too slow. Waiting helps; nobody's post is to blame.
    ///
    /// Whether the command took effect is unknown. Repeating it is harmless throughout this module.
    #[error("redis does not answer: {0}")]
    Unavailable(String),
    /// Redis understood and said no, for instance to a wrong password. Waiting does not help.
    #[error("redis refused: {0}")]
    Refused(String),
    /// The answer was not of the form it should have.
    #[error("redis answered something unexpected: {0}")]
    Broken(String),
}

impl StreamError {
    /// For programs; never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "stream_unavailable",
            Self::Refused(_) => "stream_refused",
            Self::Broken(_) => "stream_broken",
        }
    }

    /// Whether trying again later may help.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether Redis lost the consumer group, or never had it.
    pub(super) fn is_group_missing(&self) -> bool {
        matches!(self, Self::Refused(message) if message.starts_with("NOGROUP"))
    }

    pub(super) fn unexpected(what: &str) -> Self {
        Self::Broken(what.to_owned())
    }
}

impl From<Error> for StreamError {
    fn from(error: Error) -> Self {
        /// What Redis says when it will be able to do the same thing later.
        const PASSING: [&str; 8] =
            ["LOADING", "BUSY", "MASTERDOWN", "READONLY", "OOM", "MISCONF", "NOREPLICAS", "TRYAGAIN"];

        let details = error.details().to_owned();
        let code = details.split_whitespace().next().unwrap_or_default();
        if PASSING.contains(&code) {
            return Self::Unavailable(details);
        }
        match error.kind() {
            ErrorKind::Parse | ErrorKind::Protocol | ErrorKind::NotFound => Self::Broken(details),
            ErrorKind::Auth
            | ErrorKind::Config
            | ErrorKind::Url
            | ErrorKind::InvalidArgument
            | ErrorKind::InvalidCommand => Self::Refused(details),
            // Errors that Redis itself sends begin with a word in capitals, such as `ERR`.
            ErrorKind::Unknown if code.len() > 1 && code.bytes().all(|b| b.is_ascii_uppercase()) => {
                Self::Refused(details)
            }
            _ => Self::Unavailable(details),
        }
    }
}
