//! Who may call.

use clap::Args;

/// Who may call.
#[derive(Debug, Clone, Args)]
#[group(id = "auth")]
pub struct AuthSettings {
    /// Bearer token that every call must carry, at least 16 bytes; required on any address but loopback
    #[arg(long, env = "GROUNDSWELL_AUTH_TOKEN", hide_env_values = true)]
    pub auth_token: Option<String>,
    /// Listen on any address without a token
    #[arg(long, env = "GROUNDSWELL_INSECURE_OPEN", default_value = "false", num_args = 0..=1, default_missing_value = "true")]
    pub insecure_open: bool,
}
