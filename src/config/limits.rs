//! Settings for rate limits, and for finding the addresses of clients behind proxies.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;

use crate::auth::limits::QuotaOverride;
use crate::models::proxy::ForwardedHeader;

/// The table `[limits]`: how many calls callers may make.
#[derive(Debug, Clone, Args)]
#[group(id = "limits")]
pub struct LimitSettings {
    /// Limit how many calls each caller may make; the operator is never limited
    #[arg(long, env = "GROUNDSWELL_RATE_LIMITS", default_value = "true", num_args = 0..=1, default_missing_value = "true")]
    pub rate_limits: bool,
    /// Quotas that replace the default ones, separated by commas: TIER.CLASS=PER_MINUTE/BURST, such as
    /// free.score=120/60; a tier is stranger, free, pro or enterprise
    #[arg(long, env = "GROUNDSWELL_RATE_LIMIT_QUOTAS", value_delimiter = ',')]
    pub rate_limit_quotas: Vec<QuotaOverride>,
    /// Networks or addresses of proxies in front of the server, separated by commas, such as 10.0.0.0/8; without them,
    /// all clients of a proxy share one quota
    #[arg(long, env = "GROUNDSWELL_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
    /// Header in which these proxies name the client: x-forwarded-for or forwarded
    #[arg(long, env = "GROUNDSWELL_FORWARDED_HEADER", default_value_t)]
    pub forwarded_header: ForwardedHeader,
}

fn network(text: &str) -> Result<IpNet, &'static str> {
    let text = text.trim();
    let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.ok_or("must be a network such as `10.0.0.0/8`, or an address")
}
