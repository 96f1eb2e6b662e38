//! State of the series that alert rules watch, and the changes made by one evaluation.

use jiff::Timestamp;

use super::alert::{AlertPhase, AlertPost, Evidence, Scope, Severity};
use super::alert_rule::{Metric, Rule};
use super::id::{AlertId, ChannelId, RuleId};
use super::rollup::{Dimension, Sums};

/// Where a series stands in the life cycle of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The condition does not hold.
    Inactive,
    /// The condition holds but has not held for long enough yet, or the last alert resolved too recently.
    Pending,
    /// The alert is open and the condition holds.
    Firing,
    /// The alert is open, although the condition no longer holds.
    Recovering,
}

impl Phase {
    /// Every phase, in declaration order.
    pub const ALL: [Self; 4] = [Self::Inactive, Self::Pending, Self::Firing, Self::Recovering];

    /// Returns the name used in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
        }
    }

    /// Returns whether the series has an open alert.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering)
    }
}

/// State of one series, which is one rule applied to one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Phase of the series after the last evaluation.
    pub phase: Phase,
    /// Time at which the phase began.
    pub since: Timestamp,
    /// Time at which the last alert resolved; `None` if there has been none.
    pub resolved_at: Option<Timestamp>,
    /// Times at which alerts recently opened, oldest first.
    pub openings: Vec<Timestamp>,
    /// Whether the alert has opened so often that it is held open.
    pub flapping: bool,
}

/// Identifies a series by its rule and scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId {
    /// Rule whose condition is evaluated on the series.
    pub rule_id: RuleId,
    /// Posts that the series measures.
    pub scope: Scope,
}

/// Series and its open alert as stored between evaluations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSeries {
    /// Phase, times and openings.
    pub series: Series,
    /// Open alert of the series; `None` if there is none.
    pub alert: Option<AlertId>,
}

/// Measurement shared by several rules: all keys of a dimension over the same window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    /// Window length in seconds.
    pub window_seconds: i64,
    /// Dimension whose keys are measured.
    pub dimension: Dimension,
    /// Whether to measure posts with high predicted virality, which the rollups do not contain.
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
    /// Sums across all posts with the key.
    Sums(Sums),
    /// Posts with the key and high predicted virality.
    Viral {
        /// Highest predicted virality of any post, 0 to 100.
        highest: f64,
        /// Number of posts with a high predicted virality.
        count: i64,
    },
}

/// Figures measured for one key in one past step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Start of the step.
    pub at: Timestamp,
    /// Product, platform, channel or city; `""` for `overall`.
    pub key: String,
    /// Figures for the posts in the step.
    pub measured: KeyMeasurement,
}

/// Alert to open, with everything that is stored about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Series that the alert is about.
    pub id: SeriesId,
    /// Rule that opens the alert.
    pub rule: Rule,
    /// Severity of the alert when it opens.
    pub severity: Severity,
    /// Human-readable description in one sentence.
    pub title: String,
    /// Value that opened the alert.
    pub value: f64,
    /// Number of posts that the value is based on.
    pub count: i64,
    /// Time at which the condition began to hold.
    pub pending_since: Timestamp,
    /// Series state after the opening.
    pub series: Series,
    /// Example posts; empty until just before the alert is written.
    pub posts: Vec<AlertPost>,
    /// Series and terms behind the alert; `None` until just before it is written, or if unavailable.
    pub evidence: Option<Evidence>,
}

/// New values for an open alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    /// Open alert whose values change.
    pub alert: AlertId,
    /// Severity, which never decreases while the alert is open.
    pub severity: Severity,
    /// Human-readable description in one sentence.
    pub title: String,
    /// Latest value of the metric.
    pub value: f64,
    /// Number of posts that the value is based on.
    pub count: i64,
    /// Phase that the alert enters; `None` if its phase does not change.
    pub entered: Option<AlertPhase>,
    /// Whether the severity has risen.
    pub escalated: bool,
    /// Whether the value is beyond the threshold, and based on enough posts. Only such a value can be the alert's peak.
    pub is_breach: bool,
}

/// All changes that one evaluation makes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Alerts to open, with their contents.
    pub openings: Vec<Opening>,
    /// New values for alerts that remain open.
    pub refreshes: Vec<Refresh>,
    /// Alerts to resolve, because their condition has been clear for long enough.
    pub endings: Vec<AlertId>,
    /// Alerts to withdraw, because their rule was deleted, disabled or changed.
    pub withdrawals: Vec<AlertId>,
    /// Series to store, with their new state.
    pub kept: Vec<(SeriesId, StoredSeries)>,
    /// Series to delete because they are no longer needed.
    pub forgotten: Vec<SeriesId>,
}

impl Changes {
    /// Returns whether the changes can cause notices, or change which alerts are suppressed.
    pub fn affect_notices(&self) -> bool {
        let enters = |refresh: &Refresh| refresh.entered.is_some() || refresh.escalated;
        !self.openings.is_empty()
            || !self.endings.is_empty()
            || !self.withdrawals.is_empty()
            || self.refreshes.iter().any(enters)
    }
}

/// Whether notifications about an alert are suppressed and, if so, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// Open alert that may be suppressed.
    pub alert: AlertId,
    /// Whether a silence covers the alert.
    pub silenced: bool,
    /// More severe alert that inhibits this one.
    pub inhibited_by: Option<AlertId>,
}

impl Suppression {
    /// Returns whether notifications about the alert may be sent.
    pub const fn is_none(&self) -> bool {
        !self.silenced && self.inhibited_by.is_none()
    }
}

/// Alert together with the last notice sent about it.
#[derive(Debug, Clone, PartialEq)]
pub struct NotifiedAlert {
    /// Alert in its current state.
    pub alert: super::alert::Alert,
    /// Alert whose id identified the last notice, with its severity at that time; `None` if there has been no notice.
    pub notified_as: Option<(AlertId, Severity)>,
    /// Channels to notify; if empty, every channel whose minimum severity admits the alert.
    pub channels: Vec<ChannelId>,
}

/// Notice to send, and the alerts that it covers.
#[derive(Debug, Clone, PartialEq)]
pub struct DueNotice {
    /// Alert that represents the notice: it provides the id, and its title covers all alerts in the notice.
    pub alert: super::alert::Alert,
    /// Channels to notify; if empty, every channel whose minimum severity admits the alert.
    pub channels: Vec<ChannelId>,
    /// What the notice reports.
    pub kind: NoticeKind,
    /// Alerts that the notice covers.
    pub about: Vec<AlertId>,
}

/// Event that a notice reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// At least one alert is firing that no earlier notice reported.
    Fired,
    /// The severity has risen since the last notice.
    Escalated,
    /// Every alert that the notice covers has resolved.
    Over,
}
