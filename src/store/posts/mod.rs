//! Posts: storing batches, score corrections, erasure, full-text search, lists and labels.

pub(super) mod awaiting_correction; // queue of posts for a better model
pub(super) mod copy_in; // writing posts and scores with COPY
pub mod authors; // what one author posted
pub mod corrections; // the transaction that corrects scores
pub mod erasure; // the transaction that erases posts, and erased authors
pub(super) mod engagement_samples; // how engagement develops
pub(super) mod values; // values of statements built from parts
pub mod filter; // filter on posts
pub mod key_filter; // values that a filter selects and excludes
pub mod labels; // labels that people assign
pub mod list; // pages, search and exports
pub(super) mod named; // posts by name
#[cfg(test)]
mod throughput_tests; // throughput of storing batches
pub(super) mod ranking; // orders other than newest first
pub mod record; // the transaction that stores a batch
pub mod work; // what people do about posts
pub(super) mod score_replacement; // replaced scores
pub(super) mod row; // reading posts and scores
pub(super) mod search; // words, emoji and hashtags in texts
pub mod sample; // posts of a period, for explanations
pub mod search_index; // full-text index
