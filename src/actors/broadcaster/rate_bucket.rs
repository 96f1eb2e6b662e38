//! Token bucket that enforces the rate limit that a session sets for its posts.

use crate::models::bounded::MaxRate;

/// Permits for posts, refilled over time. Time is an argument, so replayed posts can be counted at the time when they
/// were published.
#[derive(Debug)]
pub struct RateBucket {
    per_second: f64,
    permits: f64,
    refilled_ms: i64,
}

impl RateBucket {
    /// Creates a bucket that holds permits for one second, or for one post if the rate is lower.
    pub fn new(rate: MaxRate) -> Self {
        let per_second = f64::from(rate.get());
        Self { per_second, permits: per_second.max(1.0), refilled_ms: i64::MIN }
    }

    /// Takes a permit, and returns whether there was one.
    pub fn admit(&mut self, now_ms: i64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms).max(0);
        self.refilled_ms = self.refilled_ms.max(now_ms);
        let refill = elapsed_ms as f64 / 1_000.0 * self.per_second;
        self.permits = (self.permits + refill).min(self.per_second.max(1.0));
        if self.permits < 1.0 {
            return false;
        }
        self.permits -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_posts_than_the_rate_and_a_slow_rate_still_has_its_posts() {
        let admitted = |rate: f32, at_ms: &mut dyn Iterator<Item = i64>| {
            let mut bucket = RateBucket::new(MaxRate::try_from(rate).unwrap());
            at_ms.filter(|at| bucket.admit(*at)).count()
        };
        // A thousand posts in ten seconds: the permits of the first second, plus those refilled in ten.
        assert_eq!(admitted(5.0, &mut (0..1_000).map(|i| i * 10)), 5 + 49);
        assert_eq!(admitted(0.5, &mut (0..1_000).map(|i| i * 10)), 1 + 4);
        assert_eq!(admitted(1_000.0, &mut (0..1_000).map(|i| i * 10)), 1_000);
    }
}
