//! Count of stored posts that the trend counter missed, and the guard that maintains it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::TREND_POSTS_MISSED_TOTAL;

/// Number of posts that were stored but not counted since the last [`Self::take`], shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct MissedPosts(Arc<AtomicU64>);

impl MissedPosts {
    /// Returns the number of missed posts and resets it to 0.
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Guard for posts on their way to the counter. If it is dropped before they are counted, for example because a mailbox
/// is full or a stage dies, it adds them to the missed posts.
#[derive(Debug)]
pub struct UncountedPosts {
    n_posts: u64,
    missed: MissedPosts,
}

impl UncountedPosts {
    pub(super) fn new(n_posts: u64, missed: MissedPosts) -> Self {
        Self { n_posts, missed }
    }

    /// Consumes the guard after its posts have been counted.
    pub fn counted(mut self) {
        self.n_posts = 0;
    }
}

impl Drop for UncountedPosts {
    fn drop(&mut self) {
        if self.n_posts > 0 {
            self.missed.0.fetch_add(self.n_posts, Ordering::Relaxed);
            metrics::counter!(TREND_POSTS_MISSED_TOTAL).increment(self.n_posts);
        }
    }
}
