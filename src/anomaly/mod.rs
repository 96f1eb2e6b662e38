//! Anomaly detection without configured rules: each series is compared with its own history.
//!
//! Counts are compared, after a variance-stabilizing transform (`volume.rs`), with the median for the hour of the week
//! and the level of the last few hours. Shares and sentiment (`mean.rs`) are compared with the preceding day by a
//! two-sample test. The usual variation is learned for each series, because posts are clustered and textbook variances
//! are too small. An anomaly must be large and significant, be based on enough posts, exceed the ordinary peaks of its
//! series, and last.
//!
//! `groundswell bench signals` measures the error rates.

pub mod root_cause; // which of many anomalous series explain the others

pub mod evidence; // recent measurements beside what was expected
pub mod history; // four weeks of a series
pub mod judge; // whether a series is unusual
pub mod state_machine; // opens and ends anomalies minute by minute

pub mod mean; // averages compared with the day before
pub mod volume; // counts compared with the hour of the week

pub mod chart_peaks; // peaks among the steps of a chart

mod peaks; // the ordinary peaks of a series
mod robust; // statistics that resist outliers
