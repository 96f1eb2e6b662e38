//! Evidence for a rule's alert: recent values of the metric together with the rule's threshold.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::Timestamp;

use super::rolling::{BySteps, Steps};
use crate::models::alert::EvidencePoint;
use crate::models::alert_rule::{Comparison, Metric, NewRule};
use crate::models::evaluation::{Opening, Step};
use crate::models::rollup::BUCKET_SECONDS;

/// Number of steps shown in the evidence for an alert.
const N_SHOWN: i64 = 60;

const MINUTE_SECONDS: i64 = 60;

/// Maximum window length, in seconds, that is measured in ten-second steps. Longer windows are measured in minutes,
/// even if they are not a whole number of minutes.
const FINE_WINDOW_SECONDS: i64 = 600;

/// Returns the steps to measure for an alert that opens at `now`: the minutes of the last hour or, for a short window
/// that is not a whole number of minutes, the last 60 steps of ten seconds.
pub fn steps(rule: &NewRule, now: Timestamp) -> Steps {
    let is_fine = rule.window_seconds % MINUTE_SECONDS != 0 && rule.window_seconds < FINE_WINDOW_SECONDS;
    Steps::last(rule, now, (N_SHOWN, if is_fine { BUCKET_SECONDS } else { MINUTE_SECONDS }))
}

/// Returns the value of the rule's metric at the end of each step, oldest first, and finally `value`, at which the
/// alert opens. Steps without a value are omitted; the result is empty if there is no earlier step. The baseline is the
/// median of the earlier values. The range from `low` to `high` holds the values for which the rule does not fire;
/// while there are too few posts for the rule to apply, that is every value.
pub fn series(rule: &NewRule, measured: &[Step], (steps, value): (Steps, f64)) -> Vec<EvidencePoint> {
    let measured: BySteps = measured.iter().map(|step| (steps.index(step.at), step.measured)).collect();
    // The last point is the rule's own measurement, to the exact second.
    let newest = steps.n_steps() - 1;
    let mut read: Vec<StepValue> = steps
        .measurements(rule, &measured)
        .filter(|(index, _)| *index < newest)
        .filter_map(|(index, measurement)| {
            Some(StepValue {
                index,
                value: measurement.value?,
                is_judged: measurement.count >= rule.minimum_volume,
            })
        })
        .collect();
    let mut before: Vec<f64> = read.iter().map(|read| read.value).collect();
    let Some(middle) = before.len().checked_sub(1).map(|last| last / 2) else {
        return Vec::new();
    };
    let baseline = *before.select_nth_unstable_by(middle, f64::total_cmp).1;
    read.push(StepValue { index: newest, value, is_judged: true });
    let (least, most) = extent(rule, &read);
    let point = |StepValue { index, value, is_judged }: StepValue| {
        let (low, high) = match rule.comparison {
            _ if !is_judged => (least, most),
            Comparison::Above => (least, rule.threshold),
            Comparison::Below => (rule.threshold, most),
        };
        EvidencePoint { at: steps.start(index), value, baseline, low, high }
    };
    read.into_iter().map(point).collect()
}

/// Value of the metric at the end of a step.
struct StepValue {
    index: i64,
    value: f64,
    /// Whether the window had enough posts for the rule to apply.
    is_judged: bool,
}

/// Returns the range of values that the metric can have; for counts, it ends at the highest value or at the threshold,
/// whichever is greater.
fn extent(rule: &NewRule, read: &[StepValue]) -> (f64, f64) {
    match rule.metric {
        Metric::NegativeShare | Metric::Toxicity | Metric::Emotion(_) => (0.0, 1.0),
        Metric::SentimentAverage => (-1.0, 1.0),
        Metric::Virality => (0.0, 100.0),
        Metric::ChurnHigh | Metric::Volume => {
            (0.0, read.iter().map(|read| read.value).fold(rule.threshold, f64::max))
        }
    }
}

/// Sorts openings by how much their evidence matters: first the most severe opening of each rule, which represents the
/// others in notifications, and then the rest by severity.
pub fn by_need(openings: &mut [Opening]) {
    openings.sort_by_key(|opening| Reverse(opening.severity));
    let mut rules = BTreeSet::new();
    let firsts: BTreeSet<_> = openings
        .iter()
        .filter(|opening| rules.insert(opening.rule.id))
        .map(|opening| opening.id.clone())
        .collect();
    openings.sort_by_key(|opening| !firsts.contains(&opening.id));
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::alerting::measurement::tests::negativity;
    use crate::models::alert::{Scope, Severity};
    use crate::models::alert_rule::Rule;
    use crate::models::evaluation::{KeyMeasurement, Series, SeriesId};
    use crate::models::id::RuleId;
    use crate::models::rollup::{Dimension, Sums};

    const START: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(START + seconds).unwrap()
    }

    fn step(seconds: i64, negative: i64) -> Step {
        let sums = Sums { count: 30, negative, ..Sums::default() };
        Step { at: at(seconds), key: String::new(), measured: KeyMeasurement::Sums(sums) }
    }

    fn values(series: &[EvidencePoint]) -> Vec<f64> {
        series.iter().map(|point| point.value).collect()
    }

    #[test]
    fn an_hour_is_shown_with_the_band_that_the_rule_allows_and_ends_with_the_value_that_opened_the_alert() {
        let rule = negativity();
        let steps = steps(&rule, at(100 * 60 + 20));
        assert_eq!((steps.stretch.from, steps.stretch.to), (at(36 * 60), at(101 * 60)));
        let minutes: Vec<Step> = (36..101).map(|i| step(i * 60, if i < 98 { 3 } else { 30 })).collect();
        let series = series(&rule, &minutes, (steps, 0.6));
        assert_eq!((series.len(), series[0].at, series[59].at), (60, at(41 * 60), at(100 * 60)));
        assert!(series.iter().all(|point| (point.low, point.high, point.baseline) == (0.0, 0.5, 0.1)));
        // Two out of five minutes were bad; the rule's own measurement follows.
        assert_eq!(values(&series[56..]), [0.1, 0.28, 0.46, 0.6]);
    }

    #[test]
    fn with_too_few_posts_the_rule_allows_everything() {
        let mut rule = negativity();
        rule.minimum_volume = 31;
        let bad: Vec<Step> = (36..101).filter(|i| i % 20 < 2).map(|i| step(i * 60, 30)).collect();
        let series = series(&rule, &bad, (steps(&rule, at(6_000)), 0.6));
        assert!(series.iter().all(|point| point.low == 0.0 && point.value > 0.5), "{series:?}");
        // Two minutes together have enough posts, and they lie within four windows of five minutes.
        let judged = series.iter().filter(|point| point.high == 0.5).count();
        assert_eq!((judged, series.iter().filter(|point| point.high == 1.0).count()), (3 * 4 + 1, 5));
    }

    #[test]
    fn without_earlier_steps_there_is_no_series() {
        let rule = negativity();
        assert_eq!(series(&rule, &[], (steps(&rule, at(6_000)), 0.7)), []);
    }

    #[test]
    fn a_fall_has_its_band_above_the_line() {
        let mut rule = negativity();
        (rule.metric, rule.comparison, rule.threshold) = (Metric::Volume, Comparison::Below, 50.0);
        rule.minimum_volume = 0;
        let minutes: Vec<Step> = (30..90).map(|i| step(i * 60, 0)).collect();
        let fallen = series(&rule, &minutes, (steps(&rule, at(6_000)), 0.0));
        assert_eq!((fallen.len(), fallen[0].low, fallen[0].high), (60, 50.0, 150.0));
        assert_eq!((fallen[48].value, fallen[55].value), (150.0, 0.0));
    }

    fn opening(rule: u128, key: &str, severity: Severity) -> Opening {
        let now = at(0);
        let what = negativity();
        let rule = Rule {
            id: RuleId::from_u128(rule),
            builtin: false,
            what,
            created_at: now,
            updated_at: now,
            created_by: None,
            updated_by: None,
        };
        let scope = Scope { dimension: Dimension::Product, key: key.to_owned() };
        Opening {
            id: SeriesId { rule_id: rule.id, scope },
            rule,
            severity,
            title: String::new(),
            value: 0.6,
            count: 30,
            pending_since: now,
            series: Series::at_rest(now),
            posts: Vec::new(),
            evidence: None,
        }
    }

    #[test]
    fn the_most_severe_alert_of_each_rule_comes_first() {
        let mut openings = [
            opening(1, "a", Severity::Warning),
            opening(1, "b", Severity::Warning),
            opening(1, "c", Severity::Critical),
            opening(1, "d", Severity::Critical),
            opening(2, "e", Severity::Info),
            opening(2, "f", Severity::Warning),
        ];
        by_need(&mut openings);
        let order: Vec<&str> = openings.iter().map(|opening| opening.id.scope.key.as_str()).collect();
        assert_eq!(order, ["c", "f", "d", "a", "b", "e"]);
    }

    #[test]
    fn a_window_that_is_not_a_whole_number_of_minutes_keeps_its_length() {
        let mut rule = negativity();
        (rule.metric, rule.minimum_volume) = (Metric::Volume, 0);
        for (window, n_posts) in [(10, 30.0), (90, 270.0)] {
            rule.window_seconds = window;
            let steps = steps(&rule, at(6_000));
            let buckets: Vec<Step> = (0..700).map(|i| step(i * 10, 0)).collect();
            let kept: Vec<Step> = buckets
                .into_iter()
                .filter(|step| (0..steps.n_steps()).contains(&steps.index(step.at)))
                .collect();
            let series = series(&rule, &kept, (steps, n_posts));
            assert_eq!((series.len(), series[0].at), (60, at(6_000 - 590)));
            assert!(series.iter().all(|point| point.value == n_posts && point.baseline == n_posts));
        }
    }
}
