//! What must be acted on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::rollup::Dimension;

/// The two rules of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertRule {
    /// The share of negative posts passed its threshold.
    Negativity,
    /// Somebody is about to leave.
    Churn,
}

impl AlertRule {
    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Negativity => "negativity",
            Self::Churn => "churn",
        }
    }
}

/// What an alert is about: everything, or one product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// `overall` or `product`.
    #[schema(value_type = String)]
    pub dimension: Dimension,
    /// Which product; `""` for overall.
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

/// How loudly to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl Severity {
    /// The name as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
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

/// An alert as `/alerts` lists it and `alert:*` frames carry it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its name.
    pub id: Uuid,
    /// Why.
    pub rule: AlertRule,
    /// About what.
    pub scope: Scope,
    /// Whether it still holds.
    pub state: AlertState,
    /// How loudly.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The newest measured value: the negative share, or the highest churn risk.
    pub value: f64,
    /// The value at which it opens.
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
    /// Some of the posts that made it, newest first, at most 20.
    pub posts: Vec<AlertPost>,
}
