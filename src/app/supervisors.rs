//! Supervisors of the stages and tasks of this process.

use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::unsupervised_tasks::UnsupervisedTasks;
use crate::actors::messages::{Kill, ReportHealth};
use crate::actors::runtime::downstream::downstream;
use crate::actors::runtime::stage_metrics::StageMetrics;
use crate::actors::runtime::supervision_plan::{Role, SupervisionPlan};
use crate::actors::runtime::supervisor::{
    Stage, StageContext, StageSpec, Supervision, TaskContext, TaskSpec, supervise, supervise_task,
};

/// Number of messages in a mailbox beyond which `try_send` fails. Messages that carry a ticket or permits are exempt
/// from it.
const MAILBOX: usize = 256;

/// How long to wait for stages to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// Stages and tasks that run in this process, with their supervisors. Instances of the same kind must have different
/// names.
pub struct Supervisors {
    /// State shared by all supervisors, including the health of what they supervise.
    pub supervision: Supervision,
    /// Switches that make a stage or task panic, for tests only.
    pub kill: Vec<KillSwitch>,
    running: JoinSet<()>,
    tasks: UnsupervisedTasks,
    io: Handle,
}

/// Switch that makes one stage or task panic, as a bug would. For tests only.
#[derive(Clone)]
pub struct KillSwitch {
    /// Name of the stage or task, as in [`SupervisionPlan::name`].
    pub name: Arc<str>,
    /// Whether the switch belongs to a stage or a task.
    pub role: Role,
    pull: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl KillSwitch {
    /// Makes the current incarnation panic; returns false if there is none.
    pub fn pull(&self) -> bool {
        (self.pull)()
    }
}

impl Supervisors {
    /// Creates supervisors without any stages or tasks. Tasks will run on `io` unless they are spawned elsewhere.
    pub fn new(io: Handle) -> Self {
        let supervision = Supervision {
            board: Arc::default(),
            stopping: CancellationToken::new(),
            gave_up: CancellationToken::new(),
        };
        Self {
            supervision,
            kill: Vec::new(),
            running: JoinSet::new(),
            tasks: UnsupervisedTasks::default(),
            io,
        }
    }

    /// Returns the runtime for tasks, and for anything else that must outlive a stage.
    pub fn io(&self) -> Handle {
        self.io.clone()
    }

    /// Starts a stage that is the only one of its kind. `redirect` is called with the address of each new incarnation.
    pub fn start<A>(
        &mut self,
        build: impl Fn(StageContext) -> A + Send + Sync + 'static,
        redirect: impl Fn(Option<&Addr<A>>) + 'static,
    ) where
        A: Stage + Actor<Context = Context<A>>,
        A::Context: ToEnvelope<A, ReportHealth> + ToEnvelope<A, Kill>,
    {
        self.start_stage(SupervisionPlan::stage(A::NAME), build, redirect);
    }

    /// Starts a stage with this plan. `redirect` is called with the address of each new incarnation.
    pub fn start_stage<A>(
        &mut self,
        plan: SupervisionPlan,
        build: impl Fn(StageContext) -> A + Send + Sync + 'static,
        redirect: impl Fn(Option<&Addr<A>>) + 'static,
    ) where
        A: Stage + Actor<Context = Context<A>>,
        A::Context: ToEnvelope<A, ReportHealth> + ToEnvelope<A, Kill>,
    {
        let (to_kill, kill) = downstream(A::NAME);
        self.add_kill_switch(&plan, move || kill.try_send(Kill).is_ok());
        let spec = StageSpec {
            plan,
            build: Arc::new(build),
            redirect: Box::new(move |address| {
                to_kill.follow(address);
                redirect(address);
            }),
            mailbox_capacity: MAILBOX,
        };
        // unsupervised: a supervisor, whose exit is watched by `gave_up`
        self.running.spawn_local(supervise(spec, self.supervision.clone()));
    }

    /// Starts a task on the I/O runtime. `timeout` is the maximum time without progress before it counts as frozen.
    pub fn start_task<F>(
        &mut self,
        plan: SupervisionPlan,
        timeout: Option<Duration>,
        work: impl Fn(Arc<StageMetrics>) -> F + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let io = self.io.clone();
        let start = move |task: TaskContext| {
            let work = work(Arc::clone(&task.metrics));
            // unsupervised: a task that `start_task_where` supervises
            io.spawn(task.run(work))
        };
        self.start_task_where(plan, timeout, start);
    }

    /// Starts a task whose incarnations are spawned by `start`, on a runtime of its choice.
    pub fn start_task_where(
        &mut self,
        plan: SupervisionPlan,
        timeout: Option<Duration>,
        start: impl Fn(TaskContext) -> JoinHandle<()> + 'static,
    ) {
        let kill = watch::Sender::new(());
        let switch = kill.clone();
        self.add_kill_switch(&plan, move || switch.send(()).is_ok());
        let (tasks, name) = (self.tasks.clone(), Arc::clone(&plan.name));
        let start = Box::new(move |context: TaskContext| {
            let task = start(context);
            tasks.keep(&name, &task);
            task
        });
        let spec = TaskSpec { plan, start, timeout, kill };
        // unsupervised: a supervisor, whose exit is watched by `gave_up`
        self.running.spawn_local(supervise_task(spec, self.supervision.clone()));
    }

    /// Waits until the process must exit, because a supervisor gave up or ended unexpectedly.
    pub async fn gave_up(&mut self) {
        let gave_up = self.supervision.gave_up.clone();
        tokio::select! {
            biased;
            () = gave_up.cancelled() => {}
            Some(ended) = self.running.join_next() => {
                // A supervisor that gives up ends too.
                if !gave_up.is_cancelled() {
                    error!(panicked = ended.is_err(), "a supervisor ended, its stage is no longer supervised");
                }
            }
        }
    }

    /// Stops every stage. Sockets close when the broadcaster stops. Returns the tasks, which are not stopped, only left
    /// unsupervised, because stages may need them until the last one has stopped.
    pub async fn stop(mut self) -> UnsupervisedTasks {
        self.supervision.stopping.cancel();
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            warn!("a stage did not stop in time");
        }
        self.tasks
    }

    fn add_kill_switch(&mut self, plan: &SupervisionPlan, pull: impl Fn() -> bool + Send + Sync + 'static) {
        let switch = KillSwitch { name: Arc::clone(&plan.name), role: plan.rank.role, pull: Arc::new(pull) };
        self.kill.push(switch);
    }
}
