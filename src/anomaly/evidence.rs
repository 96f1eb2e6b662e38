//! What a change goes by, for people to judge it themselves.

use super::history::STEP_SECONDS;
use super::judge::{Known, Metric, Recent, Wanted, measure};
use super::mean::WINDOW_STEPS;

/// Steps that are shown: three hours.
const STEPS_SHOWN: i64 = 36;

/// One moment of the series, with what was to be expected then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Start of the step, in seconds since 1970.
    pub at: i64,
    /// What was measured.
    pub value: f64,
    /// What was to be expected.
    pub baseline: f64,
    /// The least that would not have surprised.
    pub low: f64,
    /// The most.
    pub high: f64,
}

/// The hours before this moment, as they are judged: the last step is the minutes just past.
pub fn series(known: &Known<'_>, recent: &Recent, wanted: &Wanted, metric: Metric) -> Vec<Point> {
    let last = recent.to.div_euclid(STEP_SECONDS);
    let past = (last - STEPS_SHOWN + 1..last).map(|end| {
        let sum = |n_steps: i64| known.history.sum(end - n_steps, end);
        Recent { to: end * STEP_SECONDS, five: sum(1), fifteen: sum(WINDOW_STEPS) }
    });
    past.chain([*recent])
        .filter_map(|recent| {
            let change = measure(known, &recent, wanted, metric)?;
            let (value, baseline, low, high) = (change.value, change.baseline, change.low, change.high);
            Some(Point { at: recent.to - STEP_SECONDS, value, baseline, low, high })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::history::{Heard, History};
    use crate::anomaly::judge::{Limits, Models};
    use crate::models::signals::Sensitivity;

    #[test]
    fn the_last_point_stands_out_of_its_band_and_the_others_lie_within() {
        let mut history = History::default();
        (0..1_000).for_each(|step| {
            let count = 45.0 + (step * 7 % 11) as f32;
            history.put(step, Heard { count, ..Heard::default() });
        });
        let models = Models::learn(&history, &history, 1_000);
        let known = Known { history: &history, overall: &history, models: &models };
        let heard = |count: f32| Heard { count, ..Heard::default() };
        let recent = Recent { to: 1_000 * STEP_SECONDS + 60, five: heard(200.0), fifteen: heard(300.0) };
        let wanted = Wanted { limits: Limits::of(Sensitivity::Balanced).unwrap(), n_posts_min: 30.0 };
        let points = series(&known, &recent, &wanted, Metric::Volume);
        let (last, past) = points.split_last().unwrap();
        assert_eq!((past.len(), last.at, last.value), (35, recent.to - STEP_SECONDS, 200.0));
        assert!(last.value > last.high, "{last:?}");
        assert!(past.iter().all(|point| (point.low..=point.high).contains(&point.value)), "{past:?}");
    }
}
