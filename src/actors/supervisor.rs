//! Starts each stage, watches it, rebuilds it when it dies, and gives up when it dies too often.
//!
//! actix's own `Supervisor` does not restart an actor that panicked, so this is ours. A stage lives on a
//! thread of its own; its panic is caught by that thread's executor and drops the actor, whose
//! [`Obituary`] tells us.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::messages::{Kill, ReportHealth};
use super::vitals::{HealthBoard, Standing, Vitals};
use crate::models::stage_health::StageState;
use crate::telemetry::STAGE_RESTARTS_TOTAL;

/// How often a stage is asked how it is.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long it may take to answer. No handler blocks its thread for longer than a few milliseconds, so this
/// much silence means it is stuck in a loop or in native code.
pub const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(10);

/// A stage that dies this often within [`DEATHS_WINDOW`] is beyond help from inside the process.
pub const DEATHS_MAX: usize = 5;

/// See [`DEATHS_MAX`].
pub const DEATHS_WINDOW: Duration = Duration::from_secs(60);

const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// An actor that is a stage of the pipeline.
pub trait Stage: Actor<Context = Context<Self>> + Handler<ReportHealth> + Handler<Kill> {
    /// As in [`crate::models::stage_health::StageHealth::stage`].
    const NAME: &'static str;
}

/// Tells the supervisor that the stage holding it was dropped.
#[derive(Debug)]
pub struct Obituary {
    died: mpsc::Sender<()>,
}

impl Drop for Obituary {
    fn drop(&mut self) {
        // A supervisor that is gone has stopped caring.
        let _ = self.died.try_send(());
    }
}

/// What an incarnation is born with. Keep it in the actor: dropping it is its death.
#[derive(Debug)]
pub struct Life {
    /// The stage's counters.
    pub vitals: Arc<Vitals>,
    _obituary: Obituary,
}

/// Called with the address of each new incarnation, and with `None` when one died.
pub type Redirect<A> = Box<dyn Fn(Option<&Addr<A>>)>;

/// How to build a stage and whom to tell its address.
pub struct StageSpec<A: Stage> {
    /// Builds an incarnation, on its own thread.
    pub build: Arc<dyn Fn(Life) -> A + Send + Sync>,
    /// Tells the address of a new incarnation to those who send to it; `None` when it died.
    pub redirect: Redirect<A>,
    /// Messages that may wait before `try_send` refuses.
    pub mailbox_capacity: usize,
}

/// What all supervised stages share.
#[derive(Clone)]
pub struct Supervision {
    /// Where health is written.
    pub board: Arc<HealthBoard>,
    /// When cancelled, deaths are no longer mended.
    pub stopping: CancellationToken,
    /// Cancelled by a supervisor that gives up: the process must end with a non-zero code.
    pub gave_up: CancellationToken,
}

enum Death {
    Died,
    Frozen,
    Stopping,
}

/// Keeps one stage alive until the process stops or the stage is beyond help.
///
/// Must run on the actix system's own thread, which outlives all stages.
pub async fn supervise<A>(spec: StageSpec<A>, supervision: Supervision)
where
    A: Stage,
    A::Context: ToEnvelope<A, ReportHealth>,
{
    let vitals = Arc::new(Vitals::default());
    let mut deaths = VecDeque::new();
    let mut generation = 0;
    loop {
        generation += 1;
        vitals.reborn();
        let (died, obituary) = mpsc::channel(1);
        let arbiter = Arbiter::new();
        let address =
            start(&spec, &arbiter, Life { vitals: Arc::clone(&vitals), _obituary: Obituary { died } });
        (spec.redirect)(Some(&address));
        info!(stage = A::NAME, generation, "stage started");
        let write = |state| supervision.board.write(A::NAME, Standing { state, generation }, vitals.report());
        write(StageState::Running);
        let death = watch(&address, obituary, &supervision.stopping, || write(StageState::Running)).await;
        (spec.redirect)(None);
        arbiter.stop();
        if matches!(death, Death::Stopping) {
            return;
        }
        let frozen = matches!(death, Death::Frozen);
        write(if frozen { StageState::Frozen } else { StageState::BackingOff });
        metrics::counter!(STAGE_RESTARTS_TOTAL, "stage" => A::NAME).increment(1);
        deaths.push_back(Instant::now());
        deaths.retain(|at: &Instant| at.elapsed() < DEATHS_WINDOW);
        if deaths.len() >= DEATHS_MAX {
            write(StageState::Failed);
            error!(stage = A::NAME, generation, deaths = deaths.len(), "stage keeps dying, giving up");
            supervision.gave_up.cancel();
            return;
        }
        let backoff = backoff(deaths.len());
        warn!(stage = A::NAME, generation, frozen, ?backoff, "stage died");
        tokio::select! {
            () = tokio::time::sleep(backoff) => {}
            () = supervision.stopping.cancelled() => return,
        }
    }
}

fn start<A: Stage>(spec: &StageSpec<A>, arbiter: &Arbiter, life: Life) -> Addr<A> {
    let build = Arc::clone(&spec.build);
    let mailbox_capacity = spec.mailbox_capacity;
    A::start_in_arbiter(&arbiter.handle(), move |context| {
        context.set_mailbox_capacity(mailbox_capacity);
        build(life)
    })
}

async fn watch<A>(
    address: &Addr<A>,
    mut obituary: mpsc::Receiver<()>,
    stopping: &CancellationToken,
    alive: impl Fn(),
) -> Death
where
    A: Stage,
    A::Context: AsyncContext<A> + ToEnvelope<A, ReportHealth>,
{
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    loop {
        tokio::select! {
            biased;
            () = stopping.cancelled() => return Death::Stopping,
            _ = obituary.recv() => return Death::Died,
            _ = heartbeat.tick() => {}
        }
        match tokio::time::timeout(HEARTBEAT_PATIENCE, address.send(ReportHealth)).await {
            Ok(Ok(_)) => alive(),
            Ok(Err(_)) => return Death::Died,
            Err(_) => return Death::Frozen,
        }
    }
}

/// 1, 2, 4 … 30 seconds: quick enough that one death is hardly seen, slow enough not to burn a core.
fn backoff(n_deaths: usize) -> Duration {
    let doublings = u32::try_from(n_deaths.saturating_sub(1)).unwrap_or(u32::MAX).min(5);
    (BACKOFF_FIRST * 2_u32.pow(doublings)).min(BACKOFF_MAX)
}

/// Implements what every stage must answer: how it is, and the tests' request to panic.
macro_rules! stage {
    ($actor:ty, $name:literal) => {
        impl $crate::actors::supervisor::Stage for $actor {
            const NAME: &'static str = $name;
        }

        impl actix::Handler<$crate::actors::messages::ReportHealth> for $actor {
            type Result = actix::MessageResult<$crate::actors::messages::ReportHealth>;

            fn handle(
                &mut self,
                _: $crate::actors::messages::ReportHealth,
                _: &mut Self::Context,
            ) -> Self::Result {
                actix::MessageResult(self.life.vitals.report())
            }
        }

        impl actix::Handler<$crate::actors::messages::Kill> for $actor {
            type Result = ();

            fn handle(&mut self, _: $crate::actors::messages::Kill, _: &mut Self::Context) {
                panic!("stage killed on request");
            }
        }
    };
}
pub(crate) use stage;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_thirty_seconds() {
        let seconds: Vec<u64> = (1..=7).map(|n| backoff(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
    }
}
