//! Which stored posts are counted into trends, and how many are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::actors::messages::CountTerms;
use crate::actors::runtime::downstream::Downstream;
use crate::models::post::ScoredPost;
use crate::telemetry::TREND_POSTS_MISSED_TOTAL;
use crate::trends::slice::HeardPost;

/// Posts that were stored and not counted, until somebody tells of them.
#[derive(Debug, Clone, Default)]
pub struct Missed(Arc<AtomicU64>);

impl Missed {
    /// How many there are; they are told now, so the next time there are others.
    pub fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Posts that are to be counted. Dropped before that, as in a full mailbox or with a stage that dies, they are missed.
#[derive(Debug)]
pub struct Uncounted {
    n_posts: u64,
    missed: Missed,
}

impl Uncounted {
    /// They are.
    pub fn counted(mut self) {
        self.n_posts = 0;
    }
}

impl Drop for Uncounted {
    fn drop(&mut self) {
        if self.n_posts > 0 {
            self.missed.0.fetch_add(self.n_posts, Ordering::Relaxed);
            metrics::counter!(TREND_POSTS_MISSED_TOTAL).increment(self.n_posts);
        }
    }
}

/// Lets stored posts be counted. Never waits: storing must not depend on counting.
#[derive(Clone)]
pub struct TrendFeed {
    counter: Downstream<CountTerms>,
    missed: Missed,
}

impl TrendFeed {
    /// A feed that leads there.
    pub fn new(counter: Downstream<CountTerms>) -> Self {
        Self { counter, missed: Missed::default() }
    }

    /// Where it notes what was missed.
    pub fn missed(&self) -> Missed {
        self.missed.clone()
    }

    /// Has posts counted, if there is room for them.
    pub fn count(&self, posts: &[ScoredPost]) {
        if posts.is_empty() {
            return;
        }
        let n_posts = u64::try_from(posts.len()).unwrap_or(u64::MAX);
        let uncounted = Uncounted { n_posts, missed: self.missed() };
        // What is given up says so itself.
        let _ = self
            .counter
            .try_send(CountTerms { posts: posts.iter().map(HeardPost::from).collect(), uncounted });
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
        Uncounted { n_posts: 3, missed: feed.missed() }.counted();
        assert_eq!(feed.missed().take(), 0);
    }
}
