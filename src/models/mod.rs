//! Data model: plain types without I/O that every other module may use.

pub mod alert; // alerts
pub mod alert_rule; // alert rules and their validation
pub mod bounded; // bounded numbers that can be compared and hashed
pub mod error_log; // recent errors
pub mod evaluation; // state of rule series, and the changes of an evaluation
pub mod explore; // responses of the explore calls
pub mod label; // corrections of labels
pub mod live; // updates pushed to browsers
pub mod metrics; // responses of the metrics calls, live window
pub mod new_post; // posts as sent, and their validation
pub mod notification; // channels, notifications, attempts
pub mod web_origin; // origins of pages
pub mod post; // posts as accepted, enriched and scored
pub mod rollup; // exact sums by bucket, source, dimension and key
pub mod saved_view; // saved views of the dashboard
pub mod score; // scores of models
pub mod service_alert; // problems of the service itself
pub mod signals; // settings of anomaly detection
pub mod silence; // silences
pub mod stage_health; // health of the pipeline
pub mod subscription; // subscriptions of live clients
pub mod trends; // trending terms
pub mod turn_report; // report on a rule evaluation
