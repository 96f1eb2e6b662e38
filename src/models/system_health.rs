//! Health of the pipeline: measured by the health monitor, returned by `/api/v1/system`, and shown in the dashboard.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::evaluation_report::TurnReport;
use super::score::ModelId;
use super::service_alert::ServiceAlert;

/// Whether a stage is working, as seen by its supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Working, or waiting for work.
    Running,
    /// Stopped; a restart is scheduled.
    BackingOff,
    /// Unresponsive: the stage did not answer a heartbeat in time.
    Frozen,
    /// Stopped too often; the process is about to exit.
    Failed,
}

/// Latest health report on a stage or background task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageHealth {
    /// Name of the stage, such as `aggregator`; if there are several instances, each has its own suffix, as in
    /// `connector:news`.
    pub stage: String,
    /// Whether the stage is running and, if not, why.
    pub state: StageState,
    /// Number of times that the stage has been started, at least 1.
    pub generation: u64,
    /// Number of times that the stage has been restarted.
    pub restarts: u64,
    /// Number of messages handled since the process started.
    pub handled: u64,
    /// Number of messages that could not be handled since the process started.
    pub failed: u64,
    /// Number of messages being handled now.
    pub in_flight: u64,
    /// Time at which the stage last completed work; null before the first.
    pub last_progress_at: Option<Timestamp>,
    /// Whether the process depends on the stage: it is not ready while the stage is down, and exits if the stage keeps
    /// stopping. Other stages are restarted indefinitely.
    #[serde(default)]
    pub essential: bool,
}

/// State of the stream that carries posts through Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamHealth {
    /// Number of entries not yet stored: undelivered plus pending.
    pub length: u64,
    /// Number of entries that no process has read yet.
    pub lag: u64,
    /// Number of entries that were read but not yet acknowledged.
    pub pending: u64,
    /// Number of dead letters, which were not stored and can be replayed.
    pub dead: u64,
    /// Time at which the oldest entry not yet stored arrived; null if there is none.
    pub oldest_at: Option<Timestamp>,
}

/// Space on the disk that holds the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskHealth {
    /// Free space available to this process, in bytes.
    pub free_bytes: u64,
    /// Size of the disk in bytes.
    pub total_bytes: u64,
}

/// Stream entries whose version or kind this process does not know; they wait for a newer process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownEntries {
    /// Version that the entries declare.
    pub version: String,
    /// Kind that the entries declare.
    pub kind: String,
    /// Number of entries that are waiting.
    pub waiting: u64,
}

/// Model that scores posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelHealth {
    /// Name, version and hash of the model.
    #[serde(flatten)]
    pub id: ModelId,
    /// Reason why the lexicon is scoring posts instead of a model; null if a model is in use.
    pub degraded: Option<String>,
}

/// Health of a server that the process depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyHealth {
    /// Whether the server responded to the latest check.
    pub reachable: bool,
    /// Human-readable reason why the check failed; null if it succeeded.
    pub error: Option<String>,
}

/// How this process divides scoring between its models; shares cover the last 60 seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TiersHealth {
    /// How many milliseconds after a post's arrival the deep model may still correct its scores; 0 if corrections are
    /// off.
    pub budget_ms: u64,
    /// Whether scoring has fallen behind, in which case posts keep the scores of the fast model.
    pub overloaded: bool,
    /// Number of posts waiting for the deep model.
    pub awaiting: u64,
    /// Measured throughput of the deep model in texts per second; 0 if there is none.
    pub deep_per_second: f64,
    /// Tiers with a loaded model, the fast one first.
    pub items: Vec<TierHealth>,
    /// Human-readable reason why there is no deep tier; absent if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_deep: Option<String>,
}

/// Model of one tier, and its share of the scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TierHealth {
    /// `swift` or `deep`.
    pub tier: String,
    /// Model that the tier uses.
    pub model: ModelId,
    /// Share of all scored posts that keep this tier's score, 0 to 1; 0 if there were no posts.
    pub share: f64,
    /// Number of posts that keep this tier's score; a corrected post counts only towards the deep tier.
    pub posts: u64,
}

impl TiersHealth {
    /// Sets the shares of both tiers from the number of stored posts and how many of them were corrected.
    pub fn set_shares(&mut self, n_stored: u64, n_corrected: u64) {
        // Corrections of posts that a dead process stored can exceed the posts stored here.
        let n_all = n_stored.max(n_corrected);
        for (item, n_posts) in self.items.iter_mut().zip([n_all - n_corrected, n_corrected]) {
            item.posts = n_posts;
            item.share = if n_all == 0 { 0.0 } else { n_posts as f64 / n_all as f64 };
        }
    }
}

/// Health of the pipeline at one point in time: returned by `GET /api/v1/system` and sent in `system:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemHealth {
    /// Time at which the health was measured.
    pub at: Timestamp,
    /// Version of Groundswell that this process runs.
    pub version: String,
    /// Time at which this process started.
    pub started_at: Timestamp,
    /// Stages of this process, in pipeline order.
    pub stages: Vec<StageHealth>,
    /// Background tasks, which are supervised and restarted like stages.
    #[serde(default)]
    pub tasks: Vec<StageHealth>,
    /// State of the stream; null while Redis is down.
    pub stream: Option<StreamHealth>,
    /// Stream entries that are waiting for a newer process; empty except during an upgrade.
    #[serde(default)]
    pub unknown_entries: Vec<UnknownEntries>,
    /// Health of Redis, which holds the stream.
    pub redis: DependencyHealth,
    /// Health of PostgreSQL, which holds the history.
    pub postgres: DependencyHealth,
    /// Model that gives each post its first score.
    pub model: ModelHealth,
    /// How scoring is divided between the fast and the deep model.
    pub tiers: TiersHealth,
    /// `embedded` if the process runs its own Redis and PostgreSQL, otherwise `external`.
    pub mode: String,
    /// Live connections to this process.
    pub sockets: SocketHealth,
    /// Disk that holds the data directory; null if there is no such directory.
    pub disk: Option<DiskHealth>,
    /// Open service alerts of this process, the most severe first.
    pub service_alerts: Vec<ServiceAlert>,
    /// Number of destinations that receive service alerts; if it is 0, only dashboards show them.
    pub service_alert_destinations: u64,
    /// Latest evaluation of the alert rules by any process, and the work that it deferred; null before the first and
    /// while PostgreSQL is down.
    #[serde(default)]
    pub alerting: Option<TurnReport>,
}

/// Live connections to one process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SocketHealth {
    /// Number of open connections.
    pub open: u64,
    /// Maximum number of connections.
    pub limit: u64,
}

/// Reason why a process is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotReady {
    /// `redis`, `postgres`, or the name of a stage or task.
    pub what: String,
    /// Human-readable reason why it is not ready.
    pub why: String,
}

impl SystemHealth {
    /// Returns all reasons why the process is not ready; empty if it is ready.
    ///
    /// Scoring with the lexicon instead of a model is not a reason: it is better to score posts and mark them than to
    /// reject them.
    pub fn not_ready(&self) -> Vec<NotReady> {
        let servers = [("redis", &self.redis), ("postgres", &self.postgres)]
            .into_iter()
            .filter(|(_, server)| !server.reachable)
            .map(|(what, server)| NotReady {
                what: what.to_owned(),
                why: server.error.clone().unwrap_or_else(|| "not reachable".to_owned()),
            });
        let essential = self.stages.iter().chain(&self.tasks).filter(|stage| stage.essential);
        let stages = essential.filter_map(|stage| {
            let why = match stage.state {
                StageState::Running => return None,
                StageState::BackingOff => "stopped and is about to restart",
                StageState::Frozen => "not responding",
                StageState::Failed => "stopped too often",
            };
            Some(NotReady { what: stage.stage.clone(), why: why.to_owned() })
        });
        servers.chain(stages).collect()
    }
}
