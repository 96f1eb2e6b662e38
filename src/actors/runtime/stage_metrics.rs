//! What a stage says of itself, and the board on which the supervisor writes how all are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::supervision_plan::{Plan, Rank, Role};
use crate::actors::messages::Vital;
use crate::models::stage_health::{StageHealth, StageState};

/// The counters of a stage or task. They belong to it, not to one incarnation of it, so a respawn keeps them.
#[derive(Debug, Default)]
pub struct Vitals {
    handled: AtomicU64,
    failed: AtomicU64,
    in_flight: AtomicU64,
    last_progress_ms: AtomicI64,
}

impl Vitals {
    /// The stage has taken on `n` more.
    pub fn begin(&self, n: u64) {
        self.in_flight.fetch_add(n, Ordering::Relaxed);
    }

    /// It has finished `n` of them.
    pub fn finish(&self, n: u64) {
        self.handled.fetch_add(n, Ordering::Relaxed);
        self.release(n);
        self.last_progress_ms.store(Timestamp::now().as_millisecond(), Ordering::Relaxed);
    }

    /// It has given up `n` of them.
    pub fn fail(&self, n: u64) {
        self.failed.fetch_add(n, Ordering::Relaxed);
        self.release(n);
    }

    /// A new incarnation holds nothing.
    pub fn reborn(&self) {
        self.in_flight.store(0, Ordering::Relaxed);
    }

    /// All four at once.
    pub fn report(&self) -> Vital {
        Vital {
            handled: self.handled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            last_progress_ms: self.last_progress_ms.load(Ordering::Relaxed),
        }
    }

    // What a dead incarnation held was forgotten by `reborn`; its late answers must not wrap around.
    fn release(&self, n: u64) {
        let _ = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| Some(held.saturating_sub(n)));
    }
}

/// How every stage and task is. Written by supervisors, read by HTTP.
#[derive(Debug, Default)]
pub struct HealthBoard {
    rows: Mutex<BTreeMap<(Rank, Arc<str>), StageHealth>>,
}

impl HealthBoard {
    /// Every stage or every task that was started, in order.
    pub fn snapshot(&self, role: Role) -> Vec<StageHealth> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.iter().filter(|((rank, _), _)| rank.role == role).map(|(_, health)| health.clone()).collect()
    }

    pub(super) fn write(&self, plan: &Plan, standing: Standing, vital: Vital) {
        let health = StageHealth {
            stage: plan.name.to_string(),
            state: standing.state,
            generation: standing.generation,
            restarts: standing.generation.saturating_sub(1),
            handled: vital.handled,
            failed: vital.failed,
            in_flight: vital.in_flight,
            last_progress_at: (vital.last_progress_ms > 0)
                .then(|| Timestamp::from_millisecond(vital.last_progress_ms).ok())
                .flatten(),
            essential: plan.policy.is_essential(),
        };
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.insert((plan.rank, Arc::clone(&plan.name)), health);
    }
}

/// What the supervisor knows of a stage that the stage does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub state: StageState,
    pub generation: u64,
}
