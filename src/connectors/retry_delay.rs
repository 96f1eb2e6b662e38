//! Delay before a failed connection is tried again. Pure: random numbers are arguments.

use std::time::Duration;

use super::ConnectorError;

/// Delay after the first failure.
const FIRST: Duration = Duration::from_secs(1);

/// Longest delay after consecutive failures.
const MAX: Duration = Duration::from_secs(120);

/// First delay after the network asked for fewer requests without a time.
const RATE_LIMITED_FIRST: Duration = Duration::from_secs(30);

/// Longest delay that a network may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Delays between attempts, which double with each consecutive failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetryDelay {
    n_failures: u32,
}

impl RetryDelay {
    /// Returns the number of failures since the last success.
    pub const fn n_failures(&self) -> u32 {
        self.n_failures
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.n_failures = 0;
    }

    /// Counts a failure, and returns how long to wait. `random`, 0 to 1, shortens our own delay by up to half, so that
    /// processes that failed together do not retry together. A delay that the network asked for is never shortened, but
    /// lengthened by up to a tenth.
    pub fn after(&mut self, error: &ConnectorError, random: f64) -> Duration {
        let doublings = self.n_failures.min(16);
        self.n_failures = self.n_failures.saturating_add(1);
        if let ConnectorError::RateLimited { retry_after: Some(asked), .. } = error {
            // If a network keeps asking for no delay at all, wait anyway.
            let least = FIRST.saturating_mul(1 << doublings).min(MAX);
            return (*asked).min(RETRY_AFTER_MAX).max(least).mul_f64(1.0 + random / 10.0);
        }
        let first = match error {
            ConnectorError::RateLimited { .. } => RATE_LIMITED_FIRST,
            _ => FIRST,
        };
        first.saturating_mul(1 << doublings).min(MAX.max(first)).mul_f64(1.0 - random / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_start_over_after_a_success() {
        let mut delay = RetryDelay::default();
        let broken = ConnectorError::Interrupted("broken".to_owned());
        let seconds = |delay: &mut RetryDelay| delay.after(&broken, 0.0).as_secs();
        assert_eq!([(); 9].map(|()| seconds(&mut delay)), [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(delay.after(&broken, 1.0).as_secs(), 60, "up to half as long");
        delay.reset();
        assert_eq!((delay.n_failures(), seconds(&mut delay)), (0, 1));
    }

    #[test]
    fn a_network_that_says_when_to_come_back_is_obeyed_within_reason() {
        let mut delay = RetryDelay::default();
        let limited = |seconds: Option<u64>| ConnectorError::RateLimited {
            message: "slow down".to_owned(),
            retry_after: seconds.map(Duration::from_secs),
        };
        assert_eq!(delay.after(&limited(Some(7)), 0.0).as_secs(), 7);
        assert_eq!(delay.after(&limited(Some(7)), 1.0).as_millis(), 7_700);
        assert_eq!(delay.after(&limited(Some(1 << 40)), 0.0).as_secs(), 3_600);
        assert_eq!(delay.after(&limited(Some(0)), 0.0).as_secs(), 8, "not at once");
        let mut delay = RetryDelay::default();
        assert_eq!(delay.after(&limited(None), 0.0).as_secs(), 30);
        assert_eq!(delay.after(&limited(None), 0.0).as_secs(), 60);
    }
}
