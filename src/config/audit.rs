//! Settings for the audit log.

use std::path::PathBuf;

use clap::Args;

use super::Secret;

/// The table `[audit]`: the audit log.
#[derive(Debug, Clone, Args)]
#[group(id = "audit")]
pub struct AuditSettings {
    /// Number of months for which entries of the audit log are kept; 0 keeps them forever
    #[arg(long, env = "GROUNDSWELL_AUDIT_RETENTION_MONTHS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=1200))]
    pub audit_retention_months: u32,
    /// File to which signed checkpoints of the audit log are appended, best on another machine; `groundswell audit verify
    /// --checkpoints` compares the log with it
    #[arg(long, env = "GROUNDSWELL_AUDIT_CHECKPOINT_FILE")]
    pub audit_checkpoint_file: Option<PathBuf>,
    /// URL to which signed checkpoints of the audit log are sent
    #[arg(long, env = "GROUNDSWELL_AUDIT_CHECKPOINT_URL", hide_env_values = true)]
    pub audit_checkpoint_url: Option<Secret>,
}

impl AuditSettings {
    /// Returns the number of months for which entries are kept; `None` keeps them forever.
    pub fn retention_months(&self) -> Option<u32> {
        (self.audit_retention_months > 0).then_some(self.audit_retention_months)
    }
}
