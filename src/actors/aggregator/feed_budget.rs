//! Budget for the number of posts in the live feed.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Maximum number of posts shown per transaction. This is half of what a session's outbox holds, so a client does not
/// appear to have stopped reading when a stalled pipeline catches up.
const POSTS_AT_ONCE_MAX: u64 = 256;

/// Number of posts that the live feed may show per second. People read a few posts per second and browsers draw a few
/// hundred; showing all of them would cost more than storing them.
#[derive(Debug)]
pub(super) struct FeedBudget {
    per_second: u64,
    spent: Mutex<(i64, u64)>,
}

impl FeedBudget {
    pub fn new(per_second: u64) -> Self {
        Self { per_second, spent: Mutex::default() }
    }

    /// Returns as many of the posts as this second's budget allows, spread evenly across the batch.
    pub fn sample<T>(&self, posts: Vec<T>, now: Timestamp) -> Vec<T> {
        let n_posts = posts.len();
        let granted = self.grant(u64::try_from(n_posts).unwrap_or(u64::MAX).min(POSTS_AT_ONCE_MAX), now);
        let Ok(granted) = usize::try_from(granted) else {
            return posts;
        };
        if granted >= n_posts {
            return posts;
        }
        let chosen = |i: usize| (i + 1) * granted / n_posts > i * granted / n_posts;
        posts.into_iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, post)| post).collect()
    }

    fn grant(&self, n_requested: u64, now: Timestamp) -> u64 {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.0 != now.as_second() {
            *spent = (now.as_second(), 0);
        }
        let granted = n_requested.min(self.per_second.saturating_sub(spent.1));
        spent.1 += granted;
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_feed_never_shows_more_than_its_budget_in_a_second() {
        let feed = FeedBudget::new(100);
        assert_eq!(feed.grant(60, at(1)), 60);
        assert_eq!(feed.grant(60, at(1)), 40);
        assert_eq!(feed.grant(60, at(1)), 0);
        assert_eq!(feed.grant(60, at(2)), 60);
    }
}
