//! Recent errors of one process: the response of `GET /api/v1/system/errors`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::Window;

/// Kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Logged at ERROR: a person must act.
    Error,
    /// Logged at WARN: the process recovered and lost nothing.
    Warning,
    /// A stage was restarted.
    Restart,
    /// A post was dead-lettered.
    DeadLetter,
    /// A delivery attempt of a notification failed.
    FailedNotification,
    /// A request was answered with 4xx.
    RefusedRequest,
    /// A request was answered with 5xx.
    FailedRequest,
}

impl ErrorKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Warning,
        Self::Restart,
        Self::DeadLetter,
        Self::FailedNotification,
        Self::RefusedRequest,
        Self::FailedRequest,
    ];

    /// Returns the name that is sent and used as a metric label.
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

/// Period of an error overview.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ErrorWindow {
    /// An hour in steps of a minute.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// Six hours in steps of five minutes.
    #[serde(rename = "6h")]
    SixHours,
    /// A day in steps of a quarter of an hour.
    #[serde(rename = "24h")]
    Day,
}

impl ErrorWindow {
    /// Returns the number of steps and the length of each in minutes.
    pub const fn steps(self) -> (i64, i64) {
        match self {
            Self::Hour => (60, 1),
            Self::SixHours => (72, 5),
            Self::Day => (96, 15),
        }
    }
}

/// Errors in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorStep {
    /// Start of the step.
    pub from: Timestamp,
    /// Number of errors by kind; kinds that did not occur are absent.
    pub counts: BTreeMap<ErrorKind, u64>,
}

/// Errors of one kind in one part of the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorOrigin {
    /// Stage or other part of the process, such as `http` or `store`.
    pub origin: String,
    /// Kind of error.
    pub kind: ErrorKind,
    /// Number of errors.
    pub count: u64,
}

/// Error message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorMessage {
    /// Time of the latest occurrence.
    pub at: Timestamp,
    /// Time of the first recorded occurrence.
    pub first_at: Timestamp,
    /// Number of occurrences since `first_at`.
    pub count: u64,
    /// Kind of error.
    pub kind: ErrorKind,
    /// Part of the process.
    pub origin: String,
    /// Text of the error.
    pub message: String,
}

/// Errors of this process over a period. Lost when the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorOverview {
    /// Period covered.
    pub window: Window,
    /// Length of a step in seconds.
    pub step_seconds: i64,
    /// Every step, oldest first, including those without errors.
    pub steps: Vec<ErrorStep>,
    /// Origins of the errors, the most frequent first.
    pub origins: Vec<ErrorOrigin>,
    /// Most recent messages, newest first; repeated messages are merged.
    pub recent: Vec<ErrorMessage>,
}
