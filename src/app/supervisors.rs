//! Everything that may not end, each with its supervisor.

use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Context};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::actors::messages::{Kill, ReportHealth};
use crate::actors::runtime::downstream::downstream;
use crate::actors::runtime::stage_metrics::StageMetrics;
use crate::actors::runtime::supervision_plan::{Role, SupervisionPlan};
use crate::actors::runtime::supervisor::{
    Stage, StageContext, StageSpec, Supervision, TaskContext, TaskSpec, supervise, supervise_task,
};

/// Messages that may wait for a stage before `try_send` refuses. Messages with a ticket do not count against it.
const MAILBOX: usize = 256;

/// How long stages may take to stop before they are left behind.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// The stages and tasks of this process. Those of a plan that several share differ in their names.
pub struct Supervisors {
    /// What all of them share.
    pub supervision: Supervision,
    /// Makes any of them panic. Nothing outside the tests uses it.
    pub kill: Vec<KillSwitch>,
    running: JoinSet<()>,
    io: Handle,
}

/// Makes one stage or task panic, as a bug would. Nothing outside the tests uses it.
#[derive(Clone)]
pub struct KillSwitch {
    /// As in [`SupervisionPlan::name`].
    pub name: Arc<str>,
    /// What it is.
    pub role: Role,
    pull: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl KillSwitch {
    /// False when none lives at the moment.
    pub fn pull(&self) -> bool {
        (self.pull)()
    }
}

impl Supervisors {
    /// Of nothing yet. Tasks live on `io` unless they are started elsewhere.
    pub fn new(io: Handle) -> Self {
        let supervision = Supervision {
            board: Arc::default(),
            stopping: CancellationToken::new(),
            gave_up: CancellationToken::new(),
        };
        Self { supervision, kill: Vec::new(), running: JoinSet::new(), io }
    }

    /// Where tasks live, and whatever else must outlive a stage.
    pub fn io(&self) -> Handle {
        self.io.clone()
    }

    /// Starts the one stage of its kind.
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

    /// Starts a stage by a plan of its own.
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
        self.can_kill(&plan, move || kill.try_send(Kill).is_ok());
        let spec = StageSpec {
            plan,
            build: Arc::new(build),
            redirect: Box::new(move |address| {
                to_kill.follow(address);
                redirect(address);
            }),
            mailbox_capacity: MAILBOX,
        };
        self.running.spawn_local(supervise(spec, self.supervision.clone()));
    }

    /// Starts a task on the runtime for connections. `timeout` is the longest it may go on without finishing anything.
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
            io.spawn(task.run(work))
        };
        self.start_task_where(plan, timeout, start);
    }

    /// Starts a task wherever `start` spawns it.
    pub fn start_task_where(
        &mut self,
        plan: SupervisionPlan,
        timeout: Option<Duration>,
        start: impl Fn(TaskContext) -> JoinHandle<()> + 'static,
    ) {
        let kill = watch::Sender::new(());
        let switch = kill.clone();
        self.can_kill(&plan, move || switch.send(()).is_ok());
        let spec = TaskSpec { plan, start: Box::new(start), timeout, kill };
        self.running.spawn_local(supervise_task(spec, self.supervision.clone()));
    }

    /// Waits until something has to end the process: a supervisor that gave up, or one that is gone itself.
    pub async fn gave_up(&mut self) {
        let gave_up = self.supervision.gave_up.clone();
        tokio::select! {
            biased;
            () = gave_up.cancelled() => {}
            Some(ended) = self.running.join_next() => {
                // One that gives up ends as well.
                if !gave_up.is_cancelled() {
                    error!(panicked = ended.is_err(), "a supervisor ended, and nobody watches its stage any more");
                }
            }
        }
    }

    /// Stops every stage. Sockets are told to close when the broadcaster goes. Tasks are only watched no longer: they end
    /// with what they work on.
    pub async fn stop(mut self) {
        self.supervision.stopping.cancel();
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            warn!("a stage did not stop in time");
        }
    }

    fn can_kill(&mut self, plan: &SupervisionPlan, pull: impl Fn() -> bool + Send + Sync + 'static) {
        let switch = KillSwitch { name: Arc::clone(&plan.name), role: plan.rank.role, pull: Arc::new(pull) };
        self.kill.push(switch);
    }
}
