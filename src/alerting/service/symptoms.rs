//! Symptoms: faults visible in the latest measurement, with a short memory of earlier ones.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use crate::models::service_alert::ServiceCondition;
use crate::models::stage_health::{DiskHealth, StageHealth, StageState, StreamHealth, SystemHealth};

/// Number of stage restarts within [`RESTARTS_WINDOW`] that indicate a fault. Two fewer than the number that ends the
/// process.
const RESTARTS_MAX: usize = 3;

/// Period in which restarts are counted; see [`RESTARTS_MAX`].
const RESTARTS_WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Number of consecutive minutes of backlog growth that indicate a fault: a burst is over by then.
const GROWING_MINUTES: usize = 5;

/// Maximum time that a post may wait; after that it is no longer live on any dashboard.
const LAG_MAX: SignedDuration = SignedDuration::from_secs(60);

/// Maximum age of a measurement. Measurements are taken every second; an older one is outdated.
const MEASUREMENT_AGE_MAX: SignedDuration = SignedDuration::from_secs(20);

/// Disk space is short below this share of the disk …
const DISK_SHARE_MIN: f64 = 0.05;

/// … and below this many bytes, since a twentieth of a large disk lasts for months.
const DISK_BYTES_MIN: u64 = 20 << 30;

/// A fault at the moment of the measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Symptom {
    /// Which condition it is.
    pub condition: ServiceCondition,
    /// The affected stage; empty if the whole service is affected.
    pub stage: String,
    /// One sentence for people.
    pub title: String,
    /// Further information.
    pub detail: String,
}

/// Symptoms, and conditions whose state is currently unknown.
#[derive(Debug, Default)]
pub(super) struct Diagnosis {
    /// The symptoms.
    pub symptoms: Vec<Symptom>,
    /// Conditions whose state is unknown and therefore kept.
    pub unknown: Vec<ServiceCondition>,
}

/// What is remembered of earlier measurements.
#[derive(Debug)]
pub(super) struct Memory {
    /// Number of stream entries above which ingest responds with 429.
    high_water: u64,
    /// Backlogs smaller than this count as in flight, not as waiting.
    backlog_max: u64,
    /// How long after the latest dead letter dead letters still count as arriving.
    arriving_for: SignedDuration,
    /// Time of the latest measurement.
    measured_at: Timestamp,
    /// For each stage, the number of restarts, and when each increase was observed.
    restarts: BTreeMap<String, (u64, VecDeque<Timestamp>)>,
    /// Minimum backlog in each of the last minutes.
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

    /// Returns the symptoms in the latest measurement.
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
                let title = format!("{} keeps dying", stage.stage);
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
            let detail =
                format!("{} posts are waiting in the stream, of {} allowed.", stream.length, self.high_water);
            diagnosis.add(ServiceCondition::BacklogHigh, "Posts are refused: the stream is full", detail);
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
            let title = "Posts that cannot be processed are becoming dead letters";
            let detail = format!("{n_posts} arrived recently, {} in total.", stream.dead);
            diagnosis.add(ServiceCondition::DeadLetters, title, detail);
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
            StageState::BackingOff => "died",
            StageState::Frozen => "does not respond",
            StageState::Failed => "failed too often: the process is ending",
        };
        let title = format!("{} {what}", stage.stage);
        let detail = format!("It has been restarted {} times since the process started.", stage.restarts);
        self.about_stage(ServiceCondition::StageDown, stage, (title, detail));
    }

    fn disk(&mut self, disk: &DiskHealth) {
        let share = disk.free_bytes as f64 / disk.total_bytes.max(1) as f64;
        if share < DISK_SHARE_MIN && disk.free_bytes < DISK_BYTES_MIN {
            let detail =
                format!("{} MiB are free, {:.1} % of the disk.", disk.free_bytes >> 20, share * 100.0);
            self.add(ServiceCondition::DiskNearlyFull, "The disk of the data folder is nearly full", detail);
        }
    }
}
