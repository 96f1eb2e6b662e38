//! How far the series of all rules have come, and what one evaluation changes about them.

use jiff::Timestamp;
use uuid::Uuid;

use super::alert::{AlertPhase, AlertPost, Evidence, Scope, Severity};
use super::alert_rule::{Metric, Rule};
use super::rollup::{Dimension, Sums};

/// Where a series stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nothing is wrong, or not any more.
    Inactive,
    /// It holds, but not for long enough, or too soon after it was resolved.
    Pending,
    /// There is an alert.
    Firing,
    /// The alert is still open, but the rule does not hold.
    Recovering,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Inactive, Self::Pending, Self::Firing, Self::Recovering];

    /// The name as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
        }
    }

    /// Whether there is an open alert.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering)
    }
}

/// All that is remembered of one series, that is of one rule about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub since: Timestamp,
    /// When it was last resolved.
    pub resolved_at: Option<Timestamp>,
    /// When it opened of late, oldest first.
    pub openings: Vec<Timestamp>,
    /// Whether it opened so often that it is held open.
    pub flapping: bool,
}

/// Names a series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesId {
    /// The rule.
    pub rule_id: Uuid,
    /// What it is about.
    pub scope: Scope,
}

/// A series as it is kept between evaluations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// How far it has come.
    pub series: Series,
    /// Its open alert.
    pub alert: Option<Uuid>,
}

/// What several rules can be judged by at once: all things of a kind over the same window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group {
    /// How far back.
    pub window_seconds: i64,
    /// Which kind of thing.
    pub dimension: Dimension,
    /// Whether it is about the posts that may go far, which no rollup tells.
    pub is_viral: bool,
}

impl Group {
    /// What a rule is judged by.
    pub fn of(rule: &Rule) -> Self {
        Self {
            window_seconds: rule.what.window_seconds,
            dimension: rule.what.scope.dimension,
            is_viral: rule.what.metric == Metric::Virality,
        }
    }
}

/// What was found about one thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// All of its posts.
    Sums(Sums),
    /// Those of its posts that may go far.
    Viral {
        /// The highest predicted virality.
        highest: f64,
        /// How many there are.
        count: i64,
    },
}

/// What was measured in one step of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When it began.
    pub at: Timestamp,
    /// Of what.
    pub key: String,
    /// What was measured.
    pub measured: Measured,
}

/// An alert to be opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Which series.
    pub id: SeriesId,
    /// Its rule.
    pub rule: Rule,
    /// How loudly.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The measured value.
    pub value: f64,
    /// Posts behind it.
    pub count: i64,
    /// When it began to hold.
    pub pending_since: Timestamp,
    /// How far the series has come with it.
    pub series: Series,
    /// Some of the posts behind it; filled in by whoever can read them.
    pub posts: Vec<AlertPost>,
    /// What it goes by; filled in by the same.
    pub evidence: Option<Evidence>,
}

/// What an open alert says now.
#[derive(Debug, Clone, PartialEq)]
pub struct Refresh {
    /// Which alert.
    pub alert: Uuid,
    /// How loudly; never less than before while it is open.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The measured value.
    pub value: f64,
    /// Posts behind it.
    pub count: i64,
    /// The phase it enters, where that is another.
    pub entered: Option<AlertPhase>,
    /// Whether it is louder than before.
    pub escalated: bool,
}

/// Everything that one evaluation changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Alerts to be opened.
    pub openings: Vec<Opening>,
    /// Alerts that are open and stay so.
    pub refreshes: Vec<Refresh>,
    /// Alerts that are over.
    pub endings: Vec<Uuid>,
    /// Alerts whose rule is gone, switched off or about something else now.
    pub withdrawals: Vec<Uuid>,
    /// Series to be kept.
    pub kept: Vec<(SeriesId, Kept)>,
    /// Series to be forgotten.
    pub forgotten: Vec<SeriesId>,
}

/// What keeps an alert from being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mute {
    /// Which alert.
    pub alert: Uuid,
    /// Whether a silence does.
    pub silenced: bool,
    /// Which louder alert does.
    pub inhibited_by: Option<Uuid>,
}

impl Mute {
    /// Whether nothing does.
    pub const fn is_none(&self) -> bool {
        !self.silenced && self.inhibited_by.is_none()
    }
}

/// An alert, and what people were told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The alert as it is now.
    pub alert: super::alert::Alert,
    /// The alert in whose name people were told, and how loud it was then; `None` while nobody was.
    pub told: Option<(Uuid, Severity)>,
    /// Where people are told; empty for every channel whose minimum severity fits.
    pub channels: Vec<Uuid>,
}

/// One notice to be sent, and what it settles.
#[derive(Debug, Clone, PartialEq)]
pub struct Telling {
    /// The alert in whose name it is sent, worded for all it speaks of.
    pub alert: super::alert::Alert,
    /// Where.
    pub channels: Vec<Uuid>,
    /// What it says.
    pub news: News,
    /// The alerts it speaks of.
    pub about: Vec<Uuid>,
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It fires.
    Fired,
    /// It fires more loudly than people were told.
    Escalated,
    /// It is over, and so is all that was told with it.
    Over,
}
