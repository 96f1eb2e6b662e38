//! What a rule went by, for people to judge it themselves.

use jiff::{SignedDuration, Timestamp};

use super::rolling::{self, ByMinute, MINUTE_SECONDS};
use crate::models::alert::EvidencePoint;
use crate::models::alert_rule::{Comparison, Metric, NewRule, Stretch};
use crate::models::evaluation::Minute;

/// How far back an alert shows what its rule read.
const SHOWN_SECONDS: i64 = 3_600;

/// The minutes that are needed for an alert that opens now.
pub fn span(rule: &NewRule, now: Timestamp) -> Stretch {
    rolling::span(rule, now, SHOWN_SECONDS)
}

/// What the rule read in each minute of the last hour, oldest first, and last the value for which the alert opens. Minutes
/// in which there was nothing to read are left out. What is usual is the median; the band is what the rule lets pass.
pub fn series(rule: &NewRule, minutes: &[Minute], (span, value): (Stretch, f64)) -> Vec<EvidencePoint> {
    let minutes: ByMinute =
        minutes.iter().map(|minute| (rolling::place(minute.at, span), minute.measured)).collect();
    let mut readings: Vec<(i64, f64)> = rolling::readings(rule, &minutes, span)
        .filter_map(|(step, reading)| Some((step, reading.value?)))
        .collect();
    // That of the rule itself is to the second.
    let newest = rolling::place(span.to, span) - 1;
    readings.retain(|(step, _)| *step < newest);
    readings.push((newest, value));

    let mut values: Vec<f64> = readings.iter().map(|(_, value)| *value).collect();
    let (least, most) = extent(rule, &values);
    let (low, high) = match rule.comparison {
        Comparison::Above => (least, rule.threshold),
        Comparison::Below => (rule.threshold, most),
    };
    let middle = values.len() / 2;
    let baseline = *values.select_nth_unstable_by(middle, f64::total_cmp).1;
    let at =
        |step| span.from.checked_add(SignedDuration::from_secs(step * MINUTE_SECONDS)).unwrap_or(span.to);
    let point = |(step, value)| EvidencePoint { at: at(step), value, baseline, low, high };
    readings.into_iter().map(point).collect()
}

/// Between what a metric lies; of numbers, those that were seen.
fn extent(rule: &NewRule, values: &[f64]) -> (f64, f64) {
    match rule.metric {
        Metric::NegativeShare | Metric::Toxicity | Metric::Emotion(_) => (0.0, 1.0),
        Metric::SentimentAverage => (-1.0, 1.0),
        Metric::Virality => (0.0, 100.0),
        Metric::ChurnHigh | Metric::Volume => (0.0, values.iter().copied().fold(rule.threshold, f64::max)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::measure::tests::negativity;
    use crate::models::evaluation::Measured;
    use crate::models::rollup::Sums;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn minute(minute: i64, negative: i64) -> Minute {
        let sums = Sums { count: 30, negative, ..Sums::default() };
        Minute { at: at(minute), key: String::new(), measured: Measured::Sums(sums) }
    }

    #[test]
    fn an_hour_is_shown_with_the_band_that_the_rule_lets_pass_and_ends_with_what_opened_the_alert() {
        let rule = negativity();
        let now = at(100) + SignedDuration::from_secs(20);
        let span = span(&rule, now);
        assert_eq!((span.from, span.to), (at(36), at(101)));
        let minutes: Vec<Minute> = (36..101).map(|i| minute(i, if i < 98 { 3 } else { 30 })).collect();
        let series = series(&rule, &minutes, (span, 0.6));
        assert_eq!((series.len(), series[0].at, series[59].at), (60, at(41), at(100)));
        assert!(series.iter().all(|point| (point.low, point.high, point.baseline) == (0.0, 0.5, 0.1)));
        // Two minutes of five were bad, and then what the rule itself has read.
        let values: Vec<f64> = series[56..].iter().map(|point| point.value).collect();
        assert_eq!(values, [0.1, 0.28, 0.46, 0.6]);
    }

    #[test]
    fn minutes_without_a_reading_are_left_out_and_a_fall_has_its_band_above_the_line() {
        let mut rule = negativity();
        let now = at(100);
        let alone = series(&rule, &[], (span(&rule, now), 0.7));
        assert_eq!(alone.len(), 1);
        (rule.metric, rule.comparison, rule.threshold) = (Metric::Volume, Comparison::Below, 50.0);
        let minutes: Vec<Minute> = (30..90).map(|i| minute(i, 0)).collect();
        let fallen = series(&rule, &minutes, (span(&rule, now), 0.0));
        assert_eq!((fallen.len(), fallen[0].low, fallen[0].high), (60, 50.0, 150.0));
        assert_eq!((fallen[48].value, fallen[55].value), (150.0, 0.0));
    }
}
