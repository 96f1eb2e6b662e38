//! Decides from measurements and rules which alerts to open, update, resolve and report. Pure: time and values are
//! arguments.

pub mod churn; // when posts at high churn risk are worth an alert
pub mod evidence; // recent measurements beside the threshold
pub mod machine; // the state of one series
pub mod measurement; // measurements of rules, and their verdicts
pub mod inhibition; // alerts covered by silences or other alerts
pub mod change_plan; // all changes of one evaluation
pub mod preview; // a rule applied to the last day
pub mod rolling; // measurements of a rule over past steps
pub mod limits; // limits of one evaluation, and their allotment to rules
pub mod service; // alerts for operators about the service itself
mod step; // one series after one more measurement
pub mod grouping; // publications, one per group of alerts
pub mod title; // titles of alerts

#[cfg(test)]
mod machine_tests; // the state machine compared with a model
#[cfg(test)]
mod change_plan_tests; // changes of an evaluation, case by case
