//! Service alerts: problems with the service itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::alert::Severity;

/// Problem of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceCondition {
    /// PostgreSQL does not respond.
    PostgresAway,
    /// Redis does not respond.
    RedisAway,
    /// A stage is stopped, frozen or given up.
    StageDown,
    /// A stage restarted several times within minutes.
    StageRestarting,
    /// The stream is at its high-water mark, so ingest answers 429.
    BacklogHigh,
    /// The stream has been growing for minutes.
    BacklogGrowing,
    /// The oldest post in the stream has waited for a long time.
    ConsumerLag,
    /// Posts that cannot be processed are being dead-lettered.
    DeadLetters,
    /// The disk of the data directory is almost full.
    DiskNearlyFull,
    /// The lexicon stands in for a model.
    ModelDegraded,
    /// No recent measurement exists, so the other conditions are unknown.
    HealthUnknown,
}

impl ServiceCondition {
    /// All conditions.
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

    /// Returns the name that is sent and used as a metric label.
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

    /// Returns `critical` if posts are rejected, delayed or about to be lost; other conditions can wait until morning.
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

/// Open or resolved problem of the service, as one process sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAlert {
    /// Unique id, the same whenever this condition recurs in this process, even after a restart, so that incident
    /// trackers deduplicate it.
    pub id: Uuid,
    /// Problem of the service.
    pub condition: ServiceCondition,
    /// Affected stage; null when the condition is not about a stage.
    pub stage: Option<String>,
    /// Severity of the problem.
    pub severity: Severity,
    /// One-sentence description.
    pub title: String,
    /// Further detail such as an error of the server; may be empty.
    pub detail: String,
    /// Reporting process: `GROUNDSWELL_INSTANCE`, or its host and port.
    pub instance: String,
    /// Time since which the condition holds.
    pub since: Timestamp,
    /// Time at which the condition had held long enough to notify.
    pub opened_at: Timestamp,
    /// Time at which the condition ended; null while it holds.
    pub resolved_at: Option<Timestamp>,
}
