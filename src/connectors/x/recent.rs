//! Remembers the posts that were read, so that each is yielded once and paid for once a day.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Maximum number of posts to remember, which cost $250. A forgotten post is counted again.
const POSTS_MAX: usize = 50_000;

/// Result of reading a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether it is read for the first time.
    pub is_new: bool,
    /// Whether X charges for it, because it was not read before on this UTC day.
    pub is_charged: bool,
}

/// Posts that were read, and when X last charged for them.
#[derive(Debug, Default)]
pub(super) struct Recent {
    charged_on: HashMap<u64, Date>,
    /// Ids in the order in which they were first read.
    ids: VecDeque<u64>,
}

impl Recent {
    /// Records that a version of a post was read.
    pub(super) fn note(&mut self, version: u64, now: Timestamp) -> Reading {
        let today = now.to_zoned(TimeZone::UTC).date();
        let before = self.charged_on.insert(version, today);
        if before.is_none() {
            self.ids.push_back(version);
            if self.ids.len() > POSTS_MAX
                && let Some(oldest) = self.ids.pop_front()
            {
                self.charged_on.remove(&oldest);
            }
        }
        Reading { is_new: before.is_none(), is_charged: before != Some(today) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_offered_once_and_charged_once_a_day() {
        let mut recent = Recent::default();
        let mut note = |at: &str| {
            let Reading { is_new, is_charged } = recent.note(7, at.parse().unwrap());
            (is_new, is_charged)
        };
        assert_eq!(note("2026-11-23T23:59:58Z"), (true, true));
        assert_eq!(note("2026-11-23T23:59:59Z"), (false, false));
        assert_eq!(note("2026-11-24T00:00:00Z"), (false, true));
        assert_eq!(note("2026-11-24T23:59:59Z"), (false, false));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut recent = Recent::default();
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        for id in 0..60_000 {
            recent.note(id, now);
        }
        assert_eq!((recent.ids.len(), recent.charged_on.len()), (POSTS_MAX, POSTS_MAX));
        assert!(recent.note(0, now).is_new && !recent.note(59_999, now).is_new);
    }
}
