//! What went wrong of late in one process: the answer of `GET /api/v1/system/errors`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::Window;

/// A way in which something can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Something was logged at ERROR: a person must act.
    Error,
    /// Something was logged at WARN: it recovered and nothing was lost.
    Warning,
    /// A stage was rebuilt.
    Restart,
    /// A post was moved to the dead letters.
    DeadLetter,
    /// An attempt to notify somebody failed.
    FailedNotification,
    /// A request was answered 4xx.
    RefusedRequest,
    /// A request was answered 5xx.
    FailedRequest,
}

impl ErrorKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Warning,
        Self::Restart,
        Self::DeadLetter,
        Self::FailedNotification,
        Self::RefusedRequest,
        Self::FailedRequest,
    ];

    /// The name as sent and as a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Restart => "restart",
            Self::DeadLetter => "dead_letter",
            Self::FailedNotification => "failed_notification",
            Self::RefusedRequest => "refused_request",
            Self::FailedRequest => "failed_request",
        }
    }
}

/// How far back to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ErrorWindow {
    /// An hour, in minutes.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// Six hours, in steps of five minutes.
    #[serde(rename = "6h")]
    SixHours,
    /// A day, in quarters of an hour.
    #[serde(rename = "24h")]
    Day,
}

impl ErrorWindow {
    /// How many steps, and how many minutes each.
    pub const fn steps(self) -> (i64, i64) {
        match self {
            Self::Hour => (60, 1),
            Self::SixHours => (72, 5),
            Self::Day => (96, 15),
        }
    }
}

/// What went wrong in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorStep {
    /// When it began.
    pub from: Timestamp,
    /// How often, by kind; kinds that did not happen are left out.
    pub counts: BTreeMap<ErrorKind, u64>,
}

/// How often one part of the process had one kind of trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorOrigin {
    /// A stage, or another part such as `http` or `store`.
    pub origin: String,
    /// What kind.
    pub kind: ErrorKind,
    /// How often.
    pub count: u64,
}

/// Something that went wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorMessage {
    /// When it happened last.
    pub at: Timestamp,
    /// When it happened first, as far as is remembered.
    pub first_at: Timestamp,
    /// How often it happened since then.
    pub count: u64,
    /// What kind.
    pub kind: ErrorKind,
    /// Which part of the process.
    pub origin: String,
    /// What happened.
    pub message: String,
}

/// What went wrong in this process, as far back as was asked for. Forgotten when the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorOverview {
    /// The stretch asked for.
    pub window: Window,
    /// The length of a step.
    pub step_seconds: i64,
    /// Every step, oldest first, also those without trouble.
    pub steps: Vec<ErrorStep>,
    /// Where the trouble was, the most frequent first.
    pub origins: Vec<ErrorOrigin>,
    /// The newest of it in words, newest first; what repeats is told once.
    pub recent: Vec<ErrorMessage>,
}
