//! Alerts, each of which opens once, is resolved once, and then goes through a cooldown.
//!
//! Each change to an alert and its history entry are written in the same transaction.

pub mod anomalies; // settings and series of anomaly detection
pub mod evaluation; // changes of one evaluation, and leader leases
pub mod flagged_posts; // posts at high churn risk, until they join an alert
pub mod measurements; // measurements for rules
pub mod rules; // alert rules
pub mod silences; // silences

mod acknowledgement; // acknowledging alerts
mod assignment; // assigning alerts to people
mod comments; // comments of people
mod retention; // deletion of old alerts
mod new_alert; // what opens an alert, and the outcome
mod flapping; // how often series opened recently
mod history; // events of an alert
mod list; // reading alerts
mod raise; // opening and updating alerts
mod resolve; // resolving alerts
mod row; // reading alerts from rows

#[cfg(test)]
mod tests;

pub use self::acknowledgement::{Acknowledgement, acknowledge, unacknowledge};
pub use self::assignment::assign;
pub use self::comments::{COMMENTS_MAX, Commented, comment};
pub use self::list::{
    AlertBacklog, AlertsQuery, backlog, count_open, get, list, open, open_of, opened_in, whole,
};
pub use self::new_alert::{ALERT_POSTS_MAX, AlertSeries, NewAlert, Raise};
pub use self::retention::expire;
