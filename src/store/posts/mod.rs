//! Posts: the transaction that stores a batch, score corrections, full-text search, lists and labels.

pub(super) mod awaiting_correction; // queue of posts for a better model
pub(super) mod copy_in; // writing posts and scores with COPY
pub mod corrections; // the transaction that corrects scores
pub(super) mod engagement_samples; // how engagement develops
pub mod filter; // filter on posts
pub mod labels; // labels that people assign
pub mod list; // pages, search and exports
#[cfg(test)]
mod throughput_tests; // throughput of storing batches
pub(super) mod ranking; // orders other than newest first
pub mod record; // the transaction that stores a batch
pub(super) mod score_replacement; // replaced scores
pub(super) mod scored_rows; // reading posts and scores
pub mod search_index; // full-text index
