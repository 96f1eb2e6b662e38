use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Child, Command},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::{EmbeddedError, lock::DirectoryLock};
use crate::process::child::{as_pid, describe, detach_and_end_with_parent, has_ended, wait_for_end};

/// Delay before the first restart of a server that died. It doubles with every restart, up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(100);

/// Longest delay before a restart. A server that keeps dying must not take CPU from the parts that still work.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Uptime after which a server counts as recovered and the delay is reset to [`BACKOFF_MIN`].
const STEADY: Duration = Duration::from_secs(30);

/// How long a server may take to become ready. At worst, reading a long append-only file or write-ahead log takes
/// minutes. A server that exits during startup is noticed at once, so only a frozen one reaches this limit.
const READY_TIMEOUT: Duration = Duration::from_secs(600);

const READY_EVERY: Duration = Duration::from_millis(10);

/// How long a server may take to stop. PostgreSQL first writes everything that it holds in memory to disk.
const STOP_TIMEOUT: Duration = Duration::from_secs(120);

/// A server program that a [`ProcessSupervisor`] can run.
pub(super) trait Server: Send + 'static {
    /// Returns the name for messages: `postgresql` or `redis`.
    fn name(&self) -> &'static str;
    /// Returns the signal that requests a clean shutdown.
    fn stop_signal(&self) -> Signal;
    /// Prepares a start by writing settings and stopping orphans. May block.
    fn prepare(&self) -> Result<(), EmbeddedError>;
    /// Returns the command that starts the server. Called for every start, after `prepare`.
    fn command(&self) -> Result<Command, EmbeddedError>;
    /// Returns whether the server responds; `pid` is its main process. Called often, so it must not block for long.
    fn is_ready(&self, pid: u32) -> bool;
    /// Returns the end of the server's log, for error messages.
    fn log_tail(&self) -> String;
}

/// Starts one server, restarts it when it dies, and stops it on request or when dropped.
///
/// Runs on a thread of its own rather than on a runtime's, because the kernel ends a child when the *thread* that
/// started it ends, and each test has its own runtime.
pub(super) struct ProcessSupervisor {
    server: &'static str,
    shared: Arc<Shared>,
    phase: watch::Receiver<Phase>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Starting,
    Up { pid: u32 },
    Down,
    Gone { reason: Option<String> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DesiredState {
    Up,
    Down,
    Gone,
}

struct Shared {
    state: Mutex<State>,
    desired_changed: Condvar,
    stop_signal: Signal,
}

struct State {
    desired: DesiredState,
    /// Process id, set until the exit status is collected. Until then the kernel cannot reuse it.
    child: Option<Pid>,
}

impl ProcessSupervisor {
    /// Starts `server` in the background; [`ProcessSupervisor::ready`] waits until it is ready. Holds `lock` until the
    /// server has exited.
    pub(super) fn start(server: impl Server, lock: Arc<DirectoryLock>) -> Result<Self, EmbeddedError> {
        let (phase, watching) = watch::channel(Phase::Starting);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { desired: DesiredState::Up, child: None }),
            desired_changed: Condvar::new(),
            stop_signal: server.stop_signal(),
        });
        let name = server.name();
        let supervision = SupervisionLoop { server, shared: Arc::clone(&shared), phase, _lock: lock };
        // unsupervised: the thread catches its panics and goes on
        thread::Builder::new()
            .name(format!("supervise-{name}"))
            .spawn(move || supervision.run())
            .map_err(EmbeddedError::io("start a thread for", name.as_ref()))?;
        Ok(Self { server: name, shared, phase: watching })
    }

    /// Waits until the server responds. Fails if its first start fails.
    pub(super) async fn ready(&self) -> Result<(), EmbeddedError> {
        let mut phase = self.phase.clone();
        let reached = phase.wait_for(|phase| matches!(phase, Phase::Up { .. } | Phase::Gone { .. })).await;
        let reason = match reached.as_deref() {
            Ok(Phase::Up { .. }) => return Ok(()),
            Ok(Phase::Gone { reason }) => reason.clone().unwrap_or_else(|| "a stop was requested".to_owned()),
            _ => "its supervisor died".to_owned(),
        };
        Err(EmbeddedError::DidNotStart { server: self.server, reason })
    }

    /// Returns the process id while the server is responding, or `None` while it is down or starting.
    pub(super) fn pid(&self) -> Option<u32> {
        match *self.phase.borrow() {
            Phase::Up { pid } => Some(pid),
            _ => None,
        }
    }

    /// Starts the server again after [`ProcessSupervisor::pause`].
    pub(super) async fn resume(&self) -> Result<(), EmbeddedError> {
        self.shared.request(DesiredState::Up);
        self.ready().await
    }

    /// Stops the server until [`ProcessSupervisor::resume`] starts it again.
    pub(super) async fn pause(&self) -> Result<(), EmbeddedError> {
        self.shared.request(DesiredState::Down);
        self.ended().await
    }

    /// Stops the server for good and waits until it has exited.
    pub(super) async fn stop(&self) -> Result<(), EmbeddedError> {
        self.shared.request(DesiredState::Gone);
        self.ended().await
    }

    async fn ended(&self) -> Result<(), EmbeddedError> {
        let mut phase = self.phase.clone();
        let ended = phase.wait_for(|phase| matches!(phase, Phase::Down | Phase::Gone { .. }));
        if tokio::time::timeout(STOP_TIMEOUT, ended).await.is_ok() {
            return Ok(());
        }
        let pid = self.shared.state().child.map_or(0, Pid::as_raw);
        Err(EmbeddedError::StillRunning { server: self.server, pid })
    }
}

impl Drop for ProcessSupervisor {
    fn drop(&mut self) {
        self.shared.request(DesiredState::Gone);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, desired: DesiredState) {
        let mut state = self.state();
        // `Gone` is final: the thread may already have ended.
        if state.desired != DesiredState::Gone {
            state.desired = desired;
        }
        if let (DesiredState::Down | DesiredState::Gone, Some(pid)) = (state.desired, state.child) {
            let _ = kill(pid, self.stop_signal);
        }
        drop(state);
        self.desired_changed.notify_all();
    }

    /// Waits until the desired state is no longer `while_desired`, or until `at_most` has passed.
    fn wait(&self, while_desired: DesiredState, at_most: Option<Duration>) {
        let state = self.state();
        match at_most {
            Some(limit) => drop(
                self.desired_changed.wait_timeout_while(state, limit, |state| state.desired == while_desired),
            ),
            None => drop(self.desired_changed.wait_while(state, |state| state.desired == while_desired)),
        }
    }
}

/// State of the supervision loop, which runs on the supervisor's thread.
struct SupervisionLoop<S> {
    server: S,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    _lock: Arc<DirectoryLock>,
}

/// How one run of the server ended.
enum RunEnd {
    NeverReady(String),
    WasReady { after: Duration, status: String },
}

impl<S: Server> SupervisionLoop<S> {
    fn run(self) {
        let server = self.server.name();
        let mut backoff = BACKOFF_MIN;
        let mut was_ever_ready = false;
        loop {
            let desired = self.shared.state().desired;
            match desired {
                DesiredState::Gone => {
                    self.phase.send_replace(Phase::Gone { reason: None });
                    return;
                }
                DesiredState::Down => {
                    self.phase.send_replace(Phase::Down);
                    self.shared.wait(DesiredState::Down, None);
                    self.phase.send_replace(Phase::Starting);
                    backoff = BACKOFF_MIN;
                    continue;
                }
                DesiredState::Up => {}
            }
            let life = self.run_once_catching_panics();
            self.phase.send_replace(Phase::Starting);
            if self.shared.state().desired != DesiredState::Up {
                continue;
            }
            match life {
                RunEnd::NeverReady(reason) if !was_ever_ready => {
                    self.phase.send_replace(Phase::Gone { reason: Some(reason) });
                    return;
                }
                RunEnd::NeverReady(reason) => {
                    error!(server, %reason, "server fails to restart; retrying");
                }
                RunEnd::WasReady { after, status } => {
                    was_ever_ready = true;
                    if after > STEADY {
                        backoff = BACKOFF_MIN;
                    }
                    warn!(server, %status, "server died; restarting it");
                }
            }
            self.shared.wait(DesiredState::Up, Some(backoff));
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Runs the server once and catches panics. Nothing watches this thread, so a panic would otherwise take the server
    /// down for good. If a panic leaves a process behind, the next start stops it.
    fn run_once_catching_panics(&self) -> RunEnd {
        catch_unwind(AssertUnwindSafe(|| self.run_once()))
            .unwrap_or_else(|_| RunEnd::NeverReady("its supervisor panicked".to_owned()))
    }

    /// Runs one process, from its start to its exit.
    fn run_once(&self) -> RunEnd {
        // unsupervised: the server that this thread supervises
        let mut child = match self.spawn() {
            Ok(Some(child)) => child,
            Ok(None) => return RunEnd::NeverReady("a stop was requested".to_owned()),
            Err(error) => return RunEnd::NeverReady(error.to_string()),
        };
        let pid = child.id();
        let started_at = Instant::now();
        let is_ready = self.await_ready(pid);
        if is_ready {
            info!(server = self.server.name(), pid, "server is ready");
            self.phase.send_replace(Phase::Up { pid });
        }
        let status = self.reap(&mut child);
        if is_ready {
            return RunEnd::WasReady { after: started_at.elapsed(), status };
        }
        RunEnd::NeverReady(format!("it ended with {status}. Last log lines:\n{}", self.server.log_tail()))
    }

    fn spawn(&self) -> Result<Option<Child>, EmbeddedError> {
        self.server.prepare()?;
        let mut command = self.server.command()?;
        detach_and_end_with_parent(&mut command, self.server.stop_signal());
        let mut state = self.shared.state();
        if state.desired != DesiredState::Up {
            return Ok(None);
        }
        let program = command.get_program().to_owned();
        // unsupervised: the server that the calling thread supervises
        let child = command.spawn().map_err(EmbeddedError::io("run", program.as_ref()))?;
        state.child = Some(as_pid(child.id()));
        Ok(Some(child))
    }

    /// Waits until the server is ready. Returns false if the process has exited, must stop, or has frozen; a frozen
    /// process is asked to exit.
    fn await_ready(&self, pid: u32) -> bool {
        let deadline = Instant::now() + READY_TIMEOUT;
        while !has_ended(pid) && self.shared.state().desired == DesiredState::Up {
            if self.server.is_ready(pid) {
                return true;
            }
            if Instant::now() > deadline {
                let _ = kill(as_pid(pid), self.server.stop_signal());
                return false;
            }
            self.shared.wait(DesiredState::Up, Some(READY_EVERY));
        }
        false
    }

    fn reap(&self, child: &mut Child) -> String {
        wait_for_end(child.id());
        let mut state = self.shared.state();
        state.child = None;
        child.wait().map_or_else(|error| error.to_string(), describe)
    }
}
