//! Where the server listens, and what it answers.

use std::net::SocketAddr;

use clap::Args;

use crate::models::origin::Origin;

/// Where the server listens, and what it answers.
#[derive(Debug, Clone, Args)]
#[group(id = "http")]
pub struct HttpSettings {
    /// Where to listen; port 0 picks a free one
    #[arg(long, env = "GROUNDSWELL_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Further Host values to answer, separated by commas, such as dashboard.example.org
    #[arg(long, env = "GROUNDSWELL_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// Pages of other sites that may connect, and call and read the whole API as far as no token is asked for or they show it;
    /// each exactly as browsers name it, such as `https://dash.example.org`; several are separated by commas, or the option is
    /// repeated
    #[arg(long = "allowed-origin", env = "GROUNDSWELL_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<Origin>,
    /// Maximum concurrent exports; further ones are answered 429
    #[arg(long, env = "GROUNDSWELL_EXPORTS_MAX", default_value_t = 16)]
    pub exports_max: usize,
    /// Seconds after which an export whose client reads nothing is closed
    #[arg(long, env = "GROUNDSWELL_EXPORT_STALL_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub export_stall_s: u64,
}
