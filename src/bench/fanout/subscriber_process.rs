//! The benchmark's handle on the process that runs the subscribers.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::subject::Endpoint;
use super::subscribers::Tally;
use crate::bench::process;

/// How long a command may take: enough for ten thousand handshakes on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The running process, which is killed when the value is dropped.
pub struct SubscriberProcess {
    child: Child,
    commands: ChildStdin,
    responses: Lines<BufReader<ChildStdout>>,
}

impl SubscriberProcess {
    /// Starts the process, connects the subscribers, and waits until all are subscribed.
    ///
    /// # Errors
    /// If a subscriber is refused.
    pub async fn connect(endpoint: &Endpoint, n_connections: usize) -> anyhow::Result<Self> {
        let dialect =
            clap::ValueEnum::to_possible_value(&endpoint.dialect).context("a protocol without a name")?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bench", "fanout-client", "--url", &endpoint.url, "--dialect", dialect.get_name()])
            .args(["--connections", &n_connections.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let commands = child.stdin.take().context("the subscriber process has no standard input")?;
        let responses =
            BufReader::new(child.stdout.take().context("the subscriber process has no standard output")?)
                .lines();
        let mut subscribers = Self { child, commands, responses };
        anyhow::ensure!(subscribers.response().await? == "ready", "the subscribers are not ready");
        Ok(subscribers)
    }

    /// Resets the tally of received messages.
    ///
    /// # Errors
    /// If the process has ended.
    pub async fn count(&mut self) -> anyhow::Result<()> {
        self.commands.write_all(b"count\n").await?;
        anyhow::ensure!(self.response().await? == "counting", "the subscribers did not reset their tally");
        Ok(())
    }

    /// Returns the tally since the last reset.
    ///
    /// # Errors
    /// If the process has ended.
    pub async fn report(&mut self) -> anyhow::Result<Tally> {
        self.commands.write_all(b"report\n").await?;
        Ok(serde_json::from_str(&self.response().await?)?)
    }

    /// Returns the CPU time, in seconds, that the subscribers have used.
    pub fn cpu_seconds(&self) -> f64 {
        self.child.id().map_or(0.0, process::cpu_seconds)
    }

    /// Closes all connections and waits until the process has exited.
    ///
    /// # Errors
    /// If the process does not exit in time.
    pub async fn disconnect(mut self) -> anyhow::Result<()> {
        drop(self.commands);
        tokio::time::timeout(TIMEOUT, self.child.wait())
            .await
            .context("the subscriber process did not end in time")??;
        Ok(())
    }

    async fn response(&mut self) -> anyhow::Result<String> {
        let line = tokio::time::timeout(TIMEOUT, self.responses.next_line()).await;
        line.context("the subscriber process did not respond in time")??
            .context("the subscriber process ended")
    }
}
