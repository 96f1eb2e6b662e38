//! Application state that all handlers share.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

use super::hosts::AllowedHosts;
use super::metrics::trend_cache::TrendCache;
use super::origins::AllowedOrigins;
use super::posts::export_limits::ExportLimits;
use super::token::Token;
use crate::actors::runtime::health_snapshot::LatestHealth;
use crate::actors::scoring::on_demand::OnDemandScorer;
use crate::inference::Models;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::stream::{DeadLetters, LiveTickets, Producer, Updates};
use crate::ws::Sockets;

/// Configuration that handlers need.
#[derive(Debug, Clone)]
pub struct HttpParams {
    /// Host names that this server answers to.
    pub hosts: AllowedHosts,
    /// Origins of other sites whose pages may call the API.
    pub origins: AllowedOrigins,
    /// Token that callers must present; if there is none, the API is open.
    pub token: Option<Token>,
    /// Number of undelivered and pending stream entries above which ingest responds with 429.
    pub high_water: u64,
    /// Retention period of posts; older posts are rejected.
    pub retention: Duration,
}

/// Application state that all handlers share.
pub struct AppState {
    /// Configuration that handlers need.
    pub params: HttpParams,
    /// The database: posts, metrics, alerts.
    pub store: Store,
    /// Publishes changes made by API calls to all processes.
    pub updates: Updates,
    /// Appends posts to the stream.
    pub producer: Producer,
    /// Posts that could not be stored.
    pub dead_letters: DeadLetters,
    /// Scores texts on demand, with priority over posts.
    pub on_demand_scorer: OnDemandScorer,
    /// Models in use.
    pub models: Arc<Models>,
    /// Tickets for live connections.
    pub live_tickets: LiveTickets,
    /// Limits on concurrent exports.
    pub exports: ExportLimits,
    /// Trending terms, merged over all processes.
    pub trends: TrendCache,
    /// Sends notifications.
    pub messenger: Arc<Messenger>,
    /// Live connections.
    pub sockets: Sockets,
    /// Renders the metrics of this process.
    pub prometheus: PrometheusHandle,
    /// Latest health measurement of the pipeline.
    pub health: LatestHealth,
}
