//! Limit on how often something that strangers can cause is logged.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Limit of one log line per interval, which says how many events there were. Without it, anyone who can reach the server
/// could fill its log.
#[derive(Debug)]
pub struct LogLimit {
    every: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    n_unlogged: u64,
    logged_at: Option<Instant>,
}

impl LogLimit {
    /// Creates a limit of one line per `every`.
    pub const fn new(every: Duration) -> Self {
        Self { every, state: Mutex::new(State { n_unlogged: 0, logged_at: None }) }
    }

    /// Counts an event.
    pub fn count(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.n_unlogged = state.n_unlogged.saturating_add(1);
    }

    /// Returns the number of events since the last line, which the caller must log now; `None` if there were none, or the
    /// last line is less than an interval ago.
    pub fn due(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_early = state.logged_at.is_some_and(|at| now.saturating_duration_since(at) < self.every);
        if state.n_unlogged == 0 || is_early {
            return None;
        }
        state.logged_at = Some(now);
        Some(std::mem::take(&mut state.n_unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_interval_says_how_many_events_there_were() {
        let limit = LogLimit::new(Duration::from_secs(60));
        let began_at = Instant::now();
        let due = |seconds| limit.due(began_at + Duration::from_secs(seconds));
        assert_eq!(due(0), None);
        limit.count();
        assert_eq!(due(0), Some(1));
        (0..1_000).for_each(|_| limit.count());
        assert_eq!([due(1), due(59), due(60), due(61)], [None, None, Some(1_000), None]);
        assert_eq!(due(300), None);
    }
}
