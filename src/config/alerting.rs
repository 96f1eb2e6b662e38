//! Settings for anomaly detection and service alerts.

use clap::Args;

/// The table `[alerting]`: anomaly detection and service alerts.
#[derive(Debug, Clone, Args)]
#[group(id = "alerting")]
pub struct AlertingSettings {
    /// Seconds between checks for anomalies; an alert opens after two to four of them, depending on the sensitivity
    #[arg(long, env = "GROUNDSWELL_SIGNALS_EVERY_S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub signals_every_s: u64,
    /// Seconds that a problem must last before a service alert is sent
    #[arg(long, env = "GROUNDSWELL_SERVICE_ALERT_AFTER_S", default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=600))]
    pub service_alert_after_s: i64,
    /// Name of this process in service alerts; by default, its host name and port
    #[arg(long, env = "GROUNDSWELL_INSTANCE")]
    pub instance: Option<String>,
}
