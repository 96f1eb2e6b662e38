//! Settings for the HTTP server.

use std::net::SocketAddr;

use clap::Args;

use super::value_parsers::at_least_one;
use crate::models::web_origin::Origin;

/// The table `[http]`: where the server listens, and which requests it accepts.
#[derive(Debug, Clone, Args)]
#[group(id = "http")]
pub struct HttpSettings {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, env = "GROUNDSWELL_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Additional host names under which clients may reach the server, separated by commas, such as
    /// dashboard.example.org
    #[arg(long, env = "GROUNDSWELL_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Origins of other sites whose pages may use the live feeds and the whole API, with the token if one is required;
    /// each exactly as browsers send it, such as `https://dash.example.org`, separated by commas or by repeating the
    /// option
    #[arg(long = "allowed-origin", env = "GROUNDSWELL_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<Origin>,
    /// Maximum number of concurrent exports; further requests get 429
    #[arg(long, env = "GROUNDSWELL_EXPORTS_MAX", default_value_t = 16, value_parser = at_least_one)]
    pub exports_max: usize,
    /// Seconds for which a client may stop reading an export before it is closed
    #[arg(long, env = "GROUNDSWELL_EXPORT_STALL_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub export_stall_s: u64,
}
