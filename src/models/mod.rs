//! What the data is. Plain types, no I/O; every other module may use them.

pub mod alert; // what must be acted on
pub mod alert_rule; // when something must be acted on
pub mod bounded; // numbers with bounds that can be compared and hashed
pub mod error_log; // what went wrong of late
pub mod evaluation; // how far the series of all rules have come
pub mod explore; // what the calls of the Explore page answer
pub mod label; // what a person says a post's sentiment is
pub mod live; // what is pushed to browsers
pub mod metrics; // what the metrics calls and the live window answer
pub mod new_post; // what a sender may send, and what is said to them when it is wrong
pub mod notification; // who is told of alerts, and what became of it
pub mod origin; // where a page comes from
pub mod post; // what people say, as sent and as understood
pub mod rollup; // exact sums by bucket, source, dimension and key
pub mod saved_view; // a page of the dashboard as somebody wants to see it again
pub mod score; // what the model says about one post
pub mod service_alert; // what is wrong with the service itself
pub mod signals; // how readily people are told of unusual changes
pub mod silence; // when nobody shall be told
pub mod stage_health; // how the pipeline is
pub mod subscription; // what a live client wants to hear
pub mod trends; // what people speak of, and how many they are
pub mod turn_report; // what an evaluation of the alert rules did, and what it left for later
