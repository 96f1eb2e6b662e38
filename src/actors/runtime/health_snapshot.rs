//! Latest health measurement of the process, and whether it is recent enough to rely on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::models::system_health::{NotReady, SystemHealth};

/// Age at which a measurement counts as outdated, because the health monitor must have died or hung. It is several
/// times as long as a measurement takes when a server is not responding.
pub const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(10);

/// Name of the task that measures health.
pub const HEALTH_MONITOR: &str = "health_monitor";

/// Health measurement, and when it was taken.
#[derive(Debug, Clone)]
pub struct HealthSnapshot {
    /// Health of the process and its servers.
    pub health: Arc<SystemHealth>,
    /// When it was measured, according to the monotonic clock.
    pub at: Instant,
}

impl HealthSnapshot {
    /// Stamps a measurement with the current time.
    pub fn now(health: Arc<SystemHealth>) -> Self {
        Self { health, at: Instant::now() }
    }
}

/// Reads the newest snapshot. All clones read the same one.
#[derive(Debug, Clone)]
pub struct LatestHealth {
    newest: watch::Receiver<HealthSnapshot>,
}

impl LatestHealth {
    /// Creates a reader for the snapshots sent on a channel.
    pub fn new(newest: watch::Receiver<HealthSnapshot>) -> Self {
        Self { newest }
    }

    /// Returns the newest measurement, however old.
    pub fn newest(&self) -> Arc<SystemHealth> {
        Arc::clone(&self.newest.borrow().health)
    }

    /// Returns the reasons why the process is not ready, such as an outdated measurement; empty if it is ready.
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
