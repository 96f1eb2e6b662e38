//! Findings that open alerts, and their outcomes.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::alert::{Alert, AlertPost, AlertRule, Evidence, Scope, Severity};

/// Maximum number of posts shown in an alert.
pub const ALERT_POSTS_MAX: usize = 20;

/// Subject of an alert. At most one alert is open per series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlertSeries {
    /// Kind of alert.
    pub rule: AlertRule,
    /// Rule that the alert belongs to; `None` for an anomaly.
    pub rule_id: Option<Uuid>,
    /// Measured metric, such as `volume`.
    pub metric: Option<String>,
    /// Scope that the metric covers.
    pub scope: Scope,
}

/// Finding that opens or updates an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// Series that the finding is about.
    pub series: AlertSeries,
    /// Name of the alert's rule, if it has one.
    pub rule_name: Option<String>,
    /// Severity of the alert.
    pub severity: Severity,
    /// One-sentence description for people.
    pub title: String,
    /// Measured value.
    pub value: f64,
    /// Value at which the alert opens.
    pub threshold: f64,
    /// Number of posts behind the value. For an alert that grows post by post, the number of additional posts.
    pub count: i64,
    /// When the finding was made.
    pub at: Timestamp,
    /// How long the same series cannot open again after its alert was resolved.
    pub cooldown: Duration,
    /// Channels to notify; empty for every channel whose minimum severity fits.
    pub channels: Vec<Uuid>,
    /// Example posts, newest first.
    pub posts: Vec<AlertPost>,
    /// All posts, by id and event time, if the alert is about individual posts; empty if it is about a share.
    pub members: Vec<(Uuid, Timestamp)>,
    /// Evidence beyond the threshold.
    pub evidence: Option<Evidence>,
}

/// What a finding did.
#[derive(Debug, Clone, PartialEq)]
pub enum Raise {
    /// Opened an alert. Of any number of concurrent processes, exactly one gets this outcome.
    Opened(Alert),
    /// Updated the open alert.
    Updated(Alert),
    /// Did nothing, because the series is in its cooldown.
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
