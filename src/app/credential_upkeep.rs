//! Upkeep of credentials: writes the counted calls with API keys, and keeps the keys of access tokens up to date.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use super::supervisors::Supervisors;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::auth::credentials::Credentials;
use crate::auth::key_usage::WRITE_EVERY;

/// Interval between updates of the signing keys, and thus the longest time until every process publishes a new one. It
/// signs only ten minutes later.
const REFRESH_EVERY: Duration = Duration::from_secs(60);

/// Starts both tasks.
pub fn start(credentials: &Credentials, supervisors: &mut Supervisors) {
    let usage = credentials.api_keys().usage().clone();
    supervisors.start_task(SupervisionPlan::task("key_usage"), None, move |stage_metrics| {
        let usage = usage.clone();
        async move {
            let mut ticks = tokio::time::interval(WRITE_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                stage_metrics.begin(1);
                if let Err(error) = usage.write().await {
                    warn!(%error, "the calls with API keys are counted later");
                }
                stage_metrics.finish(1);
            }
        }
    });
    let signing_keys = credentials.signing_keys().clone();
    supervisors.start_task(SupervisionPlan::task("signing_keys"), None, move |stage_metrics| {
        let signing_keys = signing_keys.clone();
        async move {
            let mut ticks = tokio::time::interval(REFRESH_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                stage_metrics.begin(1);
                if let Err(error) = signing_keys.refresh(Timestamp::now()).await {
                    warn!(%error, "the keys of access tokens are not up to date");
                }
                stage_metrics.finish(1);
            }
        }
    });
}
