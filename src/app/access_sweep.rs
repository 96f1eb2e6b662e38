//! Ends live connections and exports of principals whose access has ended, wherever that happened.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tracing::{info, warn};

use super::supervisors::Supervisors;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::auth::open_access::OpenAccess;
use crate::auth::standing::Standings;
use crate::http::posts::export_limits::ExportLimits;
use crate::models::principal::Principal;
use crate::ws::Sockets;

/// Interval between sweeps. With the time for which a standing is remembered, a change counts everywhere within five
/// seconds.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// What is swept, and what decides.
#[derive(Clone)]
pub struct AccessSweep {
    /// Whether callers need a credential.
    pub open: OpenAccess,
    /// What identities may do.
    pub standings: Standings,
    /// Live connections of this process.
    pub sockets: Sockets,
    /// Exports of this process.
    pub exports: ExportLimits,
}

impl AccessSweep {
    /// Starts the task.
    pub fn start(self, supervisors: &mut Supervisors) {
        supervisors.start_task(SupervisionPlan::task("access_sweep"), None, move |stage_metrics| {
            let this = self.clone();
            async move {
                let mut ticks = tokio::time::interval(SWEEP_EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    stage_metrics.begin(1);
                    this.sweep().await;
                    stage_metrics.finish(1);
                }
            }
        });
    }

    async fn sweep(&self) {
        if let Err(error) = self.open.refresh().await {
            warn!(%error, "cannot check whether there are accounts");
        }
        let mut principals = self.sockets.principals();
        principals.extend(self.exports.principals());
        if principals.is_empty() {
            return;
        }
        let principals: Vec<Principal> = principals.into_iter().collect();
        let lost = self.standings.lost(&principals).await;
        if lost.is_empty() {
            return;
        }
        info!(n_principals = lost.len(), "ending connections of principals whose access has ended");
        self.sockets.end(|principal| lost.contains(principal));
        self.exports.end(|principal| lost.contains(principal));
    }
}
