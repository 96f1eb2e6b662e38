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
use crate::process::child::{as_pid, describe, die_with_us, has_ended, wait_for_end};

/// The first wait before a server that died is started again. Doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(100);

/// A server that cannot stay up must not take the processor from what still works.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// A server that stayed up this long has recovered, and its next death starts at [`BACKOFF_MIN`] again.
const STEADY: Duration = Duration::from_secs(30);

/// Reading a long append-only file or write-ahead log takes minutes at worst. A server that ends while it starts is
/// noticed at once, so only a frozen one is waited for that long.
const READY_PATIENCE: Duration = Duration::from_secs(600);

const READY_EVERY: Duration = Duration::from_millis(10);

/// Stopping PostgreSQL writes everything it holds to disk first.
const STOP_PATIENCE: Duration = Duration::from_secs(120);

/// A server program that a [`Keeper`] keeps running.
pub(super) trait Server: Send + 'static {
    /// For messages: `postgresql` or `redis`.
    fn name(&self) -> &'static str;
    /// What asks it to end cleanly.
    fn stop_signal(&self) -> Signal;
    /// Called before every start: settings are written, leftovers are stopped. May block.
    fn prepare(&self) -> Result<(), EmbeddedError>;
    /// How to start it.
    fn command(&self) -> Result<Command, EmbeddedError>;
    /// Whether the process `pid` answers. Called often; must not block for long.
    fn is_ready(&self, pid: u32) -> bool;
    /// The end of its log, for an error.
    fn last_words(&self) -> String;
}

/// Starts one server, starts it again when it dies, and stops it when told to or when dropped.
///
/// It works on a thread of its own and not on a runtime's: the kernel ends a child when the *thread* that started it
/// ends, and tests have a runtime each.
pub(super) struct Keeper {
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
enum Wish {
    Up,
    Down,
    Gone,
}

struct Shared {
    state: Mutex<State>,
    wished: Condvar,
    stop_signal: Signal,
}

struct State {
    wish: Wish,
    /// Set while the process exists and nobody has taken its exit status, so that its number cannot be another's.
    child: Option<Pid>,
}

impl Keeper {
    /// Begins to start `server`; [`Keeper::ready`] waits for it. `lock` is held until the server has ended.
    pub(super) fn start(server: impl Server, lock: Arc<DirectoryLock>) -> Result<Self, EmbeddedError> {
        let (phase, watching) = watch::channel(Phase::Starting);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { wish: Wish::Up, child: None }),
            wished: Condvar::new(),
            stop_signal: server.stop_signal(),
        });
        let name = server.name();
        let keeping = Keeping { server, shared: Arc::clone(&shared), phase, _lock: lock };
        thread::Builder::new()
            .name(format!("keep-{name}"))
            .spawn(move || keeping.run())
            .map_err(EmbeddedError::io("start a thread for", name.as_ref()))?;
        Ok(Self { server: name, shared, phase: watching })
    }

    /// Waits until the server answers. Fails when its first start does.
    pub(super) async fn ready(&self) -> Result<(), EmbeddedError> {
        let mut phase = self.phase.clone();
        let reached = phase.wait_for(|phase| matches!(phase, Phase::Up { .. } | Phase::Gone { .. })).await;
        let reason = match reached.as_deref() {
            Ok(Phase::Up { .. }) => return Ok(()),
            Ok(Phase::Gone { reason }) => reason.clone().unwrap_or_else(|| "it was told to stop".to_owned()),
            _ => "its keeper died".to_owned(),
        };
        Err(EmbeddedError::DidNotStart { server: self.server, reason })
    }

    /// The process that answers now; none while it is down or starting again.
    pub(super) fn pid(&self) -> Option<u32> {
        match *self.phase.borrow() {
            Phase::Up { pid } => Some(pid),
            _ => None,
        }
    }

    /// Starts it again after [`Keeper::pause`].
    pub(super) async fn resume(&self) -> Result<(), EmbeddedError> {
        self.shared.ask(Wish::Up);
        self.ready().await
    }

    /// Stops it and leaves it stopped until [`Keeper::resume`].
    pub(super) async fn pause(&self) -> Result<(), EmbeddedError> {
        self.shared.ask(Wish::Down);
        self.ended().await
    }

    /// Stops it for good.
    pub(super) async fn stop(&self) -> Result<(), EmbeddedError> {
        self.shared.ask(Wish::Gone);
        self.ended().await
    }

    async fn ended(&self) -> Result<(), EmbeddedError> {
        let mut phase = self.phase.clone();
        let ended = phase.wait_for(|phase| matches!(phase, Phase::Down | Phase::Gone { .. }));
        if tokio::time::timeout(STOP_PATIENCE, ended).await.is_ok() {
            return Ok(());
        }
        let pid = self.shared.state().child.map_or(0, Pid::as_raw);
        Err(EmbeddedError::StillRunning { server: self.server, pid })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.shared.ask(Wish::Gone);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, wish: Wish) {
        let mut state = self.state();
        // Gone is final: the thread may already have ended.
        if state.wish != Wish::Gone {
            state.wish = wish;
        }
        if let (Wish::Down | Wish::Gone, Some(pid)) = (state.wish, state.child) {
            let _ = kill(pid, self.stop_signal);
        }
        drop(state);
        self.wished.notify_all();
    }

    /// Waits until the wish is no longer `while_wish`, or the time is up.
    fn wait(&self, while_wish: Wish, at_most: Option<Duration>) {
        let state = self.state();
        match at_most {
            Some(limit) => {
                drop(self.wished.wait_timeout_while(state, limit, |state| state.wish == while_wish))
            }
            None => drop(self.wished.wait_while(state, |state| state.wish == while_wish)),
        }
    }
}

/// What the keeper's thread works with.
struct Keeping<S> {
    server: S,
    shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    _lock: Arc<DirectoryLock>,
}

/// How one life of the server ended.
enum Life {
    NeverReady(String),
    WasReady { after: Duration, status: String },
}

impl<S: Server> Keeping<S> {
    fn run(self) {
        let server = self.server.name();
        let mut backoff = BACKOFF_MIN;
        let mut was_ever_ready = false;
        loop {
            let wish = self.shared.state().wish;
            match wish {
                Wish::Gone => {
                    self.phase.send_replace(Phase::Gone { reason: None });
                    return;
                }
                Wish::Down => {
                    self.phase.send_replace(Phase::Down);
                    self.shared.wait(Wish::Down, None);
                    self.phase.send_replace(Phase::Starting);
                    backoff = BACKOFF_MIN;
                    continue;
                }
                Wish::Up => {}
            }
            let life = self.live_unless_we_panic();
            self.phase.send_replace(Phase::Starting);
            if self.shared.state().wish != Wish::Up {
                continue;
            }
            match life {
                Life::NeverReady(reason) if !was_ever_ready => {
                    self.phase.send_replace(Phase::Gone { reason: Some(reason) });
                    return;
                }
                Life::NeverReady(reason) => {
                    error!(server, %reason, "server does not start again; trying further");
                }
                Life::WasReady { after, status } => {
                    was_ever_ready = true;
                    if after > STEADY {
                        backoff = BACKOFF_MIN;
                    }
                    warn!(server, %status, "server died; starting it again");
                }
            }
            self.shared.wait(Wish::Up, Some(backoff));
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Nobody watches this thread, and the server would end with it: it goes on. What of the server is left then is
    /// stopped before the next start.
    fn live_unless_we_panic(&self) -> Life {
        catch_unwind(AssertUnwindSafe(|| self.live()))
            .unwrap_or_else(|_| Life::NeverReady("its keeper panicked".to_owned()))
    }

    /// From one start of the process to its end.
    fn live(&self) -> Life {
        let mut child = match self.spawn() {
            Ok(Some(child)) => child,
            Ok(None) => return Life::NeverReady("it was told to stop".to_owned()),
            Err(error) => return Life::NeverReady(error.to_string()),
        };
        let pid = child.id();
        let born = Instant::now();
        let is_ready = self.await_ready(pid);
        if is_ready {
            info!(server = self.server.name(), pid, "server is ready");
            self.phase.send_replace(Phase::Up { pid });
        }
        let status = self.reap(&mut child);
        if is_ready {
            return Life::WasReady { after: born.elapsed(), status };
        }
        Life::NeverReady(format!("it ended with {status}. Its last words:\n{}", self.server.last_words()))
    }

    fn spawn(&self) -> Result<Option<Child>, EmbeddedError> {
        self.server.prepare()?;
        let mut command = self.server.command()?;
        die_with_us(&mut command, self.server.stop_signal());
        let mut state = self.shared.state();
        if state.wish != Wish::Up {
            return Ok(None);
        }
        let program = command.get_program().to_owned();
        let child = command.spawn().map_err(EmbeddedError::io("run", program.as_ref()))?;
        state.child = Some(as_pid(child.id()));
        Ok(Some(child))
    }

    /// False once the process has ended, is to end, or has frozen (then it is asked to end).
    fn await_ready(&self, pid: u32) -> bool {
        let deadline = Instant::now() + READY_PATIENCE;
        while !has_ended(pid) && self.shared.state().wish == Wish::Up {
            if self.server.is_ready(pid) {
                return true;
            }
            if Instant::now() > deadline {
                let _ = kill(as_pid(pid), self.server.stop_signal());
                return false;
            }
            self.shared.wait(Wish::Up, Some(READY_EVERY));
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
