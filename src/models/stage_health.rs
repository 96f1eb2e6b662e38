//! How the pipeline is: what the supervisor judges by, `/api/v1/system` shows and the dashboard draws.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::score::ModelId;
use super::service_alert::ServiceAlert;
use super::turn_report::TurnReport;

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

/// One stage or task, as it last reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageHealth {
    /// Such as `aggregator`; one of several has its kind in front, as in `connector:news`.
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
    /// Whether the process is not ready while it is down, and ends when it keeps dying. Others are tried for ever.
    #[serde(default)]
    pub essential: bool,
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
    /// Since when the oldest entry that is not yet stored has been waiting; null when none waits.
    pub oldest_at: Option<Timestamp>,
}

/// The room on the disk of the data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiskHealth {
    /// Bytes that this process may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// Entries that wait in the stream for a newer process: this one does not know their version or kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnknownEntries {
    /// The version that they say they have.
    pub version: String,
    /// What they say they hold.
    pub kind: String,
    /// How many.
    pub waiting: u64,
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

/// Which tier scores how much, over the last 60 seconds, in this process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TiersHealth {
    /// How long after its arrival a post may be corrected, in milliseconds; 0 where nothing is corrected.
    pub budget_ms: u64,
    /// Whether scoring does not keep up with what arrives, so that everything stays as the fast model has read it.
    pub overloaded: bool,
    /// Posts that wait for their correction.
    pub awaiting: u64,
    /// Texts that the deep model reads each second while it has any, as last measured; 0 where there is none.
    pub deep_per_second: f64,
    /// The tiers there are, the fast one first.
    pub items: Vec<TierHealth>,
    /// Why there is no deep tier, for people; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_deep: Option<String>,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TierHealth {
    /// `swift` or `deep`.
    pub tier: String,
    /// The model that answers.
    pub model: ModelId,
    /// The part of `posts` of all tiers, 0 to 1; 0 where there were none.
    pub share: f64,
    /// Posts whose score it gave: a corrected post counts for the deep tier alone.
    pub posts: u64,
}

impl TiersHealth {
    /// The shares of the two tiers, by the number of posts stored and, of those, corrected.
    pub fn set_shares(&mut self, n_stored: u64, n_corrected: u64) {
        // What a dead process left behind was stored before.
        let n_all = n_stored.max(n_corrected);
        for (item, n_posts) in self.items.iter_mut().zip([n_all - n_corrected, n_corrected]) {
            item.posts = n_posts;
            item.share = if n_all == 0 { 0.0 } else { n_posts as f64 / n_all as f64 };
        }
    }
}

/// Everything about the pipeline at one moment: `GET /api/v1/system` and the data of `system:update`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SystemHealth {
    /// When it was measured.
    pub at: Timestamp,
    /// Groundswell's version.
    pub version: String,
    /// When this process started.
    pub started_at: Timestamp,
    /// The stages of this process, in pipeline order.
    pub stages: Vec<StageHealth>,
    /// What works beside the stages, and is watched and started again as they are.
    #[serde(default)]
    pub tasks: Vec<StageHealth>,
    /// What lies in Redis; null while Redis is away.
    pub stream: Option<StreamHealth>,
    /// What waits in the stream for a newer process; empty unless an upgrade is under way.
    #[serde(default)]
    pub unknown_entries: Vec<UnknownEntries>,
    /// The stream's home.
    pub redis: DependencyHealth,
    /// The history's home.
    pub postgres: DependencyHealth,
    /// The model in use.
    pub model: ModelHealth,
    /// Which tier scores how much.
    pub tiers: TiersHealth,
    /// `embedded` when it runs its own servers, else `external`.
    pub mode: String,
    /// Who watches at this process.
    pub sockets: SocketHealth,
    /// The disk of the data folder; null where there is no such folder.
    pub disk: Option<DiskHealth>,
    /// What is wrong with this process or its servers and has been for a while, the worst first.
    pub service_alerts: Vec<ServiceAlert>,
    /// How many destinations are notified of service alerts; with none, only dashboards show them.
    pub service_alert_destinations: u64,
    /// The last evaluation of the alert rules, whichever process it was, and what it left for later; null before the first,
    /// and while PostgreSQL is away.
    #[serde(default)]
    pub alerting: Option<TurnReport>,
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
    /// `redis`, `postgres`, or the name of a stage or task.
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
        let essential = self.stages.iter().chain(&self.tasks).filter(|stage| stage.essential);
        let stages = essential.filter_map(|stage| {
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
