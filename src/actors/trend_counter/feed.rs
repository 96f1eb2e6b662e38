//! Feeds stored posts to the trend counter.

use super::missed_posts::{MissedPosts, UncountedPosts};
use crate::actors::messages::CountTerms;
use crate::actors::runtime::downstream::Downstream;
use crate::models::post::ScoredPost;
use crate::trends::slice::TermPost;

/// Sends stored posts to the trend counter. It never waits, because storing must not depend on counting.
#[derive(Clone)]
pub struct TrendFeed {
    counter: Downstream<CountTerms>,
    missed: MissedPosts,
}

impl TrendFeed {
    /// Returns a feed to `counter`.
    pub fn new(counter: Downstream<CountTerms>) -> Self {
        Self { counter, missed: MissedPosts::default() }
    }

    /// Returns the shared count of posts that did not reach the counter.
    pub fn missed(&self) -> MissedPosts {
        self.missed.clone()
    }

    /// Sends posts to the counter if its mailbox has room for them.
    pub fn count(&self, posts: &[ScoredPost]) {
        if posts.is_empty() {
            return;
        }
        let n_posts = u64::try_from(posts.len()).unwrap_or(u64::MAX);
        let uncounted = UncountedPosts::new(n_posts, self.missed());
        // A dropped message records its posts as missed.
        let _ = self
            .counter
            .try_send(CountTerms { posts: posts.iter().map(TermPost::from).collect(), uncounted });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::runtime::downstream::downstream;
    use crate::store::testing;

    #[test]
    fn posts_that_nobody_counts_are_missed_once() {
        let (_nobody, counter) = downstream("trend_counter");
        let feed = TrendFeed::new(counter);
        feed.count(&testing::posts(7, jiff::Timestamp::now()));
        feed.count(&[]);
        assert_eq!((feed.missed().take(), feed.missed().take()), (7, 0));
        UncountedPosts::new(3, feed.missed()).counted();
        assert_eq!(feed.missed().take(), 0);
    }
}
