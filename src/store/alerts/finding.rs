//! Findings that open alerts, and their outcomes.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::alert::{Alert, AlertPost, AlertRule, Evidence, Scope, Severity};

/// Maximum number of posts that an alert shows.
pub const ALERT_POSTS_MAX: usize = 20;

/// Subject of an alert. At most one alert is open per series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlertSeries {
    /// The kind of alert.
    pub rule: AlertRule,
    /// The rule it belongs to; `None` for an anomaly.
    pub rule_id: Option<Uuid>,
    /// The measured metric, such as `volume`.
    pub metric: Option<String>,
    /// What the metric covers.
    pub scope: Scope,
}

/// A finding that opens or updates an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// The series it is about.
    pub series: AlertSeries,
    /// Name of its rule, if it has one.
    pub rule_name: Option<String>,
    /// Severity of the alert.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The measured value.
    pub value: f64,
    /// The value at which the alert opens.
    pub threshold: f64,
    /// Number of posts behind it; for an alert that grows post by post, the additional ones.
    pub count: i64,
    /// Time of the finding.
    pub at: Timestamp,
    /// How long the same series cannot open again after it was resolved.
    pub cooldown: Duration,
    /// Channels to notify; empty for every channel whose minimum severity fits.
    pub channels: Vec<Uuid>,
    /// Some of the posts, newest first.
    pub posts: Vec<AlertPost>,
    /// All posts, by id and event time, if the alert is about single posts; empty if it is about a share.
    pub members: Vec<(Uuid, Timestamp)>,
    /// Evidence beyond a threshold.
    pub evidence: Option<Evidence>,
}

/// Outcome of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Raise {
    /// It opened an alert. Exactly one of any number of concurrent processes gets this outcome.
    Opened(Alert),
    /// It updated the open alert.
    Updated(Alert),
    /// Nothing: the series is in its cooldown.
    Quiet,
}

impl Raise {
    /// Returns the current alert, if there is one.
    pub fn into_alert(self) -> Option<Alert> {
        match self {
            Self::Opened(alert) | Self::Updated(alert) => Some(alert),
            Self::Quiet => None,
        }
    }
}
