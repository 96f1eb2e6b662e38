//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::guard::{AllowedHosts, Token};
use crate::models::stage_health::SystemHealth;

/// What the calls need to know about the configuration.
#[derive(Debug, Clone)]
pub struct HttpParams {
    /// The names this server answers to.
    pub hosts: AllowedHosts,
    /// What callers must show; absent, everyone may ask.
    pub token: Option<Token>,
    /// Entries in the stream, undelivered and pending, from which on posts are refused with 429.
    pub high_water: u64,
    /// How long posts are kept; older ones are refused.
    pub retention: Duration,
    /// The most live sockets at a time.
    pub sockets_max: u64,
}

/// What every handler can reach.
pub struct AppState {
    /// From the configuration.
    pub params: HttpParams,
    /// The pipeline's health as last measured.
    pub health: watch::Receiver<Arc<SystemHealth>>,
}
