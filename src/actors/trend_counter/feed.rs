//! Feed of stored posts to the trend counter.

use super::missed_count::{MissedPosts, UncountedPosts};
use crate::actors::messages::CountTerms;
use crate::actors::runtime::downstream::Downstream;
use crate::models::post::ScoredPost;
use crate::trends::slice::TermPost;

/// Sends stored posts to the trend counter, without ever waiting: storing posts must not depend on counting them.
#[derive(Clone)]
pub struct TrendFeed {
    counter: Downstream<CountTerms>,
    missed: MissedPosts,
}

impl TrendFeed {
    /// Creates a feed for the trend counter at this address.
    pub fn new(counter: Downstream<CountTerms>) -> Self {
        Self { counter, missed: MissedPosts::default() }
    }

    /// Returns the count of posts that did not reach the counter. The feed and the counter share it.
    pub fn missed(&self) -> MissedPosts {
        self.missed.clone()
    }

    /// Sends posts to the counter; if its mailbox is full, they are recorded as missed.
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
