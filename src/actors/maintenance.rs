//! Keeps the store in shape: partitions ahead of time, old rollups merged, expired posts and alerts gone.

use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, WrapFuture};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tracing::{debug, info, warn};

use super::runtime::supervisor::{StageContext, stage};
use crate::store::metrics::rollups;
use crate::store::operations::retention;
use crate::store::posts::search_index;
use crate::store::{Store, StoreError, alerts};

/// How often it looks. All it does is idempotent and cheap when there is nothing to do.
const EVERY: Duration = Duration::from_secs(60);

/// How often the words of new posts are merged into the full-text index: in pieces that take milliseconds.
const MERGE_WORDS_EVERY: Duration = Duration::from_millis(200);

/// What a housekeeper is made of.
#[derive(Clone)]
pub struct MaintenanceParams {
    /// What it keeps.
    pub store: Store,
    /// The runtime on which connections live.
    pub io: Handle,
}

/// Does what nobody should have to wait for: merges words all the time, and the rest once a minute.
///
/// Several processes may do it at the same time; the store sees to it that one does the work.
pub struct Maintenance {
    params: MaintenanceParams,
    is_tidying: bool,
    is_merging_words: bool,
    stage: StageContext,
}

stage!(Maintenance, "housekeeper");

impl Maintenance {
    /// A housekeeper that starts at once.
    pub fn new(params: MaintenanceParams, stage: StageContext) -> Self {
        Self { params, is_tidying: false, is_merging_words: false, stage }
    }

    /// Not by `wait`: moving or deleting a day takes minutes, and a stage that answers no heartbeat meanwhile is taken
    /// for frozen.
    fn tidy(&mut self, context: &mut Context<Self>) {
        if self.is_tidying {
            return;
        }
        self.is_tidying = true;
        self.stage.metrics.begin(1);
        let done = self.params.io.spawn(tidy(self.params.clone()));
        context.spawn(done.into_actor(self).map(|outcome, housekeeper, _| {
            housekeeper.is_tidying = false;
            match outcome {
                Ok(Ok(())) => return housekeeper.stage.metrics.finish(1),
                Ok(Err(error)) => warn!(%error, "housekeeping was cut short, it goes on in a minute"),
                Err(error) => warn!(%error, "housekeeping panicked"),
            }
            housekeeper.stage.metrics.fail(1);
        }));
    }

    /// Words left after a failure are merged by the next call, or by the transaction that fills the list.
    fn merge_words(&mut self, context: &mut Context<Self>) {
        if self.is_merging_words {
            return;
        }
        self.is_merging_words = true;
        let store = self.params.store.clone();
        let done = self.params.io.spawn(async move { search_index::merge(&store, Timestamp::now()).await });
        context.spawn(done.into_actor(self).map(|outcome, housekeeper, _| {
            housekeeper.is_merging_words = false;
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "new words wait to be merged into the full-text index"),
                Err(error) => warn!(%error, "merging words into the full-text index panicked"),
            }
        }));
    }
}

impl Actor for Maintenance {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.tidy(context);
        context.run_interval(EVERY, Self::tidy);
        context.run_interval(MERGE_WORDS_EVERY, Self::merge_words);
    }
}

async fn tidy(params: MaintenanceParams) -> Result<(), StoreError> {
    let now = Timestamp::now();
    retention::ensure_partitions(&params.store, now).await?;
    let n_merged = rollups::compact(&params.store, now).await?;
    if n_merged > 0 {
        info!(n_merged, "fine rollups merged into minutes");
    }
    retention::expire(&params.store, now).await?;
    let n_over = alerts::expire(&params.store, now).await?;
    if n_over > 0 {
        info!(n_over, "old alerts and silences removed");
    }
    Ok(())
}
