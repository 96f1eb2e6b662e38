//! Recent errors of one process, as returned by `GET /api/v1/system/errors`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metrics::Window;

/// Kind of error, classified by how it was noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// Logged at ERROR: someone must act.
    Error,
    /// Logged at WARN: the process recovered and lost nothing.
    Warning,
    /// A stage stopped and was restarted.
    Restart,
    /// A post that could not be processed was dead-lettered.
    DeadLetter,
    /// An attempt to deliver a notification failed.
    FailedNotification,
    /// A request was answered with 4xx.
    RefusedRequest,
    /// A request was answered with 5xx.
    FailedRequest,
}

impl ErrorKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Warning,
        Self::Restart,
        Self::DeadLetter,
        Self::FailedNotification,
        Self::RefusedRequest,
        Self::FailedRequest,
    ];

    /// Returns the name used in the API and as a metric label.
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

/// Period that an error overview covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ErrorWindow {
    /// One hour in steps of one minute.
    #[default]
    #[serde(rename = "1h")]
    Hour,
    /// Six hours in steps of five minutes.
    #[serde(rename = "6h")]
    SixHours,
    /// One day in steps of fifteen minutes.
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

/// Errors that occurred during one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorStep {
    /// Start of the step.
    pub from: Timestamp,
    /// Number of errors of each kind; kinds that did not occur are absent.
    pub counts: BTreeMap<ErrorKind, u64>,
}

/// How often one part of the process reported one kind of error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorOrigin {
    /// Stage or other part of the process that reported the errors, such as `http` or `store`.
    pub origin: String,
    /// Kind of error counted.
    pub kind: ErrorKind,
    /// Number of errors in the period.
    pub count: u64,
}

/// Error message, with identical occurrences merged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorMessage {
    /// Time of the latest occurrence.
    pub at: Timestamp,
    /// Time of the first recorded occurrence.
    pub first_at: Timestamp,
    /// Number of occurrences since `first_at`.
    pub count: u64,
    /// Kind of error that the message reports.
    pub kind: ErrorKind,
    /// Stage or other part of the process that reported the error.
    pub origin: String,
    /// Text of the message, as logged.
    pub message: String,
}

/// Errors of one process over a period. They are lost when the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorOverview {
    /// Period that the overview covers.
    pub window: Window,
    /// Length of a step in seconds.
    pub step_seconds: i64,
    /// Every step, oldest first, including those without errors.
    pub steps: Vec<ErrorStep>,
    /// Error counts by part of the process and by kind, most frequent first.
    pub origins: Vec<ErrorOrigin>,
    /// Most recent messages, newest first; repetitions are merged.
    pub recent: Vec<ErrorMessage>,
}
