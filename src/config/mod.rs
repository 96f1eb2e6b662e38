//! Every setting, by topic. The only module that reads the environment.
//!
//! A setting is defined once, as a clap argument with its type, default, variable and check. Its key in
//! `groundswell.toml` follows from that: the table is the topic, the key is the field's name. The command line takes
//! precedence over the environment, the environment over the file, and the file over the default.

pub mod alerting; // anomaly detection and service alerts
pub mod auth; // who may call
pub mod embedded; // the private servers
pub mod http; // where the server listens, and what it answers
pub mod inference; // the models that score
pub mod live; // the live window and its updates
pub mod notify; // notification channels
pub mod pipeline; // the roles of the process, and the sizes of its batches
pub mod store; // PostgreSQL
pub mod stream; // Redis
pub mod telemetry; // logging

mod checks; // checks that several topics share
mod command_line; // reading a command line, and below it the environment and the file
mod error; // what is wrong with the settings
mod example; // a settings file with every setting
mod file; // groundswell.toml
mod secret; // settings that are never shown
mod setting; // one setting, seen as its key in the file
mod layers; // where each setting came from

use clap::Args;

pub use self::layers::Sources;
pub use command_line::{FileOption, parse};
pub use error::ConfigError;
use error::invalid;
pub use example::example;
pub use pipeline::Role;
pub use secret::Secret;

/// All settings. Each is checked when it is read, and combinations by [`Config::check`].
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Config {
    /// The file that gives what neither the command line nor the environment gives.
    #[command(flatten)]
    pub file: FileOption,
    /// Where the server listens, and what it answers.
    #[command(flatten, next_help_heading = "HTTP")]
    pub http: http::HttpSettings,
    /// Who may call.
    #[command(flatten, next_help_heading = "Authentication")]
    pub auth: auth::AuthSettings,
    /// The PostgreSQL that stores posts.
    #[command(flatten, next_help_heading = "PostgreSQL")]
    pub store: store::StoreSettings,
    /// The Redis that queues posts.
    #[command(flatten, next_help_heading = "Redis")]
    pub stream: stream::StreamSettings,
    /// The private PostgreSQL and Redis.
    #[command(flatten, next_help_heading = "Private servers")]
    pub embedded: embedded::EmbeddedSettings,
    /// The models that score.
    #[command(flatten, next_help_heading = "Models")]
    pub inference: inference::InferenceSettings,
    /// The roles of the process, and the sizes of its batches.
    #[command(flatten, next_help_heading = "Pipeline")]
    pub pipeline: pipeline::PipelineSettings,
    /// The live window, and the updates that browsers receive.
    #[command(flatten, next_help_heading = "Live feeds")]
    pub live: live::LiveSettings,
    /// Anomaly detection and service alerts.
    #[command(flatten, next_help_heading = "Alerting")]
    pub alerting: alerting::AlertingSettings,
    /// Notification channels.
    #[command(flatten, next_help_heading = "Notifications")]
    pub notify: notify::NotifySettings,
    /// Logging.
    #[command(flatten, next_help_heading = "Logging")]
    pub telemetry: telemetry::TelemetrySettings,
}

/// The PostgreSQL and Redis to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// Private servers that this process starts and stops.
    Embedded,
    /// Servers given by URL.
    External {
        /// PostgreSQL's URL.
        database_url: Secret,
        /// Redis' URL.
        redis_url: Secret,
    },
}

impl Config {
    /// Checks that the settings do not contradict each other.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.servers()?;
        self.notify.notify_allowlist()?;
        self.notify.operators()?;
        if self.notify.smtp_url.is_some() != self.notify.smtp_from.is_some() {
            return Err(invalid("GROUNDSWELL_SMTP_URL", "and GROUNDSWELL_SMTP_FROM must be set together"));
        }
        if !self.http.listen.ip().is_loopback() && self.auth.auth_token.is_none() && !self.auth.insecure_open
        {
            return Err(ConfigError::OpenToAll(self.http.listen));
        }
        Ok(())
    }

    /// Returns the PostgreSQL and Redis to use.
    ///
    /// # Errors
    /// [`ConfigError::OneServer`] if only one of them is given.
    pub fn servers(&self) -> Result<Servers, ConfigError> {
        match (self.store.database_url.clone(), self.stream.redis_url.clone()) {
            (None, None) => Ok(Servers::Embedded),
            (Some(database_url), Some(redis_url)) => Ok(Servers::External { database_url, redis_url }),
            (Some(_), None) => Err(ConfigError::OneServer { set: "DATABASE_URL", unset: "REDIS_URL" }),
            (None, Some(_)) => Err(ConfigError::OneServer { set: "REDIS_URL", unset: "DATABASE_URL" }),
        }
    }

    /// Returns this process's name in service alerts. It survives a restart if the port is fixed.
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

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod setting_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
