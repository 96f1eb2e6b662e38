//! The compared systems: each runs alone, on a free port, with its own files.

mod groundswell; // this program, as users run it
mod nchan; // nginx with its push module
mod socket_io; // Node.js

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use super::protocol::{Protocol, Stamp};
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
    /// Returns the display name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Groundswell => "groundswell",
            Self::Nchan => "nchan",
            Self::SocketIo => "socket.io",
        }
    }
}

/// Endpoint for subscribers.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// URL, `ws://…`.
    pub url: String,
    /// Protocol of the endpoint.
    pub dialect: Protocol,
}

/// Settings of a system.
#[derive(Debug, Clone)]
pub struct SubjectParams {
    /// Folder of the peers' files.
    pub peers_dir: PathBuf,
    /// Number of connections that the system must accept.
    pub n_connections: usize,
    /// Bytes per message.
    pub n_bytes: usize,
}

/// A running system, which ends when the value is dropped.
pub struct Subject {
    running: Running,
    n_bytes: usize,
}

enum Running {
    Groundswell(Box<groundswell::Groundswell>),
    Nchan(nchan::Nchan),
    SocketIo(socket_io::SocketIo),
}

/// Returns why a peer is unavailable here, and how to install it; `None` if it is available.
pub fn obstacle(system: System, params: &SubjectParams) -> Option<String> {
    match system {
        System::Groundswell => None,
        System::Nchan => nchan::obstacle(),
        System::SocketIo => socket_io::obstacle(&params.peers_dir),
    }
}

impl Subject {
    /// Starts the system and waits until it responds.
    ///
    /// # Errors
    /// If it does not respond.
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

    /// Returns the endpoint for subscribers.
    pub fn endpoint(&self) -> Endpoint {
        match &self.running {
            Running::Groundswell(it) => it.endpoint(),
            Running::Nchan(it) => it.endpoint(),
            Running::SocketIo(it) => it.endpoint(),
        }
    }

    /// Sends one message to all subscribers, through the system's usual interface.
    ///
    /// # Errors
    /// If the message is rejected.
    pub async fn publish(&self, stamp: Stamp) -> anyhow::Result<()> {
        match &self.running {
            Running::Groundswell(it) => it.publish(stamp).await,
            Running::Nchan(it) => it.publish(stamp.padded_to(self.n_bytes)).await,
            Running::SocketIo(it) => it.publish(stamp.padded_to(self.n_bytes)).await,
        }
    }

    /// Returns the CPU seconds of the processes that serve subscribers.
    pub fn cpu_seconds(&self) -> f64 {
        self.pids().into_iter().map(process::cpu_seconds).sum()
    }

    /// Returns the resident memory of these processes in bytes.
    pub fn resident_bytes(&self) -> u64 {
        process::resident_bytes_together(&self.pids())
    }

    /// Returns the CPU seconds of the broker between publisher and server; only Groundswell has one, namely Redis.
    pub fn broker_cpu_seconds(&self) -> f64 {
        match &self.running {
            Running::Groundswell(it) => it.broker_cpu_seconds(),
            Running::Nchan(_) | Running::SocketIo(_) => 0.0,
        }
    }

    /// Stops the system and removes its files.
    ///
    /// # Errors
    /// If it does not stop.
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

/// Publishes over HTTP on one persistent connection.
struct HttpPublisher {
    client: reqwest::Client,
    url: String,
}

impl HttpPublisher {
    fn new(url: String) -> Self {
        Self { client: reqwest::Client::new(), url }
    }

    async fn publish(&self, message: String) -> anyhow::Result<()> {
        let response = self.client.post(&self.url).body(message).send().await?.error_for_status()?;
        // The connection is reusable only after the response was read to its end.
        response.bytes().await?;
        Ok(())
    }
}

/// Timeout for a peer to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// Asks a peer to stop and waits until it has.
async fn stop(child: &mut tokio::process::Child) -> anyhow::Result<()> {
    ask_to_stop(child)?;
    tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.context("a peer did not stop in time")??;
    Ok(())
}

/// Asks a process to stop, unless it has already ended.
fn ask_to_stop(child: &tokio::process::Child) -> anyhow::Result<()> {
    let Some(pid) = child.id() else {
        return Ok(());
    };
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
    Ok(nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?)
}
