//! nginx with the nchan module and one worker.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::{Endpoint, HttpPublisher, SubjectParams};
use crate::bench::fanout::websocket_protocol::Protocol;

/// Paths where nginx is usually installed; `/usr/sbin` is not in every user's `PATH`.
const PROGRAMS: [&str; 3] = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"];

const MODULES: [&str; 3] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];

const MODULE: &str = "ngx_nchan_module.so";

/// How long nginx may take to start listening.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A private nginx process.
pub struct Nchan {
    child: Child,
    dir: PathBuf,
    port: u16,
    publisher: HttpPublisher,
}

/// Returns the reason why nginx with nchan cannot run on this machine; `None` if it can.
pub fn obstacle() -> Option<String> {
    if paths().is_some() {
        return None;
    }
    Some("nginx with nchan is not installed: apt-get install nginx libnginx-mod-nchan, or scripts/setup.sh bench".to_owned())
}

fn paths() -> Option<(PathBuf, PathBuf)> {
    let program = PROGRAMS.iter().map(Path::new).find(|path| path.exists())?;
    let module = MODULES.iter().map(|folder| Path::new(folder).join(MODULE)).find(|path| path.exists())?;
    Some((program.to_owned(), module))
}

impl Nchan {
    pub async fn start(params: &SubjectParams) -> anyhow::Result<Self> {
        let (program, module) = paths().context("nginx with nchan is not installed")?;
        let dir = std::env::temp_dir().join(format!("groundswell-bench-nchan-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        // The port is released before nginx binds it; another process is unlikely to take it in between.
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let text = configuration(&Settings {
            dir: &dir,
            module: &module,
            port,
            n_connections: params.n_connections,
        });
        std::fs::write(dir.join("nginx.conf"), text)?;
        let child = Command::new(program)
            .arg("-p")
            .arg(&dir)
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let publisher = HttpPublisher::new(format!("http://127.0.0.1:{port}/publish"));
        let mut nchan = Self { child, dir, port, publisher };
        nchan.wait_until_it_listens().await?;
        Ok(nchan)
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint { url: format!("ws://127.0.0.1:{}/subscribe", self.port), dialect: Protocol::Plain }
    }

    pub async fn publish(&self, message: String) -> anyhow::Result<()> {
        self.publisher.publish(message).await
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        super::stop(&mut self.child).await
    }

    async fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let log = || std::fs::read_to_string(self.dir.join("error.log")).unwrap_or_default();
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("nginx ended: {status}: {}", log());
            }
            anyhow::ensure!(Instant::now() < deadline, "nginx did not listen in time: {}", log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

impl Drop for Nchan {
    /// Stops nginx gracefully. Killing the master would leave its worker running.
    fn drop(&mut self) {
        let _ = super::ask_to_stop(&self.child);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

struct Settings<'a> {
    dir: &'a Path,
    module: &'a Path,
    port: u16,
    n_connections: usize,
}

/// Returns an nginx configuration with nchan's defaults that keeps every file in one folder.
fn configuration(settings: &Settings<'_>) -> String {
    let Settings { dir, module, port, n_connections } = settings;
    // When nginx runs short of free connections, it closes those that are still in their handshake.
    let (dir, module, n_worker) = (dir.display(), module.display(), 2 * n_connections + 1_024);
    // If nginx were started by root, its worker would run as a user that may not be able to enter the folder.
    let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("  {kind}_temp_path {dir}/{kind};\n"))
        .collect();
    format!(
        "load_module {module};
daemon off;
{user}
worker_processes 1;
pid {dir}/nginx.pid;
events {{ worker_connections {n_worker}; }}
http {{
  access_log off;
{temporary}  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /publish {{
      nchan_publisher;
      nchan_channel_id bench;
    }}
    location = /subscribe {{
      nchan_subscriber websocket;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"
    )
}
