//! Every setting, by topic. No other module reads the environment.
//!
//! A setting is defined once, as a clap argument with its type, default, variable and check. Its place in
//! `groundswell.toml` follows from that: the table is the topic, and the key is the name of the field. The command line
//! takes precedence over the environment, the environment over the file, and the file over the default.

pub mod alerting; // anomaly detection and service alerts
pub mod audit; // the audit log
pub mod auth; // who may use the API
pub mod embedded; // the private servers
pub mod http; // where the server listens, and which requests it accepts
pub mod inference; // the models
pub mod limits; // how many calls callers may make
pub mod live; // the live window and its updates
pub mod notify; // notification channels
pub mod reports; // scheduled reports
pub mod pipeline; // the roles of the process, and the sizes of its batches
pub mod store; // PostgreSQL
pub mod stream; // Redis
pub mod telemetry; // logging

mod value_parsers; // checks that several topics share
mod command_line; // reads the command line, the environment and the settings file
mod error; // settings that are wrong or contradict each other
mod example; // a settings file with every setting
mod file; // groundswell.toml
mod secret; // values that are never printed
mod setting; // a setting as a key in the settings file
mod sources; // where each setting came from

use clap::Args;
use reqwest::Url;

pub use self::sources::Sources;
use crate::egress::Egress;
pub use command_line::{FileOption, parse};
pub use error::ConfigError;
use error::invalid;
pub use example::example;
pub use pipeline::Role;
pub use secret::Secret;

/// All settings. Each value is checked when it is read; [`Config::check`] checks combinations of values.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Config {
    /// Option that names the settings file.
    #[command(flatten)]
    pub file: FileOption,
    /// Where the server listens, and which requests it accepts: table `[http]`.
    #[command(flatten, next_help_heading = "HTTP")]
    pub http: http::HttpSettings,
    /// Access to the API: table `[auth]`.
    #[command(flatten, next_help_heading = "Authentication")]
    pub auth: auth::AuthSettings,
    /// The audit log: table `[audit]`.
    #[command(flatten, next_help_heading = "Audit log")]
    pub audit: audit::AuditSettings,
    /// How many calls callers may make: table `[limits]`.
    #[command(flatten, next_help_heading = "Rate limits")]
    pub limits: limits::LimitSettings,
    /// The PostgreSQL that stores posts: table `[store]`.
    #[command(flatten, next_help_heading = "PostgreSQL")]
    pub store: store::StoreSettings,
    /// The Redis that queues posts: table `[stream]`.
    #[command(flatten, next_help_heading = "Redis")]
    pub stream: stream::StreamSettings,
    /// The private PostgreSQL and Redis: table `[embedded]`.
    #[command(flatten, next_help_heading = "Private servers")]
    pub embedded: embedded::EmbeddedSettings,
    /// The models, and the resources that they may use: table `[inference]`.
    #[command(flatten, next_help_heading = "Models")]
    pub inference: inference::InferenceSettings,
    /// Roles of the process, and sizes of its batches: table `[pipeline]`.
    #[command(flatten, next_help_heading = "Pipeline")]
    pub pipeline: pipeline::PipelineSettings,
    /// The live window, and the updates pushed to browsers: table `[live]`.
    #[command(flatten, next_help_heading = "Live feeds")]
    pub live: live::LiveSettings,
    /// Anomaly detection and service alerts: table `[alerting]`.
    #[command(flatten, next_help_heading = "Alerting")]
    pub alerting: alerting::AlertingSettings,
    /// How and where notifications are sent: table `[notify]`.
    #[command(flatten, next_help_heading = "Notifications")]
    pub notify: notify::NotifySettings,
    /// Scheduled reports: table `[reports]`.
    #[command(flatten, next_help_heading = "Reports")]
    pub reports: reports::ReportSettings,
    /// Logging: table `[telemetry]`.
    #[command(flatten, next_help_heading = "Logging")]
    pub telemetry: telemetry::TelemetrySettings,
}

/// The PostgreSQL and Redis that the server uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Servers {
    /// Private servers, which this process starts and stops.
    Embedded,
    /// Servers outside this process, given by their URLs.
    External {
        /// URL of PostgreSQL, which may contain a password.
        database_url: Secret,
        /// URL of Redis, which may contain a password.
        redis_url: Secret,
    },
}

impl Config {
    /// Checks that the settings do not contradict each other.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.servers()?;
        self.notify.egress_allowlist()?;
        self.notify.operators()?;
        self.audit_checkpoint_url()?;
        if self.notify.smtp_url.is_some() != self.notify.smtp_from.is_some() {
            return Err(invalid("GROUNDSWELL_SMTP_URL", "and GROUNDSWELL_SMTP_FROM must be set together"));
        }
        Ok(())
    }

    /// Returns whether callers without a credential may do everything as long as there are no accounts.
    pub fn may_be_open(&self) -> bool {
        let is_local = self.http.listen.ip().is_loopback() || self.auth.insecure_open;
        is_local && self.auth.auth_token.is_none()
    }

    /// Checks that somebody can use the server, and not everyone. `has_users` says whether there are accounts.
    ///
    /// # Errors
    /// [`ConfigError::OpenToAll`] if other machines could reach the server and nothing identifies callers.
    pub fn check_open(&self, has_users: bool) -> Result<(), ConfigError> {
        if has_users || self.may_be_open() || self.auth.auth_token.is_some() {
            return Ok(());
        }
        Err(ConfigError::OpenToAll(self.http.listen))
    }

    /// Returns the PostgreSQL and Redis to use.
    ///
    /// # Errors
    /// [`ConfigError::OneServer`] if only one of the two URLs is set.
    pub fn servers(&self) -> Result<Servers, ConfigError> {
        match (self.store.database_url.clone(), self.stream.redis_url.clone()) {
            (None, None) => Ok(Servers::Embedded),
            (Some(database_url), Some(redis_url)) => Ok(Servers::External { database_url, redis_url }),
            (Some(_), None) => Err(ConfigError::OneServer { set: "DATABASE_URL", unset: "REDIS_URL" }),
            (None, Some(_)) => Err(ConfigError::OneServer { set: "REDIS_URL", unset: "DATABASE_URL" }),
        }
    }

    /// Returns the URL to which checkpoints of the audit log are sent, if there is one.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if the URL may not be reached. It is not part of the message, because it may contain a
    /// secret.
    pub fn audit_checkpoint_url(&self) -> Result<Option<(Egress, Url)>, ConfigError> {
        const VARIABLE: &str = "GROUNDSWELL_AUDIT_CHECKPOINT_URL";
        let Some(url) = &self.audit.audit_checkpoint_url else {
            return Ok(None);
        };
        let wrong = |problem: &dyn std::fmt::Display| invalid(VARIABLE, &problem.to_string());
        let egress = Egress::new(self.notify.egress_allowlist()?).map_err(|error| wrong(&error))?;
        let url = egress.check(url.expose()).map_err(|error| wrong(&error))?;
        Ok(Some((egress, url)))
    }

    /// Returns the name of this process in service alerts. If the port is fixed, the name survives a restart.
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
