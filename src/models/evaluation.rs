//! State of the series of alert rules, and the changes of one evaluation.

use jiff::Timestamp;
use uuid::Uuid;

use super::alert::{AlertPhase, AlertPost, Evidence, Scope, Severity};
use super::alert_rule::{Metric, Rule};
use super::rollup::{Dimension, Sums};

/// Phase of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The condition does not hold.
    Inactive,
    /// The condition holds, but not for long enough, or too soon after the alert resolved.
    Pending,
    /// The alert is open and the condition holds.
    Firing,
    /// The alert is open, but the condition no longer holds.
    Recovering,
}

impl Phase {
    /// All phases.
    pub const ALL: [Self; 4] = [Self::Inactive, Self::Pending, Self::Firing, Self::Recovering];

    /// Returns the stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
        }
    }

    /// Returns whether an alert is open.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering)
    }
}

/// State of one series, that is of one rule for one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Current phase.
    pub phase: Phase,
    /// Start of the phase.
    pub since: Timestamp,
    /// Time of the last resolution.
    pub resolved_at: Option<Timestamp>,
    /// Recent openings, oldest first.
    pub openings: Vec<Timestamp>,
    /// Whether it opened so often that its alert is held open.
    pub flapping: bool,
}

/// Identity of a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId {
    /// Rule of the series.
    pub rule_id: Uuid,
    /// Scope of the series.
    pub scope: Scope,
}

/// Series with its open alert, as stored between evaluations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSeries {
    /// State of the series.
    pub series: Series,
    /// Open alert, if any.
    pub alert: Option<Uuid>,
}

/// Measurement that several rules share: all keys of a dimension over the same window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    /// Length of the window.
    pub window_seconds: i64,
    /// Dimension of the keys.
    pub dimension: Dimension,
    /// Whether it covers the posts with a high predicted virality, which rollups do not contain.
    pub is_viral: bool,
}

impl Group {
    /// Returns the measurement that a rule needs.
    pub fn of(rule: &Rule) -> Self {
        Self {
            window_seconds: rule.what.window_seconds,
            dimension: rule.what.scope.dimension,
            is_viral: rule.what.metric == Metric::Virality,
        }
    }
}

/// Measured figures of one key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeyMeasurement {
    /// Sums over all posts of the key.
    Sums(Sums),
    /// Posts of the key with a high predicted virality.
    Viral {
        /// Highest predicted virality.
        highest: f64,
        /// Number of such posts.
        count: i64,
    },
}

/// Figures of one key in one past step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Start of the step.
    pub at: Timestamp,
    /// Key within the dimension.
    pub key: String,
    /// Measured figures.
    pub measured: KeyMeasurement,
}

/// Alert to open.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Series of the alert.
    pub id: SeriesId,
    /// Rule of the alert.
    pub rule: Rule,
    /// Severity of the alert.
    pub severity: Severity,
    /// Title of the alert.
    pub title: String,
    /// Measured value.
    pub value: f64,
    /// Number of posts behind the value.
    pub count: i64,
    /// Time since which the condition holds.
    pub pending_since: Timestamp,
    /// State of the series after the opening.
    pub series: Series,
    /// Example posts, filled in before the alert is written.
    pub posts: Vec<AlertPost>,
    /// Evidence, filled in before the alert is written.
    pub evidence: Option<Evidence>,
}

/// Update of an open alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    /// Alert to update.
    pub alert: Uuid,
    /// Severity, which never falls while the alert is open.
    pub severity: Severity,
    /// Title of the alert.
    pub title: String,
    /// Measured value.
    pub value: f64,
    /// Number of posts behind the value.
    pub count: i64,
    /// Phase that the alert enters, if it changes.
    pub entered: Option<AlertPhase>,
    /// Whether the severity rose.
    pub escalated: bool,
}

/// All changes of one evaluation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Alerts to open.
    pub openings: Vec<Opening>,
    /// Updates of alerts that stay open.
    pub refreshes: Vec<Refresh>,
    /// Alerts to resolve.
    pub endings: Vec<Uuid>,
    /// Alerts to withdraw, because their rule was deleted, disabled or changed.
    pub withdrawals: Vec<Uuid>,
    /// Series to store.
    pub kept: Vec<(SeriesId, StoredSeries)>,
    /// Series to delete.
    pub forgotten: Vec<SeriesId>,
}

/// Silencing and inhibition of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Alert to update.
    pub alert: Uuid,
    /// Whether a silence covers the alert.
    pub silenced: bool,
    /// More severe alert that inhibits it.
    pub inhibited_by: Option<Uuid>,
}

impl Suppression {
    /// Returns whether the alert may be notified.
    pub const fn is_none(&self) -> bool {
        !self.silenced && self.inhibited_by.is_none()
    }
}

/// Alert with the last notice about it.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifiedAlert {
    /// Current state of the alert.
    pub alert: super::alert::Alert,
    /// Alert under whose id the last notice was sent, with its severity then; `None` before the first.
    pub notified_as: Option<(Uuid, Severity)>,
    /// Channels to notify; empty means every channel whose minimum severity fits.
    pub channels: Vec<Uuid>,
}

/// Notice to send, with the alerts that it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct DueNotice {
    /// Alert under whose id it is sent, worded for all alerts that it covers.
    pub alert: super::alert::Alert,
    /// Channels to notify.
    pub channels: Vec<Uuid>,
    /// Event that it reports.
    pub kind: NoticeKind,
    /// Alerts that it covers.
    pub about: Vec<Uuid>,
}

/// Event that a notice reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The alert fires.
    Fired,
    /// The severity rose since the last notice.
    Escalated,
    /// The alert and all others of its notice resolved.
    Over,
}
