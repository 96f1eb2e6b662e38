//! How readily people are told of changes for which nobody configured a rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How large a change must be. `groundswell bench signals` measures what each step finds, and how often it is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// Tell of none.
    Off,
    /// Only what nobody could overlook.
    Low,
    /// At most one false alarm a month for each series.
    #[default]
    Balanced,
    /// Sooner, and for smaller changes; with more false alarms.
    High,
}

impl Sensitivity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::Low, Self::Balanced, Self::High];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Low => "low",
            Self::Balanced => "balanced",
            Self::High => "high",
        }
    }
}

/// What `/signal-settings` reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalSettings {
    /// How large a change must be.
    pub sensitivity: Sensitivity,
    /// Posts that a change must rest on, 10 to 1,000,000.
    #[schema(minimum = 10, maximum = 1_000_000)]
    pub minimum_volume: u32,
}

impl Default for SignalSettings {
    fn default() -> Self {
        Self { sensitivity: Sensitivity::Balanced, minimum_volume: 30 }
    }
}
