//! HTTP and WebSockets.

use std::net::SocketAddr;
use std::sync::Arc;

use super::connections::Connections;
use super::pipeline::Pipeline;
use crate::config::Config;

/// What the web server is made of.
pub struct Parts<'a> {
    /// Every setting.
    pub config: &'a Config,
    /// What handlers ask.
    pub connections: &'a Connections,
    /// What sessions reach.
    pub pipeline: &'a Pipeline,
    /// The newest measurement.
    pub health: tokio::sync::watch::Receiver<Arc<crate::models::stage_health::SystemHealth>>,
    /// What `/metrics` prints.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
    /// The runtime of the connections.
    pub io: &'a tokio::runtime::Handle,
}

/// The running web server.
pub struct Web {
    /// Where it listens.
    pub address: SocketAddr,
}

/// Starts.
pub fn start(parts: Parts<'_>) -> anyhow::Result<Web> {
    Ok(Web { address: parts.config.listen })
}

impl Web {
    /// Stops.
    pub async fn stop(self) {}
}
