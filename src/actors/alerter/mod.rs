//! Rules → alerts, stored, pushed and handed to whoever sends them.

mod churn_alerts; // what becomes of posts at high churn risk
mod deferred_work; // what turns leave for later, and where that is said
mod evaluator; // what the alerter does
pub(super) mod example_posts; // the posts that made an alert, and what they speak of
mod measurements; // which windows are measured when
pub mod publication; // what follows every change of alerts
mod push_queue; // alerts that changed, on their way to browsers
mod push_throttle; // what people were told of open alerts
mod rule_evidence; // what an alert of a rule goes by

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tracing::warn;

use self::evaluator::Evaluator;
use super::messages::PostsFlagged;
use super::runtime::supervisor::{StageContext, stage};
use crate::store::Store;
use crate::stream::Updates;

/// How often it looks whether something must be said. Also how soon another process takes over from one that died, once
/// the server has noticed its death.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What an alerter is made of.
#[derive(Clone)]
pub struct AlerterParams {
    /// Where rules, alerts and everything they are judged by are stored; what lets one process judge.
    pub store: Store,
    /// Where every process hears of them.
    pub updates: Updates,
    /// The runtime on which connections live.
    pub io: Handle,
}

/// Decides when people must be told.
///
/// Of several processes exactly one judges: the one whose connection holds a lock of the server. How far each rule has
/// come is known to Postgres alone, so that another goes on where it stopped. When Postgres is away nothing changes state.
pub struct Alerter {
    params: AlerterParams,
    evaluator: Arc<Mutex<Evaluator>>,
    is_due: bool,
    is_busy: bool,
    stage: StageContext,
}

stage!(Alerter, "alerter");

impl Alerter {
    /// An alerter that soon takes up what its predecessor left.
    pub fn new(params: AlerterParams, stage: StageContext) -> Self {
        let evaluator = Arc::new(Mutex::new(Evaluator::new(params.clone())));
        Self { params, evaluator, is_due: false, is_busy: false, stage }
    }

    /// One after the other: an evaluation must see what the one before it decided. Not by `wait`: a database that
    /// hangs would keep heartbeats from being answered, and the stage would be taken for frozen.
    fn work(&mut self, context: &mut Context<Self>) {
        if self.is_busy || !std::mem::take(&mut self.is_due) {
            return;
        }
        self.is_busy = true;
        self.stage.metrics.begin(1);
        let evaluator = Arc::clone(&self.evaluator);
        let work = async move { evaluator.lock().await.evaluate(Timestamp::now()).await };
        let done = self.params.io.spawn(work).into_actor(self).map(|outcome, alerter, context| {
            alerter.is_busy = false;
            match outcome {
                Ok(Ok(())) => alerter.stage.metrics.finish(1),
                Ok(Err(error)) => {
                    warn!(%error, "alerts were not evaluated, they keep their state");
                    alerter.stage.metrics.fail(1);
                }
                Err(error) => {
                    warn!(%error, "evaluating alerts panicked");
                    alerter.stage.metrics.fail(1);
                }
            }
            alerter.work(context);
        });
        context.spawn(done);
    }
}

impl Actor for Alerter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(LOOK_EVERY, |alerter, context| {
            alerter.is_due = true;
            alerter.work(context);
        });
    }
}

impl Handler<PostsFlagged> for Alerter {
    type Result = ();

    fn handle(&mut self, _: PostsFlagged, context: &mut Self::Context) {
        self.is_due = true;
        self.work(context);
    }
}
