//! Monitors all service conditions in one process.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::condition_state::{Change, Pace, Series};
use super::symptoms::{Memory, Symptom};
use crate::models::id::ServiceAlertId;
use crate::models::notification::NoticeEvent;
use crate::models::service_alert::{ServiceAlert, ServiceCondition};
use crate::models::system_health::SystemHealth;

/// Name of the process and thresholds for a [`ServiceMonitor`].
#[derive(Debug, Clone)]
pub struct MonitorParams {
    /// Name by which operators know this process.
    pub instance: String,
    /// How long most conditions must hold before operators are notified. Other delays are multiples of it.
    pub hold: SignedDuration,
    /// Number of stream entries above which ingest responds with 429.
    pub high_water: u64,
    /// Maximum number of stream entries considered in flight; more than that is a backlog.
    pub backlog_max: u64,
}

/// Notification to send to operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether the alert opened or resolved.
    pub event: NoticeEvent,
    /// Alert to notify operators of, in its current state.
    pub alert: ServiceAlert,
}

/// Judges the health of one process over time.
#[derive(Debug)]
pub struct ServiceMonitor {
    params: MonitorParams,
    memory: Memory,
    series: BTreeMap<(ServiceCondition, String), MonitoredCondition>,
}

#[derive(Debug)]
struct MonitoredCondition {
    series: Series,
    newest: Symptom,
}

impl ServiceMonitor {
    /// Creates a monitor without any history.
    pub fn new(params: MonitorParams, now: Timestamp) -> Self {
        // Long enough for a trickle of dead letters to be a single alert.
        let arriving_for = params.hold.checked_mul(20).unwrap_or(SignedDuration::MAX);
        let memory = Memory::new(params.high_water, params.backlog_max, arriving_for, now);
        Self { params, memory, series: BTreeMap::new() }
    }

    /// Judges the latest health measurement and returns the notices that are due. Call it every second, even if there
    /// is no new measurement.
    pub fn judge(&mut self, health: Option<&SystemHealth>, now: Timestamp) -> Vec<Notice> {
        let diagnosis = self.memory.examine(health, now);
        let mut symptoms: BTreeMap<_, _> = diagnosis
            .symptoms
            .into_iter()
            .map(|symptom| ((symptom.condition, symptom.stage.clone()), symptom))
            .collect();
        let mut notices = Vec::new();
        for (key, monitored) in &mut self.series {
            if diagnosis.unknown.contains(&key.0) {
                continue;
            }
            let symptom = symptoms.remove(key);
            let holds = symptom.is_some();
            monitored.newest = symptom.unwrap_or_else(|| monitored.newest.clone());
            notices.extend(step(&self.params, monitored, holds, now));
        }
        for (key, newest) in symptoms {
            let mut monitored = MonitoredCondition { series: Series::default(), newest };
            notices.extend(step(&self.params, &mut monitored, true, now));
            self.series.insert(key, monitored);
        }
        self.series.retain(|_, monitored| !monitored.series.is_forgettable(now));
        notices
    }

    /// Returns the open alerts, the most severe first.
    pub fn open(&self) -> Vec<ServiceAlert> {
        let mut open: Vec<ServiceAlert> =
            self.series.values().filter_map(|monitored| alert(&self.params, monitored)).collect();
        open.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
        open
    }
}

fn step(
    params: &MonitorParams,
    monitored: &mut MonitoredCondition,
    holds: bool,
    now: Timestamp,
) -> Option<Notice> {
    let before = alert(params, monitored);
    let pace = pace(monitored.newest.condition, params.hold);
    match monitored.series.step(holds, now, pace)? {
        Change::Opened => Some(Notice { event: NoticeEvent::Fired, alert: alert(params, monitored)? }),
        Change::Closed => {
            let alert = ServiceAlert { resolved_at: Some(now), ..before? };
            Some(Notice { event: NoticeEvent::Resolved, alert })
        }
    }
}

/// Returns the alert for a condition, or `None` if the condition is not open.
fn alert(params: &MonitorParams, monitored: &MonitoredCondition) -> Option<ServiceAlert> {
    let (since, opened_at) = monitored.series.open_since()?;
    let Symptom { condition, stage, title, detail } = monitored.newest.clone();
    Some(ServiceAlert {
        id: id_of(&params.instance, condition, &stage),
        condition,
        stage: (!stage.is_empty()).then_some(stage),
        severity: condition.severity(),
        title,
        detail,
        instance: params.instance.clone(),
        since,
        opened_at,
        resolved_at: None,
    })
}

fn pace(condition: ServiceCondition, hold: SignedDuration) -> Pace {
    let times = |n: i32| hold.checked_mul(n).unwrap_or(SignedDuration::MAX);
    let hold = match condition {
        // When these conditions are detected, they have already lasted for a while.
        ServiceCondition::StageRestarting
        | ServiceCondition::BacklogGrowing
        | ServiceCondition::DeadLetters
        | ServiceCondition::HealthUnknown => SignedDuration::ZERO,
        ServiceCondition::PostgresAway
        | ServiceCondition::RedisAway
        | ServiceCondition::StageDown
        | ServiceCondition::BacklogHigh
        | ServiceCondition::DiskNearlyFull
        | ServiceCondition::ModelDegraded => hold,
        // A restarted stage or server leaves a backlog that soon clears.
        ServiceCondition::ConsumerLag => times(2),
    };
    Pace { hold, calm: times(2) }
}

/// Derives an id from what the alert is about, so that a restarted process continues the incident from before the
/// restart.
fn id_of(instance: &str, condition: ServiceCondition, stage: &str) -> ServiceAlertId {
    let digest = Sha256::digest(format!("{instance}\n{}\n{stage}", condition.as_str()));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
    ServiceAlertId::from(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

#[cfg(test)]
#[path = "monitor_tests.rs"]
mod tests;
