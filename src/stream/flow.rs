//! Flows: streams that carry entries of one kind to the consumers of all processes.

use super::post_entry;

/// Kind of entries, and the names of the keys that carry them.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    /// Kind of the entries; those without a kind are of this one.
    pub kind: &'static str,
    /// Stream of entries on their way into the pipeline.
    pub stream: String,
    /// Stream of entries that could not be processed.
    pub dead: String,
    /// Hash that counts the attempts at individual entries, by entry id.
    pub attempts: String,
}

impl Flow {
    /// Returns the flow of posts. The names never change, because other programs read them.
    pub fn of_posts(prefix: &str) -> Self {
        Self {
            kind: post_entry::KIND,
            stream: format!("{prefix}social_posts_stream"),
            dead: format!("{prefix}social_posts_dead"),
            attempts: format!("{prefix}social_posts_attempts"),
        }
    }
}
