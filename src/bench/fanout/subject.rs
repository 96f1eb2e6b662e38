//! The compared systems. Each runs alone, on a free port, with a folder of its own.

mod groundswell; // this program, as users run it
mod nchan; // nginx with its push module
mod socket_io; // Node.js

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Serialize;

use super::websocket_protocol::{Protocol, Stamp};
use crate::bench::process;

/// A system whose fan-out is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// This program, with a private Redis.
    Groundswell,
    /// nginx with the nchan module.
    Nchan,
    /// socket.io on Node.js.
    SocketIo,
}

impl System {
    /// Returns the name to print in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Groundswell => "groundswell",
            Self::Nchan => "nchan",
            Self::SocketIo => "socket.io",
        }
    }
}

/// Where and how subscribers connect to a system.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// WebSocket URL, `ws://…`.
    pub url: String,
    /// Protocol that the system uses to send messages.
    pub dialect: Protocol,
}

/// Settings for starting a system.
#[derive(Debug, Clone)]
pub struct SubjectParams {
    /// Folder that holds the configuration and programs of the peers.
    pub peers_dir: PathBuf,
    /// Number of subscribers that the system must accept.
    pub n_connections: usize,
    /// Size in bytes to which messages are padded.
    pub n_bytes: usize,
}

/// A running system, which stops when the value is dropped.
pub struct Subject {
    running: Running,
    n_bytes: usize,
}

enum Running {
    Groundswell(Box<groundswell::Groundswell>),
    Nchan(nchan::Nchan),
    SocketIo(socket_io::SocketIo),
}

/// Returns the reason why a peer cannot run on this machine and how to install it; `None` if it can.
pub fn obstacle(system: System, params: &SubjectParams) -> Option<String> {
    match system {
        System::Groundswell => None,
        System::Nchan => nchan::obstacle(),
        System::SocketIo => socket_io::obstacle(&params.peers_dir),
    }
}

impl Subject {
    /// Starts the system and waits until it accepts connections.
    ///
    /// # Errors
    /// If the system fails to start or does not respond in time.
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

    /// Returns where and how subscribers connect.
    pub fn endpoint(&self) -> Endpoint {
        match &self.running {
            Running::Groundswell(it) => it.endpoint(),
            Running::Nchan(it) => it.endpoint(),
            Running::SocketIo(it) => it.endpoint(),
        }
    }

    /// Publishes one message to all subscribers, through the system's own publishing interface.
    ///
    /// # Errors
    /// If the system rejects the message.
    pub async fn publish(&self, stamp: Stamp) -> anyhow::Result<()> {
        match &self.running {
            Running::Groundswell(it) => it.publish(stamp).await,
            Running::Nchan(it) => it.publish(stamp.padded_to(self.n_bytes)).await,
            Running::SocketIo(it) => it.publish(stamp.padded_to(self.n_bytes)).await,
        }
    }

    /// Returns the CPU time, in seconds, of the processes that serve subscribers.
    pub fn cpu_seconds(&self) -> f64 {
        self.pids().into_iter().map(process::cpu_seconds).sum()
    }

    /// Returns the resident memory, in bytes, of the processes that serve subscribers.
    pub fn resident_bytes(&self) -> u64 {
        process::resident_bytes_together(&self.pids())
    }

    /// Returns the CPU time, in seconds, of the broker between publisher and server. Only Groundswell has one: Redis.
    pub fn broker_cpu_seconds(&self) -> f64 {
        match &self.running {
            Running::Groundswell(it) => it.broker_cpu_seconds(),
            Running::Nchan(_) | Running::SocketIo(_) => 0.0,
        }
    }

    /// Stops the system and removes its files.
    ///
    /// # Errors
    /// If the system does not stop in time.
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

/// Publishes messages over HTTP on one persistent connection.
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
        // The connection can be reused only once the response has been read to its end.
        response.bytes().await?;
        Ok(())
    }
}

/// How long a peer may take to exit after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// Stops a peer with SIGTERM and waits until it has exited.
async fn stop(child: &mut tokio::process::Child) -> anyhow::Result<()> {
    ask_to_stop(child)?;
    tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.context("a peer did not stop in time")??;
    Ok(())
}

/// Sends SIGTERM to a process, unless it has already been reaped.
fn ask_to_stop(child: &tokio::process::Child) -> anyhow::Result<()> {
    let Some(pid) = child.id() else {
        return Ok(());
    };
    let pid = nix::unistd::Pid::from_raw(i32::try_from(pid)?);
    Ok(nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?)
}
