//! Circuit breaker: no call waits for a Redis that has just failed to respond.

use std::sync::atomic::{AtomicU64, Ordering};

/// Time in microseconds for which Redis is not asked after it failed. A process grants permits alone meanwhile.
const PAUSE_US: u64 = 1_000_000;

/// Whether to ask Redis. Times are in microseconds of the process's own clock.
#[derive(Debug, Default)]
pub struct Circuit {
    /// When Redis is asked again; 0 if it responds.
    retry_at: AtomicU64,
}

impl Circuit {
    /// Returns whether to ask Redis now. After a failure, only one caller per pause does.
    pub fn permits(&self, now: u64) -> bool {
        let retry_at = self.retry_at.load(Ordering::Relaxed);
        if retry_at == 0 {
            return true;
        }
        let next = now.saturating_add(PAUSE_US);
        let is_first =
            || self.retry_at.compare_exchange(retry_at, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        now >= retry_at && is_first()
    }

    /// Records that Redis responded.
    pub fn succeeded(&self) {
        self.retry_at.store(0, Ordering::Relaxed);
    }

    /// Records that Redis failed or did not respond in time. Returns whether it responded before.
    pub fn failed(&self, now: u64) -> bool {
        self.retry_at.swap(now.saturating_add(PAUSE_US), Ordering::Relaxed) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_caller_per_pause_asks() {
        let circuit = Circuit::default();
        assert!(circuit.permits(5) && circuit.permits(5));
        assert!(circuit.failed(5) && !circuit.failed(5));
        assert!(!circuit.permits(5) && !circuit.permits(PAUSE_US + 4));
        assert!(circuit.permits(PAUSE_US + 5) && !circuit.permits(PAUSE_US + 5));
        assert!(!circuit.permits(2 * PAUSE_US + 4) && circuit.permits(2 * PAUSE_US + 5));
        circuit.succeeded();
        assert!(circuit.permits(2 * PAUSE_US + 5) && circuit.permits(2 * PAUSE_US + 5));
    }
}
