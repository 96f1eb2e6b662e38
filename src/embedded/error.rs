use std::path::{Path, PathBuf};

/// Why a private server could not be started, stopped or found.
///
/// Each sentence is meant for the person at the terminal and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A server program is not installed, or no installed one can be used.
    #[error("{what} was not found; {remedy}")]
    Missing {
        /// The program and the least version of it that will do.
        what: String,
        /// The command that installs it.
        remedy: &'static str,
    },
    /// Another process holds the lock on the data directory.
    #[error(
        "another groundswell server (pid {pid}) is using `{data_dir}`: stop it, or choose another `--data-dir`"
    )]
    Locked {
        /// The data directory.
        data_dir: PathBuf,
        /// Whatever the holder wrote into the lock file, or `unknown`.
        pid: String,
    },
    /// No server holds the lock on the data directory.
    #[error("nothing is running on `{data_dir}`: start it with `groundswell serve`")]
    NotRunning {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// PostgreSQL refuses to run as root and no other account can be used.
    #[error(
        "postgresql does not run as root, and there is neither a user `postgres` nor `nobody`: create one (`useradd --system postgres`), or run as an ordinary user"
    )]
    NoAccount,
    /// The account that owns the stored posts is not the one that is running.
    #[error(
        "the database in `{path}` belongs to uid {owner}: run as that user or as root, or choose another `--data-dir`"
    )]
    ForeignOwner {
        /// The folder of the database.
        path: PathBuf,
        /// The uid that owns it.
        owner: u32,
    },
    /// The account that owns the stored posts can no longer reach them.
    #[error(
        "uid {uid}, which owns the database, cannot enter `{path}`: let it through the folders above (`chmod o+x`), or choose another `--data-dir`"
    )]
    Unreachable {
        /// The folder of the database.
        path: PathBuf,
        /// The uid that cannot reach it.
        uid: u32,
    },
    /// A folder of ours belongs to somebody else, who could listen in or could not read what we write.
    #[error(
        "`{path}` must be a folder of uid {uid}: run as the user it belongs to, or choose another `--data-dir`"
    )]
    ForeignFolder {
        /// The folder.
        path: PathBuf,
        /// The uid that should own it.
        uid: u32,
    },
    /// The server program started and ended, or did not become ready.
    #[error("{server} did not start: {reason}")]
    DidNotStart {
        /// `postgresql` or `redis`.
        server: &'static str,
        /// Its last words, from its log.
        reason: String,
    },
    /// The append-only log of Redis is damaged in a way that a power cut does not explain.
    #[error(
        "the log `{path}` is damaged at byte {at}, and the last {bytes} bytes ({n_commands} readable commands) would be \
         lost, more than a power cut explains; nothing was changed: restore it from a backup, or accept the loss with \
         `redis-check-aof --fix {path}`"
    )]
    DamagedLog {
        /// The part of the log.
        path: PathBuf,
        /// Where reading ended.
        at: u64,
        /// How much lies behind the last whole command.
        bytes: u64,
        /// How many commands behind the damage could still be read.
        n_commands: usize,
    },
    /// A server was asked to stop and is still there. It is never killed, since that could lose what it holds.
    #[error("{server} (pid {pid}) has not stopped yet: wait for it, or stop it yourself")]
    StillRunning {
        /// `postgresql` or `redis`.
        server: &'static str,
        /// The process that is still there.
        pid: i32,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file, folder or program.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl EmbeddedError {
    /// For `map_err`: names what was attempted and on which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
