//! Plans, which limit what each account may use.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much an account may use.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// For trying Groundswell out.
    #[default]
    Free,
    /// For a team.
    Pro,
    /// For an organization.
    Enterprise,
}

impl Plan {
    /// Every plan.
    pub const ALL: [Self; 3] = [Self::Free, Self::Pro, Self::Enterprise];

    /// Returns the name, as it is sent and stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_ordered_and_sent_by_name() {
        assert!(Plan::Free < Plan::Pro && Plan::Pro < Plan::Enterprise);
        for plan in Plan::ALL {
            assert_eq!(serde_json::to_value(plan).unwrap(), plan.as_str());
        }
    }
}
