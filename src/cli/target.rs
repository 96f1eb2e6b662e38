//! The Redis that `replay`, `synth` and `dead-letters` write to: either one given explicitly, or the one that the
//! server on this machine uses.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::config::{FileOption, Secret};
use crate::embedded::RunInfo;
use crate::stream::{Stream, StreamParams};

/// Options that locate the stream.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Option that names the settings file, which may specify the Redis server, as it does for `serve`.
    #[command(flatten)]
    pub file: FileOption,
    /// URL of the Redis to write to; by default, the one used by the server running on the data directory
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,
    /// Prefix of every Redis key; by default, the one used by the server running on the data directory
    #[arg(long, env = "GROUNDSWELL_PREFIX")]
    pub prefix: Option<String>,
    /// Data directory of the running server
    #[arg(long, env = "GROUNDSWELL_DATA_DIR", default_value = ".groundswell")]
    pub data_dir: PathBuf,
}

impl Target {
    /// Connects to the stream that the options locate.
    ///
    /// # Errors
    /// If no Redis is given and no server is running on the data directory, or Redis cannot be reached.
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
            format!(
                "neither --redis-url, REDIS_URL nor `{file}` names a Redis, and no running server was found"
            )
        })?;
        let prefix = self.prefix.clone().unwrap_or(running.prefix);
        Ok(StreamParams { redis_url: running.redis_url, prefix })
    }
}
