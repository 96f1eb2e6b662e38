//! Settings for anomaly detection.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How readily anomalies are reported. `groundswell bench signals` measures the recall and false alarms of each level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Switches anomaly detection off.
    Off,
    /// Reports only changes that are hard to overlook.
    Low,
    /// Reports at most one false alarm a month per series.
    #[default]
    Balanced,
    /// Reports earlier and smaller changes, with more false alarms.
    High,
}

impl Sensitivity {
    /// Every level, in declaration order.
    pub const ALL: [Self; 4] = [Self::Off, Self::Low, Self::Balanced, Self::High];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Low => "low",
            Self::Balanced => "balanced",
            Self::High => "high",
        }
    }
}

/// Settings for anomaly detection, as read and written at `/signal-settings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSettings {
    /// How readily anomalies are reported.
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
