//! Who is told of alerts, by which way, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// It opened, or became worse.
    Fired,
    /// A person took note of it. Only systems that keep incidents are told; people need no message about a person.
    Acknowledged,
    /// It no longer holds.
    Resolved,
}

impl NoticeEvent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fired, Self::Acknowledged, Self::Resolved];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
        }
    }
}
