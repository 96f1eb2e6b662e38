//! Data model: plain types without I/O, for use in every other module.

pub mod account; // accounts of people
pub mod account_change; // changes to accounts by an admin
pub mod alert; // alerts
pub mod alert_comment; // comments on alerts
pub mod alert_rule; // alert rules and their validation
pub mod annotation; // notes attached to times
pub mod audit; // who did what, and the rows and links of the audit log
pub mod author; // responses about one author
pub mod bounded; // bounded numbers that can be compared and hashed
pub mod credential; // API keys and clients
pub mod error_log; // recent errors
pub mod evaluation; // state of rule series, and the changes of an evaluation
pub mod explanation; // what distinguishes two periods
pub mod explore; // responses of the explore calls
pub mod hidden_characters; // characters that names and ids must not contain
pub mod id; // ids, a type for each kind
pub mod invitation; // invitations to create an account
pub mod label; // corrections of labels
pub mod live; // updates pushed to browsers
pub mod masked_url; // secret URLs as responses show them
pub mod metrics; // responses of the metrics calls, live window
pub mod new_post; // posts as sent, and their validation
pub mod notification; // channels, notifications, attempts
pub mod object; // deserialization from JSON objects only
pub mod peak; // peaks of a chart
pub mod principal; // who makes requests, and what they may do
pub mod proxy; // headers in which proxies name their clients
pub mod rate_limit; // quotas of callers
pub mod web_origin; // origins of pages
pub mod person_name; // names of people, and who did something
pub mod plan; // what accounts may use
pub mod post; // posts as accepted, enriched and scored
pub mod post_work; // what people do about posts
pub mod report; // scheduled reports and their runs
pub mod rollup; // exact sums by bucket, source, dimension and key
pub mod saved_view; // saved views of the dashboard
pub mod score; // scores of models
pub mod service_alert; // problems of the service itself
pub mod anomaly_settings; // settings for anomaly detection
pub mod share_link; // share links
pub mod session; // sessions of the dashboard
pub mod silence; // silences
pub mod system_health; // health of the pipeline
pub mod source; // sources, what they are doing and what they missed
pub mod subscription; // subscriptions of live clients
pub mod topic; // topics and their queries
pub mod topic_history; // topics applied to stored posts
pub mod trends; // trending terms
pub mod evaluation_report; // report on a rule evaluation
