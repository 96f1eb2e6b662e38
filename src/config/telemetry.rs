//! Logging.

use clap::Args;

/// Logging.
#[derive(Debug, Clone, Args)]
#[group(id = "telemetry")]
pub struct TelemetrySettings {
    /// What to log, in the syntax of RUST_LOG
    #[arg(
        long,
        env = "GROUNDSWELL_LOG",
        default_value = "info,fred=error,refinery_core=warn,actix_server=warn"
    )]
    pub log: String,
}
