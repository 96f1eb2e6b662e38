//! Settings for scheduled reports.

use std::path::{Path, PathBuf};

use clap::Args;

/// Value that turns PDFs off.
const NONE: &str = "none";

/// The table `[reports]`: scheduled reports.
#[derive(Debug, Clone, Args)]
#[group(id = "reports")]
pub struct ReportSettings {
    /// Chromium or Chrome that prints reports as PDF, or none to send them as HTML only; by default, looked up on the
    /// PATH
    #[arg(long, env = "GROUNDSWELL_CHROMIUM")]
    pub chromium: Option<PathBuf>,
}

impl ReportSettings {
    /// Returns whether reports are sent with a PDF if Chromium is found.
    pub fn prints(&self) -> bool {
        self.chromium.as_deref() != Some(Path::new(NONE))
    }
}
