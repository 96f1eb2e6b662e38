//! Detects faults in the latest health measurement, with a short memory of earlier ones.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::alerting::title::grouped;
use crate::models::service_alert::ServiceCondition;
use crate::models::system_health::{DiskHealth, StageHealth, StageState, StreamHealth, SystemHealth};

/// Number of restarts of a stage within [`RESTARTS_WINDOW`] that indicate a fault: two fewer than would end the
/// process.
const RESTARTS_MAX: usize = 3;

/// Period over which restarts are counted; see [`RESTARTS_MAX`].
const RESTARTS_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Number of successive minutes with a growing backlog that indicate a fault; a burst is over by then.
const GROWING_MINUTES: usize = 5;

/// Maximum time for which a post may wait. After that, dashboards no longer show it as live.
const LAG_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Maximum age of a health measurement. One is taken every second, so an older one means that measuring has stopped.
const MEASUREMENT_AGE_MAX: SignedDuration = SignedDuration::from_secs(20);

/// Free share of the disk below which space is considered short, if it is also below [`DISK_BYTES_MIN`].
const DISK_SHARE_MIN: f64 = 0.05;

/// Free bytes below which space is considered short. A twentieth of a large disk lasts for months, so both limits must
/// be passed.
const DISK_BYTES_MIN: u64 = 20 << 30;

/// Fault that exists at the time of a measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symptom {
    /// Condition that the fault belongs to.
    pub condition: ServiceCondition,
    /// Name of the affected stage; empty if the whole service is affected.
    pub stage: String,
    /// Human-readable description in one sentence.
    pub title: String,
    /// Further detail for people; may be empty.
    pub detail: String,
}

/// Faults found in a measurement, and conditions that could not be judged.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    /// Faults found in the measurement.
    pub symptoms: Vec<Symptom>,
    /// Conditions that could not be judged and therefore keep their state.
    pub unknown: Vec<ServiceCondition>,
}

/// Observations from earlier measurements that the diagnosis relies on.
#[derive(Debug)]
pub(super) struct Memory {
    /// Number of stream entries above which ingest responds with 429.
    high_water: u64,
    /// Maximum number of stream entries considered in flight; more than that is a backlog.
    backlog_max: u64,
    /// How long after the latest dead letter the condition continues to hold.
    arriving_for: SignedDuration,
    /// Time at which health was last measured.
    measured_at: Timestamp,
    /// Number of restarts of each stage, and the times at which this number was seen to increase.
    restarts: BTreeMap<String, (u64, VecDeque<Timestamp>)>,
    /// Number of each recent minute, and the smallest backlog measured in it.
    minutes: VecDeque<(i64, u64)>,
    dead: Option<u64>,
    dead_arrived: Option<(Timestamp, u64)>,
}

impl Memory {
    pub fn new(high_water: u64, backlog_max: u64, arriving_for: SignedDuration, now: Timestamp) -> Self {
        Self {
            high_water,
            backlog_max,
            arriving_for,
            measured_at: now,
            restarts: BTreeMap::new(),
            minutes: VecDeque::new(),
            dead: None,
            dead_arrived: None,
        }
    }

    /// Returns the faults in the latest measurement and the conditions that it says nothing about.
    pub fn examine(&mut self, health: Option<&SystemHealth>, now: Timestamp) -> Diagnosis {
        if let Some(health) = health {
            self.measured_at = self.measured_at.max(health.at);
        }
        let mut diagnosis = Diagnosis::default();
        if now.duration_since(self.measured_at) > MEASUREMENT_AGE_MAX {
            let others = ServiceCondition::ALL.into_iter();
            diagnosis.unknown = others.filter(|it| *it != ServiceCondition::HealthUnknown).collect();
            let detail = format!("The last measurement was taken at {}.", self.measured_at);
            diagnosis.add(ServiceCondition::HealthUnknown, "Service health is unknown", detail);
            return diagnosis;
        }
        let Some(health) = health else {
            diagnosis.unknown = ServiceCondition::ALL.to_vec();
            return diagnosis;
        };
        diagnosis.servers(health);
        for stage in health.stages.iter().chain(&health.tasks) {
            diagnosis.stage(stage);
            if let Some(n_times) = self.restarts_of(stage, now) {
                let title = format!("{} keeps crashing", stage.stage);
                let detail = format!("It was restarted {n_times} times within ten minutes.");
                diagnosis.about_stage(ServiceCondition::StageRestarting, stage, (title, detail));
            }
        }
        match &health.stream {
            Some(stream) => self.stream(stream, now, &mut diagnosis),
            None => diagnosis.unknown.extend([
                ServiceCondition::BacklogHigh,
                ServiceCondition::BacklogGrowing,
                ServiceCondition::ConsumerLag,
                ServiceCondition::DeadLetters,
            ]),
        }
        match &health.disk {
            Some(disk) => diagnosis.disk(disk),
            None => diagnosis.unknown.push(ServiceCondition::DiskNearlyFull),
        }
        diagnosis
    }

    fn restarts_of(&mut self, stage: &StageHealth, now: Timestamp) -> Option<usize> {
        let (known, times) =
            self.restarts.entry(stage.stage.clone()).or_insert_with(|| (stage.restarts, VecDeque::new()));
        for _ in *known..stage.restarts {
            times.push_back(now);
        }
        *known = stage.restarts;
        times.retain(|at| now.duration_since(*at) < RESTARTS_WINDOW);
        // A stage that restarts more often than this ends the process, so the exact number does not matter.
        times.truncate(100);
        (times.len() >= RESTARTS_MAX).then_some(times.len())
    }

    fn stream(&mut self, stream: &StreamHealth, now: Timestamp, diagnosis: &mut Diagnosis) {
        if stream.length >= self.high_water {
            let (length, limit) = (grouped(stream.length), grouped(self.high_water));
            let detail = format!("{length} posts are queued; the limit is {limit}.");
            diagnosis.add(ServiceCondition::BacklogHigh, "New posts are rejected: the queue is full", detail);
        }
        if self.is_growing(stream.length, now) {
            let detail = format!(
                "{} posts are waiting in the stream, and the number grows every minute.",
                stream.length
            );
            diagnosis.add(
                ServiceCondition::BacklogGrowing,
                "Posts arrive faster than they are stored",
                detail,
            );
        }
        let age = stream.oldest_at.map(|oldest_at| now.duration_since(oldest_at)).unwrap_or_default();
        if age > LAG_MAX {
            let detail = format!("The oldest post in the stream has been waiting for {} s.", age.as_secs());
            diagnosis.add(
                ServiceCondition::ConsumerLag,
                "Posts wait too long before they are stored",
                detail,
            );
        }
        let n_new = stream.dead.saturating_sub(self.dead.unwrap_or(stream.dead));
        self.dead = Some(stream.dead);
        let earlier = self.dead_arrived.filter(|(at, _)| now.duration_since(*at) < self.arriving_for);
        self.dead_arrived = match (n_new, earlier) {
            (0, earlier) => earlier,
            (_, earlier) => Some((now, n_new.saturating_add(earlier.map_or(0, |(_, n_posts)| n_posts)))),
        };
        if let Some((_, n_posts)) = self.dead_arrived {
            let letters = if n_posts == 1 { "dead letter" } else { "dead letters" };
            let (n_new, n_total) = (grouped(n_posts), grouped(stream.dead));
            let detail =
                format!("{n_new} new {letters}, {n_total} in total. Replay them on the System page.");
            diagnosis.add(ServiceCondition::DeadLetters, "Some posts could not be processed", detail);
        }
    }

    fn is_growing(&mut self, length: u64, now: Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        match self.minutes.back_mut() {
            Some((newest, least)) if *newest == minute => *least = length.min(*least),
            _ => self.minutes.push_back((minute, length)),
        }
        while self.minutes.len() > GROWING_MINUTES + 1 {
            self.minutes.pop_front();
        }
        let rises = |pair: (&(i64, u64), &(i64, u64))| pair.1.0 == pair.0.0 + 1 && pair.1.1 > pair.0.1;
        length > self.backlog_max
            && self.minutes.len() > GROWING_MINUTES
            && self.minutes.iter().zip(self.minutes.iter().skip(1)).all(rises)
    }
}

impl Diagnosis {
    fn add(&mut self, condition: ServiceCondition, title: &str, detail: String) {
        self.symptoms.push(Symptom { condition, stage: String::new(), title: title.to_owned(), detail });
    }

    fn about_stage(
        &mut self,
        condition: ServiceCondition,
        stage: &StageHealth,
        (title, detail): (String, String),
    ) {
        self.symptoms.push(Symptom { condition, stage: stage.stage.clone(), title, detail });
    }

    fn servers(&mut self, health: &SystemHealth) {
        let reason = |error: &Option<String>| error.clone().unwrap_or_default();
        if !health.postgres.reachable {
            let title = "PostgreSQL is unavailable: posts are waiting in the stream";
            self.add(ServiceCondition::PostgresAway, title, reason(&health.postgres.error));
        }
        if !health.redis.reachable {
            let title = "Redis is unavailable: posts are refused";
            self.add(ServiceCondition::RedisAway, title, reason(&health.redis.error));
        }
        if let Some(why) = &health.model.degraded {
            let title = "Scores come from the lexicon, not from the model";
            self.add(ServiceCondition::ModelDegraded, title, why.clone());
        }
    }

    fn stage(&mut self, stage: &StageHealth) {
        let what = match stage.state {
            StageState::Running => return,
            StageState::BackingOff => "crashed and is restarting",
            StageState::Frozen => "is not responding",
            StageState::Failed => "crashed too many times; the server is shutting down",
        };
        let title = format!("{} {what}", stage.stage);
        let detail = format!("Restarts since the server started: {}.", grouped(stage.restarts));
        self.about_stage(ServiceCondition::StageDown, stage, (title, detail));
    }

    fn disk(&mut self, disk: &DiskHealth) {
        let share = disk.free_bytes as f64 / disk.total_bytes.max(1) as f64;
        if share < DISK_SHARE_MIN && disk.free_bytes < DISK_BYTES_MIN {
            let (free, percent) = (grouped(disk.free_bytes >> 20), share * 100.0);
            let detail = format!(
                "{free} MiB free ({percent:.1}%). Free up space before Groundswell stops storing posts."
            );
            let title = "The disk with the data folder is almost full";
            self.add(ServiceCondition::DiskNearlyFull, title, detail);
        }
    }
}
