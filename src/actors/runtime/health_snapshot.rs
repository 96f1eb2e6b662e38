//! How everything was when last measured, and whether that is still believed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::models::stage_health::{NotReady, SystemHealth};

/// A verdict this old says nothing of the present: the health monitor has died or hangs. Some times as long as measuring
/// takes while a server does not answer.
pub const VERDICT_AGE_MAX: Duration = Duration::from_secs(10);

/// What measures, as its task is named.
pub const HEALTH_MONITOR: &str = "health_monitor";

/// A measurement, and when it was taken by a clock that nobody sets.
#[derive(Debug, Clone)]
pub struct Measured {
    /// What was measured.
    pub health: Arc<SystemHealth>,
    /// When.
    pub at: Instant,
}

impl Measured {
    /// As of this moment.
    pub fn now(health: Arc<SystemHealth>) -> Self {
        Self { health, at: Instant::now() }
    }
}

/// The newest measurement. Clones see the same.
#[derive(Debug, Clone)]
pub struct HealthWatch {
    newest: watch::Receiver<Measured>,
}

impl HealthWatch {
    /// Follows what is sent.
    pub fn new(newest: watch::Receiver<Measured>) -> Self {
        Self { newest }
    }

    /// The newest measurement, however old.
    pub fn newest(&self) -> Arc<SystemHealth> {
        Arc::clone(&self.newest.borrow().health)
    }

    /// Everything that keeps the process from being ready; empty when it is.
    pub fn not_ready(&self) -> Vec<NotReady> {
        let Measured { health, at } = self.newest.borrow().clone();
        let mut reasons = health.not_ready();
        let age = at.elapsed();
        if age > VERDICT_AGE_MAX {
            let why = format!("health was last measured {} seconds ago", age.as_secs());
            reasons.push(NotReady { what: HEALTH_MONITOR.to_owned(), why });
        }
        reasons
    }
}
