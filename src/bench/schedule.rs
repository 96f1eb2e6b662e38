//! Times at which the posts of an open-loop run are due, whether or not the server has responded by then.

use std::time::{Duration, Instant};

/// Evenly spaced times, one for each post.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Time at which the first post is due.
    pub start: Instant,
    /// Time between two consecutive posts.
    pub interval: Duration,
}

impl Schedule {
    /// Returns the time at which the `n`th post is due, counting from 0.
    pub fn due(&self, n: usize) -> Instant {
        self.start + self.offset(n)
    }

    /// Returns the time from the first post to the `n`th.
    pub fn offset(&self, n: usize) -> Duration {
        self.interval.mul_f64(n as f64)
    }
}
