//! History of a series over four weeks, in steps of five minutes.

use std::collections::VecDeque;

use crate::models::rollup::Sums;

/// Length of a step in seconds. With shorter steps, most series would consist mainly of zeros; with longer ones, alerts
/// would be late.
pub const STEP_SECONDS: i64 = 300;

/// Number of steps in an hour.
pub const STEPS_PER_HOUR: i64 = 3_600 / STEP_SECONDS;

/// Number of steps in a day.
pub const STEPS_PER_DAY: i64 = 24 * STEPS_PER_HOUR;

/// Number of steps kept: four weeks, so each hour of the week occurs four times. They take up 130 KB per series.
pub const STEPS_MAX: usize = 28 * 288;

/// Sums over the posts in a period, from which volume and averages are computed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepSums {
    /// Number of posts.
    pub count: f32,
    /// Number of posts labelled negative.
    pub negative: f32,
    /// Sum of the posts' sentiment scores.
    pub sentiment: f32,
}

impl StepSums {
    /// Converts exact sums, with some loss of precision.
    #[expect(clippy::cast_possible_truncation, reason = "counts of minutes are exact below sixteen million")]
    pub fn of(sums: &Sums) -> Self {
        let sentiment = (sums.sentiment_micros as f64 / crate::models::rollup::MICROS) as f32;
        Self { count: sums.count as f32, negative: sums.negative as f32, sentiment }
    }

    /// Adds the sums of another period or series.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.negative += other.negative;
        self.sentiment += other.sentiment;
    }

    /// Subtracts the sums that another series explains. Counts never become negative.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let count = (self.count - other.count).max(0.0);
        Self {
            count,
            negative: (self.negative - other.negative).clamp(0.0, count),
            sentiment: (self.sentiment - other.sentiment).clamp(-count, count),
        }
    }
}

/// Steps of one series, numbered from 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    first: i64,
    steps: VecDeque<StepSums>,
}

/// Returns the number of the step that contains a time, given in seconds since 1970.
pub const fn step_of(seconds: i64) -> i64 {
    seconds.div_euclid(STEP_SECONDS)
}

impl History {
    /// Sets the sums of a step. Missing steps before it become empty; steps older than [`STEPS_MAX`] are dropped.
    pub fn put(&mut self, step: i64, sums: StepSums) {
        if self.steps.is_empty() {
            self.first = step;
        }
        let Ok(index) = usize::try_from(step - self.first) else {
            return;
        };
        if index >= self.steps.len() + STEPS_MAX {
            self.steps.clear();
            self.first = step;
            self.steps.push_back(sums);
            return;
        }
        while self.steps.len() <= index {
            self.steps.push_back(StepSums::default());
        }
        if let Some(slot) = self.steps.get_mut(index) {
            *slot = sums;
        }
        while self.steps.len() > STEPS_MAX {
            self.steps.pop_front();
            self.first += 1;
        }
    }

    /// Returns the sums of a step; empty sums if the step is unknown.
    pub fn get(&self, step: i64) -> StepSums {
        let index = usize::try_from(step - self.first).ok();
        index.and_then(|index| self.steps.get(index)).copied().unwrap_or_default()
    }

    /// Returns the number of the first known step.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Returns the number of the step after the last known one.
    pub fn end(&self) -> i64 {
        self.first + i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }

    /// Returns the sums over the steps from `from` up to but excluding `to`.
    pub fn sum(&self, from: i64, to: i64) -> StepSums {
        let mut sum = StepSums::default();
        (from..to).for_each(|step| sum.add(&self.get(step)));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(count: f32) -> StepSums {
        StepSums { count, ..StepSums::default() }
    }

    #[test]
    fn four_weeks_are_kept_and_gaps_are_empty() {
        let mut history = History::default();
        history.put(1_000, sums(1.0));
        history.put(1_003, sums(4.0));
        history.put(1_001, sums(2.0));
        history.put(900, sums(9.0));
        assert_eq!((history.first(), history.end()), (1_000, 1_004));
        assert_eq!(history.sum(900, 2_000).count, 7.0);
        let end = 1_000 + STEPS_MAX as i64;
        history.put(end, sums(5.0));
        assert_eq!((history.first(), history.end(), history.get(1_000).count), (1_001, end + 1, 0.0));
        history.put(end * 2, sums(6.0));
        assert_eq!((history.first(), history.end()), (end * 2, end * 2 + 1));
    }
}
