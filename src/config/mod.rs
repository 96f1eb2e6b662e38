//! Every setting, by topic: type, default, variable, check. The only place that reads the environment.
//!
//! Each is an option of `serve` and a variable; the option wins. `clap` does both from one definition, which is why there
//! is no second configuration library.

pub mod alerting; // signals and service alerts
pub mod auth; // who may call
pub mod embedded; // the private servers
pub mod http; // where the server listens
pub mod inference; // the models
pub mod live; // the live window and its news
pub mod notify; // channels
pub mod pipeline; // what this process does, in what portions
pub mod store; // PostgreSQL
pub mod stream; // Redis
pub mod telemetry; // logging

mod error; // what is wrong with the settings

use clap::Args;

pub use error::ConfigError;
use error::invalid;
pub use pipeline::Role;

use crate::inference::ModelChoice;
use crate::notify::keyring::SECRET_CHARACTERS_MIN;

/// All settings as they are read. Combinations are checked by [`Config::check`].
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Config {
    /// Where the server listens, and what it answers.
    #[command(flatten, next_help_heading = "HTTP")]
    pub http: http::HttpSettings,
    /// Who may call.
    #[command(flatten, next_help_heading = "Authentication")]
    pub auth: auth::AuthSettings,
    /// The PostgreSQL that posts are stored in.
    #[command(flatten, next_help_heading = "PostgreSQL")]
    pub store: store::StoreSettings,
    /// The Redis that posts arrive through.
    #[command(flatten, next_help_heading = "Redis")]
    pub stream: stream::StreamSettings,
    /// The private PostgreSQL and Redis.
    #[command(flatten, next_help_heading = "Private servers")]
    pub embedded: embedded::EmbeddedSettings,
    /// The models that score.
    #[command(flatten, next_help_heading = "Models")]
    pub inference: inference::InferenceSettings,
    /// What this process does, and in what portions.
    #[command(flatten, next_help_heading = "Pipeline")]
    pub pipeline: pipeline::PipelineSettings,
    /// The live window, and the news that is pushed to browsers.
    #[command(flatten, next_help_heading = "Live feeds")]
    pub live: live::LiveSettings,
    /// Signals and service alerts.
    #[command(flatten, next_help_heading = "Alerting")]
    pub alerting: alerting::AlertingSettings,
    /// Notification channels.
    #[command(flatten, next_help_heading = "Notifications")]
    pub notify: notify::NotifySettings,
    /// Logging.
    #[command(flatten, next_help_heading = "Logging")]
    pub telemetry: telemetry::TelemetrySettings,
}

/// Where the two servers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// Started and stopped by this process.
    Embedded,
    /// Given by URL.
    External {
        /// Where PostgreSQL is.
        database_url: String,
        /// Where Redis is.
        redis_url: String,
    },
}

impl Config {
    /// Checks what no single value shows.
    ///
    /// # Errors
    /// The first thing found that makes no sense.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.servers()?;
        self.pipeline.product_rules()?;
        self.notify.notify_allowlist()?;
        self.notify.operators()?;
        if self.notify.smtp_url.is_some() != self.notify.smtp_from.is_some() {
            return Err(invalid("GROUNDSWELL_SMTP_URL", "and GROUNDSWELL_SMTP_FROM must be set together"));
        }
        if self.notify.secret_key.as_ref().is_some_and(|key| key.trim().len() < SECRET_CHARACTERS_MIN) {
            return Err(invalid("GROUNDSWELL_SECRET_KEY", "must be at least 32 characters long"));
        }
        if !self.http.listen.ip().is_loopback() && self.auth.auth_token.is_none() && !self.auth.insecure_open
        {
            return Err(ConfigError::OpenToAll(self.http.listen));
        }
        if self.inference.fast_model == ModelChoice::Off {
            return Err(invalid("GROUNDSWELL_FAST_MODEL", "must name a model: every post is scored"));
        }
        let positive = [
            ("GROUNDSWELL_BATCH_SIZE", self.pipeline.batch_size),
            ("GROUNDSWELL_BATCHES_IN_FLIGHT", self.pipeline.batches_in_flight),
            ("GROUNDSWELL_POSTS_PER_COMMIT", self.pipeline.posts_per_commit),
            ("GROUNDSWELL_POOL_SIZE", self.store.pool_size),
            ("GROUNDSWELL_ALERT_POOL_SIZE", self.store.alert_pool_size),
            ("GROUNDSWELL_EXPORTS_MAX", self.http.exports_max),
            ("GROUNDSWELL_HISTORY_UPDATES", self.live.history_updates),
            ("GROUNDSWELL_HISTORY_MB", self.live.history_mb),
        ];
        for (variable, value) in positive {
            if value == 0 {
                return Err(invalid(variable, "must be at least 1"));
            }
        }
        // Longer, and what a killed process left behind would not be back within ten seconds.
        // Shorter, and processes would take entries from each other between two signs of life.
        if !(3_000..=5_000).contains(&self.stream.claim_idle_ms) {
            return Err(invalid("GROUNDSWELL_CLAIM_IDLE_MS", "must lie between 3000 and 5000"));
        }
        if self.auth.auth_token.as_ref().is_some_and(|token| token.len() < TOKEN_BYTES_MIN) {
            return Err(invalid("GROUNDSWELL_AUTH_TOKEN", "must be at least 16 bytes long"));
        }
        Ok(())
    }

    /// Whose servers to use.
    ///
    /// # Errors
    /// [`ConfigError::OneServer`] when only one is given.
    pub fn servers(&self) -> Result<Servers, ConfigError> {
        match (self.store.database_url.clone(), self.stream.redis_url.clone()) {
            (None, None) => Ok(Servers::Embedded),
            (Some(database_url), Some(redis_url)) => Ok(Servers::External { database_url, redis_url }),
            (Some(_), None) => Err(ConfigError::OneServer { set: "DATABASE_URL", unset: "REDIS_URL" }),
            (None, Some(_)) => Err(ConfigError::OneServer { set: "REDIS_URL", unset: "DATABASE_URL" }),
        }
    }

    /// How this process is called in alerts about the service. The same after a restart, where the port is.
    pub fn instance(&self) -> String {
        if let Some(instance) = &self.alerting.instance {
            return instance.clone();
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
        match self.http.listen.port() {
            0 => format!("{host}/{}", std::process::id()),
            port => format!("{host}:{port}"),
        }
    }
}

/// A shorter token can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

#[cfg(test)]
mod tests;
