//! What must be acted on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::post::ScoredPost;
use super::rollup::Dimension;

/// What kind of alert it is. Several rules may raise alerts of one kind; which one did is [`Alert::rule_id`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertRule {
    /// People turn against something: the negative share, or the average sentiment.
    Negativity,
    /// Somebody is about to leave.
    Churn,
    /// More or fewer posts than usual, or a change that nobody configured a rule for.
    Spike,
    /// A post is predicted to travel far.
    Virality,
    /// Any other measure passed its threshold: toxicity, or the share of an emotion.
    Threshold,
}

impl AlertRule {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Negativity, Self::Churn, Self::Spike, Self::Virality, Self::Threshold];

    /// The name as stored and sent.
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

/// What an alert is about: everything, or one product, platform, channel or city.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// `overall`, `product`, `platform`, `channel` or `city`.
    #[schema(value_type = String)]
    pub dimension: Dimension,
    /// Which product, platform, channel or city; `""` for overall.
    pub key: String,
}

impl Scope {
    /// Everything.
    pub fn overall() -> Self {
        Self { dimension: Dimension::Overall, key: String::new() }
    }
}

/// Whether it still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It holds.
    Open,
    /// It no longer does.
    Resolved,
}

impl AlertState {
    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// Where an open alert stands. Before it fires a series is pending, and there is no alert yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertPhase {
    /// What it is about holds.
    Firing,
    /// It no longer does, but not for long enough to say that it is over.
    Recovering,
    /// It is over.
    Resolved,
}

impl AlertPhase {
    /// All of them, in the order in which an alert goes through them.
    pub const ALL: [Self; 3] = [Self::Firing, Self::Recovering, Self::Resolved];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Recovering => "recovering",
            Self::Resolved => "resolved",
        }
    }
}

/// How loudly to say it, from quiet to loud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// All of them, from quiet to loud.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One of the posts that made an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertPost {
    /// Groundswell's name for it.
    pub uuid: Uuid,
    /// What was said.
    pub text: String,
    /// Where.
    pub platform: String,
    /// How it came in.
    pub source: String,
    /// Probability that its author is about to leave.
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

/// One moment of the series that an alert is about, with what was to be expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidencePoint {
    /// Start of the step.
    pub at: Timestamp,
    /// What was measured.
    pub value: f64,
    /// What is usual: at such a time, or, of a rule, in the steps before.
    pub baseline: f64,
    /// The least that would not have surprised, or that the rule lets pass.
    pub low: f64,
    /// The most that would not have surprised, or that the rule lets pass.
    pub high: f64,
}

/// A term that the posts of an alert use more often than posts usually do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceTerm {
    /// The term.
    pub term: String,
    /// Posts that use it.
    pub count: i64,
    /// How many were to be expected.
    pub expected: f64,
}

/// What an alert goes by, for people to judge it themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// The series up to the moment it opened, oldest first.
    pub series: Vec<EvidencePoint>,
    /// What the posts talk about, the most telling first.
    pub terms: Vec<EvidenceTerm>,
}

/// An alert as `/alerts` lists it and `alert:*` frames carry it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its name.
    pub id: Uuid,
    /// Its kind.
    pub rule: AlertRule,
    /// The rule that raised it; null for a signal that nobody configured.
    pub rule_id: Option<Uuid>,
    /// That rule's name when it last fired.
    pub rule_name: Option<String>,
    /// What was measured, such as `negative_share` or `emotion:anger`; null for alerts from before rules had names.
    pub metric: Option<String>,
    /// About what.
    pub scope: Scope,
    /// Whether it still holds.
    pub state: AlertState,
    /// Where it stands, finer than `state`: an open alert is firing or recovering.
    pub phase: AlertPhase,
    /// Whether a silence keeps it from being notified.
    pub silenced: bool,
    /// The alert that says the same more loudly, so that this one is not notified.
    pub inhibited_by: Option<Uuid>,
    /// Whether it opened so often of late that it is now held open and its comings and goings are not notified.
    pub flapping: bool,
    /// How loudly.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The newest measured value in the unit of `metric`; the highest churn risk where single posts are at risk.
    pub value: f64,
    /// The value beyond which it opens.
    pub threshold: f64,
    /// Posts behind it.
    pub count: i64,
    /// When it opened.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ceased to hold.
    pub resolved_at: Option<Timestamp>,
    /// When a person took note of it.
    pub acknowledged_at: Option<Timestamp>,
    /// What it goes by, besides its posts; null where it goes by single posts, or could not be read when it opened.
    pub evidence: Option<Evidence>,
    /// Some of the posts that made it, newest first, at most 20.
    pub posts: Vec<AlertPost>,
}

/// One line of an alert's history: a phase it entered, or what was done with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertMoment {
    /// When.
    pub at: Timestamp,
    /// `pending`, `firing`, `recovering` or `resolved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// `acknowledged`, `silenced`, `unsilenced`, `inhibited`, `released`, `escalated`, `flapping` or `withdrawn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The measured value at that time.
    pub value: f64,
}

/// An alert with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertWithHistory {
    /// The alert as it is now.
    #[serde(flatten)]
    pub alert: Alert,
    /// What happened to it, oldest first.
    pub history: Vec<AlertMoment>,
}
