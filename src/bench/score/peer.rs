//! FastAPI on uvicorn with two workers, each with its own ONNX Runtime sessions.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::{Child, Command};

const SCRIPT: &str = "fastapi_score.py";

/// The Python interpreter that `scripts/setup.sh bench` installs.
const PYTHON: &str = ".groundswell/bench-peers/bin/python";

/// How long two workers may take to load both models.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const STOP_TIMEOUT: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(100);

/// Whether FastAPI runs tuned or with its default settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tuning {
    /// The configuration that an expert in these libraries would choose.
    Tuned,
    /// Default settings.
    Defaults,
}

impl Tuning {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tuned => "tuned",
            Self::Defaults => "defaults",
        }
    }
}

/// A private FastAPI server.
pub struct FastApi {
    child: Child,
    address: String,
}

/// Returns the reason why FastAPI cannot run on this machine; `None` if it can.
pub fn obstacle() -> Option<String> {
    let is_there = Path::new(PYTHON).exists();
    (!is_there).then(|| format!("`{PYTHON}` is missing: run `scripts/setup.sh bench`"))
}

impl FastApi {
    /// Starts FastAPI and waits until both workers respond.
    ///
    /// # Errors
    /// If a worker does not respond in time.
    pub async fn start(peers_dir: &Path, weights: &Path, tuning: Tuning) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let weights: PathBuf = weights.canonicalize().context("the peer's weights were not found")?;
        let child = Command::new(PYTHON)
            .arg(peers_dir.join(SCRIPT))
            .arg(weights)
            .arg(port.to_string())
            .arg(tuning.as_str())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start FastAPI")?;
        let mut peer = Self { child, address: format!("http://127.0.0.1:{port}") };
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = peer.child.try_wait()? {
                anyhow::bail!("FastAPI ended before it was ready: {status}");
            }
            let ready = reqwest::get(format!("{}/readyz", peer.address)).await;
            if ready.is_ok_and(|response| response.status().is_success()) {
                // One worker responds; the other started at the same time and is loading the same files.
                tokio::time::sleep(PAUSE * 20).await;
                return Ok(peer);
            }
            anyhow::ensure!(Instant::now() < deadline, "FastAPI was not ready in time");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns the server's URL.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Stops the server and its workers.
    ///
    /// # Errors
    /// If the server does not stop in time.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.ask_to_stop();
        tokio::time::timeout(STOP_TIMEOUT, self.child.wait())
            .await
            .context("FastAPI did not stop in time")??;
        Ok(())
    }

    fn ask_to_stop(&self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let pid = nix::unistd::Pid::from_raw(pid);
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        }
    }
}

impl Drop for FastApi {
    /// Stops the server gracefully. Killing it would leave its workers running.
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}
