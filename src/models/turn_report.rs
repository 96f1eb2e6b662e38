//! Report on an evaluation of the alert rules, including the work that it deferred.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Latest evaluation of the alert rules by any process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnReport {
    /// Start of the evaluation.
    pub at: Timestamp,
    /// Duration in milliseconds, including the measurement.
    pub turn_ms: u64,
    /// Number of evaluated series; a series is one rule about one product, platform, channel or city, or about
    /// everything.
    pub series: u64,
    /// Number of open alerts, including those without a rule.
    pub open_alerts: u64,
    /// Deferred work. All zero as long as everything is evaluated in time.
    pub left_out: LeftOut,
    /// Rules with the most series that are beyond their threshold without an alert yet, at most ten.
    pub rules: Vec<RuleLeftOut>,
}

/// Work that a bounded turn deferred. Deferred work comes first in the next turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Rules whose window was due and is measured in a later turn.
    pub rules: u64,
    /// Series that the last measurement of their rule skipped: the largest are evaluated each time, the others in turn.
    pub series: u64,
    /// Series beyond their threshold whose alert opens within the next turns.
    pub waiting: u64,
    /// Series beyond their threshold that get no alert because the limit of open alerts is reached.
    pub no_room: u64,
    /// Alerts whose end, change or values are stored within the next turns.
    pub updates: u64,
    /// Notifications that are added to the outbox within the next turns.
    pub notices: u64,
    /// Alerts that are pushed to dashboards within the next turns; lists show them already.
    pub pushes: u64,
}

impl LeftOut {
    /// Returns each number with its metric label.
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

    /// Returns whether notifications are delayed for conditions that hold.
    pub const fn delays_alerts(&self) -> bool {
        self.rules > 0 || self.series > 0 || self.waiting > 0 || self.no_room > 0 || self.notices > 0
    }
}

/// Rule with series that have no alert yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleLeftOut {
    /// Id of the rule.
    pub id: Uuid,
    /// Name of the rule.
    pub name: String,
    /// Number of its series that are beyond the threshold without an alert.
    pub series: u64,
}
