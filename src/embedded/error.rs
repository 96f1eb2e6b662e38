use std::path::{Path, PathBuf};

/// Why a private server could not be started, stopped or found.
///
/// Each message addresses the person at the terminal and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A server program is not installed, or no installed version is usable.
    #[error("{what} was not found; {remedy}")]
    Missing {
        /// The program and its minimum version.
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
        /// The pid in the lock file, or `unknown`.
        pid: String,
    },
    /// No server holds the lock on the data directory.
    #[error("no server is running on `{data_dir}`: start it with `groundswell serve`")]
    NotRunning {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// PostgreSQL does not run as root, and there is no other account that it could use.
    #[error(
        "postgresql does not run as root, and neither user `postgres` nor `nobody` exists: create one (`useradd --system postgres`), or run as an ordinary user"
    )]
    NoAccount,
    /// The running account does not own the stored posts.
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
        "uid {uid}, which owns the database, cannot enter `{path}`: make the folders above traversable (`chmod o+x`), or choose another `--data-dir`"
    )]
    Unreachable {
        /// The folder of the database.
        path: PathBuf,
        /// The uid that cannot enter it.
        uid: u32,
    },
    /// A private folder belongs to another user, who could eavesdrop or could not read what the server writes.
    #[error("`{path}` must belong to uid {uid}: run as its owner, or choose another `--data-dir`")]
    ForeignFolder {
        /// The folder that belongs to another user.
        path: PathBuf,
        /// The uid that should own it.
        uid: u32,
    },
    /// The server program ended during startup, or did not become ready.
    #[error("{server} did not start: {reason}")]
    DidNotStart {
        /// `postgresql` or `redis`.
        server: &'static str,
        /// The end of the server's log.
        reason: String,
    },
    /// Redis' append-only log is damaged in a way that a power cut does not explain.
    #[error(
        "the log `{path}` is damaged at byte {at}, and the last {bytes} bytes ({n_commands} readable commands) would be \
         lost, more than a power cut explains; nothing was changed: restore it from a backup, or accept the loss with \
         `redis-check-aof --fix {path}`"
    )]
    DamagedLog {
        /// The damaged part of the log.
        path: PathBuf,
        /// Offset at which parsing ended.
        at: u64,
        /// Number of bytes after the last complete command.
        bytes: u64,
        /// Number of commands after the damage that are still readable.
        n_commands: usize,
    },
    /// A server was asked to stop and is still running. It is never killed, since that could lose data.
    #[error("{server} (pid {pid}) has not stopped yet: wait for it, or stop it yourself")]
    StillRunning {
        /// `postgresql` or `redis`.
        server: &'static str,
        /// The server's pid.
        pid: i32,
    },
    /// A file or folder cannot be used.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// The action attempted, as a verb.
        action: &'static str,
        /// The file, folder or program.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl EmbeddedError {
    /// Returns a closure for `map_err` that adds the action attempted and the path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
