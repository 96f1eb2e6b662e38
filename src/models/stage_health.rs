//! Health of the pipeline, as measured by the health monitor, returned by `/api/v1/system` and drawn by the dashboard.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::score::ModelId;
use super::service_alert::ServiceAlert;
use super::turn_report::TurnReport;

/// State of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Working, or waiting for work.
    Running,
    /// Stopped; a restart is scheduled.
    BackingOff,
    /// Did not answer a heartbeat.
    Frozen,
    /// Stopped too often; the process is about to exit.
    Failed,
}

/// Latest health report of a stage or task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageHealth {
    /// Name such as `aggregator`; instances of a kind are prefixed with it, as in `connector:news`.
    pub stage: String,
    /// Current state.
    pub state: StageState,
    /// Number of the incarnation, from 1.
    pub generation: u64,
    /// Number of restarts.
    pub restarts: u64,
    /// Messages handled since the process started.
    pub handled: u64,
    /// Messages whose handling failed.
    pub failed: u64,
    /// Messages being handled.
    pub in_flight: u64,
    /// Time at which the stage last completed work.
    pub last_progress_at: Option<Timestamp>,
    /// Whether the process is not ready while the stage is down, and exits when it keeps stopping. Others are restarted
    /// indefinitely.
    #[serde(default)]
    pub essential: bool,
}

/// State of the stream in Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamHealth {
    /// Entries not yet stored: undelivered plus pending.
    pub length: u64,
    /// Entries not yet read by any process.
    pub lag: u64,
    /// Entries read but not yet acknowledged.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// Arrival of the oldest entry that is not yet stored; null when there is none.
    pub oldest_at: Option<Timestamp>,
}

/// Space on the disk of the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskHealth {
    /// Bytes available to this process.
    pub free_bytes: u64,
    /// Size in bytes.
    pub total_bytes: u64,
}

/// Stream entries of a version or kind that this process does not know; they wait for a newer process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownEntries {
    /// Version that the entries declare.
    pub version: String,
    /// Kind that the entries declare.
    pub kind: String,
    /// Number of waiting entries.
    pub waiting: u64,
}

/// Model in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelHealth {
    /// Name, version and hash of the model.
    #[serde(flatten)]
    pub id: ModelId,
    /// Reason for which the lexicon stands in for a model; null when a model scores.
    pub degraded: Option<String>,
}

/// Health of a server that the process depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyHealth {
    /// Whether the server responded to the latest check.
    pub reachable: bool,
    /// Reason for the failure, for people; null after a success.
    pub error: Option<String>,
}

/// Share of scores that each tier gave in this process over the last 60 seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TiersHealth {
    /// Milliseconds after its arrival within which a post may be corrected; 0 when corrections are off.
    pub budget_ms: u64,
    /// Whether scoring falls behind, so that posts keep the scores of the fast model.
    pub overloaded: bool,
    /// Posts awaiting correction.
    pub awaiting: u64,
    /// Measured throughput of the deep model in texts per second; 0 when there is none.
    pub deep_per_second: f64,
    /// Tiers that have a model, the fast one first.
    pub items: Vec<TierHealth>,
    /// Reason for which there is no deep tier, for people; absent when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_deep: Option<String>,
}

/// Health of one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TierHealth {
    /// `swift` or `deep`.
    pub tier: String,
    /// Model of the tier.
    pub model: ModelId,
    /// Share of all scored posts, 0 to 1; 0 when there were none.
    pub share: f64,
    /// Posts whose final score the tier gave; a corrected post counts for the deep tier alone.
    pub posts: u64,
}

impl TiersHealth {
    /// Sets the shares of the two tiers from the number of stored posts and how many of these were corrected.
    pub fn set_shares(&mut self, n_stored: u64, n_corrected: u64) {
        // Corrections of posts that a dead process stored can exceed the posts stored here.
        let n_all = n_stored.max(n_corrected);
        for (item, n_posts) in self.items.iter_mut().zip([n_all - n_corrected, n_corrected]) {
            item.posts = n_posts;
            item.share = if n_all == 0 { 0.0 } else { n_posts as f64 / n_all as f64 };
        }
    }
}

/// Health of the pipeline at one moment: `GET /api/v1/system` and the data of `system:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemHealth {
    /// Time of the measurement.
    pub at: Timestamp,
    /// Version of Groundswell.
    pub version: String,
    /// Start time of this process.
    pub started_at: Timestamp,
    /// Stages of this process, in pipeline order.
    pub stages: Vec<StageHealth>,
    /// Background tasks, which are supervised and restarted like stages.
    #[serde(default)]
    pub tasks: Vec<StageHealth>,
    /// State of the stream; null while Redis is down.
    pub stream: Option<StreamHealth>,
    /// Stream entries that wait for a newer process; empty unless an upgrade is under way.
    #[serde(default)]
    pub unknown_entries: Vec<UnknownEntries>,
    /// Health of Redis, which holds the stream.
    pub redis: DependencyHealth,
    /// Health of PostgreSQL, which holds the history.
    pub postgres: DependencyHealth,
    /// Model in use.
    pub model: ModelHealth,
    /// Share of scores by tier.
    pub tiers: TiersHealth,
    /// `embedded` when the process runs its own servers, else `external`.
    pub mode: String,
    /// Open sockets of this process.
    pub sockets: SocketHealth,
    /// Disk of the data directory; null when there is no such directory.
    pub disk: Option<DiskHealth>,
    /// Open service alerts of this process, the most severe first.
    pub service_alerts: Vec<ServiceAlert>,
    /// Number of destinations notified of service alerts; with none, only dashboards show them.
    pub service_alert_destinations: u64,
    /// Latest evaluation of the alert rules by any process, and the work that it deferred; null before the first one
    /// and while PostgreSQL is down.
    #[serde(default)]
    pub alerting: Option<TurnReport>,
}

/// Number of live connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SocketHealth {
    /// Open sockets.
    pub open: u64,
    /// Maximum number of sockets.
    pub limit: u64,
}

/// Reason for which a process is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotReady {
    /// `redis`, `postgres`, or the name of a stage or task.
    pub what: String,
    /// Reason, for people.
    pub why: String,
}

impl SystemHealth {
    /// Returns everything that keeps the process from being ready, which is nothing if it is ready.
    ///
    /// A lexicon standing in for a model does not count: it is better to score posts and mark them than to reject them.
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
