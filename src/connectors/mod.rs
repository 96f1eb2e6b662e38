//! Outside → stream: each source in a file of its own, and the pacing they share.
//!
//! A connector only says what comes next and when. Waiting, room in the stream and a Redis that is away are
//! the concern of [`delivery`].

pub mod delivery; // sends what a connector says, when it is due
pub mod replay; // real posts from a file
pub mod synth; // generated posts, from a seed

use std::time::Duration;

use crate::models::new_post::{NewPost, Rejection};

/// Where posts come from.
pub trait Connector {
    /// The source its posts carry: [`crate::models::post::Source::REPLAY`] and the like.
    fn source(&self) -> &'static str;

    /// The next item; `None` at the end. Fails only when nothing more can be read at all.
    fn next_item(&mut self) -> anyhow::Result<Option<Item>>;

    /// How much was read, and of how much, in units of its own; `None` where there is no end.
    fn position(&self) -> Option<(u64, u64)>;
}

/// What a connector has to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A post.
    Post(Box<TimedPost>),
    /// Something that is no post. The rest goes on.
    Bad {
        /// Where it stands, from 1.
        line: u64,
        /// What is wrong with it.
        rejection: Rejection,
    },
}

/// A post and when it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedPost {
    /// Since the connector began. Never less than that of the post before.
    pub at: Duration,
    /// Where it stands, from 1.
    pub line: u64,
    /// The post; its `created_at` is set when it is due.
    pub post: NewPost,
}

#[cfg(test)]
mod tests;
