//! What is wrong with the service itself, as people and programs are told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alert::Severity;

/// What can be wrong with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceCondition {
    /// PostgreSQL does not answer.
    PostgresAway,
    /// Redis does not answer.
    RedisAway,
    /// A stage is dead, frozen, or was given up.
    StageDown,
    /// A stage was rebuilt several times within minutes.
    StageRestarting,
    /// The stream holds as many posts as it may: ingest answers 429.
    BacklogHigh,
    /// The stream has been growing for minutes.
    BacklogGrowing,
    /// The oldest post in the stream has been waiting for long.
    ConsumerLag,
    /// Posts that cannot be processed arrive among the dead letters.
    DeadLetters,
    /// The disk of the data folder has hardly any room left.
    DiskNearlyFull,
    /// The lexicon answers instead of a model.
    ModelDegraded,
    /// Nothing has been measured for a while, so none of the others is known.
    HealthUnknown,
}

impl ServiceCondition {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::PostgresAway,
        Self::RedisAway,
        Self::StageDown,
        Self::StageRestarting,
        Self::BacklogHigh,
        Self::BacklogGrowing,
        Self::ConsumerLag,
        Self::DeadLetters,
        Self::DiskNearlyFull,
        Self::ModelDegraded,
        Self::HealthUnknown,
    ];

    /// The name as sent and as a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostgresAway => "postgres_away",
            Self::RedisAway => "redis_away",
            Self::StageDown => "stage_down",
            Self::StageRestarting => "stage_restarting",
            Self::BacklogHigh => "backlog_high",
            Self::BacklogGrowing => "backlog_growing",
            Self::ConsumerLag => "consumer_lag",
            Self::DeadLetters => "dead_letters",
            Self::DiskNearlyFull => "disk_nearly_full",
            Self::ModelDegraded => "model_degraded",
            Self::HealthUnknown => "health_unknown",
        }
    }

    /// `critical` where posts are refused, wait, or are about to be lost; the others can wait until morning.
    pub const fn severity(self) -> Severity {
        match self {
            Self::PostgresAway
            | Self::RedisAway
            | Self::StageDown
            | Self::BacklogHigh
            | Self::DiskNearlyFull
            | Self::HealthUnknown => Severity::Critical,
            Self::StageRestarting
            | Self::BacklogGrowing
            | Self::ConsumerLag
            | Self::DeadLetters
            | Self::ModelDegraded => Severity::Warning,
        }
    }
}

/// Something is wrong with the service, as one process sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAlert {
    /// The same whenever this condition holds in this process, also after a restart, so that incidents are folded.
    pub id: Uuid,
    /// What is wrong.
    pub condition: ServiceCondition,
    /// Which stage; null where the condition is about no stage.
    pub stage: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// What is known beyond that, such as the error of the server; may be empty.
    pub detail: String,
    /// Which process says so: `GROUNDSWELL_INSTANCE`, or its host and port.
    pub instance: String,
    /// Since when the condition holds.
    pub since: Timestamp,
    /// When it had held for long enough that people were notified.
    pub opened_at: Timestamp,
    /// When it ended; null while it holds.
    pub resolved_at: Option<Timestamp>,
}
