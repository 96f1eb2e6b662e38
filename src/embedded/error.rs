use std::path::{Path, PathBuf};

/// Reasons why a private server could not be started, stopped or found.
///
/// Each message addresses the person at the terminal and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A server program is not installed, or no installed version can be used.
    #[error("{what} was not found; {remedy}")]
    Missing {
        /// Name of the program, and the minimum version.
        what: String,
        /// Instructions for installing it.
        remedy: &'static str,
    },
    /// Another process holds the lock on the data directory.
    #[error(
        "another groundswell server (pid {pid}) is using `{data_dir}`: stop it, or choose another `--data-dir`"
    )]
    Locked {
        /// Data directory that is locked.
        data_dir: PathBuf,
        /// Process id from the lock file, or `unknown`.
        pid: String,
    },
    /// No server holds the lock on the data directory.
    #[error("no server is running on `{data_dir}`: start it with `groundswell serve`")]
    NotRunning {
        /// Data directory that no server is running on.
        data_dir: PathBuf,
    },
    /// This process runs as root, which PostgreSQL refuses, and there is no other account to use.
    #[error(
        "postgresql does not run as root, and neither user `postgres` nor `nobody` exists: create one (`useradd --system postgres`), or run as an ordinary user"
    )]
    NoAccount,
    /// The current account does not own the database.
    #[error(
        "the database in `{path}` belongs to uid {owner}: run as that user or as root, or choose another `--data-dir`"
    )]
    ForeignOwner {
        /// The database's folder.
        path: PathBuf,
        /// Id of the user who owns it.
        owner: u32,
    },
    /// The account that owns the database can no longer reach it.
    #[error(
        "uid {uid}, which owns the database, cannot enter `{path}`: make the folders above traversable (`chmod o+x`), or choose another `--data-dir`"
    )]
    Unreachable {
        /// The database's folder.
        path: PathBuf,
        /// Id of the user who cannot enter it.
        uid: u32,
    },
    /// A private folder belongs to another user, who could eavesdrop on the server or be unable to read what it writes.
    #[error("`{path}` must belong to uid {uid}: run as its owner, or choose another `--data-dir`")]
    ForeignFolder {
        /// Folder that belongs to another user.
        path: PathBuf,
        /// Id of the user who should own it.
        uid: u32,
    },
    /// A server program exited during startup, or did not become ready in time.
    #[error("{server} did not start: {reason}")]
    DidNotStart {
        /// Which server: `postgresql` or `redis`.
        server: &'static str,
        /// Last lines of the server's log.
        reason: String,
    },
    /// Redis's append-only log is damaged in a way that a power cut does not explain.
    #[error(
        "the log `{path}` is damaged at byte {at}, and the last {bytes} bytes ({n_commands} readable commands) would be \
         lost, more than a power cut explains; nothing was changed: restore it from a backup, or accept the loss with \
         `redis-check-aof --fix {path}`"
    )]
    DamagedLog {
        /// Path of the damaged part of the log.
        path: PathBuf,
        /// Offset in bytes at which parsing ended.
        at: u64,
        /// Number of bytes after the last complete command.
        bytes: u64,
        /// Number of commands after the damage that can still be read.
        n_commands: usize,
    },
    /// The manifest of Redis's append-only log consists of zeros, and the files beside it do not tell what it said.
    #[error(
        "the manifest `{path}` was lost, as by a power cut, and the files beside it ({parts}) do not tell which of them make \
         up the log; nothing was changed: restore the folder from a backup, or write the manifest yourself, with a line \
         `file NAME seq NUMBER type b` for the newest base and a line `file NAME seq NUMBER type i` for each increment since"
    )]
    LostManifest {
        /// Path of the manifest.
        path: PathBuf,
        /// Names of the files that may be parts of the log, each in backticks.
        parts: String,
    },
    /// A server was asked to stop but is still running. It is never killed, because that could lose data.
    #[error("{server} (pid {pid}) has not stopped yet: wait for it, or stop it yourself")]
    StillRunning {
        /// Which server: `postgresql` or `redis`.
        server: &'static str,
        /// Process id of the server.
        pid: i32,
    },
    /// A file, folder or program cannot be used.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was attempted, as a verb such as `write`.
        action: &'static str,
        /// Path of the file, folder or program.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl EmbeddedError {
    /// Returns a closure for `map_err` that adds what was attempted and the path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
