//! Service alerts: problems with Groundswell itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::Severity;
use super::id::ServiceAlertId;

/// Service condition that operators are alerted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceCondition {
    /// PostgreSQL is not responding.
    PostgresAway,
    /// Redis is not responding.
    RedisAway,
    /// A stage is stopped or frozen, or has failed for good.
    StageDown,
    /// A stage restarted several times within minutes.
    StageRestarting,
    /// The stream has reached its high-water mark, so ingest responds with 429.
    BacklogHigh,
    /// The stream has been growing for several minutes.
    BacklogGrowing,
    /// The oldest post in the stream has been waiting for too long.
    ConsumerLag,
    /// Posts that cannot be processed keep being dead-lettered.
    DeadLetters,
    /// The disk that holds the data directory is almost full.
    DiskNearlyFull,
    /// The lexicon is scoring posts in place of a model.
    ModelDegraded,
    /// There is no recent measurement, so the state of the other conditions is unknown.
    HealthUnknown,
}

impl ServiceCondition {
    /// Every condition, in declaration order.
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

    /// Returns the name used in the API and as a metric label.
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

    /// Returns `critical` if posts are rejected, delayed or about to be lost; other conditions can wait until the
    /// morning.
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

/// Open or resolved problem with the service, as seen by one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServiceAlert {
    /// Unique id, which stays the same when the condition recurs in this process, even after a restart, so incident
    /// trackers can deduplicate the alert.
    pub id: ServiceAlertId,
    /// Condition that holds or held.
    pub condition: ServiceCondition,
    /// Affected stage; null when the condition is not about a stage.
    pub stage: Option<String>,
    /// How urgent the problem is.
    pub severity: Severity,
    /// Human-readable description in one sentence.
    pub title: String,
    /// Further detail, such as an error message from a server; may be empty.
    pub detail: String,
    /// Process that reports the problem: `GROUNDSWELL_INSTANCE`, or its host and port.
    pub instance: String,
    /// Time at which the condition began to hold.
    pub since: Timestamp,
    /// Time at which the condition had held for long enough to notify operators.
    pub opened_at: Timestamp,
    /// Time at which the condition ended; null while it holds.
    pub resolved_at: Option<Timestamp>,
}
