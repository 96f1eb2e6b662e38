//! Keeps the topics of this process up to date with those in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::supervisors::Supervisors;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::enrich::Enricher;
use crate::store::topics::{self, TopicsVersion};
use crate::store::{Store, StoreError};
use crate::topics::{NamedTopics, parse};

/// Interval between checks for changed topics, and thus the longest time until a change takes effect everywhere.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// Starts the task that reloads the topics whenever they have changed.
pub fn start(store: Store, enricher: Arc<Enricher>, supervisors: &mut Supervisors) {
    supervisors.start_task(SupervisionPlan::task("topic_refresher"), None, move |stage_metrics| {
        let (store, enricher) = (store.clone(), Arc::clone(&enricher));
        async move {
            let mut checks = tokio::time::interval(CHECK_EVERY);
            checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut known = None;
            loop {
                checks.tick().await;
                match refresh(&store, &enricher, known).await {
                    Ok(version) => known = Some(version),
                    // The previous topics stay in use.
                    Err(error) => warn!(%error, "cannot read the topics"),
                }
                stage_metrics.begin(1);
                stage_metrics.finish(1);
            }
        }
    });
}

async fn refresh(
    store: &Store,
    enricher: &Enricher,
    known: Option<TopicsVersion>,
) -> Result<TopicsVersion, StoreError> {
    let version = topics::version(store).await?;
    if known == Some(version) { Ok(version) } else { load(store, enricher).await }
}

/// Loads the topics, against which posts are then matched. Returns their version.
pub async fn load(store: &Store, enricher: &Enricher) -> Result<TopicsVersion, StoreError> {
    // Read first, so that the next check detects a change in the meantime.
    let version = topics::version(store).await?;
    let mut queries = Vec::new();
    for topic in topics::list(store).await?.into_iter().filter(|topic| topic.enabled) {
        match parse(&topic.query) {
            Ok(parsed) => queries.push((topic.name, parsed.query)),
            // Stored by another version with different rules.
            Err(error) => warn!(topic = topic.name, %error, "ignoring a topic whose query is invalid"),
        }
    }
    info!(n_topics = queries.len(), "topics loaded");
    enricher.set_topics(NamedTopics::compile(queries));
    Ok(version)
}
