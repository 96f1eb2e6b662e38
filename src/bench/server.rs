//! A fresh server as a user would run it: a separate process with private databases.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use super::process;
use crate::embedded::RunInfo;
use crate::models::system_health::SystemHealth;
use crate::store::{Store, StoreParams};
use crate::telemetry::POSTS_STORED_TOTAL;

/// How long the private databases may take to be created and start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a graceful stop may take. PostgreSQL first has to write the changes from millions of posts to disk.
const STOP_TIMEOUT: Duration = Duration::from_secs(180);

const PAUSE: Duration = Duration::from_millis(50);

/// A running server with its files in a temporary folder.
pub struct Server {
    child: Child,
    data_dir: PathBuf,
    /// Addresses and process ids of the server and its databases.
    pub info: RunInfo,
    /// Connection to the server's database.
    pub store: Store,
}

impl Server {
    /// Starts this program as a server in an empty folder, with additional `serve` options, and waits until it is
    /// ready.
    ///
    /// # Errors
    /// If the server does not become ready in time.
    pub async fn start(options: &[String]) -> anyhow::Result<Self> {
        Self::start_another(&std::env::current_exe()?, options).await
    }

    /// Starts another executable, such as an older version. The benchmark then uses only its HTTP API, its stream and
    /// its metrics.
    ///
    /// # Errors
    /// If the server does not become ready in time.
    pub async fn start_another(executable: &Path, options: &[String]) -> anyhow::Result<Self> {
        static N_STARTED: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("groundswell-bench-{}-{}", std::process::id(), N_STARTED.fetch_add(1, Ordering::Relaxed));
        let data_dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&data_dir)?;
        let mut child = Command::new(executable)
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "warn,fred=error", "--data-dir"])
            .arg(&data_dir)
            .args(options)
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            // A settings file might name databases.
            .env("GROUNDSWELL_CONFIG", "/dev/null")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start `{}`", executable.display()))?;
        let info = wait_until_ready(&mut child, &data_dir).await?;
        let url = info.postgres_url.clone();
        let retention = Duration::from_secs(90 * 24 * 60 * 60);
        let store = Store::connect(StoreParams { url, pool_size: 1, retention, on_connect: None }).await?;
        Ok(Self { child, data_dir, info, store })
    }

    /// Returns the number of posts stored since the server started, by its own count. Counting rows would disturb the
    /// measurement.
    ///
    /// # Errors
    /// If the server does not respond.
    pub async fn n_stored(&self) -> anyhow::Result<i64> {
        let n_stored = self.metrics().await?.value(POSTS_STORED_TOTAL);
        #[expect(clippy::cast_possible_truncation, reason = "a count of posts is exact")]
        Ok(n_stored as i64)
    }

    /// Fetches the server's metrics.
    ///
    /// # Errors
    /// If the server does not respond.
    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        Ok(Metrics(reqwest::get(format!("{}/metrics", self.info.address)).await?.text().await?))
    }

    /// Fetches the server's health.
    ///
    /// # Errors
    /// If the server does not respond.
    pub async fn system(&self) -> anyhow::Result<SystemHealth> {
        Ok(reqwest::get(format!("{}/api/v1/system", self.info.address)).await?.json().await?)
    }

    /// Returns the name and version of the server's fast model.
    ///
    /// # Errors
    /// If the server does not respond.
    pub async fn model(&self) -> anyhow::Result<String> {
        let url = format!("{}/api/v1/system", self.info.address);
        // An older server reports less, so only the necessary fields are parsed.
        let system: serde_json::Value = reqwest::get(url).await?.json().await?;
        let text = |pointer: &str| system.pointer(pointer).and_then(|value| value.as_str()).unwrap_or("?");
        Ok(format!("{} {}", text("/model/name"), text("/model/version")))
    }

    /// Returns the CPU time that the server and its databases have used so far, and the server's resident memory.
    pub fn usage(&self) -> Usage {
        let of_family = |pid: Option<u32>| pid.map_or(0.0, process::family_cpu_seconds);
        Usage {
            // The databases run as children of the server.
            server: process::cpu_seconds(self.info.pid),
            postgres: of_family(self.info.postgres_pid),
            redis: of_family(self.info.redis_pid),
            resident_bytes: process::resident_bytes(self.info.pid),
        }
    }

    /// Starts a child process that sends generated posts, `rate` per second, until it is killed or dropped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn synth(&self, rate: u32) -> anyhow::Result<Child> {
        let child = Command::new(std::env::current_exe()?)
            .args(["synth", "--rate", &rate.to_string(), "--data-dir"])
            .arg(&self.data_dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok(child)
    }

    /// Stops the server and removes its files.
    ///
    /// # Errors
    /// If the server does not stop in time.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.info.pid)?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await.context("the server did not stop")??;
        std::fs::remove_dir_all(&self.data_dir)?;
        Ok(())
    }
}

/// Metrics of a server at one moment, in the Prometheus text format.
pub struct Metrics(String);

impl Metrics {
    /// Returns the value of a series, given its name and labels; 0 if there is no such series.
    pub fn value(&self, series: &str) -> f64 {
        let of_line = |line: &str| line.strip_prefix(series)?.strip_prefix(' ')?.trim().parse().ok();
        self.0.lines().find_map(of_line).unwrap_or(0.0)
    }
}

impl From<String> for Metrics {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Resources that a server and its databases have used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// CPU time of the server itself, in seconds.
    pub server: f64,
    /// CPU time of PostgreSQL and its backends, in seconds.
    pub postgres: f64,
    /// CPU time of Redis, in seconds.
    pub redis: f64,
    /// Resident memory of the server, in bytes.
    pub resident_bytes: u64,
}

async fn wait_until_ready(child: &mut Child, data_dir: &Path) -> anyhow::Result<RunInfo> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        if let Some(status) = child.try_wait()? {
            bail!("the server ended before it was ready: {status}");
        }
        if let Ok(info) = RunInfo::read(data_dir) {
            let ready = reqwest::get(format!("{}/readyz", info.address)).await;
            if ready.is_ok_and(|response| response.status().is_success()) {
                return Ok(info);
            }
        }
        if Instant::now() > deadline {
            bail!("the server was not ready within {} s", START_TIMEOUT.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
