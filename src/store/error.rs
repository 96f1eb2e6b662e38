//! What can go wrong between us and Postgres, and whose fault it is.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

/// Why the store did not do as asked.
///
/// The pipeline asks one question of it: is the server away ([`StoreError::is_unavailable`]), so that the batch
/// must be tried again as it is, or was a value refused, so that the batch must be split until the culprit stands
/// alone? An error while committing leaves open whether the transaction took place; recording the batch again
/// answers that, for a post counts once however often it is recorded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No server answers, or the one that does cannot work now: starting, stopping, full, overloaded, read-only.
    #[error("postgres is unavailable: {reason}")]
    Unavailable {
        /// What was tried and what was said to it. For logs, not for clients.
        reason: String,
    },
    /// The server did not finish within the limit on a statement, or on an answer. It may be overloaded or frozen now, or
    /// what was asked may always take too long: a caller that can ask for less at a time should.
    #[error("postgres took too long: {reason}")]
    TooSlow {
        /// What was too slow. For logs, not for clients.
        reason: String,
    },
    /// Another transaction was in the way (serialization failure, deadlock, lock timeout). The same may succeed now.
    #[error("postgres asks to try again: {reason}")]
    Conflict {
        /// What the server said.
        reason: String,
    },
    /// The server refused a value. Trying again cannot help.
    #[error("postgres refused {what}: {reason} (`{code}`)")]
    Refused {
        /// The table, column or constraint it concerns, as far as the server tells.
        what: String,
        /// The SQLSTATE.
        code: String,
        /// What the server said.
        reason: String,
    },
    /// The filters need the posts themselves, and the window holds too many of them.
    #[error("these filters can be answered for at most {seconds_max} seconds, not {seconds}")]
    WindowTooLong {
        /// The length asked for.
        seconds: i64,
        /// The longest that is answered.
        seconds_max: i64,
    },
    /// The filters need the posts themselves, and there are too many of them.
    #[error("these filters can be answered from at most {n_posts_max} posts, not {n_posts}")]
    TooManyPosts {
        /// How many the window holds, or at least so many.
        n_posts: i64,
        /// The most that are read.
        n_posts_max: i64,
    },
    /// The steps of a series are too many.
    #[error("a series has at most {steps_max} steps")]
    StepTooFine {
        /// The most there may be.
        steps_max: i64,
    },
    /// The window ends before it starts, or is not on any calendar.
    #[error("the window is empty or out of range")]
    BadWindow,
    /// The cursor is none that we gave out.
    #[error("the cursor is not valid")]
    BadCursor,
    /// A rule names a channel that there is not.
    #[error("there is no notification channel `{id}`")]
    UnknownChannel {
        /// The first of them.
        id: uuid::Uuid,
    },
    /// The URL is no Postgres URL.
    #[error("the database url is not valid: {reason}")]
    BadUrl {
        /// What is wrong with it. Never the URL itself, which may hold a password.
        reason: String,
    },
    /// The schema is that of a later version, which this one would read wrongly.
    #[error(
        "the database was written by a newer version of groundswell (it has migration {found}, and this version ends \
         with {known}): start that version or a later one, or choose another database, with `--data-dir` where \
         groundswell runs its own and with `DATABASE_URL` where it does not"
    )]
    NewerSchema {
        /// A migration that was applied and that this version does not have.
        found: i64,
        /// The last one that this version has.
        known: i64,
    },
    /// Something that no caller can mend: a missing table, a migration that differs from the one applied.
    #[error("postgres: {reason}")]
    Internal {
        /// What the server or driver said.
        reason: String,
    },
}

impl StoreError {
    /// Whether the server is away rather than the data wrong. Such a failure is not an attempt at the post.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::TooSlow { .. })
    }

    /// Whether the call ran into a limit of time. The same may succeed later, or in smaller pieces.
    pub fn is_too_slow(&self) -> bool {
        matches!(self, Self::TooSlow { .. })
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.is_unavailable() || matches!(self, Self::Conflict { .. })
    }

    /// A stable code for programs and metrics.
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

    pub(super) fn internal(reason: impl Into<String>) -> Self {
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
        // No table of ours has a check, but partitions do, without a name: the batch waited for the default partition
        // while a day of it moved out.
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
            // Whatever keeps a connection from being made, a wrong password included, is no fault of the data.
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

/// Sorts the server's errors by whose fault they are. Classes are the first two characters (SQL standard).
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

/// The driver failed without an answer from the server: the connection broke, or a value could not be encoded.
fn without_answer(error: &tokio_postgres::Error) -> StoreError {
    use std::error::Error;
    let reason = with_causes(error);
    if error.is_closed() || error.source().is_some_and(|cause| cause.is::<std::io::Error>()) {
        return StoreError::Unavailable { reason };
    }
    StoreError::Internal { reason }
}

/// An error with its causes, since the driver's own text says only `error connecting to server`.
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
    fn a_server_that_is_away_or_full_or_stopping_is_no_fault_of_the_data() {
        let codes =
            ["57P01", "57P02", "57P03", "53300", "53100", "53200", "08006", "25006", "58030", "28P01"];
        check(&codes, |verdict| matches!(verdict, Verdict::Away));
    }

    #[test]
    fn what_took_too_long_blames_nobody_and_may_be_tried_in_smaller_pieces() {
        check(&["57014"], |verdict| matches!(verdict, Verdict::TooSlow));
        let error = StoreError::TooSlow { reason: String::new() };
        assert!(error.is_too_slow() && error.is_unavailable() && error.is_retryable());
    }

    #[test]
    fn what_another_transaction_spoiled_may_succeed_now() {
        check(&["40001", "40P01", "55P03"], |verdict| matches!(verdict, Verdict::InTheWay));
    }

    #[test]
    fn a_refused_value_is_told_from_our_own_mistakes() {
        check(&["22021", "22003", "23505", "23502", "54000"], |verdict| matches!(verdict, Verdict::Value));
        check(&["42P01", "42601", "0A000", "XX000"], |verdict| matches!(verdict, Verdict::Ours));
    }
}
