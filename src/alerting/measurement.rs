//! Values of rules' metrics, and the verdicts on them.

use jiff::SignedDuration;

use super::machine::{RuleTiming, Verdict};
use crate::models::alert::Severity;
use crate::models::alert_rule::{Comparison, Metric, NewRule};
use crate::models::evaluation::KeyMeasurement;
use crate::models::rollup::{MICROS, Sums};

/// Value of a metric over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// Value in the unit of the metric; `None` if no post has one.
    pub value: Option<f64>,
    /// Number of posts that the value is based on.
    pub count: i64,
}

impl Measurement {
    /// Computes the metric from the figures measured for a key.
    pub fn of(metric: Metric, measured: KeyMeasurement) -> Self {
        match measured {
            KeyMeasurement::Sums(sums) => Self::of_sums(metric, &sums),
            KeyMeasurement::Viral { highest, count } => Self { value: Some(highest), count },
        }
    }

    fn of_sums(metric: Metric, sums: &Sums) -> Self {
        let count = sums.count.max(0);
        let per_post = |sum: f64| (count > 0).then(|| sum / count as f64);
        let value = match metric {
            Metric::NegativeShare => per_post(sums.negative as f64),
            Metric::SentimentAverage => per_post(sums.sentiment_micros as f64 / MICROS),
            Metric::Toxicity => per_post(sums.toxicity_micros as f64 / MICROS),
            Metric::Emotion(i) => {
                per_post(sums.emotions.get(usize::from(i)).copied().unwrap_or_default() as f64)
            }
            Metric::ChurnHigh => Some(sums.churn_high as f64),
            Metric::Volume => Some(count as f64),
            Metric::Virality => None,
        };
        Self { value, count }
    }

    /// Returns the measurement of a window without posts.
    pub fn nothing(metric: Metric) -> Self {
        match metric {
            Metric::Virality => Self { value: Some(0.0), count: 0 },
            _ => Self::of_sums(metric, &Sums::default()),
        }
    }
}

/// Returns the rule's verdict on a measurement. Having too few posts is never a breach, so an alert resolves even if posts
/// stop arriving.
pub fn judge(rule: &NewRule, measurement: Measurement) -> Verdict {
    let Some(value) = measurement.value.filter(|_| measurement.count >= rule.minimum_volume) else {
        return Verdict::Clear;
    };
    let (is_beyond, is_clear) = match rule.comparison {
        Comparison::Above => (value > rule.threshold, value <= rule.clear_threshold()),
        Comparison::Below => (value < rule.threshold, value >= rule.clear_threshold()),
    };
    match (is_beyond, is_clear) {
        (true, _) => Verdict::Breach,
        (false, true) => Verdict::Clear,
        (false, false) => Verdict::Between,
    }
}

/// Returns the severity of an alert with this value. It is critical, whatever the rule says, if the negative share is
/// more than halfway from the threshold to 1.
pub fn severity(rule: &NewRule, value: f64) -> Severity {
    let is_grave = rule.metric == Metric::NegativeShare
        && rule.comparison == Comparison::Above
        && value >= f64::midpoint(rule.threshold, 1.0);
    if is_grave { rule.severity.max(Severity::Critical) } else { rule.severity }
}

/// Returns the durations that a rule defines.
pub fn timing(rule: &NewRule) -> RuleTiming {
    RuleTiming {
        hold: SignedDuration::from_secs(rule.for_seconds),
        keep_firing: SignedDuration::from_secs(rule.keep_firing_seconds),
        cooldown: SignedDuration::from_secs(rule.cooldown_seconds),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::alert_rule::RuleScope;
    use crate::models::rollup::Dimension;

    /// Returns the built-in rule about the negative share of all posts.
    pub(crate) fn negativity() -> NewRule {
        NewRule {
            name: "mostly negative".to_owned(),
            enabled: true,
            metric: Metric::NegativeShare,
            scope: RuleScope { dimension: Dimension::Overall, key: None },
            window_seconds: 300,
            comparison: Comparison::Above,
            threshold: 0.5,
            clear_threshold: None,
            minimum_volume: 20,
            for_seconds: 0,
            keep_firing_seconds: 0,
            cooldown_seconds: 60,
            severity: Severity::Warning,
            channels: Vec::new(),
        }
    }

    fn negative(count: i64, negative: i64) -> Sums {
        Sums { count, negative, ..Sums::default() }
    }

    fn check(count: i64, n_negative: i64, expected: Verdict) {
        let measurement = Measurement::of_sums(Metric::NegativeShare, &negative(count, n_negative));
        assert_eq!(judge(&negativity(), measurement), expected, "{n_negative} of {count}");
    }

    #[test]
    fn more_than_half_of_twenty_breaches() {
        check(20, 11, Verdict::Breach);
    }

    #[test]
    fn exactly_half_does_not() {
        check(20, 10, Verdict::Clear);
    }

    #[test]
    fn nineteen_posts_say_nothing() {
        check(19, 19, Verdict::Clear);
    }

    #[test]
    fn silence_does_not_hold() {
        check(0, 0, Verdict::Clear);
    }

    #[test]
    fn between_the_thresholds_it_stays_as_it_is() {
        let mut rule = NewRule { clear_threshold: Some(0.4), minimum_volume: 0, ..negativity() };
        let judged = |rule: &NewRule, value: f64| judge(rule, Measurement { value: Some(value), count: 9 });
        assert_eq!(
            [0.51, 0.5, 0.41, 0.4].map(|value| judged(&rule, value)),
            [Verdict::Breach, Verdict::Between, Verdict::Between, Verdict::Clear]
        );
        (rule.comparison, rule.clear_threshold) = (Comparison::Below, Some(0.6));
        assert_eq!(
            [0.49, 0.5, 0.59, 0.6].map(|value| judged(&rule, value)),
            [Verdict::Breach, Verdict::Between, Verdict::Between, Verdict::Clear]
        );
    }

    #[test]
    fn every_metric_is_computed_by_its_definition() {
        let sums = Sums {
            count: 10,
            negative: 4,
            sentiment_micros: -2_500_000,
            churn_high: 3,
            toxicity_micros: 1_000_000,
            emotions: [1, 0, 0, 0, 7, 0, 2],
            ..Sums::default()
        };
        for (name, value) in [
            ("negative_share", 0.4),
            ("sentiment_average", -0.25),
            ("churn_high", 3.0),
            ("toxicity", 0.1),
            ("volume", 10.0),
            ("emotion:anger", 0.1),
            ("emotion:surprise", 0.2),
        ] {
            let measurement = Measurement::of_sums(Metric::from_name(name).unwrap(), &sums);
            assert_eq!(measurement, Measurement { value: Some(value), count: 10 }, "{name}");
        }
    }

    #[test]
    fn a_window_without_posts_has_volume_zero_and_no_share() {
        assert_eq!(Measurement::nothing(Metric::Volume).value, Some(0.0));
        assert_eq!(Measurement::nothing(Metric::NegativeShare).value, None);
        let rule = NewRule {
            metric: Metric::Volume,
            comparison: Comparison::Below,
            threshold: 5.0,
            minimum_volume: 0,
            ..negativity()
        };
        assert_eq!(judge(&rule, Measurement::nothing(Metric::Volume)), Verdict::Breach);
    }

    #[test]
    fn a_share_near_one_is_critical_whatever_the_rule_says() {
        let quiet = NewRule { severity: Severity::Info, ..negativity() };
        assert_eq!([0.74, 0.75].map(|value| severity(&quiet, value)), [Severity::Info, Severity::Critical]);
        let other = NewRule { metric: Metric::Toxicity, ..quiet };
        assert_eq!(severity(&other, 0.99), Severity::Info);
    }
}
