//! Findings that open or update alerts, and their outcomes.

use std::time::Duration;

use jiff::Timestamp;

use crate::models::alert::{Alert, AlertPost, AlertRule, Evidence, Scope, Severity};
use crate::models::id::{ChannelId, PostId, RuleId};

/// Maximum number of posts shown in an alert.
pub const ALERT_POSTS_MAX: usize = 20;

/// Subject of an alert. At most one alert is open per series.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlertSeries {
    /// Kind of the alerts in this series.
    pub rule: AlertRule,
    /// Rule that the alert belongs to; `None` for an anomaly.
    pub rule_id: Option<RuleId>,
    /// Metric that the series measures, such as `volume`.
    pub metric: Option<String>,
    /// Posts that are measured: all of them, or only those with one key of a dimension.
    pub scope: Scope,
}

/// Finding that opens or updates an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// Series in which the alert opens.
    pub series: AlertSeries,
    /// Name of the rule that made the finding; `None` for an anomaly.
    pub rule_name: Option<String>,
    /// Severity of the alert after it opens or is updated.
    pub severity: Severity,
    /// One sentence that describes the finding, for people to read.
    pub title: String,
    /// Value of the metric when the finding was made.
    pub value: f64,
    /// Value of the metric at which the alert opens.
    pub threshold: f64,
    /// Number of posts behind the value. For an alert that grows post by post, the number of additional posts.
    pub count: i64,
    /// When the finding was made, which becomes the time of the opening or update.
    pub at: Timestamp,
    /// How long the series must wait after the alert is resolved before it can open another one.
    pub cooldown: Duration,
    /// Channels to notify; if empty, every channel whose minimum severity the alert reaches.
    pub channels: Vec<ChannelId>,
    /// Example posts to show in the alert, newest first.
    pub posts: Vec<AlertPost>,
    /// If the alert is about individual posts, the ids and event times of all of them; empty if it is about a share of
    /// posts.
    pub members: Vec<(PostId, Timestamp)>,
    /// Earlier values of the metric and distinctive terms, which help people judge the alert.
    pub evidence: Option<Evidence>,
}

/// Outcome of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Raise {
    /// The finding opened an alert. Exactly one of several concurrent processes gets this outcome.
    Opened(Alert),
    /// The finding updated the open alert of its series.
    Updated(Alert),
    /// Nothing happened, because the series is in its cooldown.
    Quiet,
}

impl Raise {
    /// Returns the opened or updated alert; `None` during a cooldown.
    pub fn into_alert(self) -> Option<Alert> {
        match self {
            Self::Opened(alert) | Self::Updated(alert) => Some(alert),
            Self::Quiet => None,
        }
    }
}
