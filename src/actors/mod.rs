//! Who does what, and the messages between them. Data flows down and may wait; nothing flows up:
//! acknowledgement returns through the ticket, health through the supervisor.

pub mod messages; // every message, on one page

pub mod aggregator; // RecordBatch, CorrectBatch → store and live windows
pub mod alerter; // rules → alerts, stored and pushed
pub mod broadcaster; // updates → sessions
pub mod deep_pool; // deferred posts → CorrectBatch, on idle CPU
pub mod housekeeper; // partitions, merged rollups, expiry
pub mod inference_pool; // ScoreBatch → RecordBatch, on worker threads
pub mod ingester; // stream → ScoreBatch; acknowledges, claims
pub mod notifier; // the outbox → people
pub mod service_alerter; // what is wrong with the service itself → people, without either server
pub mod signal_watcher; // what is unusual without a rule → alerts
pub mod trend_counter; // CountTerms → slices of what is spoken of, told to Redis

pub mod downstream; // the address of the next stage, which outlives any incarnation
pub mod health_watch; // how everything was when last measured
pub mod plan; // what is kept alive, and how its deaths are taken
pub mod supervisor; // starts, watches, respawns stages and tasks
pub mod ticket; // a batch's place in flight, and the promise of an answer
pub mod vitals; // what a stage says of itself

mod alert_posts; // the posts that made an alert, and what they speak of
pub mod announcing; // what follows every change of alerts
pub mod cascade; // what the stages of the cascade share: what waits, and which posts go on
mod churn_alerts; // what becomes of posts at high churn risk
mod commit; // one transaction, and what is told after it
mod correction; // the same, for better scores
pub mod delivery; // from a channel as it is stored to somebody who is told
mod evaluator; // what the alerter does
mod feed_budget; // how much is shown live
pub mod job_queue; // what waits for a thread that scores
mod left_out; // what turns leave for later, and where that is said
mod live_gauges; // the live window as Prometheus reads it
mod live_windows; // the last minutes as sums of committed deltas
mod measuring; // which windows are measured when
mod push_queue; // alerts that changed, on their way to browsers
mod rule_evidence; // what an alert of a rule goes by
pub mod score_lane; // texts that somebody waits for, by the best tier in time
pub mod scoring; // from what a model reads to the score that is stored
pub mod service_desk; // what a service alerter knows, which outlives any incarnation
mod signal_alert; // from an unusual change to an alert
mod signal_board; // the series that are watched
mod suspects; // batches to be tried again: smaller, alone, not for ever
mod told_alerts; // what people were told of open alerts
pub mod trend_tap; // which stored posts are counted, and how many are not
mod window_cache; // the newest figures as Redis keeps them
mod workers; // threads that score, and whether they are well

/// The kinds of stages in the order of the flow. Others are shown after them.
pub const STAGES: [&str; 11] = [
    "ingester",
    "inference_pool",
    "deep_pool",
    "aggregator",
    "trend_counter",
    "alerter",
    "signal_watcher",
    "notifier",
    "service_alerter",
    "broadcaster",
    "housekeeper",
];
