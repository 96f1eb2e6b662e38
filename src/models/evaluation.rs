//! State of alert rule series, and the changes that one evaluation makes.

use jiff::Timestamp;
use uuid::Uuid;

use super::alert::{AlertPhase, AlertPost, Evidence, Scope, Severity};
use super::alert_rule::{Metric, Rule};
use super::rollup::{Dimension, Sums};

/// Evaluation phase of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The condition does not hold.
    Inactive,
    /// The condition holds, but not for long enough yet, or too soon after the last alert resolved.
    Pending,
    /// The alert is open and the condition holds.
    Firing,
    /// The alert is open, although the condition no longer holds.
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

/// State of one series, which is one rule applied to one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Phase that the series is in.
    pub phase: Phase,
    /// When the phase began.
    pub since: Timestamp,
    /// When the last alert resolved.
    pub resolved_at: Option<Timestamp>,
    /// Times of recent openings, oldest first.
    pub openings: Vec<Timestamp>,
    /// Whether the alert opened so often that it is held open.
    pub flapping: bool,
}

/// Identifies a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId {
    /// Rule that the series belongs to.
    pub rule_id: Uuid,
    /// Scope that the series measures.
    pub scope: Scope,
}

/// Series and its open alert, as stored between evaluations.
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
    /// Window length in seconds.
    pub window_seconds: i64,
    /// Dimension of the keys.
    pub dimension: Dimension,
    /// Whether it covers posts with a high predicted virality, which rollups do not contain.
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

/// Figures measured for one key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeyMeasurement {
    /// Sums over all posts of the key.
    Sums(Sums),
    /// Posts of the key with a high predicted virality.
    Viral {
        /// Highest predicted virality.
        highest: f64,
        /// Number of posts with a high predicted virality.
        count: i64,
    },
}

/// Figures for one key in one past step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Start of the step.
    pub at: Timestamp,
    /// Key within the dimension.
    pub key: String,
    /// Figures measured in the step.
    pub measured: KeyMeasurement,
}

/// Alert to open.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Series that the alert is about.
    pub id: SeriesId,
    /// Rule that opens the alert.
    pub rule: Rule,
    /// Severity at the opening.
    pub severity: Severity,
    /// Title shown to people.
    pub title: String,
    /// Measured value.
    pub value: f64,
    /// Number of posts behind the value.
    pub count: i64,
    /// Since when the condition has held.
    pub pending_since: Timestamp,
    /// Series state after the opening.
    pub series: Series,
    /// Example posts, filled in before the alert is written.
    pub posts: Vec<AlertPost>,
    /// Evidence, filled in before the alert is written.
    pub evidence: Option<Evidence>,
}

/// Update of an open alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    /// Id of the alert to update.
    pub alert: Uuid,
    /// Severity, which never decreases while the alert is open.
    pub severity: Severity,
    /// Title shown to people.
    pub title: String,
    /// Measured value.
    pub value: f64,
    /// Number of posts behind the value.
    pub count: i64,
    /// Phase that the alert enters, if its phase changes.
    pub entered: Option<AlertPhase>,
    /// Whether the severity rose.
    pub escalated: bool,
}

/// All changes that one evaluation makes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Alerts to open.
    pub openings: Vec<Opening>,
    /// Updates of alerts that remain open.
    pub refreshes: Vec<Refresh>,
    /// Alerts to resolve.
    pub endings: Vec<Uuid>,
    /// Alerts to withdraw because their rule was deleted, disabled or changed.
    pub withdrawals: Vec<Uuid>,
    /// Series to store.
    pub kept: Vec<(SeriesId, StoredSeries)>,
    /// Series to delete.
    pub forgotten: Vec<SeriesId>,
}

/// Whether an alert is silenced or inhibited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Id of the alert to update.
    pub alert: Uuid,
    /// Whether a silence covers the alert.
    pub silenced: bool,
    /// More severe alert that inhibits it.
    pub inhibited_by: Option<Uuid>,
}

impl Suppression {
    /// Returns whether notifications about the alert may be sent.
    pub const fn is_none(&self) -> bool {
        !self.silenced && self.inhibited_by.is_none()
    }
}

/// Alert with the last notice that was sent about it.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifiedAlert {
    /// Alert in its current state.
    pub alert: super::alert::Alert,
    /// Alert under whose id the last notice was sent, with its severity at that time; `None` before the first notice.
    pub notified_as: Option<(Uuid, Severity)>,
    /// Channels to notify; empty means every channel whose minimum severity fits.
    pub channels: Vec<Uuid>,
}

/// Notice to send, with the alerts that it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct DueNotice {
    /// Alert under whose id the notice is sent, worded for all alerts that the notice covers.
    pub alert: super::alert::Alert,
    /// Channels to notify.
    pub channels: Vec<Uuid>,
    /// Event that the notice reports.
    pub kind: NoticeKind,
    /// Ids of the alerts that the notice covers.
    pub about: Vec<Uuid>,
}

/// Event that a notice reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The alert fires.
    Fired,
    /// The severity has risen since the last notice.
    Escalated,
    /// Every alert in the notice has resolved.
    Over,
}
