//! Distinguishes a dead connection from a quiet one. Pure: times are arguments.

use std::time::Duration;

/// Limits after which a connection without messages or events counts as broken.
#[derive(Debug, Clone, Copy)]
pub struct SilenceLimits {
    /// Maximum time without any message, including those that only keep the connection alive.
    pub without_messages: Duration,
    /// Minimum time without events after which a connection counts as broken, even if it is kept alive.
    pub without_events: Duration,
    /// Number of usual intervals between events that must also have passed without events.
    pub without_events_factor: u32,
}

impl SilenceLimits {
    /// Returns the reason why a connection counts as broken, or `None` if it does not. The usual rate of events shows
    /// whether a connection without events is quiet or broken.
    pub fn broken(
        &self,
        rate: &Rate,
        without_messages: Duration,
        without_events: Duration,
    ) -> Option<String> {
        if without_messages > self.without_messages {
            return Some(format!("the host has been silent for {} s", self.without_messages.as_secs()));
        }
        let limit =
            self.without_events.max(rate.usual_interval()?.saturating_mul(self.without_events_factor));
        (without_events > limit).then(|| {
            format!("no events for {} s, far longer than usual for this host", without_events.as_secs())
        })
    }
}

/// Mean rate of events over all connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rate {
    listened: Duration,
    n_events: u32,
}

impl Rate {
    /// Counts an event that arrived this long after the previous one.
    pub fn observe(&mut self, interval: Duration) {
        self.listened = self.listened.saturating_add(interval);
        self.n_events = self.n_events.saturating_add(1);
    }

    /// Returns the mean time between two events; `None` before the first event.
    fn usual_interval(&self) -> Option<Duration> {
        self.listened.checked_div(self.n_events)
    }
}
