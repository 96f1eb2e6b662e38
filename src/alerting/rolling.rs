//! Values of a rule's metric over rolling windows in the past, which is stored only in steps.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::measurement::Measurement;
use crate::models::alert_rule::{NewRule, Stretch};
use crate::models::evaluation::KeyMeasurement;
use crate::models::rollup::Sums;

/// Measured figures by step index; steps without posts are absent.
pub type BySteps = BTreeMap<i64, KeyMeasurement>;

/// Period in the past, divided into steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Whole period. It begins and ends at a step boundary.
    pub stretch: Stretch,
    /// Length of a step in seconds.
    pub seconds: i64,
    /// Number of steps in a window of the rule.
    pub n_window: i64,
}

impl Steps {
    /// Returns the last `n_read` steps, including the one that contains `now`, and the window before them.
    pub fn last(rule: &NewRule, now: Timestamp, (n_read, seconds): (i64, i64)) -> Self {
        let n_window = (rule.window_seconds + seconds - 1).div_euclid(seconds);
        let to = (now.as_second().div_euclid(seconds) + 1) * seconds;
        let from = to - (n_read + n_window) * seconds;
        let at = |seconds| Timestamp::from_second(seconds).unwrap_or(now);
        Self { stretch: Stretch { from: at(from), to: at(to) }, seconds, n_window }
    }

    /// Returns the index of the step that contains a time; the first step has index 0.
    pub fn index(&self, at: Timestamp) -> i64 {
        at.duration_since(self.stretch.from).as_secs().div_euclid(self.seconds)
    }

    /// Returns the time at which a step starts.
    pub fn start(&self, index: i64) -> Timestamp {
        let elapsed = SignedDuration::from_secs(index * self.seconds);
        self.stretch.from.checked_add(elapsed).unwrap_or(self.stretch.to)
    }

    /// Returns the number of steps in the period.
    pub fn n_steps(&self) -> i64 {
        self.index(self.stretch.to)
    }

    /// Returns the index of each step and the measurement of the window that ends with it, oldest first. The steps of
    /// the first window have none.
    pub fn measurements(
        &self,
        rule: &NewRule,
        measured: &BySteps,
    ) -> impl Iterator<Item = (i64, Measurement)> {
        let mut window = Rolling::default();
        (0..self.n_steps()).filter_map(move |index| {
            window.push(measured.get(&index).copied(), self.n_window);
            let read = |measured| Measurement::of(rule.metric, measured);
            let measurement = || window.measured().map_or(Measurement::nothing(rule.metric), read);
            (index >= self.n_window).then(|| (index, measurement()))
        })
    }
}

/// Sums over the steps of a rolling window.
#[derive(Default)]
struct Rolling {
    steps: VecDeque<Option<KeyMeasurement>>,
    sums: Sums,
}

impl Rolling {
    fn push(&mut self, measured: Option<KeyMeasurement>, n_steps: i64) {
        if let Some(KeyMeasurement::Sums(sums)) = &measured {
            self.sums.add(sums);
        }
        self.steps.push_back(measured);
        if i64::try_from(self.steps.len()).unwrap_or(i64::MAX) > n_steps
            && let Some(Some(KeyMeasurement::Sums(sums))) = self.steps.pop_front()
        {
            self.sums.subtract(&sums);
        }
    }

    fn measured(&self) -> Option<KeyMeasurement> {
        let viral = self.steps.iter().flatten().filter_map(|measured| match measured {
            KeyMeasurement::Viral { highest, count } => Some((*highest, *count)),
            KeyMeasurement::Sums(_) => None,
        });
        let viral = viral.reduce(|all, one| (all.0.max(one.0), all.1 + one.1));
        match viral {
            Some((highest, count)) => Some(KeyMeasurement::Viral { highest, count }),
            None => (self.sums.count > 0).then_some(KeyMeasurement::Sums(self.sums)),
        }
    }
}
