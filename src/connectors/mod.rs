//! Sources of posts, one per file, and the pacing that they share.
//!
//! A connector only determines which post comes next and when. [`delivery`] takes care of pauses, room in the stream
//! and an unavailable Redis.

pub mod delivery; // sends a connector's posts when they are due
pub mod replay; // real posts from a file
pub mod synth; // generated posts, from a seed

use std::time::Duration;

use crate::models::new_post::{NewPost, Rejection};

/// A source of posts.
pub trait Connector {
    /// Returns the source recorded in its posts, for example [`crate::models::post::Source::REPLAY`].
    fn source(&self) -> &'static str;

    /// Returns the next item, or `None` at the end. Fails only if nothing more can be read.
    fn next_item(&mut self) -> anyhow::Result<Option<Item>>;

    /// Returns how much was read and the total, in the source's own units, or `None` if the source is endless.
    fn position(&self) -> Option<(u64, u64)>;
}

/// An item from a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A post.
    Post(Box<TimedPost>),
    /// An item that is not a valid post. Later items are unaffected.
    Bad {
        /// Line number in the source, from 1.
        line: u64,
        /// The reason.
        rejection: Rejection,
    },
}

/// A post and the time at which it is due.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedPost {
    /// Time since the connector started; never decreases from one post to the next.
    pub at: Duration,
    /// Line number in the source, from 1.
    pub line: u64,
    /// The post; its `created_at` is set when it is sent.
    pub post: NewPost,
}

#[cfg(test)]
mod tests;
