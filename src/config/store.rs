//! Settings for the PostgreSQL server that stores posts.

use clap::Args;

use super::Secret;
use super::value_parsers::at_least_one;

/// The table `[store]`: the PostgreSQL that stores posts.
#[derive(Debug, Clone, Args)]
#[group(id = "store")]
pub struct StoreSettings {
    /// URL of the PostgreSQL to use; if this and REDIS_URL are unset, the server starts private instances
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// Days to keep posts, and to keep alerts and silences after they end; older posts are rejected
    #[arg(long, env = "GROUNDSWELL_RETENTION_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub retention_days: u32,
    /// Maximum number of PostgreSQL connections for storing posts, and as many again for API reads; exports use a
    /// quarter of the latter
    #[arg(long, env = "GROUNDSWELL_POOL_SIZE", default_value_t = 8, value_parser = at_least_one)]
    pub pool_size: usize,
    /// Maximum number of PostgreSQL connections for alerting and health checks; with these and two for leader locks,
    /// four processes need 88
    #[arg(long, env = "GROUNDSWELL_ALERT_POOL_SIZE", default_value_t = 4, value_parser = at_least_one)]
    pub alert_pool_size: usize,
}
