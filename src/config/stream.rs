//! The Redis that posts arrive through.

use clap::Args;

/// The Redis that posts arrive through.
#[derive(Debug, Clone, Args)]
#[group(id = "stream")]
pub struct StreamSettings {
    /// Redis to use; with DATABASE_URL unset too, a private one is started
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Put before every Redis key, so that several can share one Redis
    #[arg(long, env = "GROUNDSWELL_PREFIX", default_value = "")]
    pub prefix: String,
    /// Entries that may wait in Redis before ingest answers 429
    #[arg(long, env = "GROUNDSWELL_HIGH_WATER", default_value_t = 500_000)]
    pub high_water: u64,
    /// Milliseconds an entry must have been silent before another process takes it over
    #[arg(long, env = "GROUNDSWELL_CLAIM_IDLE_MS", default_value_t = 5_000)]
    pub claim_idle_ms: u64,
}
