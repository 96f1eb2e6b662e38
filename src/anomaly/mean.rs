//! Whether the posts of a quarter of an hour are of another kind than those of the day before.

use super::history::{Heard, History, STEPS_PER_DAY};
use super::peaks::Peaks;
use super::robust::spread;

/// Steps that are compared: a quarter of an hour. Fewer posts would say little about a share.
pub const WINDOW_STEPS: i64 = 3;

/// Steps before the window that are left out, so that what goes on is not compared with itself.
const LAG: i64 = 3;

/// Posts that the day before must have.
const BASELINE_POSTS_MIN: f64 = 200.0;

/// Posts that a window of the past must have to show what is usual.
const POSTS_MIN: f64 = 20.0;

/// Windows that show how far from the middle is usual.
const WINDOWS_MIN: usize = 24;

/// What is averaged over posts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mean {
    /// The share of negative posts.
    NegativeShare,
    /// The average sentiment.
    Sentiment,
}

impl Mean {
    /// The average, of a stretch that has posts.
    pub fn of(self, heard: &Heard) -> f64 {
        let sum = match self {
            Self::NegativeShare => heard.negative,
            Self::Sentiment => heard.sentiment,
        };
        f64::from(sum) / f64::from(heard.count).max(1.0)
    }

    /// The variance of one post. A share has its own; sentiment scores of single posts, which no sum tells, lie some 0.55
    /// from their middle.
    fn variance(self, middle: f64) -> f64 {
        match self {
            Self::NegativeShare => (middle * (1.0 - middle)).max(0.01),
            Self::Sentiment => 0.3,
        }
    }

    /// The standard deviation between quarters of an hour, however many posts they have, that is expected of any series.
    const fn drift(self) -> f64 {
        match self {
            Self::NegativeShare => 0.02,
            Self::Sentiment => 0.03,
        }
    }
}

/// How much more than independent posts would the averages of a series differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanModel {
    mean: Mean,
    /// By what standard deviations are multiplied; at least 1. Posts of the same hour are not independent.
    stretch: f64,
    usual_peak: f64,
}

/// What is expected of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExpectedMean {
    /// The average of the day before.
    pub middle: f64,
    /// The standard deviation of the difference of both averages.
    pub deviation: f64,
}

impl MeanModel {
    /// Learns from the steps before `end`. `None` while too few windows had enough posts.
    pub fn learn(mean: Mean, history: &History, end: i64) -> Option<Self> {
        let mut rests = Vec::new();
        let mut baseline = Heard::default();
        let first = history.first();
        for step in first + WINDOW_STEPS..=end {
            // The day before the window that ends with this step, kept up step by step.
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

    /// What is expected of the quarter of an hour that begins with this step; `None` where the day before has too few posts.
    pub fn expect(&self, history: &History, step: i64, window: &Heard) -> Option<ExpectedMean> {
        let to = step - LAG;
        let baseline = history.sum(to - STEPS_PER_DAY, to);
        let ExpectedMean { middle, deviation } = expected(self.mean, &baseline, window, 1.0)?;
        Some(ExpectedMean { middle, deviation: deviation * self.stretch })
    }

    /// How far from the middle this series gets every week or so, in standard deviations.
    pub fn usual_peak(&self) -> f64 {
        self.usual_peak
    }
}

/// The two-sample test: the variance of a difference is the sum of both.
fn expected(mean: Mean, baseline: &Heard, window: &Heard, n_min: f64) -> Option<ExpectedMean> {
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

    fn quarter(negative: f32) -> Heard {
        Heard { count: 20.0, negative, sentiment: 10.0 - negative }
    }

    #[test]
    fn the_day_before_is_what_is_expected() {
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
        (0..30).for_each(|step| history.put(step, Heard { count: 2.0, ..Heard::default() }));
        assert_eq!(MeanModel::learn(Mean::Sentiment, &history, 30), None);
    }
}
