//! A private PostgreSQL and a private Redis as child processes, for `serve` and for tests.
//!
//! Nothing is installed and no port is opened: both servers listen on Unix sockets that only their user can reach. A
//! server that dies is restarted on the same socket. When this process ends, even by `kill -9`, the servers shut down
//! cleanly too. They are never killed, because that could lose accepted posts.
//!
//! A data directory serves one process at a time and holds everything:
//!
//! ```text
//! lock                  held while the server runs
//! run.json              address and pids of the running server (RunInfo)
//! redis/                settings, log, append-only file; dropped-*.aof holds what a power cut damaged
//! postgres/             settings, log, cluster; your settings in local.conf override
//! ```
//!
//! If the process runs as root and PostgreSQL's user cannot reach the data directory, `postgres/` moves to
//! `/var/lib/groundswell/<hash>`.

mod account;
mod append_log;
mod error;
mod process_supervisor;
mod orphans;
mod lock;
mod logs;
mod paths;
mod postgres;
mod programs;
mod redis;
mod run_info;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use error::EmbeddedError;
pub use programs::{POSTGRES_MIN, PostgresPrograms, REDIS_MIN, RedisProgram, find_postgres, find_redis};
pub use run_info::RunInfo;

use self::paths::Paths;
use self::process_supervisor::ProcessSupervisor;
use lock::DirectoryLock;
use postgres::Postgres;
use redis::Redis;

/// Settings for the private servers.
#[derive(Debug, Clone)]
pub struct EmbeddedParams {
    /// Data directory; created if it does not exist.
    pub data_dir: PathBuf,
    /// How much Redis may lose in a power cut.
    pub redis_fsync: RedisFsync,
    /// Whether PostgreSQL waits for the disk. False only in tests; even then, nothing is lost when a process dies.
    pub durable: bool,
}

/// Policy for syncing accepted commands to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisFsync {
    /// Before it acknowledges a write. A power cut loses nothing.
    Always,
    /// Every second. A power cut may lose the last second of writes; a process that dies loses nothing.
    EverySec,
}

/// URLs of the private servers, which stay the same when the servers or this process restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// PostgreSQL's URL, `postgresql:///postgres?host=<folder>&user=groundswell`, for `tokio-postgres` and `psql`.
    pub postgres_url: String,
    /// Redis's URL, `redis+unix://<path>`, for `fred`.
    pub redis_url: String,
}

/// The two running servers. Dropping the value asks them to stop but does not wait for them; [`Embedded::stop`] does.
pub struct Embedded {
    endpoints: Endpoints,
    postgres: ProcessSupervisor,
    redis: ProcessSupervisor,
}

impl Embedded {
    /// Starts both servers and returns once both respond. The first start on a data directory creates a database, which
    /// takes a few seconds.
    ///
    /// Fails with an error that names a remedy if a program is missing, another process uses the data directory, or a
    /// server exits before it is ready. The servers are supervised on threads of their own, because they may outlive
    /// the runtime that awaits this call.
    pub async fn start(params: EmbeddedParams) -> Result<Self, EmbeddedError> {
        // A few file operations and two short child processes: too brief to hold up other tasks.
        let data_dir = make_data_dir(&params.data_dir)?;
        let lock = Arc::new(DirectoryLock::acquire(&data_dir)?);
        let redis_program = find_redis()?;
        let paths = Paths::prepare(&data_dir)?;
        let programs = find_postgres(stored_version(&paths.cluster))?;
        let endpoints = Endpoints::of(&paths);
        let redis = Redis { program: redis_program, paths: paths.clone(), fsync: params.redis_fsync };
        let postgres = Postgres { programs, paths, durable: params.durable };
        let redis = ProcessSupervisor::start(redis, Arc::clone(&lock))?;
        let postgres = ProcessSupervisor::start(postgres, lock)?;
        let embedded = Self { endpoints, postgres, redis };
        if let Err(error) = embedded.ready().await {
            // The other server may already be running, and must not outlive the failure.
            let _ = embedded.stop().await;
            return Err(error);
        }
        Ok(embedded)
    }

    /// Returns the URLs of both servers.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Returns PostgreSQL's process id, or `None` while it is stopped or starting.
    pub fn postgres_pid(&self) -> Option<u32> {
        self.postgres.pid()
    }

    /// Returns Redis's process id, or `None` while it is stopped or starting.
    pub fn redis_pid(&self) -> Option<u32> {
        self.redis.pid()
    }

    /// Stops PostgreSQL until [`Embedded::start_postgres`] is called.
    pub async fn stop_postgres(&self) -> Result<(), EmbeddedError> {
        self.postgres.pause().await
    }

    /// Starts PostgreSQL again and waits until it responds.
    pub async fn start_postgres(&self) -> Result<(), EmbeddedError> {
        self.postgres.resume().await
    }

    /// Stops PostgreSQL, starts it again and waits until it responds.
    pub async fn restart_postgres(&self) -> Result<(), EmbeddedError> {
        self.stop_postgres().await?;
        self.start_postgres().await
    }

    /// Stops Redis until [`Embedded::start_redis`] is called.
    pub async fn stop_redis(&self) -> Result<(), EmbeddedError> {
        self.redis.pause().await
    }

    /// Starts Redis again and waits until it responds.
    pub async fn start_redis(&self) -> Result<(), EmbeddedError> {
        self.redis.resume().await
    }

    /// Stops Redis, starts it again and waits until it responds.
    pub async fn restart_redis(&self) -> Result<(), EmbeddedError> {
        self.stop_redis().await?;
        self.start_redis().await
    }

    /// Stops both servers, waiting up to two minutes for each to write everything and exit. A server that takes longer
    /// is not killed; the error names it.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        let (postgres, redis) = tokio::join!(self.postgres.stop(), self.redis.stop());
        postgres.and(redis)
    }

    async fn ready(&self) -> Result<(), EmbeddedError> {
        tokio::try_join!(self.postgres.ready(), self.redis.ready()).map(|_| ())
    }
}

impl Endpoints {
    fn of(paths: &Paths) -> Self {
        // Socket paths contain only plain characters, so nothing needs quoting.
        let host = paths.postgres_socket.display();
        let (database, user) = (postgres::DATABASE, postgres::USER);
        Self {
            postgres_url: format!("postgresql:///{database}?host={host}&user={user}"),
            redis_url: format!("redis+unix://{}", paths.redis_socket.display()),
        }
    }
}

fn make_data_dir(data_dir: &Path) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(data_dir).map_err(EmbeddedError::io("make", data_dir))?;
    data_dir.canonicalize().map_err(EmbeddedError::io("find", data_dir))
}

fn stored_version(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}
