//! Counters of stages and tasks, and the board that shows the health of all of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::supervision_plan::{Rank, Role, SupervisionPlan};
use crate::actors::messages::StageReport;
use crate::models::system_health::{StageHealth, StageState};

/// Counters of a stage or task. They belong to the process, so they survive restarts of the stage.
#[derive(Debug, Default)]
pub struct StageMetrics {
    handled: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicU64,
    last_progress_ms: AtomicI64,
}

impl StageMetrics {
    /// Adds `n` to the number of items in flight.
    pub fn begin(&self, n: u64) {
        self.in_flight.fetch_add(n, Ordering::Relaxed);
    }

    /// Moves `n` items from in flight to handled.
    pub fn finish(&self, n: u64) {
        self.handled.fetch_add(n, Ordering::Relaxed);
        self.release(n);
        self.last_progress_ms.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }

    /// Moves `n` items from in flight to failed.
    pub fn fail(&self, n: u64) {
        self.failed.fetch_add(n, Ordering::Relaxed);
        self.release(n);
    }

    /// Sets the number of items in flight to 0, because the incarnation that had them is dead.
    pub(super) fn reset_in_flight(&self) {
        self.in_flight.store(0, Ordering::Relaxed);
    }

    /// Returns the current values of all counters.
    pub fn report(&self) -> StageReport {
        StageReport {
            handled: self.handled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            last_progress_ms: self.last_progress_ms.load(Ordering::Relaxed),
        }
    }

    // Work of a dead incarnation may still finish after `reset_in_flight`; it must not wrap the counter around.
    fn release(&self, n: u64) {
        let _ = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(n)));
    }
}

/// Health of every stage and task, written by supervisors and read by the health monitor.
#[derive(Debug, Default)]
pub struct HealthBoard {
    rows: Mutex<BTreeMap<(Rank, Arc<str>), StageHealth>>,
}

impl HealthBoard {
    /// Returns the health of all stages or of all tasks that have been started, sorted by rank and name.
    pub fn snapshot(&self, role: Role) -> Vec<StageHealth> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().filter(|((rank, _), _)| rank.role == role).map(|(_, health)| health.clone()).collect()
    }

    pub(super) fn write(&self, plan: &SupervisionPlan, incarnation: Incarnation, report: StageReport) {
        let health = StageHealth {
            stage: plan.name.to_string(),
            state: incarnation.state,
            generation: incarnation.generation,
            restarts: incarnation.generation.saturating_sub(1),
            handled: report.handled,
            failed: report.failed,
            in_flight: report.in_flight,
            last_progress_at: (report.last_progress_ms > 0)
                .then(|| Timestamp::from_millisecond(report.last_progress_ms).ok())
                .flatten(),
            essential: plan.policy.is_essential(),
        };
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.insert((plan.rank, Arc::clone(&plan.name)), health);
    }
}

/// State of an incarnation, which only its supervisor knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incarnation {
    pub state: StageState,
    pub generation: u64,
}
