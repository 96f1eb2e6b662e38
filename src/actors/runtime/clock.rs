//! Monotonic clock that tests can stop.

use std::time::{Duration, Instant};

/// Monotonic clock from which stages read how long something took.
///
/// Decisions based on such a duration differ from one machine to the next. A test stops the clock, so that it decides
/// what they are based on.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Time at which a test stopped the clock, shared by all clones.
    #[cfg(test)]
    stopped_at: Option<std::sync::Arc<std::sync::Mutex<Instant>>>,
}

impl Clock {
    /// Returns the current time.
    #[cfg(not(test))]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Returns the time since `earlier`.
    pub fn since(&self, earlier: Instant) -> Duration {
        self.now().saturating_duration_since(earlier)
    }
}

#[cfg(test)]
impl Clock {
    /// Returns a clock that stands still.
    pub fn stopped() -> Self {
        Self { stopped_at: Some(std::sync::Arc::new(std::sync::Mutex::new(Instant::now()))) }
    }

    /// Moves a stopped clock forward.
    pub fn advance(&self, by: Duration) {
        *self.stopped_at.as_ref().unwrap().lock().unwrap() += by;
    }

    /// Returns the current time, or the time at which the clock stands still.
    pub fn now(&self) -> Instant {
        self.stopped_at.as_ref().map_or_else(Instant::now, |at| *at.lock().unwrap())
    }
}
