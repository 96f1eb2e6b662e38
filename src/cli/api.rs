//! Client of a running server's API, for commands that manage its contents.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{FileOption, Secret};
use crate::embedded::RunInfo;

/// Maximum duration of a request. Testing a source may take 15 seconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Options that locate the server.
#[derive(Debug, Clone, clap::Args)]
pub struct ApiTarget {
    /// Option that names the settings file, which may contain the token, as it does for `serve`.
    #[command(flatten)]
    pub file: FileOption,
    /// Address of the server, such as https://groundswell.example.org; by default, that of the server running on the data
    /// directory
    #[arg(long, env = "GROUNDSWELL_URL")]
    pub url: Option<String>,
    /// Token of the API, if the server requires one
    #[arg(long, env = "GROUNDSWELL_AUTH_TOKEN", hide_env_values = true)]
    pub auth_token: Option<Secret>,
    /// Data directory of the running server
    #[arg(long, env = "GROUNDSWELL_DATA_DIR", default_value = ".groundswell")]
    pub data_dir: PathBuf,
}

impl ApiTarget {
    /// Returns a client of the server.
    ///
    /// # Errors
    /// If no address is given and no server is running on the data directory.
    pub fn open(&self) -> anyhow::Result<Api> {
        let url = match &self.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => {
                let running = RunInfo::read(&self.data_dir);
                running
                    .context("no running server was found; name one with --url or GROUNDSWELL_URL")?
                    .address
            }
        };
        // Fails if a provider is already installed; ours is the only one compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(TIMEOUT).build()?;
        Ok(Api { client, url, token: self.auth_token.clone() })
    }
}

/// Client of a running server.
pub struct Api {
    client: Client,
    url: String,
    token: Option<Secret>,
}

impl Api {
    /// Returns the address of a path.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a request to a path, such as `/api/v1/sources`, and returns the body of the response, or `null` if it has
    /// none.
    ///
    /// # Errors
    /// If the server cannot be reached, or rejects the request, with its message.
    pub async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let mut request = self.client.request(method, self.address(path));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("cannot reach `{}`", self.url))?;
        let status = response.status();
        let body = response.bytes().await?;
        if !status.is_success() {
            let refusal = serde_json::from_slice::<Refusal>(&body);
            anyhow::bail!(
                "{}",
                refusal.map_or_else(|_| format!("the server answered {status}"), |it| it.error.message)
            );
        }
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        Ok(serde_json::from_slice(body)?)
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalError,
}

#[derive(Deserialize)]
struct RefusalError {
    message: String,
}
