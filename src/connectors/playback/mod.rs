//! Posts that are played back from a file or generated, at a pace.
//!
//! A playback only determines which post comes next and when it is due. [`delivery`] handles pauses, a full stream and
//! an unavailable Redis.

pub mod delivery; // sends a playback's posts when they are due
pub mod replay; // real posts from a file
pub mod synth; // generated posts, from a seed

use std::time::Duration;

use crate::models::new_post::{NewPost, Rejection};

/// Sequence of posts, each with the time at which it is due.
pub trait Playback {
    /// Returns the name of the source, such as [`crate::models::post::Source::REPLAY`], which is recorded in its posts.
    fn source(&self) -> &'static str;

    /// Returns the next item, or `None` at the end. Fails only if nothing more can be read.
    fn next_item(&mut self) -> anyhow::Result<Option<Item>>;

    /// Returns how much of the source has been read and its total size, in any unit; `None` if the source is endless.
    fn position(&self) -> Option<(u64, u64)>;
}

/// Item that a playback yields.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A post, and when it is due.
    Post(Box<TimedPost>),
    /// An item that is not a valid post. Later items are unaffected.
    Bad {
        /// Line number in the source, starting at 1.
        line: u64,
        /// Reason why the item is not a valid post.
        rejection: Rejection,
    },
}

/// A post, and the time at which it is due.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedPost {
    /// Time from the start of the playback until the post is due. Never less than for the previous post.
    pub at: Duration,
    /// Line number in the source, starting at 1.
    pub line: u64,
    /// The post, whose `created_at` is set when it is sent.
    pub post: NewPost,
}

#[cfg(test)]
mod tests;
