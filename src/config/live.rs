//! Settings for the live window and the updates pushed to browsers.

use std::time::Duration;

use clap::Args;

use super::value_parsers::at_least_one;
use crate::models::metrics::LiveWindow;
use crate::stream::HistoryLimits;

/// The table `[live]`: the live window, and the updates pushed to browsers.
#[derive(Debug, Clone, Args)]
#[group(id = "live")]
pub struct LiveSettings {
    /// Length of the live window, such as 60s or 5m; 10s to 15m in steps of ten seconds
    #[arg(long, env = "GROUNDSWELL_LIVE_WINDOW", default_value = "60s")]
    pub live_window: LiveWindow,
    /// Maximum number of posts pushed to browsers per second; above it, the feed is a sample
    #[arg(long, env = "GROUNDSWELL_LIVE_POSTS_PER_SECOND", default_value_t = 2_000)]
    pub live_posts_per_second: u64,
    /// Maximum number of browsers connected at the same time
    #[arg(long, env = "GROUNDSWELL_SOCKETS_MAX", default_value_t = 10_000)]
    pub sockets_max: u64,
    /// Seconds for which a browser with pending data may stop reading before its connection is closed
    #[arg(long, env = "GROUNDSWELL_SOCKET_STALL_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub socket_stall_s: u64,
    /// Seconds for which live updates are kept, so that a browser that reconnects gets the ones it missed
    #[arg(long, env = "GROUNDSWELL_HISTORY_S", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub history_s: u64,
    /// Maximum number of live updates kept; each is an alert, or a transaction with its posts
    #[arg(long, env = "GROUNDSWELL_HISTORY_UPDATES", default_value_t = 10_000, value_parser = at_least_one)]
    pub history_updates: usize,
    /// Maximum megabytes of live updates kept in Redis; each process keeps about twice as many in memory
    #[arg(long, env = "GROUNDSWELL_HISTORY_MB", default_value_t = 32, value_parser = at_least_one)]
    pub history_mb: usize,
}

impl LiveSettings {
    /// Returns how many live updates are kept, and for how long.
    pub fn history_limits(&self) -> HistoryLimits {
        HistoryLimits {
            n_updates_max: self.history_updates,
            bytes_max: self.history_mb.saturating_mul(1 << 20),
            age_max: Duration::from_secs(self.history_s),
        }
    }
}
