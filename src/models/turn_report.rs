//! What an evaluation of the alert rules did, and what it left for later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The last evaluation of the alert rules, whichever process it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TurnReport {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, measuring included, in milliseconds.
    pub turn_ms: u64,
    /// Series that it judged; a series is one rule about one product, platform, channel or city, or about everything.
    pub series: u64,
    /// Alerts that are open, those without a rule included.
    pub open_alerts: u64,
    /// What it left for later. All zero as long as everything is judged in time.
    pub left_out: LeftOut,
    /// The rules with the most series that are beyond their threshold and have no alert yet, at most ten.
    pub rules: Vec<RuleLeftOut>,
}

/// What is not done yet, because a turn is bounded. What was left out comes first in the next turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Rules whose window was due and is measured in a later turn.
    pub rules: u64,
    /// Series not judged by the last measurement of their rule: the largest are judged each time, the others take turns.
    pub series: u64,
    /// Series beyond their threshold whose alert opens within the next turns.
    pub waiting: u64,
    /// Series beyond their threshold that get no alert, because as many are open as may be.
    pub no_room: u64,
    /// Alerts whose end, change or figures are written within the next turns.
    pub updates: u64,
    /// Notices that are put into the outbox within the next turns.
    pub notices: u64,
    /// Alerts that browsers hear of within the next turns; lists show them already.
    pub pushes: u64,
}

impl LeftOut {
    /// What each number is called in metrics.
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

    /// Whether people are not told in time of something that holds.
    pub const fn delays_alerts(&self) -> bool {
        self.rules > 0 || self.series > 0 || self.waiting > 0 || self.no_room > 0 || self.notices > 0
    }
}

/// A rule with series that have no alert yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleLeftOut {
    /// The rule.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// Its series that are beyond the threshold and have no alert yet.
    pub series: u64,
}
