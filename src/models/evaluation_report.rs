//! Report on one evaluation of the alert rules, including the work that it deferred.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::RuleId;

/// Latest evaluation of the alert rules by any process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnReport {
    /// Time at which the evaluation began.
    pub at: Timestamp,
    /// How long the evaluation took in milliseconds, including the measurement.
    pub turn_ms: u64,
    /// Number of series evaluated. A series is one rule applied to one product, platform, channel or city, or to all
    /// posts.
    pub series: u64,
    /// Number of open alerts, including anomalies, which have no rule.
    pub open_alerts: u64,
    /// Work that was deferred. All counts are zero as long as everything is evaluated in time.
    pub left_out: LeftOut,
    /// Rules with the most series that have passed their threshold but have no alert yet, at most ten.
    pub rules: Vec<RuleLeftOut>,
}

/// Work that an evaluation deferred because its time was limited. The next evaluations do it first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Number of rules whose window was due but will be measured in a later evaluation.
    pub rules: u64,
    /// Number of series that the last measurement of their rule skipped. The largest are evaluated every time, the
    /// others in turn.
    pub series: u64,
    /// Number of series beyond their threshold whose alerts will open in later evaluations.
    pub waiting: u64,
    /// Number of series beyond their threshold that get no alert because the limit on open alerts has been reached.
    pub no_room: u64,
    /// Number of alerts whose resolution, changes or new values later evaluations will store.
    pub updates: u64,
    /// Number of notifications that later evaluations will add to the outbox.
    pub notices: u64,
    /// Number of alerts that later evaluations will push to dashboards; lists already show them.
    pub pushes: u64,
}

impl LeftOut {
    /// Returns each count with its metric label.
    pub const fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("rules", self.rules),
            ("series", self.series),
            ("waiting", self.waiting),
            ("no_room", self.no_room),
            ("updates", self.updates),
            ("notices", self.notices),
            ("pushes", self.pushes),
        ]
    }

    /// Returns whether any alerts, or notifications about them, are delayed.
    pub const fn delays_alerts(&self) -> bool {
        self.rules > 0 || self.series > 0 || self.waiting > 0 || self.no_room > 0 || self.notices > 0
    }
}

/// Rule with series that have passed the threshold but have no alert yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleLeftOut {
    /// Rule that the series belong to.
    pub id: RuleId,
    /// Display name of the rule, for the dashboard.
    pub name: String,
    /// Number of the rule's series that have passed the threshold but have no alert.
    pub series: u64,
}
