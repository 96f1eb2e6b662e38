//! The worst seconds of a run, so that a stall can be matched with other events at that time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::schedule::Schedule;

/// Number of seconds to report.
const N_WORST: usize = 10;

/// For each second of a run, the maximum latency in microseconds of the posts due in that second.
pub struct Seconds(Vec<u64>);

/// One of the seconds with the highest latencies in a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WorstSecond {
    /// Seconds from the start of the run.
    pub at_s: usize,
    /// Maximum latency, in milliseconds, of the posts due in that second.
    pub max_ms: f64,
}

impl Seconds {
    /// Creates an empty record for a run of `n_posts` posts.
    pub fn of(schedule: Schedule, n_posts: usize) -> Self {
        Self(vec![0; usize::try_from(schedule.offset(n_posts).as_secs()).unwrap_or(0) + 1])
    }

    /// Records the latency of a post that was due at `offset`.
    pub fn note(&mut self, offset: Duration, micros: u64) {
        let second = usize::try_from(offset.as_secs()).unwrap_or(usize::MAX);
        if let Some(longest) = self.0.get_mut(second) {
            *longest = micros.max(*longest);
        }
    }

    /// Returns the seconds with the highest latencies, the worst first.
    pub fn worst(&self) -> Vec<WorstSecond> {
        let seconds = self.0.iter().enumerate().filter(|(_, longest)| **longest > 0);
        let mut seconds: Vec<WorstSecond> =
            seconds.map(|(at_s, longest)| WorstSecond { at_s, max_ms: *longest as f64 / 1_000.0 }).collect();
        seconds.sort_by(|one, other| other.max_ms.total_cmp(&one.max_ms));
        seconds.truncate(N_WORST);
        seconds
    }
}

/// Formats the seconds as a table cell, each with its maximum latency.
pub fn summary(worst: &[WorstSecond]) -> String {
    let seconds = worst.iter().map(|WorstSecond { at_s, max_ms }| format!("{max_ms:.0} ms at {at_s} s"));
    seconds.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn the_worst_seconds_come_first_and_are_few() {
        let schedule = Schedule { start: Instant::now(), interval: Duration::from_millis(1) };
        let mut seconds = Seconds::of(schedule, 20_000);
        for n in 0..20_000 {
            let micros = if n == 12_345 { 900_000 } else { 1_000 + u64::try_from(n).unwrap() / 1_000 };
            seconds.note(schedule.offset(n), micros);
        }
        let worst = seconds.worst();
        assert_eq!(worst[0], WorstSecond { at_s: 12, max_ms: 900.0 });
        assert_eq!(worst[1], WorstSecond { at_s: 19, max_ms: 1.019 });
        assert_eq!(worst.len(), N_WORST);
    }
}
