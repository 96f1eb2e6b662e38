//! Posts: the transaction that stores a batch, corrections of its scores, full-text search, lists and labels.

pub(super) mod awaiting_correction; // which posts a better model shall score again
pub(super) mod copy_in; // posts and scores on their way in
pub mod corrections; // the transaction that gives stored posts better scores
pub(super) mod engagement_samples; // how a post's counts developed
pub mod filter; // which posts are meant
pub mod labels; // what people say posts' sentiments are
pub mod list; // history: posts listed, found, exported
#[cfg(test)]
mod throughput_tests; // how fast batches are stored
pub(super) mod ranking; // which posts come first
pub mod record; // the transaction that stores a batch
pub(super) mod score_history; // current scores become history
pub(super) mod scored_rows; // how posts and scores are read
pub mod search_index; // the words of new posts, on their way into the full-text index
