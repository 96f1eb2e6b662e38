//! socket.io on Node.js, one process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{Door, HttpPublisher, SubjectParams};
use crate::bench::fanout::wire::Dialect;

const SCRIPT: &str = "socket-io.mjs";

/// How long Node.js may take to listen.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// A private Node.js.
pub struct SocketIo {
    child: Child,
    port: u16,
    publisher: HttpPublisher,
}

/// Why it cannot be started.
pub fn obstacle(peers_dir: &Path) -> Option<String> {
    if peers_dir.join("node_modules/socket.io").is_dir() {
        return None;
    }
    let dir = peers_dir.display();
    Some(format!("socket.io is not installed: npm --prefix {dir} ci, or scripts/setup.sh bench"))
}

impl SocketIo {
    pub async fn start(params: &SubjectParams) -> anyhow::Result<Self> {
        let mut child = Command::new("node")
            .arg(params.peers_dir.join(SCRIPT))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("Node.js is not installed")?;
        let mut lines = BufReader::new(child.stdout.take().context("Node.js says nothing")?).lines();
        let line = tokio::time::timeout(START_PATIENCE, lines.next_line()).await;
        let line = line.context("socket.io does not listen")??.context("socket.io ended")?;
        let port = line.trim().parse().with_context(|| format!("`{line}` is no port"))?;
        let publisher = HttpPublisher::new(format!("http://127.0.0.1:{port}/publish"));
        Ok(Self { child, port, publisher })
    }

    pub fn door(&self) -> Door {
        let url = format!("ws://127.0.0.1:{}/socket.io/?EIO=4&transport=websocket", self.port);
        Door { url, dialect: Dialect::SocketIo }
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
}
