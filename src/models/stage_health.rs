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
