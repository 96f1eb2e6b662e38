//! Findings that open alerts, and what becomes of them.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::models::alert::{Alert, AlertPost, AlertRule, Evidence, Scope, Severity};

/// Most posts that an alert shows.
pub const ALERT_POSTS_MAX: usize = 20;

/// What an alert is about. At most one is open for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AlertSeries {
    /// The kind of alert.
    pub rule: AlertRule,
    /// The rule it belongs to; `None` for a signal that nobody configured.
    pub rule_id: Option<Uuid>,
    /// What is measured, such as `volume`.
    pub metric: Option<String>,
    /// Of what.
    pub scope: Scope,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// About what.
    pub series: AlertSeries,
    /// The name of its rule, if it has one.
    pub rule_name: Option<String>,
    /// How loudly.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The measured value.
    pub value: f64,
    /// The value at which it opens.
    pub threshold: f64,
    /// Posts behind it; of an alert that grows post by post, the additional ones.
    pub count: i64,
    /// When it was found.
    pub at: Timestamp,
    /// How long the same series stays quiet after it was resolved.
    pub cooldown: Duration,
    /// Where people are told; empty for every channel whose minimum severity fits.
    pub channels: Vec<Uuid>,
    /// Some of the posts, newest first.
    pub posts: Vec<AlertPost>,
    /// All of them, by name and event time, where the alert is about single posts; empty where it is about a share.
    pub members: Vec<(Uuid, Timestamp)>,
    /// What it goes by, where that is more than a threshold.
    pub evidence: Option<Evidence>,
}

/// What became of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Raise {
    /// It opened an alert. Exactly one of any number of processes is told so.
    Opened(Alert),
    /// It changed the one that was open.
    Updated(Alert),
    /// Nothing: the same was resolved a short while ago.
    Quiet,
}

impl Raise {
    /// The alert as it is now, if there is one.
    pub fn into_alert(self) -> Option<Alert> {
        match self {
            Self::Opened(alert) | Self::Updated(alert) => Some(alert),
            Self::Quiet => None,
        }
    }
}
