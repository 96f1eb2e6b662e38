//! All conditions of one process.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::series::{Change, Pace, Series};
use super::symptoms::{Memory, Symptom};
use crate::models::notification::NoticeEvent;
use crate::models::service_alert::{ServiceAlert, ServiceCondition};
use crate::models::stage_health::SystemHealth;

/// What a watch goes by.
#[derive(Debug, Clone)]
pub struct WatchParams {
    /// How this process is called.
    pub instance: String,
    /// How long most conditions must hold before people are notified. The others, and all ends, go by multiples of it.
    pub hold: SignedDuration,
    /// From how many entries in the stream on ingest answers 429.
    pub high_water: u64,
    /// A backlog below this is in flight rather than waiting.
    pub backlog_max: u64,
}

/// Something that people are to be notified of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whether it began or ended.
    pub event: NoticeEvent,
    /// What, as it is now.
    pub alert: ServiceAlert,
}

/// Judges measurements of one process through time.
#[derive(Debug)]
pub struct ServiceWatch {
    params: WatchParams,
    memory: Memory,
    series: BTreeMap<(ServiceCondition, String), Watched>,
}

#[derive(Debug)]
struct Watched {
    series: Series,
    newest: Symptom,
}

impl ServiceWatch {
    /// One that has seen nothing yet.
    pub fn new(params: WatchParams, now: Timestamp) -> Self {
        // Long enough that a trickle is one alert.
        let arriving_for = params.hold.checked_mul(20).unwrap_or(SignedDuration::MAX);
        let memory = Memory::new(params.high_water, params.backlog_max, arriving_for, now);
        Self { params, memory, series: BTreeMap::new() }
    }

    /// Judges the newest measurement, and answers what people are to be notified of. To be called every second,
    /// whether there is a new measurement or not.
    pub fn judge(&mut self, health: Option<&SystemHealth>, now: Timestamp) -> Vec<Notice> {
        let findings = self.memory.examine(health, now);
        let mut symptoms: BTreeMap<_, _> = findings
            .symptoms
            .into_iter()
            .map(|symptom| ((symptom.condition, symptom.stage.clone()), symptom))
            .collect();
        let mut notices = Vec::new();
        for (key, watched) in &mut self.series {
            if findings.unknown.contains(&key.0) {
                continue;
            }
            let symptom = symptoms.remove(key);
            let holds = symptom.is_some();
            watched.newest = symptom.unwrap_or_else(|| watched.newest.clone());
            notices.extend(step(&self.params, watched, holds, now));
        }
        for (key, newest) in symptoms {
            let mut watched = Watched { series: Series::default(), newest };
            notices.extend(step(&self.params, &mut watched, true, now));
            self.series.insert(key, watched);
        }
        self.series.retain(|_, watched| !watched.series.is_forgettable(now));
        notices
    }

    /// What holds at the moment, the worst first.
    pub fn open(&self) -> Vec<ServiceAlert> {
        let mut open: Vec<ServiceAlert> =
            self.series.values().filter_map(|watched| alert(&self.params, watched)).collect();
        open.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
        open
    }
}

fn step(params: &WatchParams, watched: &mut Watched, holds: bool, now: Timestamp) -> Option<Notice> {
    let before = alert(params, watched);
    let pace = pace(watched.newest.condition, params.hold);
    match watched.series.step(holds, now, pace)? {
        Change::Opened => Some(Notice { event: NoticeEvent::Fired, alert: alert(params, watched)? }),
        Change::Closed => {
            let alert = ServiceAlert { resolved_at: Some(now), ..before? };
            Some(Notice { event: NoticeEvent::Resolved, alert })
        }
    }
}

/// The alert of a series that is open.
fn alert(params: &WatchParams, watched: &Watched) -> Option<ServiceAlert> {
    let (since, opened_at) = watched.series.open_since()?;
    let Symptom { condition, stage, title, detail } = watched.newest.clone();
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
        // What these go by has lasted already.
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
        // A stage that is rebuilt, or a server that is restarted, leaves a backlog that is gone soon.
        ServiceCondition::ConsumerLag => times(2),
    };
    Pace { hold, calm: times(2) }
}

/// A name that follows from what it names, so that a process that starts again goes on with the incident it left.
fn id_of(instance: &str, condition: ServiceCondition, stage: &str) -> Uuid {
    let digest = Sha256::digest(format!("{instance}\n{}\n{stage}", condition.as_str()));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, digest)| *byte = digest);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
