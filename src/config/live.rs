//! The live window, and the updates that browsers receive.

use std::time::Duration;

use clap::Args;

use super::checks::at_least_one;
use crate::models::metrics::LiveWindow;
use crate::stream::HistoryLimits;

/// The live window, and the updates that browsers receive.
#[derive(Debug, Clone, Args)]
#[group(id = "live")]
pub struct LiveSettings {
    /// Length of the live window, 10s to 15m in steps of ten seconds, such as 60s or 5m
    #[arg(long, env = "GROUNDSWELL_LIVE_WINDOW", default_value = "60s")]
    pub live_window: LiveWindow,
    /// Maximum posts pushed to browsers per second; above it, the feed is a sample
    #[arg(long, env = "GROUNDSWELL_LIVE_POSTS_PER_SECOND", default_value_t = 2_000)]
    pub live_posts_per_second: u64,
    /// Maximum browsers connected at the same time
    #[arg(long, env = "GROUNDSWELL_SOCKETS_MAX", default_value_t = 10_000)]
    pub sockets_max: u64,
    /// Seconds without a read by the browser after which a connection with pending data is closed
    #[arg(long, env = "GROUNDSWELL_SOCKET_STALL_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub socket_stall_s: u64,
    /// Seconds for which live updates are kept, so that a browser that reconnects gets what it missed
    #[arg(long, env = "GROUNDSWELL_HISTORY_S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub history_s: u64,
    /// Maximum live updates that are kept; each is a transaction with its posts, or an alert
    #[arg(long, env = "GROUNDSWELL_HISTORY_UPDATES", default_value_t = 10_000, value_parser = at_least_one)]
    pub history_updates: usize,
    /// Maximum megabytes of live updates that are kept in Redis, and about twice as many in each process
    #[arg(long, env = "GROUNDSWELL_HISTORY_MB", default_value_t = 32, value_parser = at_least_one)]
    pub history_mb: usize,
}

impl LiveSettings {
    /// Returns limits on how many live updates are kept.
    pub fn history_limits(&self) -> HistoryLimits {
        HistoryLimits {
            n_updates_max: self.history_updates,
            bytes_max: self.history_mb.saturating_mul(1 << 20),
            age_max: Duration::from_secs(self.history_s),
        }
    }
}
