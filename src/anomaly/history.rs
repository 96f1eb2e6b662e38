//! What a series did in the last four weeks, in steps of five minutes.

use std::collections::VecDeque;

use crate::models::rollup::Sums;

/// Width of a step. Finer, most series would be mostly zeros; coarser, an alarm would come late.
pub const STEP_SECONDS: i64 = 300;

/// Steps of an hour.
pub const STEPS_PER_HOUR: i64 = 3_600 / STEP_SECONDS;

/// Steps of a day.
pub const STEPS_PER_DAY: i64 = 24 * STEPS_PER_HOUR;

/// Steps that are remembered: four weeks, so that each hour of the week was seen four times. 130 KB a series.
pub const STEPS_MAX: usize = 28 * 288;

/// What is counted of a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Heard {
    /// Posts.
    pub count: f32,
    /// Negative ones among them.
    pub negative: f32,
    /// The sum of their sentiment scores.
    pub sentiment: f32,
}

impl Heard {
    /// From exact sums.
    #[expect(clippy::cast_possible_truncation, reason = "counts of minutes are exact below sixteen million")]
    pub fn of(sums: &Sums) -> Self {
        let sentiment = (sums.sentiment_micros as f64 / crate::models::rollup::MICROS) as f32;
        Self { count: sums.count as f32, negative: sums.negative as f32, sentiment }
    }

    /// Adds another stretch.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.negative += other.negative;
        self.sentiment += other.sentiment;
    }

    /// Takes away what is explained by something else; counts never fall below zero.
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

/// A series in steps, named by their number since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    first: i64,
    steps: VecDeque<Heard>,
}

/// The step that a moment falls into.
pub const fn step_of(seconds: i64) -> i64 {
    seconds.div_euclid(STEP_SECONDS)
}

impl History {
    /// Sets a step. Steps between it and those that are known are silent; what is older than [`STEPS_MAX`] is forgotten.
    pub fn put(&mut self, step: i64, heard: Heard) {
        if self.steps.is_empty() {
            self.first = step;
        }
        let Ok(place) = usize::try_from(step - self.first) else {
            return;
        };
        if place >= self.steps.len() + STEPS_MAX {
            self.steps.clear();
            self.first = step;
            self.steps.push_back(heard);
            return;
        }
        while self.steps.len() <= place {
            self.steps.push_back(Heard::default());
        }
        if let Some(slot) = self.steps.get_mut(place) {
            *slot = heard;
        }
        while self.steps.len() > STEPS_MAX {
            self.steps.pop_front();
            self.first += 1;
        }
    }

    /// A step; silence where nothing is known.
    pub fn get(&self, step: i64) -> Heard {
        let place = usize::try_from(step - self.first).ok();
        place.and_then(|place| self.steps.get(place)).copied().unwrap_or_default()
    }

    /// The first step that is known.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// The step after the last.
    pub fn end(&self) -> i64 {
        self.first + i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }

    /// Everything from one step up to another.
    pub fn sum(&self, from: i64, to: i64) -> Heard {
        let mut sum = Heard::default();
        (from..to).for_each(|step| sum.add(&self.get(step)));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(count: f32) -> Heard {
        Heard { count, ..Heard::default() }
    }

    #[test]
    fn four_weeks_are_remembered_and_gaps_are_silent() {
        let mut history = History::default();
        history.put(1_000, heard(1.0));
        history.put(1_003, heard(4.0));
        history.put(1_001, heard(2.0));
        history.put(900, heard(9.0));
        assert_eq!((history.first(), history.end()), (1_000, 1_004));
        assert_eq!(history.sum(900, 2_000).count, 7.0);
        let end = 1_000 + STEPS_MAX as i64;
        history.put(end, heard(5.0));
        assert_eq!((history.first(), history.end(), history.get(1_000).count), (1_001, end + 1, 0.0));
        history.put(end * 2, heard(6.0));
        assert_eq!((history.first(), history.end()), (end * 2, end * 2 + 1));
    }
}
