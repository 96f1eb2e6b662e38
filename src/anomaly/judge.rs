//! Judges whether the latest values of a series are anomalous.

use super::history::{History, STEP_SECONDS, StepSums, step_of};
use super::mean::{ExpectedMean, Mean, MeanModel, WINDOW_STEPS};
use super::volume::{Expected, VolumeModel, restore, stabilize};
use crate::models::anomaly_settings::Sensitivity;

/// Number of posts added to both counts before they are divided, so that two posts in a usually silent series do not
/// count as an anomaly.
const PSEUDO_POSTS: f64 = 5.0;

/// Fraction of the opening strength that an open anomaly needs to continue, so that it does not flicker at the limit.
const CLEAR_SHARE: f64 = 0.5;

/// Minimum size and significance for a change to count as an anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Minimum distance from the expected value, in standard deviations.
    pub deviations: f64,
    /// Minimum distance as a multiple of the series' ordinary peak, which the series reaches about every ten days.
    pub peaks: f64,
    /// Minimum ratio of the measured to the expected number of posts.
    pub ratio: f64,
    /// Minimum increase in the share of negative posts over the expected share.
    pub share: f64,
    /// Minimum difference between the measured and the expected average sentiment, in either direction.
    pub sentiment: f64,
    /// Number of consecutive minutes for which the change must persist.
    pub minutes: u32,
}

impl Limits {
    /// Returns the limits for a sensitivity, or `None` if detection is off. `groundswell bench signals` prints the
    /// error rates of each sensitivity.
    pub const fn of(sensitivity: Sensitivity) -> Option<Self> {
        let (deviations, peaks, ratio, share, sentiment, minutes) = match sensitivity {
            Sensitivity::Off => return None,
            Sensitivity::Low => (6.5, 1.3, 3.0, 0.25, 0.35, 4),
            Sensitivity::Balanced => (5.0, 1.12, 2.0, 0.15, 0.20, 3),
            Sensitivity::High => (4.0, 0.95, 1.6, 0.10, 0.15, 2),
        };
        Some(Self { deviations, peaks, ratio, share, sentiment, minutes })
    }
}

/// Metric that is watched for anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Number of posts in five minutes.
    Volume,
    /// Average over the posts in a quarter of an hour.
    Mean(Mean),
}

impl Metric {
    /// All metrics, in the order in which they are judged.
    pub const ALL: [Self; 3] = [Self::Volume, Self::Mean(Mean::NegativeShare), Self::Mean(Mean::Sentiment)];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Mean(Mean::NegativeShare) => "negative_share",
            Self::Mean(Mean::Sentiment) => "sentiment_average",
        }
    }
}

/// Models of the usual values of one series, one per metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Models {
    volume: Option<VolumeModel>,
    share: Option<MeanModel>,
    sentiment: Option<MeanModel>,
}

/// Sums over the most recent minutes of a series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Recent {
    /// End of both periods, in seconds since 1970.
    pub to: i64,
    /// Sums over the last five minutes.
    pub five: StepSums,
    /// Sums over the last quarter of an hour.
    pub fifteen: StepSums,
}

/// How far a metric deviates from what is expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Metric that deviates.
    pub metric: Metric,
    /// Measured value of the metric.
    pub value: f64,
    /// Expected value of the metric.
    pub baseline: f64,
    /// Lower bound of the expected range.
    pub low: f64,
    /// Upper bound of the expected range.
    pub high: f64,
    /// Distance from the expected value, in standard deviations.
    pub deviations: f64,
    /// Number of posts that the change is based on.
    pub n_posts: f64,
    /// Strength of the change relative to the limits; at 1, it just meets all of them.
    pub strength: f64,
}

impl Change {
    /// Returns whether the change is strong enough to open an alert.
    pub fn opens(&self) -> bool {
        self.strength >= 1.0
    }

    /// Returns whether the change is strong enough to keep an alert open.
    pub fn holds(&self) -> bool {
        self.strength >= CLEAR_SHARE
    }
}

/// What a series is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    /// History of the series itself.
    pub history: &'a History,
    /// Combined history of all posts.
    pub overall: &'a History,
    /// Models learned from the history of the series.
    pub models: &'a Models,
}

/// Requirements that a change must meet to be an anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requirements {
    /// Minimum size and significance of the change.
    pub limits: Limits,
    /// Minimum number of posts that the change must be based on.
    pub n_posts_min: f64,
}

impl Models {
    /// Learns the models from the steps before `end`.
    pub fn learn(history: &History, overall: &History, end: i64) -> Self {
        Self {
            volume: VolumeModel::learn(history, overall, end),
            share: MeanModel::learn(Mean::NegativeShare, history, end),
            sentiment: MeanModel::learn(Mean::Sentiment, history, end),
        }
    }
}

/// Returns the strongest change that could keep an anomaly open, if there is one.
pub fn judge(baseline: &Baseline<'_>, recent: &Recent, requirements: &Requirements) -> Option<Change> {
    let changes =
        Metric::ALL.into_iter().filter_map(|metric| measure(baseline, recent, requirements, metric));
    let resting = changes.filter(|change| change.n_posts >= requirements.n_posts_min && change.holds());
    resting.max_by(|a, b| a.strength.total_cmp(&b.strength))
}

/// Returns the sums that would be expected if nothing unusual had happened.
pub fn usual(baseline: &Baseline<'_>, recent: &Recent) -> Recent {
    let volume = baseline.models.volume.as_ref().and_then(|model| {
        let expected = model.expect(baseline.history, baseline.overall, recent.to - STEP_SECONDS)?;
        Some(restore(expected.middle))
    });
    let of = |sums: &StepSums, n_steps: f64| {
        let count =
            volume.map_or(f64::from(sums.count), |usual| (usual * n_steps).min(f64::from(sums.count)));
        let (share, sentiment) = (
            middle_of(baseline, recent, baseline.models.share.as_ref(), Mean::NegativeShare),
            middle_of(baseline, recent, baseline.models.sentiment.as_ref(), Mean::Sentiment),
        );
        heard_of([count, count * share, count * sentiment])
    };
    Recent { to: recent.to, five: of(&recent.five, 1.0), fifteen: of(&recent.fifteen, WINDOW_STEPS as f64) }
}

#[expect(clippy::cast_possible_truncation, reason = "counts of minutes are small")]
fn heard_of([count, negative, sentiment]: [f64; 3]) -> StepSums {
    StepSums { count: count as f32, negative: negative as f32, sentiment: sentiment as f32 }
}

fn middle_of(baseline: &Baseline<'_>, recent: &Recent, model: Option<&MeanModel>, mean: Mean) -> f64 {
    let step = step_of(recent.to) - WINDOW_STEPS;
    let expected = model.and_then(|model| model.expect(baseline.history, step, &recent.fifteen));
    expected.map_or_else(|| mean.of(&recent.fifteen), |expected| expected.middle)
}

/// Compares a metric over the most recent minutes with its expected value and returns how strong an anomaly this is,
/// regardless of the number of posts. Returns `None` if no model has been learned yet.
pub fn measure(
    baseline: &Baseline<'_>,
    recent: &Recent,
    requirements: &Requirements,
    metric: Metric,
) -> Option<Change> {
    match metric {
        Metric::Volume => measure_volume(baseline, recent, requirements.limits),
        Metric::Mean(mean) => measure_mean(baseline, recent, requirements.limits, mean),
    }
}

fn measure_volume(baseline: &Baseline<'_>, recent: &Recent, limits: Limits) -> Option<Change> {
    let model = baseline.models.volume.as_ref()?;
    let value = f64::from(recent.five.count);
    let expected = model.expect(baseline.history, baseline.overall, recent.to - STEP_SECONDS)?;
    let deviations = (stabilize(value) - expected.middle) / expected.deviation;
    let needed = limits.deviations.max(model.usual_peak() * limits.peaks);
    let baseline = restore(expected.middle);
    let ratio = (value + PSEUDO_POSTS) / (baseline + PSEUDO_POSTS);
    let strength = (deviations / needed).min(ratio.ln() / limits.ratio.ln());
    let (low, high) = volume_band(&expected, needed);
    let metric = Metric::Volume;
    Some(Change { metric, value, baseline, low, high, deviations, n_posts: value, strength })
}

fn volume_band(expected: &Expected, deviations: f64) -> (f64, f64) {
    let of = |deviations: f64| restore(expected.middle + deviations * expected.deviation);
    (of(-deviations), of(deviations))
}

fn measure_mean(baseline: &Baseline<'_>, recent: &Recent, limits: Limits, mean: Mean) -> Option<Change> {
    let (model, floor) = match mean {
        Mean::NegativeShare => (baseline.models.share.as_ref()?, limits.share),
        Mean::Sentiment => (baseline.models.sentiment.as_ref()?, limits.sentiment),
    };
    let window = &recent.fifteen;
    let step = step_of(recent.to) - WINDOW_STEPS;
    let ExpectedMean { middle, deviation } = model.expect(baseline.history, step, window)?;
    let value = mean.of(window);
    let difference = match mean {
        // Fewer negative posts than usual are no reason for an alert; the sentiment metric covers that case.
        Mean::NegativeShare => value - middle,
        Mean::Sentiment => (value - middle).abs(),
    };
    let deviations = difference / deviation;
    let needed = limits.deviations.max(model.usual_peak() * limits.peaks);
    let strength = (deviations / needed).min(difference / floor);
    let reach = needed * deviation;
    Some(Change {
        metric: Metric::Mean(mean),
        value,
        baseline: middle,
        low: middle - reach,
        high: middle + reach,
        deviations,
        n_posts: f64::from(window.count),
        strength,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: i64 = 2_000;
    const REQUIREMENTS: Requirements =
        Requirements { limits: Limits::of(Sensitivity::Balanced).unwrap(), n_posts_min: 30.0 };

    fn sums(count: f32, negative: f32) -> StepSums {
        StepSums { count, negative, sentiment: (count - 2.0 * negative) * 0.6 }
    }

    /// Returns a steady series with about fifty posts per five minutes, a fifth of them negative.
    fn history() -> History {
        let mut history = History::default();
        (0..END).for_each(|step| history.put(step, sums(45.0 + (step * 7 % 11) as f32, 10.0)));
        history
    }

    fn change(five: StepSums, fifteen: StepSums) -> Option<Change> {
        let history = history();
        let models = Models::learn(&history, &history, END);
        let baseline = Baseline { history: &history, overall: &history, models: &models };
        judge(&baseline, &Recent { to: END * STEP_SECONDS, five, fifteen }, &REQUIREMENTS)
    }

    #[test]
    fn what_is_usual_is_no_change() {
        assert_eq!(change(sums(55.0, 11.0), sums(150.0, 30.0)), None);
    }

    #[test]
    fn three_times_as_many_posts_are_an_anomaly() {
        let change = change(sums(150.0, 30.0), sums(250.0, 50.0)).unwrap();
        assert!(change.opens() && change.metric == Metric::Volume, "{change:?}");
        assert!((45.0..55.0).contains(&change.baseline) && change.high < 150.0, "{change:?}");
    }

    #[test]
    fn as_many_posts_with_twice_the_negative_share_are_an_anomaly() {
        let change = change(sums(50.0, 30.0), sums(150.0, 90.0)).unwrap();
        assert!(change.opens() && change.metric != Metric::Volume, "{change:?}");
    }

    #[test]
    fn few_posts_are_no_anomaly_whatever_their_ratio() {
        assert_eq!(change(sums(29.0, 29.0), sums(29.0, 29.0)), None);
    }

    #[test]
    fn without_a_history_nothing_is_unusual() {
        let baseline = Baseline {
            history: &History::default(),
            overall: &History::default(),
            models: &Models::default(),
        };
        let recent = Recent { to: 0, five: sums(900.0, 900.0), fifteen: sums(900.0, 900.0) };
        assert_eq!(judge(&baseline, &recent, &REQUIREMENTS), None);
    }
}
