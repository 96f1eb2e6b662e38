//! Evidence for an anomaly: recent values of the metric together with the values that were expected.

use super::history::STEP_SECONDS;
use super::judge::{Baseline, Metric, Recent, Requirements, measure};
use super::mean::WINDOW_STEPS;

/// Number of steps to show: three hours' worth.
const STEPS_SHOWN: i64 = 36;

/// One step of a series with its expected range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Start of the step, in seconds since 1970.
    pub at: i64,
    /// Measured value of the metric.
    pub value: f64,
    /// Expected value of the metric.
    pub baseline: f64,
    /// Lower bound of the expected range.
    pub low: f64,
    /// Upper bound of the expected range.
    pub high: f64,
}

/// Returns the steps of the last three hours, each judged like the current one. The last step ends at the time of the
/// measurement.
pub fn series(
    baseline: &Baseline<'_>,
    recent: &Recent,
    requirements: &Requirements,
    metric: Metric,
) -> Vec<Point> {
    let last = recent.to.div_euclid(STEP_SECONDS);
    let past = (last - STEPS_SHOWN + 1..last).map(|end| {
        let sum = |n_steps: i64| baseline.history.sum(end - n_steps, end);
        Recent { to: end * STEP_SECONDS, five: sum(1), fifteen: sum(WINDOW_STEPS) }
    });
    past.chain([*recent])
        .filter_map(|recent| {
            let change = measure(baseline, &recent, requirements, metric)?;
            let (value, baseline, low, high) = (change.value, change.baseline, change.low, change.high);
            Some(Point { at: recent.to - STEP_SECONDS, value, baseline, low, high })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::history::{History, StepSums};
    use crate::anomaly::judge::{Limits, Models};
    use crate::models::anomaly_settings::Sensitivity;

    #[test]
    fn the_last_point_lies_outside_its_expected_range_and_the_others_within() {
        let mut history = History::default();
        (0..1_000).for_each(|step| {
            let count = 45.0 + (step * 7 % 11) as f32;
            history.put(step, StepSums { count, ..StepSums::default() });
        });
        let models = Models::learn(&history, &history, 1_000);
        let baseline = Baseline { history: &history, overall: &history, models: &models };
        let sums = |count: f32| StepSums { count, ..StepSums::default() };
        let recent = Recent { to: 1_000 * STEP_SECONDS + 60, five: sums(200.0), fifteen: sums(300.0) };
        let requirements =
            Requirements { limits: Limits::of(Sensitivity::Balanced).unwrap(), n_posts_min: 30.0 };
        let points = series(&baseline, &recent, &requirements, Metric::Volume);
        let (last, past) = points.split_last().unwrap();
        assert_eq!((past.len(), last.at, last.value), (35, recent.to - STEP_SECONDS, 200.0));
        assert!(last.value > last.high, "{last:?}");
        assert!(past.iter().all(|point| (point.low..=point.high).contains(&point.value)), "{past:?}");
    }
}
