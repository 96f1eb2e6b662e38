//! PostgreSQL errors, classified by cause.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::models::id::ChannelId;

/// Error from a store call.
///
/// The pipeline distinguishes two cases. If the server is unavailable ([`StoreError::is_unavailable`]), it retries the
/// whole batch; if the server rejected a value, it splits the batch until the poison post is isolated. After an error
/// during commit, it is unknown whether the transaction took effect; storing the batch again is safe, because each post
/// counts only once.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No server is responding, or the server cannot do any work at the moment: it is starting, stopping, full,
    /// overloaded or read-only.
    #[error("postgres is unavailable: {reason}")]
    Unavailable {
        /// Operation that failed, and its error. For logs, not for clients.
        reason: String,
    },
    /// The server did not finish a statement or respond in time. It may be overloaded or frozen, or the request may
    /// always take too long: if possible, retry with a smaller one.
    #[error("postgres took too long: {reason}")]
    TooSlow {
        /// Operation that timed out. For logs, not for clients.
        reason: String,
    },
    /// Another transaction got in the way (serialization failure, deadlock or lock timeout). An immediate retry may
    /// succeed.
    #[error("conflict with another transaction: {reason}")]
    Conflict {
        /// Message from the server, which names the conflict.
        reason: String,
    },
    /// The server rejected a value. Retrying cannot succeed.
    #[error("postgres refused {what}: {reason} (`{code}`)")]
    Refused {
        /// Rejected table, column or constraint, as named by the server; `a value` if it names none.
        what: String,
        /// SQLSTATE code that the server returned for the value.
        code: String,
        /// Message from the server, which says why.
        reason: String,
    },
    /// The filters require reading posts, and the window is too long for that.
    #[error(
        "these filters allow a window of at most {seconds_max} seconds, not {seconds}: choose a shorter one"
    )]
    WindowTooLong {
        /// Length of the requested window, in seconds.
        seconds: i64,
        /// Maximum length of a window with these filters, in seconds.
        seconds_max: i64,
    },
    /// The filters require reading posts, and there are too many of them.
    #[error(
        "these filters allow at most {n_posts_max} posts, not {n_posts}: choose a shorter range or fewer filters"
    )]
    TooManyPosts {
        /// Number of posts in the window, or a lower bound for it.
        n_posts: i64,
        /// Maximum number of posts that a request may read.
        n_posts_max: i64,
    },
    /// The range contains too many steps of the requested length.
    #[error("a series has at most {steps_max} steps: choose a longer step or a shorter range")]
    StepTooFine {
        /// Maximum number of steps in a series.
        steps_max: i64,
    },
    /// The window is empty, or extends beyond the supported range of dates.
    #[error("the window is empty or out of range: choose a later end")]
    BadWindow,
    /// The cursor was not issued by this API.
    #[error("invalid cursor: use `next_cursor` of the previous page")]
    BadCursor,
    /// A rule names a channel that does not exist.
    #[error("unknown notification channel `{id}`")]
    UnknownChannel {
        /// Id of the first channel that does not exist.
        id: ChannelId,
    },
    /// The URL is not a PostgreSQL URL.
    #[error("invalid database URL: {reason}")]
    BadUrl {
        /// Syntax error, without the URL itself, which may contain a password.
        reason: String,
    },
    /// The schema comes from a later version, which this version would misread.
    #[error(
        "the database was written by a newer version of groundswell (it has migration {found}, and this version ends \
         with {known}): start that version or a later one, or choose another database, with `--data-dir` where \
         groundswell runs its own and with `DATABASE_URL` where it does not"
    )]
    NewerSchema {
        /// Number of the latest applied migration, which this version does not have.
        found: i64,
        /// Number of this version's last migration.
        known: i64,
    },
    /// An error that no caller can fix. For example, a table is missing, or a migration differs from the applied one.
    #[error("postgres: {reason}")]
    Internal {
        /// Message from the server or the driver.
        reason: String,
    },
}

impl StoreError {
    /// Returns whether the server is unavailable, as opposed to the data being invalid. Such an error does not count as
    /// an attempt to store the post.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::TooSlow { .. })
    }

    /// Returns whether the call timed out. It may succeed later, or if it is split into smaller pieces.
    pub fn is_too_slow(&self) -> bool {
        matches!(self, Self::TooSlow { .. })
    }

    /// Returns whether the same call, unchanged, may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.is_unavailable() || matches!(self, Self::Conflict { .. })
    }

    /// Returns the stable error code, for programs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "store_unavailable",
            Self::TooSlow { .. } => "store_too_slow",
            Self::Conflict { .. } => "store_conflict",
            Self::Refused { .. } => "store_refused",
            Self::WindowTooLong { .. } => "window_too_long",
            Self::BadWindow => "bad_window",
            Self::TooManyPosts { .. } => "too_many_posts",
            Self::StepTooFine { .. } => "step_too_fine",
            Self::BadCursor => "bad_cursor",
            Self::UnknownChannel { .. } => "unknown_channel",
            Self::BadUrl { .. } => "bad_database_url",
            Self::NewerSchema { .. } => "newer_schema",
            Self::Internal { .. } => "store_internal",
        }
    }

    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    pub(super) fn timed_out(reason: impl Into<String>) -> Self {
        Self::TooSlow { reason: reason.into() }
    }

    pub(crate) fn internal(reason: impl Into<String>) -> Self {
        Self::Internal { reason: reason.into() }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return without_answer(&error);
        };
        let reason = db.message().to_owned();
        let code = db.code();
        // None of our tables has a check constraint, but partitions have unnamed ones: the batch waited for the
        // default partition while a day of it moved out.
        if *code == SqlState::CHECK_VIOLATION && db.constraint().is_none() {
            return Self::Conflict { reason };
        }
        match judge(code) {
            Verdict::Away => Self::Unavailable { reason },
            Verdict::TooSlow => Self::TooSlow { reason },
            Verdict::InTheWay => Self::Conflict { reason },
            Verdict::Value => {
                Self::Refused { what: what_was_refused(db), code: code.code().to_owned(), reason }
            }
            Verdict::Ours => Self::Internal { reason: format!("{reason} (`{}`)", code.code()) },
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(step) => {
                Self::unavailable(format!("no connection within the limit ({step:?})"))
            }
            // Failing to connect, even because of a wrong password, is not the data's fault.
            PoolError::Backend(error) => Self::unavailable(with_causes(&error)),
            other => Self::unavailable(other.to_string()),
        }
    }
}

enum Verdict {
    Away,
    TooSlow,
    InTheWay,
    Value,
    Ours,
}

/// Classifies a server error by its SQLSTATE code, whose first two characters are its class (SQL standard).
fn judge(code: &SqlState) -> Verdict {
    let code = code.code();
    match code {
        // Serialization failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => return Verdict::InTheWay,
        // Statement timeout.
        "57014" => return Verdict::TooSlow,
        // Read-only: a standby, or a primary being demoted.
        "25006" => return Verdict::Away,
        _ => {}
    }
    match code.get(..2) {
        // Connection, resources (connections, disk, memory), operator intervention, the system underneath.
        Some("08" | "53" | "57" | "58" | "28" | "3D") => Verdict::Away,
        // Data, integrity, and limits such as a row too wide for its index.
        Some("22" | "23" | "54") => Verdict::Value,
        _ => Verdict::Ours,
    }
}

fn what_was_refused(db: &tokio_postgres::error::DbError) -> String {
    let parts = [("table", db.table()), ("column", db.column()), ("constraint", db.constraint())];
    let mut named: Vec<String> =
        parts.iter().filter_map(|(what, name)| name.map(|name| format!("{what} `{name}`"))).collect();
    // COPY names the row and column in its context: `COPY social_media_posts, line 3, column text`.
    if named.is_empty() {
        named.extend(db.where_().and_then(|context| context.lines().next()).map(str::to_owned));
    }
    if named.is_empty() {
        return "a value".to_owned();
    }
    named.join(", ")
}

/// Converts an error that did not come from the server: the connection broke, or the driver could not encode a value.
fn without_answer(error: &tokio_postgres::Error) -> StoreError {
    use std::error::Error;
    let reason = with_causes(error);
    if error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()) {
        return StoreError::Unavailable { reason };
    }
    StoreError::Internal { reason }
}

/// Formats an error together with its causes, because the driver's own message is just `error connecting to server`.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(codes: &[&str], expected: fn(&Verdict) -> bool) {
        for code in codes {
            assert!(expected(&judge(&SqlState::from_code(code))), "{code}");
        }
    }

    #[test]
    fn an_unavailable_or_full_server_is_not_a_fault_of_the_data() {
        let codes =
            ["57P01", "57P02", "57P03", "53300", "53100", "53200", "08006", "25006", "58030", "28P01"];
        check(&codes, |verdict| matches!(verdict, Verdict::Away));
    }

    #[test]
    fn a_timeout_is_retryable_and_may_succeed_in_smaller_pieces() {
        check(&["57014"], |verdict| matches!(verdict, Verdict::TooSlow));
        let error = StoreError::TooSlow { reason: String::new() };
        assert!(error.is_too_slow() && error.is_unavailable() && error.is_retryable());
    }

    #[test]
    fn a_conflict_with_another_transaction_is_retryable() {
        check(&["40001", "40P01", "55P03"], |verdict| matches!(verdict, Verdict::InTheWay));
    }

    #[test]
    fn a_refused_value_is_distinguished_from_a_bug() {
        check(&["22021", "22003", "23505", "23502", "54000"], |verdict| matches!(verdict, Verdict::Value));
        check(&["42P01", "42601", "0A000", "XX000"], |verdict| matches!(verdict, Verdict::Ours));
    }
}
