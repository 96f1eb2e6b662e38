//! Alerts: opened once, resolved once, and then in cooldown.
//!
//! Each change to an alert is written together with its history entry, in one transaction.

pub mod anomalies; // settings and series of anomaly detection
pub mod evaluation; // changes of one evaluation, and leader leases
pub mod flagged_posts; // posts at high churn risk, until they join an alert
pub mod measurements; // measurements for rules
pub mod rules; // alert rules
pub mod silences; // silences

mod expiry; // deletion of old alerts
mod finding; // what opens an alert, and the outcome
mod flapping; // how often series opened recently
mod history; // events of an alert
mod list; // reading and acknowledging alerts
mod raise; // opening and updating alerts
mod resolve; // resolving alerts
mod row; // reading alerts from rows

#[cfg(test)]
mod tests;

pub use self::expiry::expire;
pub use self::finding::{ALERT_POSTS_MAX, AlertSeries, NewAlert, Raise};
pub use self::list::{
    Acknowledged, AlertBacklog, AlertsQuery, acknowledge, backlog, count_open, get, list, open, open_of,
    whole,
};
