//! Alerts as stored, listed and pushed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{AlertId, PostId, RuleId};
use super::post::ScoredPost;
use super::rollup::Dimension;

/// Kind of alert. Several rules can raise the same kind; [`Alert::rule_id`] names the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertRule {
    /// The share of negative posts or the average sentiment passed its threshold.
    Negativity,
    /// An author is at high risk of leaving.
    Churn,
    /// An unusual number of posts, or an anomaly that no rule covers.
    Spike,
    /// A post is predicted to spread widely.
    Virality,
    /// Another metric passed its threshold: the average toxicity or the share of an emotion.
    Threshold,
}

impl AlertRule {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 5] = [Self::Negativity, Self::Churn, Self::Spike, Self::Virality, Self::Threshold];

    /// Returns the name used in the database and the API.
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

/// Posts that an alert is about: all of them, or those of one product, platform, channel or city.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// `overall`, `product`, `platform`, `channel` or `city`.
    #[schema(value_type = String)]
    pub dimension: Dimension,
    /// Product, platform, channel or city; `""` for `overall`.
    pub key: String,
}

impl Scope {
    /// Returns the scope that covers all posts.
    pub fn overall() -> Self {
        Self { dimension: Dimension::Overall, key: String::new() }
    }
}

/// Whether an alert still needs attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// The alert is firing or recovering.
    Open,
    /// The alert has ended and will not fire again; a new alert opens instead.
    Resolved,
}

impl AlertState {
    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// Finer-grained state of an alert. A pending series has no alert yet, so there is no pending phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertPhase {
    /// The condition of the alert holds.
    Firing,
    /// The condition has cleared, but not for long enough to resolve the alert.
    Recovering,
    /// The alert has ended.
    Resolved,
}

impl AlertPhase {
    /// All phases, in the order that an alert passes through them.
    pub const ALL: [Self; 3] = [Self::Firing, Self::Recovering, Self::Resolved];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
        }
    }
}

/// How urgent an alert is, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; no action needed.
    Info,
    /// Worth a look within the day.
    Warning,
    /// Worth an immediate look.
    Critical,
}

impl Severity {
    /// All severities, in ascending order.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Post shown as an example of what an alert is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertPost {
    /// Groundswell's own id for the post.
    pub uuid: PostId,
    /// Full text of the post.
    pub text: String,
    /// Platform that the post was published on, such as `twitter`.
    pub platform: String,
    /// Source that the post came from, such as `http` or `bluesky`.
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

/// One step of the series behind an alert, with its expected range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidencePoint {
    /// Start of the step.
    pub at: Timestamp,
    /// Value of the alert's metric in this step.
    pub value: f64,
    /// Expected value: what is usual for the series or, for a rule, the median of the earlier steps.
    pub baseline: f64,
    /// Lower bound of the expected range or, for a rule, of the values that do not make it fire.
    pub low: f64,
    /// Upper bound of the expected range or, for a rule, of the values that do not make it fire.
    pub high: f64,
}

/// Term that is unusually frequent in the posts of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceTerm {
    /// Word, hashtag or two consecutive words, in lower case.
    pub term: String,
    /// Number of posts that use the term.
    pub count: i64,
    /// Number of posts that would use the term if it were as frequent as it was in earlier posts.
    pub expected: f64,
}

/// Series and terms that let people judge whether an alert is justified.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Values up to the time when the alert opened, oldest first.
    pub series: Vec<EvidencePoint>,
    /// Terms that set the posts apart from earlier ones, the most distinctive first.
    pub terms: Vec<EvidenceTerm>,
}

/// Value of an alert's metric at one point in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertMeasurement {
    /// Time of the measurement.
    pub at: Timestamp,
    /// Value in the unit of the alert's `metric`.
    pub value: f64,
    /// Number of posts in the window.
    pub count: i64,
}

/// Measurements for an alert, all from the source that opens and resolves it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertMeasurements {
    /// Measurement that opened the alert; null for alerts that opened before it was stored.
    pub opening: Option<AlertMeasurement>,
    /// Most extreme measurement so far: the lowest if the alert is about a drop. Null whenever `opening` is.
    pub peak: Option<AlertMeasurement>,
    /// Latest measurement, with the alert's `value` and `count`.
    pub latest: Option<AlertMeasurement>,
}

/// Alert as listed by `/alerts` and pushed in `alert:*` frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Id of the alert, as used in `/alerts/{id}`.
    pub id: AlertId,
    /// Kind of alert, which determines the event that is pushed.
    pub rule: AlertRule,
    /// Rule that raised the alert; null for an anomaly.
    pub rule_id: Option<RuleId>,
    /// Name of the rule when it last fired; null for an anomaly.
    pub rule_name: Option<String>,
    /// Measured metric, such as `negative_share` or `emotion:anger`; null for alerts created before metrics had names.
    pub metric: Option<String>,
    /// Posts that the alert is about.
    pub scope: Scope,
    /// Whether the alert is open or resolved.
    pub state: AlertState,
    /// Finer-grained `state`: an open alert is firing or recovering.
    pub phase: AlertPhase,
    /// Whether a silence suppresses the alert's notifications.
    pub silenced: bool,
    /// More severe alert about the same problem that suppresses this one's notifications; null if there is none.
    pub inhibited_by: Option<AlertId>,
    /// Whether the alert has opened so often recently that it is held open and its changes cause no notifications.
    pub flapping: bool,
    /// Current severity, which can rise while the alert is open.
    pub severity: Severity,
    /// Human-readable description in one sentence.
    pub title: String,
    /// Latest value in the unit of `metric`.
    pub value: f64,
    /// Value of the metric beyond which the alert opens.
    pub threshold: f64,
    /// Number of posts in the alert's window.
    pub count: i64,
    /// Measurements when the alert opened, at its peak and now.
    #[serde(default)]
    #[schema(required = true)]
    pub measured: AlertMeasurements,
    /// Time at which the alert opened.
    pub opened_at: Timestamp,
    /// Time at which the alert last changed.
    pub updated_at: Timestamp,
    /// Time at which the alert resolved; null while it is open.
    pub resolved_at: Option<Timestamp>,
    /// Time at which someone acknowledged the alert; null before that.
    pub acknowledged_at: Option<Timestamp>,
    /// Number of changes to the alert so far. Of two versions of an alert, the one with the higher revision is newer.
    #[serde(default)]
    #[schema(required = true)]
    pub revision: i64,
    /// Number of comments on the alert.
    #[serde(default)]
    #[schema(required = true)]
    pub comments: i64,
    /// Name of the person the alert is assigned to; null if it is unassigned.
    #[serde(default)]
    pub assignee: Option<String>,
    /// Series and terms behind the alert; null for alerts about individual posts, or if none were available when the
    /// alert opened.
    pub evidence: Option<Evidence>,
    /// Example posts, newest first, at most 20.
    pub posts: Vec<AlertPost>,
}

/// Entry in the history of an alert: either a phase that it entered or an action taken on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertMoment {
    /// Time at which the alert entered the phase or the action took place.
    pub at: Timestamp,
    /// Phase that the alert entered: `pending`, `firing`, `recovering` or `resolved`; absent for an action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// What happened to the alert: `acknowledged`, `unacknowledged`, `assigned`, `unassigned`, `commented`, `notified`,
    /// `notification_failed`, `silenced`, `unsilenced`, `inhibited`, `released`, `escalated`, `flapping` or `withdrawn`; absent for a phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Value of the metric at that time; absent if unknown, as for churn alerts from before they counted posts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Text of a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Name of the person or program that took the action; absent for actions of the server, and if unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Name of the person to whom the alert was assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Name of the channel that was notified or could not be notified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

/// Alert with its complete history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertWithHistory {
    /// Alert in its current state.
    #[serde(flatten)]
    pub alert: Alert,
    /// Phases and actions, oldest first.
    pub history: Vec<AlertMoment>,
}
