//! Rate limit on a client's operations.

use std::time::{Duration, Instant};

/// Maximum number of operations in a burst. A client that restores its views after reconnecting sends a handful; fifty
/// leaves room for several such dashboards sharing a socket.
pub const BURST: u32 = 50;

/// Sustained rate in operations per second. A person changing filters sends one or two.
pub const PER_SECOND: u32 = 10;

/// Token bucket that limits a client's operations. Pure: time is an argument.
#[derive(Debug)]
pub struct RateLimit {
    permits: f64,
    refilled_at: Instant,
}

impl RateLimit {
    /// Creates a full bucket.
    pub fn new(now: Instant) -> Self {
        Self { permits: f64::from(BURST), refilled_at: now }
    }

    /// Takes a token from the bucket; returns `false` if there is none.
    pub fn admit(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.refilled_at);
        self.refilled_at = now;
        self.permits = (self.permits + permits_in(elapsed)).min(f64::from(BURST));
        if self.permits < 1.0 {
            return false;
        }
        self.permits -= 1.0;
        true
    }
}

fn permits_in(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * f64::from(PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_admitted_and_the_next_operation_is_not() {
        let start = Instant::now();
        let mut limit = RateLimit::new(start);
        assert!((0..BURST).all(|_| limit.admit(start)));
        assert!(!limit.admit(start));
    }

    #[test]
    fn a_second_without_operations_restores_a_second_of_permits() {
        let start = Instant::now();
        let mut limit = RateLimit::new(start);
        while limit.admit(start) {}
        let later = start + Duration::from_secs(1);
        assert!((0..PER_SECOND).all(|_| limit.admit(later)));
        assert!(!limit.admit(later));
    }

    #[test]
    fn an_hour_without_operations_restores_at_most_a_burst() {
        let start = Instant::now();
        let mut limit = RateLimit::new(start);
        let later = start + Duration::from_secs(3600);
        assert_eq!((0..1000).filter(|_| limit.admit(later)).count(), BURST as usize);
    }
}
