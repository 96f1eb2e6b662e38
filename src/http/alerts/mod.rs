//! Alerts, their rules and silences, settings of anomaly detection.

pub mod anomaly_settings; // how readily unusual changes are told
pub mod handlers; // what must be acted on
pub mod rules; // when something must be acted on
pub mod silences; // when nobody shall be told
