//! A server inside the test's process, on a free port.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use groundswell::actors::runtime::supervision_plan::Role;
use groundswell::app::supervisors::KillSwitch;
use groundswell::app::{self, Control};
use groundswell::config::Config;
use groundswell::models::system_health::{StageHealth, StageState};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{Client, Load, PATIENCE, Space, eventually, until};

/// A graceful stop takes a second; the server itself gives batches in flight fifteen. This only ends a hang.
const STOP_PATIENCE: Duration = PATIENCE;

/// A running server. Its methods are those of its [`Client`], and faults.
///
/// Dropping it stops it gracefully, and fails the test if it does not stop or leaves an entry pending, which is where
/// a lost ticket shows.
pub struct TestApp {
    /// Its database and prefix.
    pub space: Space,
    /// Where it listens.
    pub address: SocketAddr,
    client: Client,
    kill: Vec<KillSwitch>,
    control: CancellationToken,
    ended: mpsc::Receiver<anyhow::Result<bool>>,
    has_ended: bool,
    /// Not the last on its space: entries may be pending for another.
    pub leaves_others: bool,
}

impl Deref for TestApp {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl TestApp {
    /// A server alone on a fresh database and prefix.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with further options of `serve`.
    pub async fn start_with(options: &[&str]) -> Self {
        Self::start_on(&Space::new().await, options).await
    }

    /// One more process of the deployment that lives there.
    pub async fn start_on(space: &Space, options: &[&str]) -> Self {
        let config = config(space, options);
        let (started, starting) = oneshot::channel();
        let (ending, ended) = mpsc::channel();
        let stop = CancellationToken::new();
        let control = Control { stop: stop.clone(), leave: CancellationToken::new(), started };
        thread::spawn(move || {
            let outcome = app::run(config, control, |_, _| Ok(()));
            // A test that failed meanwhile no longer asks.
            let _ = ending.send(outcome);
        });
        let Ok(started) = starting.await else {
            panic!("the server did not start: {:?}", ended.recv());
        };
        Self {
            space: space.clone(),
            address: started.address,
            client: Client::new(started.address),
            kill: started.kill,
            control: stop,
            ended,
            has_ended: false,
            leaves_others: false,
        }
    }

    /// Returns another client of the application.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Posts without end.
    pub fn load(&self) -> Load {
        Load::start(watch::Sender::new(self.address).subscribe())
    }

    /// The stages of the pipeline.
    pub fn stages(&self) -> Vec<&str> {
        self.names_of(Role::Stage)
    }

    /// What works beside it.
    pub fn tasks(&self) -> Vec<&str> {
        self.names_of(Role::Task)
    }

    fn names_of(&self, role: Role) -> Vec<&str> {
        let of_role = self.kill.iter().filter(|switch| switch.role == role);
        of_role.map(|switch| switch.name.as_ref()).collect()
    }

    /// Makes a living stage or task panic.
    pub async fn kill(&self, stage: &str) {
        let switch = self.kill.iter().find(|switch| switch.name.as_ref() == stage).unwrap();
        until(&format!("{stage} can be killed"), async || switch.pull()).await;
    }

    /// How a stage or task says it is. The figures are up to a second old.
    pub async fn stage(&self, stage: &str) -> StageHealth {
        eventually(&format!("{stage} is heard of"), async || {
            let system = self.try_system().await?;
            system.stages.into_iter().chain(system.tasks).find(|health| health.stage == stage)
        })
        .await
    }

    /// Waits until a stage runs again, having been rebuilt so often.
    pub async fn until_rebuilt(&self, stage: &str, n_times: u64) {
        until(&format!("{stage} is rebuilt {n_times} times"), async || {
            let health = self.stage(stage).await;
            health.restarts >= n_times && health.state == StageState::Running
        })
        .await;
    }

    /// Waits until the server has ended by itself. Answers whether it had been told to.
    pub async fn until_ended(&mut self) -> bool {
        let mut outcome = None;
        until("the server ends", async || {
            outcome = self.ended.try_recv().ok();
            outcome.is_some()
        })
        .await;
        self.has_ended = true;
        outcome.unwrap().unwrap()
    }

    /// Asks it to stop, without waiting.
    pub fn ask_to_stop(&self) {
        self.control.cancel();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.control.cancel();
        if self.has_ended {
            return;
        }
        let outcome = self.ended.recv_timeout(STOP_PATIENCE);
        if thread::panicking() {
            return;
        }
        assert!(matches!(outcome, Ok(Ok(true))), "the server did not stop as it should: {outcome:?}");
        if !self.leaves_others {
            assert_nothing_pending(&self.space);
        }
    }
}

/// On a thread of its own: the test's runtime cannot be waited on from within.
fn assert_nothing_pending(space: &Space) {
    let space = space.clone();
    let check = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let left = space.backlog().await;
            assert_eq!(left.pending, 0, "the server left entries pending: {left:?}");
        });
    });
    assert!(check.join().is_ok(), "see above");
}

/// Starts a server that must not start, and answers what it says.
pub fn refusal_of(options: &[&str]) -> String {
    let control = Control {
        stop: CancellationToken::new(),
        leave: CancellationToken::new(),
        started: oneshot::channel().0,
    };
    let config = parse(options);
    let outcome = thread::spawn(move || app::run(config, control, |_, _| Ok(()))).join().unwrap();
    format!("{:#}", outcome.unwrap_err())
}

fn config(space: &Space, options: &[&str]) -> Config {
    let fixed =
        ["--database-url", &space.database_url, "--redis-url", &space.redis_url, "--prefix", &space.prefix];
    parse(&[&fixed, options].concat())
}

/// What all servers of tests have in common, and these.
fn parse(options: &[&str]) -> Config {
    let fixed = [
        "serve",
        "--listen=127.0.0.1:0",
        "--fast-model=fake",
        "--deep-model=none",
        "--secret-key=the key that all processes of a test share",
        // What a test has stored stays in the live window, however long the test takes.
        "--live-window=15m",
    ];
    let command = Config::augment_args(Command::new("serve").args_override_self(true));
    let config =
        Config::from_arg_matches(&command.get_matches_from(fixed.iter().chain(options).copied())).unwrap();
    config.check().unwrap();
    config
}
