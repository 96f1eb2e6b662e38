//! socket.io on Node.js, as a single process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{Endpoint, HttpPublisher, SubjectParams};
use crate::bench::fanout::websocket_protocol::Protocol;

const SCRIPT: &str = "socket-io.mjs";

/// How long Node.js may take to start listening.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A private Node.js process.
pub struct SocketIo {
    child: Child,
    port: u16,
    publisher: HttpPublisher,
}

/// Returns the reason why socket.io cannot run on this machine; `None` if it can.
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
        let mut lines =
            BufReader::new(child.stdout.take().context("Node.js has no standard output")?).lines();
        let line = tokio::time::timeout(START_TIMEOUT, lines.next_line()).await;
        let line = line.context("socket.io did not listen in time")??.context("socket.io ended")?;
        let port = line.trim().parse().with_context(|| format!("`{line}` is not a port"))?;
        let publisher = HttpPublisher::new(format!("http://127.0.0.1:{port}/publish"));
        Ok(Self { child, port, publisher })
    }

    pub fn endpoint(&self) -> Endpoint {
        let url = format!("ws://127.0.0.1:{}/socket.io/?EIO=4&transport=websocket", self.port);
        Endpoint { url, dialect: Protocol::SocketIo }
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
