//! A private PostgreSQL and a private Redis, as child processes, for `serve` and for the tests.
//!
//! Nothing is installed and no port is opened: both listen on Unix sockets that only their user can reach. A child
//! that dies is started again on the same socket. When this process ends, the children end too, even after
//! `kill -9`, and cleanly: they are never killed, since that could lose accepted posts.
//!
//! One data directory serves one process at a time, and everything is in it:
//!
//! ```text
//! lock                  held while the server lives
//! run.json              where the running server is (RunInfo)
//! redis/                settings, log, append-only file; dropped-*.aof is what a power cut damaged of it
//! postgres/             settings, log, cluster; local.conf is yours and wins
//! ```
//!
//! Where root runs us and PostgreSQL's user cannot reach the data directory, `postgres/` is under
//! `/var/lib/groundswell/<hash>` instead.

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

use self::paths::Places;
use self::process_supervisor::Keeper;
use lock::DirectoryLock;
use postgres::Postgres;
use redis::Redis;

/// Where and how the private servers run.
#[derive(Debug, Clone)]
pub struct EmbeddedParams {
    /// Made when it does not exist.
    pub data_dir: PathBuf,
    /// What a power cut may cost.
    pub redis_fsync: RedisFsync,
    /// False only in tests: PostgreSQL then does not wait for the disk. The death of any process still loses nothing.
    pub durable: bool,
}

/// When Redis has what it accepted on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisFsync {
    /// Before it answers. Nothing is lost by a power cut.
    Always,
    /// Once a second. A power cut may lose the last second; the death of a process loses nothing.
    EverySec,
}

/// How to reach the private servers. The same over all their restarts, and over ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// `postgresql:///postgres?host=<folder>&user=groundswell`, for `tokio-postgres` and for `psql`.
    pub postgres_url: String,
    /// `redis+unix://<path>`, for `fred`.
    pub redis_url: String,
}

/// The two running servers. Dropping it asks them to end but does not wait; [`Embedded::stop`] does.
pub struct Embedded {
    endpoints: Endpoints,
    postgres: Keeper,
    redis: Keeper,
}

impl Embedded {
    /// Starts both servers and returns once both answer. The first start on a data directory makes a database, which
    /// takes a few seconds.
    ///
    /// Fails, naming what to do, when a program is missing, when another process uses the data directory, or when a
    /// server ends before it is ready. Works on threads of its own: the runtime that awaits this may end before the
    /// servers do.
    pub async fn start(params: EmbeddedParams) -> Result<Self, EmbeddedError> {
        // A few file operations and two short child processes: too little to keep others waiting.
        let data_dir = make_data_dir(&params.data_dir)?;
        let lock = Arc::new(DirectoryLock::acquire(&data_dir)?);
        let redis_program = find_redis()?;
        let places = Places::prepare(&data_dir)?;
        let programs = find_postgres(stored_version(&places.cluster))?;
        let endpoints = Endpoints::of(&places);
        let redis = Redis { program: redis_program, places: places.clone(), fsync: params.redis_fsync };
        let postgres = Postgres { programs, places, durable: params.durable };
        let redis = Keeper::start(redis, Arc::clone(&lock))?;
        let postgres = Keeper::start(postgres, lock)?;
        let embedded = Self { endpoints, postgres, redis };
        if let Err(error) = embedded.ready().await {
            // The other one may run already, and must not outlive the failure.
            let _ = embedded.stop().await;
            return Err(error);
        }
        Ok(embedded)
    }

    /// Where the servers are.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// PostgreSQL's process; none while it is stopped or starting again.
    pub fn postgres_pid(&self) -> Option<u32> {
        self.postgres.pid()
    }

    /// Redis' process; none while it is stopped or starting again.
    pub fn redis_pid(&self) -> Option<u32> {
        self.redis.pid()
    }

    /// Stops PostgreSQL and leaves it stopped until [`Embedded::start_postgres`].
    pub async fn stop_postgres(&self) -> Result<(), EmbeddedError> {
        self.postgres.pause().await
    }

    /// Starts PostgreSQL again and waits until it answers.
    pub async fn start_postgres(&self) -> Result<(), EmbeddedError> {
        self.postgres.resume().await
    }

    /// Stops PostgreSQL and starts it again.
    pub async fn restart_postgres(&self) -> Result<(), EmbeddedError> {
        self.stop_postgres().await?;
        self.start_postgres().await
    }

    /// Stops Redis and leaves it stopped until [`Embedded::start_redis`].
    pub async fn stop_redis(&self) -> Result<(), EmbeddedError> {
        self.redis.pause().await
    }

    /// Starts Redis again and waits until it answers.
    pub async fn start_redis(&self) -> Result<(), EmbeddedError> {
        self.redis.resume().await
    }

    /// Stops Redis and starts it again.
    pub async fn restart_redis(&self) -> Result<(), EmbeddedError> {
        self.stop_redis().await?;
        self.start_redis().await
    }

    /// Stops both servers and waits until they have written everything and ended. Two minutes at most each; a server
    /// that takes longer is named, not killed.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        let (postgres, redis) = tokio::join!(self.postgres.stop(), self.redis.stop());
        postgres.and(redis)
    }

    async fn ready(&self) -> Result<(), EmbeddedError> {
        tokio::try_join!(self.postgres.ready(), self.redis.ready()).map(|_| ())
    }
}

impl Endpoints {
    fn of(places: &Places) -> Self {
        // Socket paths are plain characters only, so nothing needs quoting.
        let host = places.postgres_socket.display();
        let (database, user) = (postgres::DATABASE, postgres::USER);
        Self {
            postgres_url: format!("postgresql:///{database}?host={host}&user={user}"),
            redis_url: format!("redis+unix://{}", places.redis_socket.display()),
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
