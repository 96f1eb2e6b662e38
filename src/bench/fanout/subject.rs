//! The systems that are compared: each started alone, on a free port, with files of its own.

mod groundswell; // this program, as users run it
mod nchan; // nginx with its push module
mod socket_io; // Node.js

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use super::wire::{Dialect, Stamp};
use crate::bench::process;

/// A system to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// This program.
    Groundswell,
    /// nginx with the module nchan.
    Nchan,
    /// socket.io on Node.js.
    SocketIo,
}

impl System {
    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Groundswell => "groundswell",
            Self::Nchan => "nchan",
            Self::SocketIo => "socket.io",
        }
    }
}

/// Where subscribers connect.
#[derive(Debug, Clone)]
pub struct Door {
    /// `ws://…`
    pub url: String,
    /// What is spoken there.
    pub dialect: Dialect,
}

/// How a system is to be run.
#[derive(Debug, Clone)]
pub struct SubjectParams {
    /// Where the peers' files are.
    pub peers_dir: PathBuf,
    /// Connections it must take.
    pub n_connections: usize,
    /// Bytes of a message.
    pub n_bytes: usize,
}

/// A running system. Dropping it ends it.
pub struct Subject {
    running: Running,
    n_bytes: usize,
}

enum Running {
    Groundswell(Box<groundswell::Groundswell>),
    Nchan(nchan::Nchan),
    SocketIo(socket_io::SocketIo),
}

/// Why a peer cannot be compared with here, and what to do about it; `None` when it can.
pub fn obstacle(system: System, params: &SubjectParams) -> Option<String> {
    match system {
        System::Groundswell => None,
        System::Nchan => nchan::obstacle(),
        System::SocketIo => socket_io::obstacle(&params.peers_dir),
    }
}

impl Subject {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(system: System, params: &SubjectParams) -> anyhow::Result<Self> {
        let running = match system {
            System::Groundswell => {
                Running::Groundswell(Box::new(groundswell::Groundswell::start(params).await?))
            }
            System::Nchan => Running::Nchan(nchan::Nchan::start(params).await?),
            System::SocketIo => Running::SocketIo(socket_io::SocketIo::start(params).await?),
        };
        Ok(Self { running, n_bytes: params.n_bytes })
    }

    /// Where subscribers connect.
    pub fn door(&self) -> Door {
        match &self.running {
            Running::Groundswell(it) => it.door(),
            Running::Nchan(it) => it.door(),
            Running::SocketIo(it) => it.door(),
        }
    }

    /// Sends one message to all subscribers, by the way that its users take.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn publish(&self, stamp: Stamp) -> anyhow::Result<()> {
        match &self.running {
            Running::Groundswell(it) => it.publish(stamp).await,
            Running::Nchan(it) => it.publish(stamp.padded_to(self.n_bytes)).await,
            Running::SocketIo(it) => it.publish(stamp.padded_to(self.n_bytes)).await,
        }
    }

    /// Processor seconds of the processes that serve subscribers.
    pub fn cpu_seconds(&self) -> f64 {
        self.pids().into_iter().map(process::cpu_seconds).sum()
    }

    /// Their resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        process::resident_bytes_together(&self.pids())
    }

    /// Processor seconds of what stands between publisher and server; only Groundswell has that, a Redis.
    pub fn broker_cpu_seconds(&self) -> f64 {
        match &self.running {
            Running::Groundswell(it) => it.broker_cpu_seconds(),
            Running::Nchan(_) | Running::SocketIo(_) => 0.0,
        }
    }

    /// Stops it and removes its files.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(self) -> anyhow::Result<()> {
        match self.running {
            Running::Groundswell(it) => it.stop().await,
            Running::Nchan(it) => it.stop().await,
            Running::SocketIo(it) => it.stop().await,
        }
    }

    fn pids(&self) -> Vec<u32> {
        match &self.running {
            Running::Groundswell(it) => vec![it.pid()],
            Running::Nchan(it) => process::family(it.pid()),
            Running::SocketIo(it) => vec![it.pid()],
        }
    }
}

/// Publishes over HTTP, on one connection that stays open.
struct HttpPublisher {
    client: reqwest::Client,
    url: String,
}

impl HttpPublisher {
    fn new(url: String) -> Self {
        Self { client: reqwest::Client::new(), url }
    }

    async fn publish(&self, message: String) -> anyhow::Result<()> {
        let answer = self.client.post(&self.url).body(message).send().await?.error_for_status()?;
        // Read to its end, the connection can be used again.
        answer.bytes().await?;
        Ok(())
    }
}

/// How long a peer may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

/// Asks a peer to stop, and waits until it has.
async fn stop(child: &mut tokio::process::Child) -> anyhow::Result<()> {
    ask_to_stop(child)?;
    tokio::time::timeout(STOP_PATIENCE, child.wait()).await.context("a peer does not stop")??;
    Ok(())
}

/// Does nothing where it has ended.
fn ask_to_stop(child: &tokio::process::Child) -> anyhow::Result<()> {
    let Some(pid) = child.id() else {
        return Ok(());
    };
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
    Ok(nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?)
}
