//! Figures and posts of a report, as read from the store.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::models::alert::{Alert, EvidenceTerm};
use crate::models::explore::{ExploreBreakdown, ExplorePoint};
use crate::models::metrics::Overall;
use crate::models::post::{PostOrder, ScoredPost};
use crate::models::report::ReportFilter;

/// Content of a report.
#[derive(Debug, Clone)]
pub struct Content {
    /// Name of the report.
    pub name: String,
    /// Filter that the posts match.
    pub filter: ReportFilter,
    /// Time zone of all times and days.
    pub zone: TimeZone,
    /// Metrics for the period.
    pub total: Overall,
    /// Metrics for the previous period of the same length.
    pub before: Overall,
    /// Metrics for the steps of the period, oldest first.
    pub series: Vec<ExplorePoint>,
    /// Posts by product, platform, channel and city, without the dimensions that the filter fixes.
    pub breakdowns: Vec<ExploreBreakdown>,
    /// Posts with the most engagement.
    pub posts: TopPosts,
    /// Alerts that opened in the period.
    pub alerts: PeriodAlerts,
    /// Terms used more often than in the period before.
    pub terms: RisenTerms,
    /// Public URL of the dashboard; if `None`, the report has no link to it.
    pub dashboard: Option<String>,
    /// Time at which the figures were read.
    pub read_at: Timestamp,
}

/// First posts of the period in a given order.
#[derive(Debug, Clone)]
pub struct TopPosts {
    /// Order of the posts.
    pub order: PostOrder,
    /// Posts in that order.
    pub items: Vec<ScoredPost>,
}

/// Alerts that opened in the period.
#[derive(Debug, Clone, Default)]
pub struct PeriodAlerts {
    /// The most severe alerts, without posts and evidence.
    pub items: Vec<Alert>,
    /// Number of all alerts.
    pub count: i64,
}

/// Terms used more often than in the period before, according to a sample.
#[derive(Debug, Clone, Default)]
pub struct RisenTerms {
    /// Terms, the most distinctive first.
    pub items: Vec<EvidenceTerm>,
    /// Number of posts of the period in the sample.
    pub n_sampled: usize,
}
