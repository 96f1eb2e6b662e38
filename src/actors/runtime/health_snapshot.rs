//! Latest health measurement of the process, and whether it is recent enough to trust.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::models::stage_health::{NotReady, SystemHealth};

/// Age at which a measurement is outdated: the health monitor has died or hangs. This is several times as long as a
/// measurement takes while a server does not respond.
pub const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(10);

/// Name of the task that measures health.
pub const HEALTH_MONITOR: &str = "health_monitor";

/// Health measurement with the monotonic time at which it was taken.
#[derive(Debug, Clone)]
pub struct HealthSnapshot {
    /// Measured health.
    pub health: Arc<SystemHealth>,
    /// When the measurement was taken.
    pub at: Instant,
}

impl HealthSnapshot {
    /// Stamps a measurement with the current time.
    pub fn now(health: Arc<SystemHealth>) -> Self {
        Self { health, at: Instant::now() }
    }
}

/// Reader of the newest snapshot. All clones see the same snapshot.
#[derive(Debug, Clone)]
pub struct LatestHealth {
    newest: watch::Receiver<HealthSnapshot>,
}

impl LatestHealth {
    /// Creates a reader of the snapshots sent on a channel.
    pub fn new(newest: watch::Receiver<HealthSnapshot>) -> Self {
        Self { newest }
    }

    /// Returns the newest measurement, however old.
    pub fn newest(&self) -> Arc<SystemHealth> {
        Arc::clone(&self.newest.borrow().health)
    }

    /// Returns every reason why the process is not ready, including an outdated measurement; empty if it is ready.
    pub fn not_ready(&self) -> Vec<NotReady> {
        let HealthSnapshot { health, at } = self.newest.borrow().clone();
        let mut reasons = health.not_ready();
        let age = at.elapsed();
        if age > SNAPSHOT_AGE_MAX {
            let why = format!("health was last measured {} seconds ago", age.as_secs());
            reasons.push(NotReady { what: HEALTH_MONITOR.to_owned(), why });
        }
        reasons
    }
}
