//! How the pipeline is: what the supervisor judges by, `/api/v1/system` shows and the dashboard draws.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::score::ModelId;

/// What a stage is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It works, or waits for work.
    Running,
    /// It died and will be rebuilt shortly.
    BackingOff,
    /// It did not answer a heartbeat.
    Frozen,
    /// It died too often; the process is about to end.
    Failed,
}

/// One stage, as it last reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageHealth {
    /// Such as `aggregator`.
    pub stage: String,
    /// What it is doing.
    pub state: StageState,
    /// Which incarnation, from 1.
    pub generation: u64,
    /// How often it was rebuilt.
    pub restarts: u64,
    /// Messages handled since the process started.
    pub handled: u64,
    /// Messages that failed.
    pub failed: u64,
    /// Messages it holds.
    pub in_flight: u64,
    /// When it last finished something.
    pub last_progress_at: Option<Timestamp>,
}

/// What lies in Redis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamHealth {
    /// Entries not yet stored: undelivered plus pending.
    pub length: u64,
    /// Entries not yet read by any process.
    pub lag: u64,
    /// Entries read and not yet acknowledged.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
}

/// The model in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ModelHealth {
    /// Its name, version and hash.
    #[serde(flatten)]
    pub id: ModelId,
    /// Why the lexicon answers instead of a model; null when a model answers.
    pub degraded: Option<String>,
}

/// A server the process cannot work without.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyHealth {
    /// Whether it answered when last asked.
    pub reachable: bool,
    /// Why it did not, for people; null when it did.
    pub error: Option<String>,
}

/// Everything about the pipeline at one moment: `GET /api/v1/system` and the data of `system:update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SystemHealth {
    /// When it was measured.
    pub at: Timestamp,
    /// Groundswell's version.
    pub version: String,
    /// When this process started.
    pub started_at: Timestamp,
    /// The stages of this process, in pipeline order.
    pub stages: Vec<StageHealth>,
    /// What lies in Redis; null while Redis is away.
    pub stream: Option<StreamHealth>,
    /// The stream's home.
    pub redis: DependencyHealth,
    /// The history's home.
    pub postgres: DependencyHealth,
    /// The model in use.
    pub model: ModelHealth,
    /// `embedded` when it runs its own servers, else `external`.
    pub mode: String,
    /// Who watches at this process.
    pub sockets: SocketHealth,
}

/// How many browsers watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SocketHealth {
    /// Sockets open now.
    pub open: u64,
    /// The most that may be.
    pub limit: u64,
}

/// One reason why a process should get no traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotReady {
    /// `redis`, `postgres`, `model`, or the name of a stage.
    pub what: String,
    /// Why, for people.
    pub why: String,
}

impl SystemHealth {
    /// Everything that keeps it from being ready; empty when it is.
    ///
    /// The lexicon standing in for a model is no reason: posts are scored and marked, which beats refusing
    /// them.
    pub fn not_ready(&self) -> Vec<NotReady> {
        let servers = [("redis", &self.redis), ("postgres", &self.postgres)]
            .into_iter()
            .filter(|(_, server)| !server.reachable)
            .map(|(what, server)| NotReady {
                what: what.to_owned(),
                why: server.error.clone().unwrap_or_else(|| "not reachable".to_owned()),
            });
        let stages = self.stages.iter().filter_map(|stage| {
            let why = match stage.state {
                StageState::Running => return None,
                StageState::BackingOff => "died and is about to be rebuilt",
                StageState::Frozen => "does not answer",
                StageState::Failed => "died too often",
            };
            Some(NotReady { what: stage.stage.clone(), why: why.to_owned() })
        });
        servers.chain(stages).collect()
    }
}
