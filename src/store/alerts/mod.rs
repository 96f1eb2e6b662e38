//! Alerts: opened once, resolved once, and then in cooldown.
//!
//! Each change of an alert is written with an entry in its history, in one transaction.

pub mod anomalies; // unusual changes: settings, who looks, and the series
pub mod evaluation; // what one evaluation of the rules changes, and who may evaluate
pub mod flagged_posts; // posts at high churn risk, on their way into an alert
pub mod measurements; // what rules are judged by
pub mod rules; // when something must be acted on
pub mod silences; // when nobody shall be told

mod expiry; // what leaves
mod finding; // what opens an alert, and the outcome
mod flapping; // how often series opened of late
mod history; // what happened to an alert
mod list; // alerts as they are shown
mod raise; // how they open and grow
mod resolve; // how they end
mod row; // how one is read

#[cfg(test)]
mod tests;

pub use self::expiry::expire;
pub use self::finding::{ALERT_POSTS_MAX, AlertSeries, NewAlert, Raise};
pub use self::list::{
    Acknowledged, AlertBacklog, AlertsQuery, acknowledge, backlog, count_open, get, list, open, open_of,
    whole,
};
