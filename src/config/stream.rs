//! Settings for the Redis that queues posts.

use clap::Args;

use super::Secret;

/// The table `[stream]`: the Redis that queues posts.
#[derive(Debug, Clone, Args)]
#[group(id = "stream")]
pub struct StreamSettings {
    /// URL of the Redis to use; if this and DATABASE_URL are unset, the server starts private instances
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,
    /// Prefix of every Redis key, so that several deployments can share one Redis
    #[arg(long, env = "GROUNDSWELL_PREFIX", default_value = "")]
    pub prefix: String,
    /// Number of entries queued in Redis above which posts are rejected with 429
    #[arg(long, env = "GROUNDSWELL_HIGH_WATER", default_value_t = 500_000)]
    pub high_water: u64,
    // With more, the entries of a killed process would not be taken over within ten seconds. With less, processes would
    // take entries from each other between two heartbeats.
    /// Milliseconds without a heartbeat after which another process takes over an entry, 3000 to 5000
    #[arg(long, env = "GROUNDSWELL_CLAIM_IDLE_MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(3_000..=5_000))]
    pub claim_idle_ms: u64,
}
