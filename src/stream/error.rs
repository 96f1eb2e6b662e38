//! Redis errors, classified by what the caller can do.

use fred::error::{Error, ErrorKind};

/// Error from a Redis command, classified by what the caller can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Redis is down, starting, full or too slow. A later attempt may succeed; the data is not at fault.
    ///
    /// The command may have taken effect. Repeating it is harmless everywhere in this module.
    #[error("redis is unavailable: {0}")]
    Unavailable(String),
    /// Redis rejected the command, for example because of a wrong password. Waiting does not help.
    #[error("redis refused: {0}")]
    Refused(String),
    /// Redis returned a response in an unexpected form.
    #[error("unexpected response from redis: {0}")]
    Broken(String),
}

impl StreamError {
    /// Returns the stable error code, which programs can rely on.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "stream_unavailable",
            Self::Refused(_) => "stream_refused",
            Self::Broken(_) => "stream_broken",
        }
    }

    /// Returns whether a retry may succeed later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Returns whether the consumer group does not exist.
    pub(super) fn is_group_missing(&self) -> bool {
        matches!(self, Self::Refused(message) if message.starts_with("NOGROUP"))
    }

    pub(super) fn unexpected(what: &str) -> Self {
        Self::Broken(what.to_owned())
    }
}

impl From<Error> for StreamError {
    fn from(error: Error) -> Self {
        /// Codes of errors that go away without intervention.
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
