//! Compares the averages over the last quarter of an hour with those over the preceding day.

use super::history::{History, STEPS_PER_DAY, StepSums};
use super::peaks::Peaks;
use super::robust::spread;

/// Number of steps to compare: a quarter of an hour. A shorter window would contain too few posts to say much about a
/// share.
pub const WINDOW_STEPS: i64 = 3;

/// Number of steps to skip before the window, so that an ongoing anomaly is not compared with itself.
const LAG: i64 = 3;

/// Minimum number of posts in the preceding day for a comparison.
const BASELINE_POSTS_MIN: f64 = 200.0;

/// Minimum number of posts in a past window for it to count towards the usual variation.
const POSTS_MIN: f64 = 20.0;

/// Minimum number of past windows from which to estimate the usual variation.
const WINDOWS_MIN: usize = 24;

/// Average over posts that is watched for anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mean {
    /// Share of posts labelled negative, 0 to 1.
    NegativeShare,
    /// Average sentiment score, −1 to 1.
    Sentiment,
}

impl Mean {
    /// Returns the average over a period, which must have posts.
    pub fn of(self, sums: &StepSums) -> f64 {
        let sum = match self {
            Self::NegativeShare => sums.negative,
            Self::Sentiment => sums.sentiment,
        };
        f64::from(sum) / f64::from(sums.count).max(1.0)
    }

    /// Returns the variance of a single post around the average `middle`. For a share, it follows from the share. The
    /// sums do not contain individual sentiment scores; these deviate by about 0.55.
    fn variance(self, middle: f64) -> f64 {
        match self {
            Self::NegativeShare => (middle * (1.0 - middle)).max(0.01),
            Self::Sentiment => 0.3,
        }
    }

    /// Returns the standard deviation between successive quarters of an hour that every series shows, however many
    /// posts it has.
    const fn drift(self) -> f64 {
        match self {
            Self::NegativeShare => 0.02,
            Self::Sentiment => 0.03,
        }
    }
}

/// How much more the averages of a series vary than they would if posts were independent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanModel {
    mean: Mean,
    /// Factor for standard deviations, at least 1, because posts in the same hour are not independent.
    stretch: f64,
    usual_peak: f64,
}

/// Expected average over a window, and how far it usually deviates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedMean {
    /// Average over the preceding day.
    pub middle: f64,
    /// Standard deviation of the difference between the averages of the window and the preceding day.
    pub deviation: f64,
}

impl MeanModel {
    /// Learns from the steps before `end`. Returns `None` if too few past windows have enough posts.
    pub fn learn(mean: Mean, history: &History, end: i64) -> Option<Self> {
        let mut rests = Vec::new();
        let mut baseline = StepSums::default();
        let first = history.first();
        for step in first + WINDOW_STEPS..=end {
            // Sums over the day before the window that ends with this step, updated step by step.
            let newest = step - WINDOW_STEPS - LAG - 1;
            if newest >= first {
                baseline.add(&history.get(newest));
                let oldest = newest - STEPS_PER_DAY;
                if oldest >= first {
                    baseline = baseline.without(&history.get(oldest));
                }
            }
            let window = history.sum(step - WINDOW_STEPS, step);
            if let Some(expected) = expected(mean, &baseline, &window, POSTS_MIN) {
                rests.push((step, (mean.of(&window) - expected.middle) / expected.deviation));
            }
        }
        if rests.len() < WINDOWS_MIN {
            return None;
        }
        let values: Vec<f64> = rests.iter().map(|(_, rest)| *rest).collect();
        let stretch = spread(&values).max(1.0);
        let mut peaks = Peaks::default();
        rests.into_iter().for_each(|(step, rest)| peaks.note(step, rest.abs() / stretch));
        Some(Self { mean, stretch, usual_peak: peaks.usual() })
    }

    /// Returns the average expected in the quarter of an hour that begins with this step, or `None` if the preceding
    /// day has too few posts.
    pub fn expect(&self, history: &History, step: i64, window: &StepSums) -> Option<ExpectedMean> {
        let to = step - LAG;
        let baseline = history.sum(to - STEPS_PER_DAY, to);
        let ExpectedMean { middle, deviation } = expected(self.mean, &baseline, window, 1.0)?;
        Some(ExpectedMean { middle, deviation: deviation * self.stretch })
    }

    /// Returns the peak that this series reaches about every ten days, in standard deviations.
    pub fn usual_peak(&self) -> f64 {
        self.usual_peak
    }
}

/// Returns the expected average according to a two-sample test: the variance of a difference is the sum of the two
/// variances.
fn expected(mean: Mean, baseline: &StepSums, window: &StepSums, n_min: f64) -> Option<ExpectedMean> {
    let (n_before, n_now) = (f64::from(baseline.count), f64::from(window.count));
    if n_before < BASELINE_POSTS_MIN || n_now < n_min {
        return None;
    }
    let middle = mean.of(baseline);
    let variance = mean.drift().powi(2) + mean.variance(middle) * (1.0 / n_now + 1.0 / n_before);
    Some(ExpectedMean { middle, deviation: variance.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quarter(negative: f32) -> StepSums {
        StepSums { count: 20.0, negative, sentiment: 10.0 - negative }
    }

    #[test]
    fn the_average_of_the_day_before_is_expected() {
        let mut history = History::default();
        (0..600).for_each(|step| history.put(step, quarter(if step < 200 { 15.0 } else { 5.0 })));
        let model = MeanModel::learn(Mean::NegativeShare, &history, 600).unwrap();
        let window = history.sum(597, 600);
        let expected = model.expect(&history, 597, &window).unwrap();
        assert!((expected.middle - 0.25).abs() < 1e-6, "{expected:?}");
        assert!((0.05..0.2).contains(&expected.deviation), "{expected:?}");
    }

    #[test]
    fn few_posts_say_nothing() {
        let mut history = History::default();
        (0..30).for_each(|step| history.put(step, StepSums { count: 2.0, ..StepSums::default() }));
        assert_eq!(MeanModel::learn(Mean::Sentiment, &history, 30), None);
    }
}
