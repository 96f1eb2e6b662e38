//! Expected number of posts, and how much it usually varies.

use super::history::{History, STEPS_PER_DAY, STEPS_PER_HOUR};
use super::peaks::Peaks;
use super::robust::{MovingMedian, median, spread};

/// Shape parameter of [`stabilize`]. Above about 25 posts, the transform makes ratios comparable; below that,
/// differences.
const SHAPE: f64 = 0.04;

/// Number of steps that define the current level: three hours, ending half an hour ago so that a burst does not raise
/// the level it is compared with. A change that lasts for hours becomes the new normal.
const LEVEL_STEPS: i64 = 36;
const LEVEL_LAG: i64 = 6;
const LEVEL_STEPS_MIN: usize = 6;

/// Minimum number of steps with posts in a history: two hours' worth.
const ACTIVE_STEPS_MIN: usize = 24;

/// Minimum number of days of history from which to learn medians by hour of the day. With fewer, a single median serves
/// all hours.
const DAYS_FOR_HOURS: i64 = 2;
const DAYS_FOR_WEEK: i64 = 14;

/// Applies a variance-stabilizing asinh transform. Counts with variance `n + SHAPE n²` have variance 1 afterwards.
/// Deviations from that variance are learned; see [`VolumeModel`].
pub(super) fn stabilize(count: f64) -> f64 {
    2.0 / SHAPE.sqrt() * (SHAPE * (count.max(0.0) + 0.375)).sqrt().asinh()
}

/// Converts a value that [`stabilize`] returned back to a number of posts.
pub(super) fn restore(value: f64) -> f64 {
    ((value * SHAPE.sqrt() / 2.0).sinh().powi(2) / SHAPE - 0.375).max(0.0)
}

/// Returns the minimum variance of any series after [`stabilize`], which is the variance of a Poisson process.
fn least_variance(count: f64) -> f64 {
    1.0 / (1.0 + SHAPE * count.max(0.0))
}

/// Usual number of posts by hour of the day or of the week, and its usual variation.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeModel {
    /// Median of each hour, after [`stabilize`]: 168, 24 or 1 values.
    hours: Vec<f64>,
    /// Variance in excess of a Poisson process, after [`stabilize`]. It arises because posts come in clusters.
    overdispersion: f64,
    usual_peak: f64,
}

/// Expected number of posts in five minutes and how far it usually deviates, after `stabilize`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// Expected number of posts, after `stabilize`.
    pub middle: f64,
    /// Standard deviation from the expected value.
    pub deviation: f64,
}

impl VolumeModel {
    /// Learns from the steps before `end` in which any series has posts; in a step without a single post, Groundswell
    /// itself was down. Returns `None` if there are too few such steps.
    pub fn learn(history: &History, overall: &History, end: i64) -> Option<Self> {
        let active: Vec<i64> = (overall.first()..end).filter(|step| overall.get(*step).count > 0.0).collect();
        if active.len() < ACTIVE_STEPS_MIN {
            return None;
        }
        let n_days = i64::try_from(active.len()).unwrap_or(i64::MAX) / STEPS_PER_DAY;
        let n_hours = match n_days {
            DAYS_FOR_WEEK.. => 168,
            DAYS_FOR_HOURS.. => 24,
            _ => 1,
        };
        let hours = medians(history, &active, n_hours);
        let mut model = Self { hours, overdispersion: 0.0, usual_peak: 0.0 };
        model.learn_spread(history, &active);
        Some(model)
    }

    /// Learns the usual variation and the peaks from what remains after subtracting the hour's median and the level.
    fn learn_spread(&mut self, history: &History, active: &[i64]) {
        let mut level = MovingMedian::default();
        let mut deviations = Vec::with_capacity(active.len());
        let residuals: Vec<(i64, f64)> =
            active.iter().map(|step| (*step, self.off(history, *step))).collect();
        let (mut newest, mut oldest) = (0, 0);
        for (step, off) in &residuals {
            while let Some((_, value)) = residuals.get(newest).filter(|(other, _)| *other < step - LEVEL_LAG)
            {
                level.insert(*value);
                newest += 1;
            }
            while let Some((_, value)) = residuals
                .get(oldest)
                .filter(|(other, _)| oldest < newest && *other < step - LEVEL_LAG - LEVEL_STEPS)
            {
                level.remove(*value);
                oldest += 1;
            }
            if let Some(level) = level.get(LEVEL_STEPS_MIN) {
                let count = restore(self.usual(*step * super::history::STEP_SECONDS) + level);
                deviations.push((*step, off - level, least_variance(count)));
            }
        }
        let values: Vec<f64> = deviations.iter().map(|(_, rest, _)| *rest).collect();
        let mut least: Vec<f64> = deviations.iter().map(|(_, _, least)| *least).collect();
        self.overdispersion = (spread(&values).powi(2) - median(&mut least).unwrap_or(0.0)).max(0.0);
        let mut peaks = Peaks::default();
        for (step, rest, least) in deviations {
            peaks.note(step, rest / (least + self.overdispersion).sqrt());
        }
        self.usual_peak = peaks.usual();
    }

    /// Returns the number of posts expected in the five minutes that begin at `from_seconds`, given the level of the
    /// preceding hours. Returns `None` if the level is unknown because those hours are empty, for example because
    /// Groundswell was down.
    pub fn expect(&self, history: &History, overall: &History, from_seconds: i64) -> Option<Expected> {
        let step = super::history::step_of(from_seconds);
        let before = step - LEVEL_LAG - LEVEL_STEPS..step - LEVEL_LAG;
        let mut residuals: Vec<f64> = before
            .filter(|step| overall.get(*step).count > 0.0)
            .map(|step| self.off(history, step))
            .collect();
        if residuals.len() < LEVEL_STEPS_MIN {
            return None;
        }
        let level = median(&mut residuals)?;
        let middle = self.usual(from_seconds) + level;
        let deviation = (least_variance(restore(middle)) + self.overdispersion).sqrt();
        Some(Expected { middle, deviation })
    }

    /// Returns the peak that this series reaches about every ten days, in standard deviations.
    pub fn usual_peak(&self) -> f64 {
        self.usual_peak
    }

    fn off(&self, history: &History, step: i64) -> f64 {
        stabilize(f64::from(history.get(step).count)) - self.usual(step * super::history::STEP_SECONDS)
    }

    /// Returns the median at a time, interpolated linearly between the midpoints of the hours.
    fn usual(&self, seconds: i64) -> f64 {
        let n_hours = i64::try_from(self.hours.len()).unwrap_or(1).max(1);
        let since_middle = seconds + super::history::STEP_SECONDS / 2 - 1_800;
        let (hour, within) = (since_middle.div_euclid(3_600), since_middle.rem_euclid(3_600));
        let of = |hour: i64| {
            let index = usize::try_from(hour.rem_euclid(n_hours)).unwrap_or_default();
            self.hours.get(index).copied().unwrap_or_default()
        };
        let part = within as f64 / 3_600.0;
        of(hour) * (1.0 - part) + of(hour + 1) * part
    }
}

/// Returns the median of each hour, or the overall median for hours without data.
fn medians(history: &History, active: &[i64], n_hours: usize) -> Vec<f64> {
    let mut by_hour: Vec<Vec<f64>> = vec![Vec::new(); n_hours];
    let n = i64::try_from(n_hours).unwrap_or(1);
    for step in active {
        let hour = usize::try_from(step.div_euclid(STEPS_PER_HOUR).rem_euclid(n)).unwrap_or_default();
        if let Some(values) = by_hour.get_mut(hour) {
            values.push(stabilize(f64::from(history.get(*step).count)));
        }
    }
    let mut all: Vec<f64> = by_hour.iter().flatten().copied().collect();
    let middle = median(&mut all).unwrap_or(0.0);
    by_hour.iter_mut().map(|values| median(values).unwrap_or(middle)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::history::StepSums;

    fn steady(n_steps: i64, count: impl Fn(i64) -> f64) -> History {
        let mut history = History::default();
        (0..n_steps).for_each(|step| {
            history.put(step, StepSums { count: count(step) as f32, ..StepSums::default() })
        });
        history
    }

    #[test]
    fn the_transform_has_an_inverse() {
        for count in [0.0, 1.0, 7.0, 300.0, 100_000.0] {
            assert!((restore(stabilize(count)) - count).abs() < 1e-6 * (count + 1.0), "{count}");
        }
    }

    #[test]
    fn with_two_weeks_the_hour_of_the_week_is_expected() {
        let of = |step: i64| {
            let (hour, day) = (step / 12 % 24, step / 288 % 7);
            100.0 + 20.0 * hour as f64 + if day == 6 { 500.0 } else { 0.0 }
        };
        let history = steady(28 * 288, of);
        let end = history.end();
        let model = VolumeModel::learn(&history, &history, end).unwrap();
        for step in [end + 18, end + 150, end + 6 * 288 + 150] {
            let expected = VolumeModel::usual(&model, step * 300);
            let ratio = restore(expected) / of(step);
            assert!((0.9..1.1).contains(&ratio), "{step}: {ratio}");
        }
    }

    #[test]
    fn two_hours_are_the_minimum_and_downtime_does_not_count() {
        assert!(VolumeModel::learn(&steady(23, |_| 5.0), &steady(23, |_| 5.0), 23).is_none());
        let gap = |step: i64| if (30..250).contains(&step) { 0.0 } else { 50.0 };
        let history = steady(280, gap);
        let model = VolumeModel::learn(&history, &history, 280).unwrap();
        let expected = model.expect(&history, &history, 280 * 300).unwrap();
        assert!((restore(expected.middle) - 50.0).abs() < 1.0, "{expected:?}");
        assert_eq!(model.expect(&history, &history, 260 * 300), None);
    }
}
