//! How many posts are usual at such a time, and how many would surprise.

use super::history::{History, STEPS_PER_DAY, STEPS_PER_HOUR};
use super::peaks::Peaks;
use super::robust::{MovingMedian, median, spread};

/// Shape of [`even`]: from some 25 posts on, what is alike is ratios, below it differences.
const SHAPE: f64 = 0.04;

/// Steps by which the level of the moment is known: three hours, the last half hour of them left out, so that a burst does
/// not raise the level it is compared with. What lasts for hours becomes the new normal.
const LEVEL_STEPS: i64 = 36;
const LEVEL_LAG: i64 = 6;
const LEVEL_STEPS_MIN: usize = 6;

/// Fewer heard steps than this, two hours, are no history.
const HEARD_STEPS_MIN: usize = 24;

/// Days of history that show what an hour of the day is like, and an hour of the week.
const DAYS_FOR_HOURS: i64 = 2;
const DAYS_FOR_WEEK: i64 = 14;

/// The asinh transform of counts whose variance is `n + SHAPE n²`, after which it is 1. More or less noise than that is
/// learned: see [`VolumeModel`].
pub(super) fn even(count: f64) -> f64 {
    2.0 / SHAPE.sqrt() * (SHAPE * (count.max(0.0) + 0.375)).sqrt().asinh()
}

/// The count of which [`even`] gives this.
pub(super) fn uneven(value: f64) -> f64 {
    ((value * SHAPE.sqrt() / 2.0).sinh().powi(2) / SHAPE - 0.375).max(0.0)
}

/// The part of the variance, after [`even`], that no series can be without: that of Poisson.
fn least_variance(count: f64) -> f64 {
    1.0 / (1.0 + SHAPE * count.max(0.0))
}

/// What is usual in an hour of the day or of the week, and how far from it is usual as well.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeModel {
    /// Medians by hour, after [`even`]: 168, 24 or 1.
    hours: Vec<f64>,
    /// Variance beyond that of Poisson, after [`even`]: posts come in crowds.
    crowding: f64,
    usual_peak: f64,
}

/// What is expected of one stretch of five minutes, after `even`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// The middle.
    pub middle: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl VolumeModel {
    /// Learns from the steps before `end` in which anything at all was heard: without a single post overall, it was
    /// Groundswell that was silent. `None` while there are too few.
    pub fn learn(history: &History, overall: &History, end: i64) -> Option<Self> {
        let heard: Vec<i64> = (overall.first()..end).filter(|step| overall.get(*step).count > 0.0).collect();
        if heard.len() < HEARD_STEPS_MIN {
            return None;
        }
        let n_days = i64::try_from(heard.len()).unwrap_or(i64::MAX) / STEPS_PER_DAY;
        let n_hours = match n_days {
            DAYS_FOR_WEEK.. => 168,
            DAYS_FOR_HOURS.. => 24,
            _ => 1,
        };
        let hours = medians(history, &heard, n_hours);
        let mut model = Self { hours, crowding: 0.0, usual_peak: 0.0 };
        model.learn_spread(history, &heard);
        Some(model)
    }

    /// What is left when hour and level are taken away shows how far from the middle is usual, and how high peaks are.
    fn learn_spread(&mut self, history: &History, heard: &[i64]) {
        let mut level = MovingMedian::default();
        let mut rests = Vec::with_capacity(heard.len());
        let offs: Vec<(i64, f64)> = heard.iter().map(|step| (*step, self.off(history, *step))).collect();
        let (mut newest, mut oldest) = (0, 0);
        for (step, off) in &offs {
            while let Some((_, value)) = offs.get(newest).filter(|(other, _)| *other < step - LEVEL_LAG) {
                level.insert(*value);
                newest += 1;
            }
            while let Some((_, value)) = offs
                .get(oldest)
                .filter(|(other, _)| oldest < newest && *other < step - LEVEL_LAG - LEVEL_STEPS)
            {
                level.remove(*value);
                oldest += 1;
            }
            if let Some(level) = level.get(LEVEL_STEPS_MIN) {
                let count = uneven(self.usual(*step * super::history::STEP_SECONDS) + level);
                rests.push((*step, off - level, least_variance(count)));
            }
        }
        let values: Vec<f64> = rests.iter().map(|(_, rest, _)| *rest).collect();
        let mut least: Vec<f64> = rests.iter().map(|(_, _, least)| *least).collect();
        self.crowding = (spread(&values).powi(2) - median(&mut least).unwrap_or(0.0)).max(0.0);
        let mut peaks = Peaks::default();
        for (step, rest, least) in rests {
            peaks.note(step, rest / (least + self.crowding).sqrt());
        }
        self.usual_peak = peaks.usual();
    }

    /// What is expected of the five minutes that begin there. The level of the hours before counts as well; `None` where they
    /// were silent, as when Groundswell was off: nobody can say how loud the beginning should be.
    pub fn expect(&self, history: &History, overall: &History, from_seconds: i64) -> Option<Expected> {
        let step = super::history::step_of(from_seconds);
        let before = step - LEVEL_LAG - LEVEL_STEPS..step - LEVEL_LAG;
        let mut offs: Vec<f64> = before
            .filter(|step| overall.get(*step).count > 0.0)
            .map(|step| self.off(history, step))
            .collect();
        if offs.len() < LEVEL_STEPS_MIN {
            return None;
        }
        let level = median(&mut offs)?;
        let middle = self.usual(from_seconds) + level;
        let deviation = (least_variance(uneven(middle)) + self.crowding).sqrt();
        Some(Expected { middle, deviation })
    }

    /// How far above the middle this series gets every week or so, in standard deviations.
    pub fn usual_peak(&self) -> f64 {
        self.usual_peak
    }

    fn off(&self, history: &History, step: i64) -> f64 {
        even(f64::from(history.get(step).count)) - self.usual(step * super::history::STEP_SECONDS)
    }

    /// The median of the hour, between the middles of hours the line that joins them.
    fn usual(&self, seconds: i64) -> f64 {
        let n_hours = i64::try_from(self.hours.len()).unwrap_or(1).max(1);
        let since_middle = seconds + super::history::STEP_SECONDS / 2 - 1_800;
        let (hour, within) = (since_middle.div_euclid(3_600), since_middle.rem_euclid(3_600));
        let of = |hour: i64| {
            let place = usize::try_from(hour.rem_euclid(n_hours)).unwrap_or_default();
            self.hours.get(place).copied().unwrap_or_default()
        };
        let part = within as f64 / 3_600.0;
        of(hour) * (1.0 - part) + of(hour + 1) * part
    }
}

/// The median of every hour; that of all where an hour was never heard.
fn medians(history: &History, heard: &[i64], n_hours: usize) -> Vec<f64> {
    let mut by_hour: Vec<Vec<f64>> = vec![Vec::new(); n_hours];
    let n = i64::try_from(n_hours).unwrap_or(1);
    for step in heard {
        let hour = usize::try_from(step.div_euclid(STEPS_PER_HOUR).rem_euclid(n)).unwrap_or_default();
        if let Some(values) = by_hour.get_mut(hour) {
            values.push(even(f64::from(history.get(*step).count)));
        }
    }
    let mut all: Vec<f64> = by_hour.iter().flatten().copied().collect();
    let middle = median(&mut all).unwrap_or(0.0);
    by_hour.iter_mut().map(|values| median(values).unwrap_or(middle)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::history::Heard;

    fn steady(n_steps: i64, count: impl Fn(i64) -> f64) -> History {
        let mut history = History::default();
        (0..n_steps)
            .for_each(|step| history.put(step, Heard { count: count(step) as f32, ..Heard::default() }));
        history
    }

    #[test]
    fn the_transform_has_an_inverse() {
        for count in [0.0, 1.0, 7.0, 300.0, 100_000.0] {
            assert!((uneven(even(count)) - count).abs() < 1e-6 * (count + 1.0), "{count}");
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
            let ratio = uneven(expected) / of(step);
            assert!((0.9..1.1).contains(&ratio), "{step}: {ratio}");
        }
    }

    #[test]
    fn two_hours_are_the_least_and_silence_of_everything_does_not_count() {
        assert!(VolumeModel::learn(&steady(23, |_| 5.0), &steady(23, |_| 5.0), 23).is_none());
        let gap = |step: i64| if (30..250).contains(&step) { 0.0 } else { 50.0 };
        let history = steady(280, gap);
        let model = VolumeModel::learn(&history, &history, 280).unwrap();
        let expected = model.expect(&history, &history, 280 * 300).unwrap();
        assert!((uneven(expected.middle) - 50.0).abs() < 1.0, "{expected:?}");
        assert_eq!(model.expect(&history, &history, 260 * 300), None);
    }
}
