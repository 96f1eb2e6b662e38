//! Maintenance of the store: creates partitions ahead of time, merges old rollups, and deletes expired rows.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{debug, info, warn};

use super::runtime::exclusive_task::ExclusiveTask;
use super::runtime::supervisor::{StageContext, stage};
use crate::store::accounts::{invitations, password_resets};
use crate::store::metrics::rollups;
use crate::store::operations::retention;
use crate::store::posts::search_index;
use crate::store::{Store, StoreError, alerts, audit, credentials, share_links};

/// Interval between maintenance runs. Every step is idempotent, and cheap if there is nothing to do.
const RUN_EVERY: Duration = Duration::from_secs(60);

/// Interval at which the words of new posts are merged into the full-text index. Each merge takes milliseconds.
const MERGE_WORDS_EVERY: Duration = Duration::from_millis(200);

/// Dependencies of the maintenance stage.
#[derive(Clone)]
pub struct MaintenanceParams {
    /// Store that the stage maintains.
    pub store: Store,
    /// Runtime on which the stage's queries and other I/O run.
    pub io: Handle,
}

/// Stage for work that no request should have to wait for. It merges words continuously and does everything else once a
/// minute.
///
/// Several processes may run it at the same time, because locks in the store let only one of them do the work.
pub struct Maintenance {
    params: MaintenanceParams,
    run: ExclusiveTask,
    merge: ExclusiveTask,
    stage: StageContext,
}

// The API and the metrics know this stage as `housekeeper`.
stage!(Maintenance, "housekeeper");

impl Maintenance {
    /// Creates a maintenance stage, whose first run starts at once.
    pub fn new(params: MaintenanceParams, stage: StageContext) -> Self {
        let (run, merge) = (ExclusiveTask::new(&params.io), ExclusiveTask::new(&params.io));
        Self { params, run, merge, stage }
    }

    fn run(&mut self, context: &mut Context<Self>) {
        let work = run(self.params.store.clone());
        let is_started = self.run.start(work, context, |maintenance, outcome, _| {
            match outcome {
                Ok(Ok(())) => return maintenance.stage.metrics.finish(1),
                Ok(Err(error)) => warn!(%error, "maintenance was interrupted, it continues in a minute"),
                Err(error) => warn!(%error, "maintenance panicked"),
            }
            maintenance.stage.metrics.fail(1);
        });
        if is_started {
            self.stage.metrics.begin(1);
        }
    }

    /// Merges the words of new posts. If this fails, they are merged by the next call or by the transaction that fills
    /// the pending list.
    fn merge_words(&mut self, context: &mut Context<Self>) {
        let store = self.params.store.clone();
        let work = async move { search_index::merge(&store, Timestamp::now()).await };
        self.merge.start(work, context, |_, outcome, _| match outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, "new words were not merged into the full-text index, retrying"),
            Err(error) => warn!(%error, "merging words into the full-text index panicked"),
        });
    }
}

impl Actor for Maintenance {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.run(context);
        context.run_interval(RUN_EVERY, Self::run);
        context.run_interval(MERGE_WORDS_EVERY, Self::merge_words);
    }
}

async fn run(store: Store) -> Result<(), StoreError> {
    let now = Timestamp::now();
    retention::ensure_partitions(&store, now).await?;
    audit::retention::ensure_partitions(&store, now).await?;
    let n_merged = rollups::compact(&store, now).await?;
    if n_merged > 0 {
        info!(n_merged, "fine rollups merged into minutes");
    }
    retention::expire(&store, now).await?;
    let n_expired = alerts::expire(&store, now).await?;
    if n_expired > 0 {
        info!(n_expired, "old alerts and silences removed");
    }
    share_links::expire(&store, now).await?;
    invitations::expire(&store, now).await?;
    password_resets::expire(&store, now).await?;
    credentials::expire(&store, now).await?;
    Ok(())
}
