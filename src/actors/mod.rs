//! Who does what, and the messages between them. Data flows down and may wait; nothing flows up:
//! acknowledgement returns through the ticket, health through the supervisor.

pub mod messages; // every message, on one page

pub mod aggregator; // RecordBatch → store and live windows
pub mod alerter; // WindowClosed, PostsFlagged → alerts
pub mod broadcaster; // updates → sessions
pub mod housekeeper; // partitions, merged rollups, expiry
pub mod inference_pool; // ScoreBatch → RecordBatch, on worker threads
pub mod ingester; // stream → ScoreBatch; acknowledges, claims

pub mod downstream; // the address of the next stage, which outlives any incarnation
pub mod supervisor; // starts, watches, respawns, gives up
pub mod ticket; // a batch's place in flight, and the promise of an answer
pub mod vitals; // what a stage says of itself

mod commit; // one transaction, and what is told after it
pub mod job_queue; // what waits for an inference thread
mod live_windows; // the last minutes as sums of committed deltas
pub mod scoring; // from what a model reads to the score that is stored
mod suspects; // batches to be tried again: smaller, alone, not for ever
mod window_cache; // the newest figures as Redis keeps them

/// The stages in the order of the flow.
pub const STAGES: [&str; 6] =
    ["ingester", "inference_pool", "aggregator", "alerter", "broadcaster", "housekeeper"];
