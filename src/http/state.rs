//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

use super::guard::{AllowedHosts, Token};
use super::metrics::trends::TrendReader;
use super::origins::AllowedOrigins;
use super::posts::export_limits::Exports;
use crate::actors::runtime::health_snapshot::HealthWatch;
use crate::actors::scoring::on_demand::ScoreLane;
use crate::inference::Models;
use crate::notify::messenger::Messenger;
use crate::store::Store;
use crate::stream::{DeadLetters, LiveTickets, Producer, Updates};
use crate::ws::Sockets;

/// What the calls need to know about the configuration.
#[derive(Debug, Clone)]
pub struct HttpParams {
    /// The names this server answers to.
    pub hosts: AllowedHosts,
    /// The pages of other sites that may ask.
    pub origins: AllowedOrigins,
    /// What callers must show; absent, everyone may ask.
    pub token: Option<Token>,
    /// Entries in the stream, undelivered and pending, from which on posts are refused with 429.
    pub high_water: u64,
    /// How long posts are kept; older ones are refused.
    pub retention: Duration,
}

/// What every handler can reach.
pub struct AppState {
    /// From the configuration.
    pub params: HttpParams,
    /// History: posts, metrics, alerts.
    pub store: Store,
    /// Tells every process what a call changed.
    pub updates: Updates,
    /// Puts posts into the stream.
    pub producer: Producer,
    /// Posts that could not be stored.
    pub dead_letters: DeadLetters,
    /// Scores texts, ahead of posts.
    pub score_lane: ScoreLane,
    /// The models that score.
    pub models: Arc<Models>,
    /// Passes for live connections.
    pub live_tickets: LiveTickets,
    /// Room for exports.
    pub exports: Exports,
    /// What all processes counted of what is spoken of.
    pub trends: TrendReader,
    /// Tells people.
    pub messenger: Arc<Messenger>,
    /// Live sockets.
    pub sockets: Sockets,
    /// Renders the metrics of this process.
    pub prometheus: PrometheusHandle,
    /// The pipeline's health as last measured.
    pub health: HealthWatch,
}
