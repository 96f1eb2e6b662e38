//! Alerts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::post::ScoredPost;
use super::rollup::Dimension;

/// Kind of alert. Several rules can raise alerts of one kind; [`Alert::rule_id`] names the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertRule {
    /// The negative share or the average sentiment passed its threshold.
    Negativity,
    /// An author is at high risk of leaving.
    Churn,
    /// An unusual number of posts, or an anomaly that no rule covers.
    Spike,
    /// A post is predicted to spread widely.
    Virality,
    /// Another metric passed its threshold: toxicity, or the share of an emotion.
    Threshold,
}

impl AlertRule {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Negativity, Self::Churn, Self::Spike, Self::Virality, Self::Threshold];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negativity => "negativity",
            Self::Churn => "churn",
            Self::Spike => "spike",
            Self::Virality => "virality",
            Self::Threshold => "threshold",
        }
    }
}

/// Subject of an alert: everything, or one product, platform, channel or city.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// `overall`, `product`, `platform`, `channel` or `city`.
    #[schema(value_type = String)]
    pub dimension: Dimension,
    /// Product, platform, channel or city; `""` for `overall`.
    pub key: String,
}

impl Scope {
    /// Returns the scope of everything.
    pub fn overall() -> Self {
        Self { dimension: Dimension::Overall, key: String::new() }
    }
}

/// State of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The condition holds.
    Open,
    /// The condition no longer holds.
    Resolved,
}

impl AlertState {
    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// Phase of an alert, finer than its state. Before a series fires it is pending, without an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertPhase {
    /// The condition holds.
    Firing,
    /// The condition has cleared, but not for long enough to resolve the alert.
    Recovering,
    /// The alert is resolved.
    Resolved,
}

impl AlertPhase {
    /// All phases, in the order in which an alert passes through them.
    pub const ALL: [Self; 3] = [Self::Firing, Self::Recovering, Self::Resolved];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
        }
    }
}

/// Severity of an alert, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look today.
    Warning,
    /// Worth a look now.
    Critical,
}

impl Severity {
    /// All severities, in ascending order.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// Returns the name that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Example post of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertPost {
    /// Groundswell's id of the post.
    pub uuid: Uuid,
    /// Text of the post.
    pub text: String,
    /// Platform of the post.
    pub platform: String,
    /// Source of the post.
    pub source: String,
    /// Probability that the author is about to leave, 0 to 1.
    pub churn_risk: f32,
}

impl From<&ScoredPost> for AlertPost {
    fn from(scored: &ScoredPost) -> Self {
        Self {
            uuid: scored.post.uuid,
            text: scored.post.text.clone(),
            platform: scored.post.platform.clone(),
            source: scored.post.source.as_str().to_owned(),
            churn_risk: scored.score.churn_risk,
        }
    }
}

/// Point of the series behind an alert, with its expected range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidencePoint {
    /// Start of the step.
    pub at: Timestamp,
    /// Measured value.
    pub value: f64,
    /// Usual value: at such a time, or for a rule, in the preceding steps.
    pub baseline: f64,
    /// Lower bound of the expected range, or of the range that the rule accepts.
    pub low: f64,
    /// Upper bound of the expected range, or of the range that the rule accepts.
    pub high: f64,
}

/// Term that the posts of an alert use more often than usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceTerm {
    /// The term.
    pub term: String,
    /// Number of posts that use the term.
    pub count: i64,
    /// Expected number of posts that use the term.
    pub expected: f64,
}

/// Evidence for an alert, from which people can judge it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Series up to the opening of the alert, oldest first.
    pub series: Vec<EvidencePoint>,
    /// Distinctive terms of the posts, the most distinctive first.
    pub terms: Vec<EvidenceTerm>,
}

/// Alert as listed by `/alerts` and pushed in `alert:*` frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Unique id.
    pub id: Uuid,
    /// Kind of alert.
    pub rule: AlertRule,
    /// Rule that raised the alert; null for an anomaly.
    pub rule_id: Option<Uuid>,
    /// Name of the rule when it last fired.
    pub rule_name: Option<String>,
    /// Measured metric, such as `negative_share` or `emotion:anger`; null for alerts older than named metrics.
    pub metric: Option<String>,
    /// Subject of the alert.
    pub scope: Scope,
    /// State of the alert.
    pub state: AlertState,
    /// Phase of the alert, finer than `state`: an open alert is firing or recovering.
    pub phase: AlertPhase,
    /// Whether a silence suppresses its notifications.
    pub silenced: bool,
    /// More severe alert about the same problem, because of which this one is not notified.
    pub inhibited_by: Option<Uuid>,
    /// Whether it opened so often recently that it is held open and its changes are not notified.
    pub flapping: bool,
    /// Severity of the alert.
    pub severity: Severity,
    /// One-sentence description.
    pub title: String,
    /// Latest value in the unit of `metric`; the highest churn risk for alerts about single posts at risk.
    pub value: f64,
    /// Threshold beyond which the alert opens.
    pub threshold: f64,
    /// Number of posts in the window.
    pub count: i64,
    /// Time at which the alert opened.
    pub opened_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Time at which the alert resolved; null while it is open.
    pub resolved_at: Option<Timestamp>,
    /// Time at which a person acknowledged the alert; null before.
    pub acknowledged_at: Option<Timestamp>,
    /// Evidence besides the posts; null for alerts about single posts, or when it was unavailable at the opening.
    pub evidence: Option<Evidence>,
    /// Example posts, newest first, at most 20.
    pub posts: Vec<AlertPost>,
}

/// Entry in the history of an alert: a phase that it entered, or an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertMoment {
    /// Time of the entry.
    pub at: Timestamp,
    /// `pending`, `firing`, `recovering` or `resolved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// `acknowledged`, `silenced`, `unsilenced`, `inhibited`, `released`, `escalated`, `flapping` or `withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Value at that time.
    pub value: f64,
}

/// Alert with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertWithHistory {
    /// Current alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// History of the alert, oldest first.
    pub history: Vec<AlertMoment>,
}
