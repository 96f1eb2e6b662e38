//! Starts each stage and task, watches it, starts it again when it dies, and gives up by its plan.
//!
//! actix's own `Supervisor` does not restart an actor that panicked, so this is ours. A stage lives on a
//! thread of its own; its panic is caught by that thread's executor and drops the actor, whose
//! [`Obituary`] tells us. A task is a future on some runtime, whose end its handle tells.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::stage_metrics::{HealthBoard, Standing, Vitals};
use super::supervision_plan::{Deaths, Plan};
use crate::actors::messages::{Kill, ReportHealth};
use crate::models::error_log::ErrorKind;
use crate::models::stage_health::StageState;
use crate::telemetry::{STAGE_RESTARTS_TOTAL, errors};

/// How often a stage is asked how it is.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long it may take to answer. No handler blocks its thread for longer than a few milliseconds, so this
/// much silence means it is stuck in a loop or in native code.
pub const HEARTBEAT_PATIENCE: Duration = Duration::from_secs(10);

/// An actor that is a stage of the pipeline.
pub trait Stage: Actor<Context = Context<Self>> + Handler<ReportHealth> + Handler<Kill> {
    /// Its kind, as in [`Plan::kind`].
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
    /// Its name, and how its deaths are taken.
    pub plan: Plan,
    /// Builds an incarnation, on its own thread.
    pub build: Arc<dyn Fn(Life) -> A + Send + Sync>,
    /// Tells the address of a new incarnation to those who send to it; `None` when it died.
    pub redirect: Redirect<A>,
    /// Messages that may wait before `try_send` refuses.
    pub mailbox_capacity: usize,
}

/// How to start a task that may not end.
pub struct TaskSpec {
    /// Its name, and how its deaths are taken.
    pub plan: Plan,
    /// Spawns an incarnation, on the runtime where it is to live. It should do its work within [`TaskLife::live`].
    pub start: Box<dyn Fn(TaskLife) -> JoinHandle<()>>,
    /// The longest it may work without finishing anything; `None` for one that waits for others.
    pub patience: Option<Duration>,
    /// Makes the living incarnation panic.
    pub kill: watch::Sender<()>,
}

/// What an incarnation of a task is born with.
#[derive(Debug)]
pub struct TaskLife {
    /// The task's counters.
    pub vitals: Arc<Vitals>,
    killed: watch::Receiver<()>,
}

impl TaskLife {
    /// Runs `work` until it ends.
    ///
    /// # Panics
    /// When a test kills the task.
    pub async fn live(mut self, work: impl Future<Output = ()>) {
        tokio::select! {
            () = work => {}
            Ok(()) = self.killed.changed() => panic!("task killed on request"),
        }
    }
}

/// What all supervised stages and tasks share.
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
    let ward = Ward::new(spec.plan.clone(), supervision);
    ward.keep(async |ward| {
        let (died, obituary) = mpsc::channel(1);
        let arbiter = Arbiter::new();
        let life = Life { vitals: Arc::clone(&ward.vitals), _obituary: Obituary { died } };
        let address = start(&spec, &arbiter, life);
        (spec.redirect)(Some(&address));
        ward.write(StageState::Running);
        let stopping = &ward.supervision.stopping;
        let death = watch(&address, obituary, stopping, || ward.write(StageState::Running)).await;
        (spec.redirect)(None);
        arbiter.stop();
        death
    })
    .await;
}

/// Keeps one task alive until the process stops or the task is beyond help. When the process stops, the task is left to
/// whoever ends it.
pub async fn supervise_task(spec: TaskSpec, supervision: Supervision) {
    let ward = Ward::new(spec.plan.clone(), supervision);
    ward.keep(async |ward| {
        let life = TaskLife { vitals: Arc::clone(&ward.vitals), killed: spec.kill.subscribe() };
        let mut task = (spec.start)(life);
        let mut progress = (ward.vitals.report().handled, Instant::now());
        let mut look = tokio::time::interval(HEARTBEAT);
        loop {
            ward.write(StageState::Running);
            tokio::select! {
                biased;
                () = ward.supervision.stopping.cancelled() => return Death::Stopping,
                _ = &mut task => return Death::Died,
                _ = look.tick() => {}
            }
            let handled = ward.vitals.report().handled;
            if handled != progress.0 {
                progress = (handled, Instant::now());
            }
            if spec.patience.is_some_and(|patience| progress.1.elapsed() > patience) {
                task.abort();
                return Death::Frozen;
            }
        }
    })
    .await;
}

/// One stage or task over all its lives.
struct Ward {
    plan: Plan,
    supervision: Supervision,
    vitals: Arc<Vitals>,
    deaths: Deaths,
    generation: u64,
}

impl Ward {
    fn new(plan: Plan, supervision: Supervision) -> Self {
        Self { plan, supervision, vitals: Arc::default(), deaths: Deaths::default(), generation: 0 }
    }

    /// Lives one life after the other. `live` lasts as long as one of them.
    async fn keep(mut self, mut live: impl AsyncFnMut(&Self) -> Death) {
        let stage = Arc::clone(&self.plan.name);
        loop {
            self.generation += 1;
            self.vitals.reborn();
            let generation = self.generation;
            info!(%stage, generation, "stage started");
            let frozen = match live(&self).await {
                Death::Stopping => return,
                Death::Frozen => true,
                Death::Died => false,
            };
            self.write(if frozen { StageState::Frozen } else { StageState::BackingOff });
            metrics::counter!(STAGE_RESTARTS_TOTAL, "stage" => self.plan.kind).increment(1);
            errors::count(ErrorKind::Restart, self.plan.kind);
            let Some(backoff) = self.deaths.note(Instant::now(), &self.plan.policy) else {
                self.write(StageState::Failed);
                error!(%stage, generation, "stage keeps dying, giving up");
                self.supervision.gave_up.cancel();
                return;
            };
            warn!(%stage, generation, frozen, ?backoff, "stage died");
            tokio::select! {
                () = tokio::time::sleep(backoff) => {}
                () = self.supervision.stopping.cancelled() => return,
            }
        }
    }

    fn write(&self, state: StageState) {
        let standing = Standing { state, generation: self.generation };
        self.supervision.board.write(&self.plan, standing, self.vitals.report());
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

/// Implements what every stage must answer: how it is, and the tests' request to panic.
macro_rules! stage {
    ($actor:ty, $name:literal) => {
        impl $crate::actors::runtime::supervisor::Stage for $actor {
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::actors::runtime::supervision_plan::{RestartPolicy, Role};
    use crate::models::stage_health::StageHealth;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Does not wait, for the sake of the test.
    fn at_once(policy: RestartPolicy) -> RestartPolicy {
        RestartPolicy { backoff_first: Duration::ZERO, backoff_max: Duration::ZERO, ..policy }
    }

    fn supervision() -> Supervision {
        Supervision {
            board: Arc::default(),
            stopping: CancellationToken::new(),
            gave_up: CancellationToken::new(),
        }
    }

    /// One that panics whenever it is asked how it is.
    struct Fragile {
        life: Life,
    }

    stage!(Fragile, "connector");

    impl Actor for Fragile {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Self::Context) {
            context.run_later(Duration::ZERO, |_, _| panic!("fragile"));
        }
    }

    /// One that is well.
    struct Sturdy {
        life: Life,
    }

    stage!(Sturdy, "connector");

    impl Actor for Sturdy {
        type Context = Context<Self>;
    }

    fn spec<A: Stage>(plan: Plan, build: impl Fn(Life) -> A + Send + Sync + 'static) -> StageSpec<A> {
        StageSpec { plan, build: Arc::new(build), redirect: Box::new(|_| {}), mailbox_capacity: 4 }
    }

    fn task<F>(plan: Plan, patience: Option<Duration>, work: impl Fn(Arc<Vitals>) -> F + 'static) -> TaskSpec
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let start = Box::new(move |life: TaskLife| {
            let work = work(Arc::clone(&life.vitals));
            tokio::spawn(life.live(work))
        });
        TaskSpec { plan, start, patience, kill: watch::Sender::new(()) }
    }

    async fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn find(board: &HealthBoard, role: Role, name: &str) -> Option<StageHealth> {
        board.snapshot(role).into_iter().find(|health| health.stage == name)
    }

    #[actix::test]
    async fn the_deaths_of_one_of_many_never_end_the_process_nor_touch_its_siblings() {
        let supervision = supervision();
        let mut fragile = Plan::stage("connector").isolated("fragile");
        fragile.policy = at_once(fragile.policy);
        let sturdy = Plan::stage("connector").isolated("sturdy");
        actix::spawn(supervise(spec(fragile, |life| Fragile { life }), supervision.clone()));
        actix::spawn(supervise(spec(sturdy, |life| Sturdy { life }), supervision.clone()));
        let board = Arc::clone(&supervision.board);
        let health = |name| find(&board, Role::Stage, name);
        until("it died far more often than an essential stage may", || {
            health("connector:fragile").is_some_and(|it| it.restarts > 8)
        })
        .await;
        assert!(!supervision.gave_up.is_cancelled());
        let sibling = health("connector:sturdy").unwrap();
        assert_eq!((sibling.state, sibling.restarts), (StageState::Running, 0));
        assert!(!sibling.essential);
        supervision.stopping.cancel();
    }

    #[actix::test]
    async fn an_essential_task_that_keeps_dying_ends_the_process_and_says_so() {
        let supervision = supervision();
        let plan = Plan { policy: at_once(RestartPolicy::ESSENTIAL), ..Plan::task("fragile") };
        supervise_task(task(plan, None, |_| async { panic!("fragile") }), supervision.clone()).await;
        assert!(supervision.gave_up.is_cancelled());
        let health = find(&supervision.board, Role::Task, "fragile").unwrap();
        assert_eq!((health.state, health.restarts), (StageState::Failed, 4));
    }

    #[actix::test]
    async fn a_task_that_ends_or_gets_stuck_is_started_again() {
        let supervision = supervision();
        let n_started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&n_started);
        let plan = Plan { policy: at_once(RestartPolicy::ISOLATED), ..Plan::task("stuck") };
        // First it ends, then it hangs, then it works.
        let work = move |vitals: Arc<Vitals>| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            async move {
                match n {
                    0 => {}
                    1 => std::future::pending().await,
                    _ => loop {
                        vitals.finish(1);
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    },
                }
            }
        };
        let patience = Some(Duration::from_secs(2));
        let supervised = actix::spawn(supervise_task(task(plan, patience, work), supervision.clone()));
        until("it works", || {
            find(&supervision.board, Role::Task, "stuck").is_some_and(|it| it.handled > 100)
        })
        .await;
        let health = find(&supervision.board, Role::Task, "stuck").unwrap();
        assert_eq!((health.state, health.essential), (StageState::Running, false));
        // On a busy machine, what works may be taken for stuck once more.
        assert!(health.restarts >= 2, "{}", health.restarts);
        supervision.stopping.cancel();
        supervised.await.unwrap();
    }
}
