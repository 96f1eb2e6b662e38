//! Which Redis the feeding commands write to: the one given, or that of the server running here.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::config::{FileOption, Secret};
use crate::embedded::RunInfo;
use crate::stream::{Stream, StreamParams};

/// Where a command finds the stream.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// The file that may name the server, as it does for `serve`.
    #[command(flatten)]
    pub file: FileOption,
    /// Redis to write to; by default, that of the server running on the data directory
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,
    /// Prefix of every Redis key; by default, that of the server running on the data directory
    #[arg(long, env = "GROUNDSWELL_PREFIX")]
    pub prefix: Option<String>,
    /// The data directory of the running server
    #[arg(long, env = "GROUNDSWELL_DATA_DIR", default_value = ".groundswell")]
    pub data_dir: PathBuf,
}

impl Target {
    /// Connects to the stream.
    ///
    /// # Errors
    /// When no Redis is given and no server runs on the data directory.
    pub async fn connect(&self) -> anyhow::Result<Stream> {
        Ok(Stream::connect(&self.stream_params()?).await?)
    }

    fn stream_params(&self) -> anyhow::Result<StreamParams> {
        if let Some(redis_url) = &self.redis_url {
            let redis_url = redis_url.expose().to_owned();
            return Ok(StreamParams { redis_url, prefix: self.prefix.clone().unwrap_or_default() });
        }
        let running = RunInfo::read(&self.data_dir).with_context(|| {
            let file = self.file.config.display();
            format!("no Redis is named by --redis-url, REDIS_URL or `{file}`, and no server is found")
        })?;
        let prefix = self.prefix.clone().unwrap_or(running.prefix);
        Ok(StreamParams { redis_url: running.redis_url, prefix })
    }
}
