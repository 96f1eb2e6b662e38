//! Pipeline stages and the messages between them. Data flows downstream and may queue on the way. Only two things flow
//! upstream: acknowledgements, through tickets, and health, through the supervisor.

pub mod messages; // all messages on one page
pub mod runtime; // parts that all stages share: supervision, addresses, tickets, metrics

// Parts of several stages and of the API.
pub mod alert_publication; // what follows every change of alerts
mod example_posts; // example posts of an alert, and their telling terms
pub mod channel_delivery; // from a stored channel to a delivered message

// Stages, in the order in which a post passes through them.
pub mod ingester; // stream → ScoreBatch; acknowledges and claims entries
pub mod scoring; // parts of both pools: job queues, worker threads, the cascade
pub mod inference_pool; // ScoreBatch → RecordBatch, on worker threads
pub mod aggregator; // RecordBatch, CorrectBatch → store
pub mod deep_pool; // deferred posts → CorrectBatch, on idle CPU
pub mod live_metrics; // committed deltas → live windows
pub mod trend_counter; // CountTerms → slices of trending terms in Redis
pub mod alerter; // rules → alerts, stored and pushed
pub mod anomaly_detector; // anomalies without a rule → alerts
pub mod notifier; // outbox → channels
pub mod reporter; // scheduled reports → email
pub mod service_alerter; // service alerts → operators, without PostgreSQL or Redis
pub mod broadcaster; // updates → sessions
pub mod maintenance; // partitions, merging of rollups, expiry

/// Kinds of stages in pipeline order. Lists show stages of other kinds after these.
pub const STAGES: &[&str] = &[
    "ingester",
    "inference_pool",
    "deep_pool",
    "aggregator",
    "live_metrics",
    "trend_counter",
    "alerter",
    "signal_watcher",
    "notifier",
    "reporter",
    "service_alerter",
    "broadcaster",
    "housekeeper",
];
