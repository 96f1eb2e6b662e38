//! The subscribers, as the bench commands them.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::client::Tally;
use super::subject::Door;
use crate::bench::process;

/// How long ten thousand handshakes may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process full of subscribers.
pub struct Crowd {
    child: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Crowd {
    /// Connects so many subscribers, and waits until all are subscribed.
    ///
    /// # Errors
    /// When one of them is refused.
    pub async fn gather(door: &Door, n_connections: usize) -> anyhow::Result<Self> {
        let dialect =
            clap::ValueEnum::to_possible_value(&door.dialect).context("a dialect without a name")?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bench", "fanout-client", "--url", &door.url, "--dialect", dialect.get_name()])
            .args(["--connections", &n_connections.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let orders = child.stdin.take().context("the subscribers take no orders")?;
        let answers = BufReader::new(child.stdout.take().context("the subscribers do not answer")?).lines();
        let mut crowd = Self { child, orders, answers };
        anyhow::ensure!(crowd.answer().await? == "ready", "the subscribers are not ready");
        Ok(crowd)
    }

    /// Forgets what was heard so far.
    ///
    /// # Errors
    /// When the subscribers are gone.
    pub async fn count(&mut self) -> anyhow::Result<()> {
        self.orders.write_all(b"count\n").await?;
        anyhow::ensure!(self.answer().await? == "counting", "the subscribers do not count");
        Ok(())
    }

    /// What was heard since.
    ///
    /// # Errors
    /// When the subscribers are gone.
    pub async fn report(&mut self) -> anyhow::Result<Tally> {
        self.orders.write_all(b"report\n").await?;
        Ok(serde_json::from_str(&self.answer().await?)?)
    }

    /// Processor seconds the subscribers have used.
    pub fn cpu_seconds(&self) -> f64 {
        self.child.id().map_or(0.0, process::cpu_seconds)
    }

    /// Ends all connections.
    ///
    /// # Errors
    /// When the subscribers do not end.
    pub async fn disperse(mut self) -> anyhow::Result<()> {
        drop(self.orders);
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the subscribers do not end")??;
        Ok(())
    }

    async fn answer(&mut self) -> anyhow::Result<String> {
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        line.context("the subscribers do not answer")??.context("the subscribers ended")
    }
}
