//! Settings that decide who may use the API.

use clap::Args;

use super::Secret;

/// The table `[auth]`: who may use the API.
#[derive(Debug, Clone, Args)]
#[group(id = "auth")]
pub struct AuthSettings {
    /// Bearer token of the operator, who may do everything, at least 16 bytes; without it and without accounts, the server
    /// listens only on loopback
    #[arg(long, env = "GROUNDSWELL_AUTH_TOKEN", hide_env_values = true, value_parser = auth_token)]
    pub auth_token: Option<Secret>,
    /// Allow everyone to do everything until there is an account, even if other machines can reach the server
    #[arg(long, env = "GROUNDSWELL_INSECURE_OPEN", default_value = "false", num_args = 0..=1, default_missing_value = "true")]
    pub insecure_open: bool,
}

/// Minimum length of the token in bytes. A shorter one could be guessed.
const TOKEN_BYTES_MIN: usize = 16;

fn auth_token(text: &str) -> Result<Secret, String> {
    if text.len() < TOKEN_BYTES_MIN {
        return Err(format!("must be at least {TOKEN_BYTES_MIN} bytes long"));
    }
    Ok(text.to_owned().into())
}
