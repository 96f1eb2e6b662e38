//! The program itself, with its private servers, to be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use groundswell::embedded::RunInfo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Client, PATIENCE, Space, until};

/// `groundswell serve`, started from its executable.
pub struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts `serve` with the model for tests, and these options. Knows none of our environment.
    pub fn start(options: &[&str]) -> Self {
        Self::run(Self::command(options))
    }

    /// The same, to be changed before it is run.
    pub fn command(options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_groundswell"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // A developer's own `groundswell.toml` may be in the working directory.
        command.env("GROUNDSWELL_CONFIG", "/dev/null");
        // Not options, so that a test may give others.
        command.env("GROUNDSWELL_DEEP_MODEL", "none");
        command.env("GROUNDSWELL_LOG", "error");
        command.env("GROUNDSWELL_SECRET_KEY", "the key that all processes of a test share");
        command.args(["serve", "--listen=127.0.0.1:0", "--fast-model=fake", "--durable=false"]);
        command.args(options).stdout(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs it.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The same on the servers that all tests share.
    pub fn start_on(space: &Space, options: &[&str]) -> Self {
        Self::run(Self::command_on(space, options))
    }

    /// The same, to be changed before it is run.
    pub fn command_on(space: &Space, options: &[&str]) -> Command {
        let (database, redis) = (space.database_url.as_str(), space.redis_url.as_str());
        let fixed = ["--database-url", database, "--redis-url", redis, "--prefix", &space.prefix];
        Self::command(&[&fixed[..], options].concat())
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it was waited for already")
    }

    /// Waits until it says where it listens.
    pub async fn address(&mut self) -> SocketAddr {
        let announced = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                if let Some((_, address)) = line.split_once("http://") {
                    return address.trim().parse().unwrap();
                }
            }
            panic!("it ended before it listened");
        };
        tokio::time::timeout(PATIENCE, announced).await.expect("it does not begin to listen")
    }

    /// Waits until it is ready. Answers where it listens.
    pub async fn ready(&mut self) -> SocketAddr {
        let address = self.address().await;
        let client = Client::new(address);
        until("it is ready", async || client.readiness().await.is_some_and(|answer| answer.status == 200))
            .await;
        address
    }

    /// `kill -9`: nothing of it gets to do anything more.
    pub async fn kill(mut self) {
        self.child.start_kill().unwrap();
        self.child.wait().await.unwrap();
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        kill(Pid::from_raw(self.pid().cast_signed()), Signal::SIGTERM).unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it does not end").unwrap()
    }
}

/// Whether a process with this number runs; one that has ended and awaits its parent does not.
pub fn is_running(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// The private servers of the one that serves this folder.
pub fn servers_of(data_dir: &Path) -> Vec<u32> {
    let info = RunInfo::read(data_dir).unwrap();
    [info.postgres_pid, info.redis_pid].into_iter().flatten().collect()
}

/// Resident memory that is nobody else's: neither the executable nor shared files.
pub fn memory_of(pid: u32) -> u64 {
    status_bytes(pid, "RssAnon:")
}

/// The most resident memory at any moment since [`reset_peak_memory_of`].
pub fn peak_memory_of(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

/// Forgets the peak until now. Answers the resident memory of the moment.
pub fn reset_peak_memory_of(pid: u32) -> u64 {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    status_bytes(pid, "VmRSS:")
}

fn status_bytes(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}
