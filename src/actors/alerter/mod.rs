//! Rules → alerts. Stores alerts, pushes them, and adds their notifications to the outbox.

mod churn_levels; // posts at high churn risk now and usually
mod churn_alerts; // alerts about posts at high churn risk
mod deferral_report; // what a bounded turn defers, and where that is reported
mod evaluator; // one evaluation: measure, plan, write, publish
mod measurement_schedule; // which windows are measured when
mod push_queue; // changed alerts on their way to browsers
mod push_throttle; // how often a growing churn alert is pushed
mod rule_evidence; // evidence of alerts that rules open

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tracing::warn;

use self::evaluator::Evaluator;
use super::messages::PostsFlagged;
use super::runtime::clock::Clock;
use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{StageContext, stage};
use crate::store::Store;
use crate::stream::Updates;

/// Interval between evaluations. It also limits how soon another process takes over once the server has noticed that
/// the leader is dead.
const EVALUATE_EVERY: Duration = Duration::from_secs(1);

/// Dependencies of an alerter.
#[derive(Clone)]
pub struct AlerterParams {
    /// Stores rules, alerts and rollups, and holds the lock that elects the leader.
    pub store: Store,
    /// Reads windows. It may respond slowly if there is little CPU time to spare.
    pub measuring: Store,
    /// Publishes alert changes to every process.
    pub updates: Updates,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
}

/// Stage that evaluates the alert rules.
///
/// Only one process evaluates them: the one whose connection holds a PostgreSQL lock. The state of the rules is kept
/// only in PostgreSQL, so another process can continue where the previous one stopped. While PostgreSQL is down, no
/// state changes.
pub struct Alerter {
    evaluator: Arc<Mutex<Evaluator>>,
    is_due: bool,
    evaluation: ExclusiveTask,
    stage: StageContext,
}

stage!(Alerter, "alerter");

impl Alerter {
    /// Creates an alerter, which continues where the previous leader stopped.
    pub fn new(params: AlerterParams, stage: StageContext) -> Self {
        let evaluation = ExclusiveTask::new(&params.io);
        let evaluator = Arc::new(Mutex::new(Evaluator::new(params, Clock::default())));
        Self { evaluator, is_due: false, evaluation, stage }
    }

    /// Evaluates the rules if they are due. Only one evaluation runs at a time, because each must see the decisions of
    /// the previous one.
    fn evaluate(&mut self, context: &mut Context<Self>) {
        if self.evaluation.is_under_way() || !std::mem::take(&mut self.is_due) {
            return;
        }
        self.stage.metrics.begin(1);
        let evaluator = Arc::clone(&self.evaluator);
        let work = async move { evaluator.lock().await.evaluate(Timestamp::now()).await };
        self.evaluation.start(work, context, |alerter, outcome, context| {
            match outcome {
                Ok(Ok(())) => alerter.stage.metrics.finish(1),
                Ok(Err(error)) => {
                    warn!(%error, "alert rules were not evaluated, alerts keep their state");
                    alerter.stage.metrics.fail(1);
                }
                Err(error) => {
                    warn!(%error, "the evaluation of alert rules panicked");
                    alerter.stage.metrics.fail(1);
                }
            }
            alerter.evaluate(context);
        });
    }
}

impl Actor for Alerter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(EVALUATE_EVERY, |alerter, context| {
            alerter.is_due = true;
            alerter.evaluate(context);
        });
    }
}

impl Handler<PostsFlagged> for Alerter {
    type Result = ();

    fn handle(&mut self, _: PostsFlagged, context: &mut Self::Context) {
        self.is_due = true;
        self.evaluate(context);
    }
}
