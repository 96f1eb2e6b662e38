//! Supervision: starts stages and tasks, monitors them, restarts them when they die, and gives up if their plans say
//! so.
//!
//! The `Supervisor` of actix does not restart an actor that panicked, so this module does. Each stage runs on a thread
//! of its own, whose executor catches a panic and drops the actor; the actor's [`DeathNotice`] then reaches the
//! supervisor. A task is a future on some runtime, whose join handle reports its end.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::stage_metrics::{HealthBoard, Incarnation, StageMetrics};
use super::supervision_plan::{Deaths, SupervisionPlan};
use crate::actors::messages::{Kill, ReportHealth};
use crate::models::error_log::ErrorKind;
use crate::models::system_health::StageState;
use crate::telemetry::{STAGE_RESTARTS_TOTAL, errors};

/// Interval between heartbeats sent to a stage.
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// How long a stage may take to respond to a heartbeat. No handler blocks its thread for more than a few milliseconds,
/// so a stage that stays silent for this long is stuck in a loop or in native code.
pub const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(10);

/// Actor that is a stage of the pipeline.
pub trait Stage: Actor<Context = Context<Self>> + Handler<ReportHealth> + Handler<Kill> {
    /// Kind of the stage, used as [`SupervisionPlan::kind`].
    const NAME: &'static str;
}

/// Notifies the supervisor, when dropped, that the stage holding it is dead.
#[derive(Debug)]
pub struct DeathNotice {
    died: mpsc::Sender<()>,
}

impl Drop for DeathNotice {
    fn drop(&mut self) {
        // Without a supervisor nothing restarts the stage, so there is nothing to report.
        let _ = self.died.try_send(());
    }
}

/// Metrics and death notice of one incarnation of a stage. The actor must keep it, because dropping it reports the
/// actor's death.
#[derive(Debug)]
pub struct StageContext {
    /// Counters of the stage, which the actor updates.
    pub metrics: Arc<StageMetrics>,
    _death_notice: DeathNotice,
}

/// Callback that receives the address of each new incarnation, or `None` when an incarnation dies.
pub type Redirect<A> = Box<dyn Fn(Option<&Addr<A>>)>;

/// Everything needed to start a stage: its plan, its constructor, and the callback that tells senders its address.
pub struct StageSpec<A: Stage> {
    /// Name, rank and restart policy of the stage.
    pub plan: SupervisionPlan,
    /// Creates an incarnation, on the thread that the incarnation runs on.
    pub build: Arc<dyn Fn(StageContext) -> A + Send + Sync>,
    /// Tells senders the address of the current incarnation.
    pub redirect: Redirect<A>,
    /// Number of messages that the mailbox holds before `try_send` fails.
    pub mailbox_capacity: usize,
}

/// Everything needed to start a task that must never end.
pub struct TaskSpec {
    /// Name, rank and restart policy of the task.
    pub plan: SupervisionPlan,
    /// Spawns an incarnation on the runtime of its choice. The incarnation should do its work inside
    /// [`TaskContext::run`].
    pub start: Box<dyn Fn(TaskContext) -> JoinHandle<()>>,
    /// Maximum time without progress before the task counts as frozen; `None` for a task that may have nothing to do.
    pub timeout: Option<Duration>,
    /// Switch that makes the current incarnation panic.
    pub kill: watch::Sender<()>,
}

/// Metrics and kill switch of one incarnation of a task.
#[derive(Debug)]
pub struct TaskContext {
    /// Counters of the task, which it updates.
    pub metrics: Arc<StageMetrics>,
    killed: watch::Receiver<()>,
}

impl TaskContext {
    /// Runs `work` until it ends.
    ///
    /// # Panics
    /// If a test pulls the kill switch.
    pub async fn run(mut self, work: impl Future<Output = ()>) {
        tokio::select! {
            () = work => {}
            Ok(()) = self.killed.changed() => panic!("task killed on request"),
        }
    }
}

/// State shared by the supervisors of all stages and tasks.
#[derive(Clone)]
pub struct Supervision {
    /// Board where supervisors report the health of every stage and task.
    pub board: Arc<HealthBoard>,
    /// Cancelled when the process stops, after which nothing is restarted.
    pub stopping: CancellationToken,
    /// Cancelled when a supervisor gives up, after which the process must exit with a non-zero code.
    pub gave_up: CancellationToken,
}

/// Thread of an incarnation. Dropping this value stops it, even if the supervisor is dropped while it waits for the
/// stage.
struct StageThread(Arbiter);

impl Drop for StageThread {
    fn drop(&mut self) {
        self.0.stop();
    }
}

enum Death {
    Died,
    Frozen,
    Stopping,
}

/// Keeps a stage running until the process stops or the restart policy gives up.
///
/// Call it on the thread of the actix system, which outlives all stages.
pub async fn supervise<A>(spec: StageSpec<A>, supervision: Supervision)
where
    A: Stage,
    A::Context: ToEnvelope<A, ReportHealth>,
{
    let supervised = Supervised::new(spec.plan.clone(), supervision);
    supervised
        .keep_running(async |supervised| {
            let (died, death_notice) = mpsc::channel(1);
            let arbiter = StageThread(Arbiter::new());
            let metrics = Arc::clone(&supervised.metrics);
            let stage = StageContext { metrics, _death_notice: DeathNotice { died } };
            let address = start(&spec, &arbiter.0, stage);
            (spec.redirect)(Some(&address));
            supervised.write(StageState::Running);
            let stopping = &supervised.supervision.stopping;
            let death =
                watch(&address, death_notice, stopping, || supervised.write(StageState::Running)).await;
            (spec.redirect)(None);
            death
        })
        .await;
}

/// Keeps a task running until the process stops or the restart policy gives up. When the process stops, ending the task
/// is up to the caller.
pub async fn supervise_task(spec: TaskSpec, supervision: Supervision) {
    let supervised = Supervised::new(spec.plan.clone(), supervision);
    supervised
        .keep_running(async |supervised| {
            let metrics = Arc::clone(&supervised.metrics);
            let mut task = (spec.start)(TaskContext { metrics, killed: spec.kill.subscribe() });
            let mut progress = (supervised.metrics.report().handled, Instant::now());
            let mut heartbeat = tokio::time::interval(HEARTBEAT);
            loop {
                supervised.write(StageState::Running);
                tokio::select! {
                    biased;
                    () = supervised.supervision.stopping.cancelled() => return Death::Stopping,
                    _ = &mut task => return Death::Died,
                    _ = heartbeat.tick() => {}
                }
                let handled = supervised.metrics.report().handled;
                if handled != progress.0 {
                    progress = (handled, Instant::now());
                }
                if spec.timeout.is_some_and(|timeout| progress.1.elapsed() > timeout) {
                    task.abort();
                    return Death::Frozen;
                }
            }
        })
        .await;
}

/// A stage or task with all its incarnations.
struct Supervised {
    plan: SupervisionPlan,
    supervision: Supervision,
    metrics: Arc<StageMetrics>,
    deaths: Deaths,
    generation: u64,
}

impl Supervised {
    fn new(plan: SupervisionPlan, supervision: Supervision) -> Self {
        Self { plan, supervision, metrics: Arc::default(), deaths: Deaths::default(), generation: 0 }
    }

    /// Runs one incarnation after another. `run_one` returns once its incarnation is dead.
    async fn keep_running(mut self, mut run_one: impl AsyncFnMut(&Self) -> Death) {
        let stage = Arc::clone(&self.plan.name);
        loop {
            self.generation += 1;
            self.metrics.reset_in_flight();
            let generation = self.generation;
            info!(%stage, generation, "stage started");
            let frozen = match run_one(&self).await {
                Death::Stopping => return,
                Death::Frozen => true,
                Death::Died => false,
            };
            self.write(if frozen { StageState::Frozen } else { StageState::BackingOff });
            metrics::counter!(STAGE_RESTARTS_TOTAL, "stage" => self.plan.kind).increment(1);
            errors::count(ErrorKind::Restart, self.plan.kind);
            let Some(backoff) = self.deaths.record(Instant::now(), &self.plan.policy) else {
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
        let incarnation = Incarnation { state, generation: self.generation };
        self.supervision.board.write(&self.plan, incarnation, self.metrics.report());
    }
}

fn start<A: Stage>(spec: &StageSpec<A>, arbiter: &Arbiter, stage: StageContext) -> Addr<A> {
    let build = Arc::clone(&spec.build);
    let mailbox_capacity = spec.mailbox_capacity;
    A::start_in_arbiter(&arbiter.handle(), move |context| {
        context.set_mailbox_capacity(mailbox_capacity);
        build(stage)
    })
}

async fn watch<A>(
    address: &Addr<A>,
    mut death_notice: mpsc::Receiver<()>,
    stopping: &CancellationToken,
    on_heartbeat: impl Fn(),
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
            _ = death_notice.recv() => return Death::Died,
            _ = heartbeat.tick() => {}
        }
        match tokio::time::timeout(HEARTBEAT_TIMEOUT, address.send(ReportHealth)).await {
            Ok(Ok(_)) => on_heartbeat(),
            Ok(Err(_)) => return Death::Died,
            Err(_) => return Death::Frozen,
        }
    }
}

/// Implements [`Stage`] and the handlers that every stage needs: one for heartbeats, and one that panics when tests ask
/// it to.
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
                actix::MessageResult(self.stage.metrics.report())
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
    use crate::models::system_health::StageHealth;

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// Returns the same policy without waits.
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

    /// Stage that panics as soon as it has started.
    struct Fragile {
        stage: StageContext,
    }

    stage!(Fragile, "connector");

    impl Actor for Fragile {
        type Context = Context<Self>;

        fn started(&mut self, context: &mut Self::Context) {
            context.run_later(Duration::ZERO, |_, _| panic!("fragile"));
        }
    }

    /// Stage that never dies.
    struct Sturdy {
        stage: StageContext,
    }

    stage!(Sturdy, "connector");

    impl Actor for Sturdy {
        type Context = Context<Self>;
    }

    fn spec<A: Stage>(
        plan: SupervisionPlan,
        build: impl Fn(StageContext) -> A + Send + Sync + 'static,
    ) -> StageSpec<A> {
        StageSpec { plan, build: Arc::new(build), redirect: Box::new(|_| {}), mailbox_capacity: 4 }
    }

    fn task<F>(
        plan: SupervisionPlan,
        timeout: Option<Duration>,
        work: impl Fn(Arc<StageMetrics>) -> F + 'static,
    ) -> TaskSpec
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let start = Box::new(move |task: TaskContext| {
            let work = work(Arc::clone(&task.metrics));
            tokio::spawn(task.run(work))
        });
        TaskSpec { plan, start, timeout, kill: watch::Sender::new(()) }
    }

    async fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + TIMEOUT;
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
        let mut fragile = SupervisionPlan::stage("connector").instance("fragile");
        fragile.policy = at_once(fragile.policy);
        let sturdy = SupervisionPlan::stage("connector").instance("sturdy");
        actix::spawn(supervise(spec(fragile, |stage| Fragile { stage }), supervision.clone()));
        actix::spawn(supervise(spec(sturdy, |stage| Sturdy { stage }), supervision.clone()));
        let board = Arc::clone(&supervision.board);
        let health = |name| find(&board, Role::Stage, name);
        until("it died far more often than an essential stage may", || {
            health("connector:fragile").is_some_and(|it| it.restarts > 8)
        })
        .await;
        until("its sibling runs", || {
            health("connector:sturdy").is_some_and(|it| it.state == StageState::Running)
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
        let plan =
            SupervisionPlan { policy: at_once(RestartPolicy::ESSENTIAL), ..SupervisionPlan::task("fragile") };
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
        let plan =
            SupervisionPlan { policy: at_once(RestartPolicy::UNLIMITED), ..SupervisionPlan::task("stuck") };
        // First it ends, then it hangs, then it works.
        let work = move |stage_metrics: Arc<StageMetrics>| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            async move {
                match n {
                    0 => {}
                    1 => std::future::pending().await,
                    _ => loop {
                        stage_metrics.finish(1);
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    },
                }
            }
        };
        let timeout = Some(Duration::from_secs(2));
        let supervised = actix::spawn(supervise_task(task(plan, timeout, work), supervision.clone()));
        // On a busy machine, a working task may be mistaken for a stuck one once more.
        until("it ended, was stuck, and works", || {
            find(&supervision.board, Role::Task, "stuck").is_some_and(|it| {
                it.handled > 100 && it.restarts >= 2 && it.state == StageState::Running && !it.essential
            })
        })
        .await;
        supervision.stopping.cancel();
        supervised.await.unwrap();
    }
}
