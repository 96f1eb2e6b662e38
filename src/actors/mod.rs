//! The stages of the pipeline and the messages between them. Data flows down and may wait; nothing flows up:
//! acknowledgement returns through the ticket, health through the supervisor.

pub mod messages; // every message, on one page
pub mod runtime; // what all stages share: supervision, addresses, tickets, metrics

// The stages, in the order in which a post passes them.
pub mod ingester; // stream → ScoreBatch; acknowledges, claims
pub mod scoring; // what both pools share: job queues, worker threads, the cascade
pub mod inference_pool; // ScoreBatch → RecordBatch, on worker threads
pub mod aggregator; // RecordBatch, CorrectBatch → store
pub mod deep_pool; // deferred posts → CorrectBatch, on idle CPU
pub mod live_metrics; // committed deltas → live windows
pub mod trend_counter; // CountTerms → slices of trending terms in Redis
pub mod alerter; // rules → alerts, stored and pushed
pub mod anomaly_detector; // unusual changes without a rule → alerts
pub mod notifier; // the outbox → channels
pub mod service_alerter; // problems of the service itself → destinations, without PostgreSQL and Redis
pub mod broadcaster; // updates → sessions
pub mod maintenance; // partitions, merged rollups, expiry

/// The kinds of stages in the order of the flow. Others are listed after them.
pub const STAGES: [&str; 12] = [
    "ingester",
    "inference_pool",
    "deep_pool",
    "aggregator",
    "live_metrics",
    "trend_counter",
    "alerter",
    "signal_watcher",
    "notifier",
    "service_alerter",
    "broadcaster",
    "housekeeper",
];
