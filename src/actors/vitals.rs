//! What a stage says of itself, and the board on which the supervisor writes how all are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::messages::Vital;
use crate::models::stage_health::{StageHealth, StageState};

/// A stage's counters. They belong to the stage, not to one incarnation of it, so a respawn keeps them.
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

/// How every stage is, in the order of the flow. Written by supervisors, read by HTTP.
#[derive(Debug)]
pub struct HealthBoard {
    order: &'static [&'static str],
    stages: Mutex<BTreeMap<&'static str, StageHealth>>,
}

impl HealthBoard {
    /// An empty board; `order` is the order of the flow.
    pub fn new(order: &'static [&'static str]) -> Self {
        Self { order, stages: Mutex::default() }
    }

    /// Every stage that was started, in the order of the flow.
    pub fn snapshot(&self) -> Vec<StageHealth> {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        self.order.iter().filter_map(|stage| stages.get(stage).cloned()).collect()
    }

    /// The stages that do not work at the moment; empty when all do.
    pub fn not_running(&self) -> Vec<String> {
        let ill = |health: &StageHealth| health.state != StageState::Running;
        self.snapshot().into_iter().filter(ill).map(|health| health.stage).collect()
    }

    pub(super) fn write(&self, stage: &'static str, standing: Standing, vital: Vital) {
        let health = StageHealth {
            stage: stage.to_owned(),
            state: standing.state,
            generation: standing.generation,
            restarts: standing.generation.saturating_sub(1),
            handled: vital.handled,
            failed: vital.failed,
            in_flight: vital.in_flight,
            last_progress_at: (vital.last_progress_ms > 0)
                .then(|| Timestamp::from_millisecond(vital.last_progress_ms).ok())
                .flatten(),
        };
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).insert(stage, health);
    }
}

/// What the supervisor knows of a stage that the stage does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub state: StageState,
    pub generation: u64,
}
