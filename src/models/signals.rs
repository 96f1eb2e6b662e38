//! Anomaly detection settings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Sensitivity of anomaly detection. `groundswell bench signals` measures recall and false alarms of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Reports no anomalies.
    Off,
    /// Reports only changes that are hard to overlook.
    Low,
    /// Raises at most one false alarm a month per series.
    #[default]
    Balanced,
    /// Reports earlier and smaller changes, with more false alarms.
    High,
}

impl Sensitivity {
    /// All levels.
    pub const ALL: [Self; 4] = [Self::Off, Self::Low, Self::Balanced, Self::High];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Low => "low",
            Self::Balanced => "balanced",
            Self::High => "high",
        }
    }
}

/// Settings of anomaly detection, read and written at `/signal-settings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSettings {
    /// Sensitivity of anomaly detection.
    pub sensitivity: Sensitivity,
    /// Minimum number of posts behind an anomaly, 10 to 1,000,000.
    #[schema(minimum = 10, maximum = 1_000_000)]
    pub minimum_volume: u32,
}

impl Default for SignalSettings {
    fn default() -> Self {
        Self { sensitivity: Sensitivity::Balanced, minimum_volume: 30 }
    }
}
