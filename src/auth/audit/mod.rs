//! The audit log: entries that nobody can change, remove or reorder unnoticed.
//!
//! A request seals its entry with a keyed hash and inserts it without a lock. The chainer, one process at a time, links
//! sealed entries in batches: each link contains a keyed hash over the link before it. Signed checkpoints of the chain's end
//! go to a file and a webhook, because the database alone cannot show that its newest rows are gone.

pub mod auditor; // accepts entries and inserts them in batches
pub mod chainer; // links entries and signs checkpoints
pub mod checkpoint; // signed statements about the chain
pub mod checkpoint_file; // the file to which checkpoints are appended
pub mod entry; // something to record
pub mod finding; // what is wrong with a chain, and where
pub mod keys; // keys for seals, links and checkpoints
pub mod publisher; // sends checkpoints to a webhook
pub mod refusals; // refused requests, counted per caller and minute
pub mod verification; // verifies a chain, link by link
pub mod verify; // verifies the stored chain

mod encoding; // rows and links as bytes
mod explanation; // why links do not verify
mod redaction; // payloads without secrets

#[cfg(test)]
mod tests;
