//! Settings for logging.

use clap::Args;

/// The table `[telemetry]`: logging.
#[derive(Debug, Clone, Args)]
#[group(id = "telemetry")]
pub struct TelemetrySettings {
    /// Which log messages to print, in the syntax of RUST_LOG
    #[arg(
        long,
        env = "GROUNDSWELL_LOG",
        default_value = "info,fred=error,refinery_core=warn,actix_server=warn"
    )]
    pub log: String,
}
