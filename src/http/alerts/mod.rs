//! Alerts, alert rules, silences and anomaly detection settings.

pub mod anomaly_settings; // settings for anomaly detection
pub mod handlers; // alerts
pub mod rules; // alert rules
pub mod silences; // silences
