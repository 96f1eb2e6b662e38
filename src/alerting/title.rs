//! Titles of alerts, each a readable sentence.

use super::measurement::Measurement;
use crate::models::alert::Scope;
use crate::models::alert_rule::{Comparison, Metric, NewRule};
use crate::models::rollup::Dimension;
use crate::models::score::EMOTIONS;

/// Returns a sentence that says what a rule measured.
pub fn found(rule: &NewRule, scope: &Scope, measurement: Measurement) -> String {
    let value = measurement.value.unwrap_or_default();
    let percent = (value * 100.0).round();
    let (n_posts, scope_phrase) = (grouped(measurement.count), scope_phrase(scope));
    let window = window(rule.window_seconds);
    match rule.metric {
        Metric::NegativeShare => {
            format!("{percent}% of {n_posts} posts{scope_phrase} in {window} are negative")
        }
        Metric::SentimentAverage => {
            format!("Average sentiment {value:+.2} across {n_posts} posts{scope_phrase} in {window}")
        }
        Metric::ChurnHigh => {
            format!("{} posts{scope_phrase} in {window} suggest churn", grouped(value))
        }
        Metric::Toxicity => {
            format!("Average toxicity {value:.2} across {n_posts} posts{scope_phrase} in {window}")
        }
        Metric::Volume => {
            let side = if rule.comparison == Comparison::Above { "more" } else { "fewer" };
            format!("{n_posts} posts{scope_phrase} in {window}, {side} than {}", grouped(rule.threshold))
        }
        Metric::Virality => format!("A post{scope_phrase} may spread far: predicted virality {value:.0}"),
        Metric::Emotion(i) => {
            let emotion = EMOTIONS.get(usize::from(i)).unwrap_or(&"neutral");
            format!("{percent}% of {n_posts} posts{scope_phrase} in {window} express {emotion}")
        }
    }
}

/// Returns the title of an alert about posts at high churn risk. It begins with their number, which the store updates as
/// posts join and leave.
pub fn suggests_churn(scope: &Scope, n_posts: usize) -> String {
    let suggest = if n_posts == 1 { "post suggests" } else { "posts suggest" };
    let about =
        if scope.dimension == Dimension::Overall { String::new() } else { format!(": {}", scope.key) };
    format!("{} {suggest} churn{about}", grouped(n_posts))
}

/// Formats a number with thousands separators, as the dashboard does: `12,345`, `-1,000.5`.
pub fn grouped(number: impl ToString) -> String {
    let number = number.to_string();
    let (whole, fraction) = number.find('.').map_or((number.as_str(), ""), |point| number.split_at(point));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::with_capacity(number.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// Returns the title of a notice that covers several alerts of one rule, given the title of the first and the keys of
/// the others.
pub fn together(first: &str, others: &[&str]) -> String {
    const NAMED: usize = 3;
    let named = others.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let rest = others.len().saturating_sub(NAMED);
    match (others.len(), rest) {
        (0, _) => first.to_owned(),
        (_, 0) => format!("{first}; also {named}"),
        _ => format!("{first}; also {named} and {rest} more"),
    }
}

fn scope_phrase(scope: &Scope) -> String {
    let key = &scope.key;
    match scope.dimension {
        Dimension::Overall => String::new(),
        Dimension::Product => format!(" about {key}"),
        Dimension::Platform => format!(" on {key}"),
        Dimension::Channel => format!(" via {key}"),
        Dimension::City => format!(" from {key}"),
    }
}

fn window(seconds: i64) -> String {
    const HOUR: i64 = 3_600;
    match seconds {
        300 => "five minutes".to_owned(),
        60 => "a minute".to_owned(),
        HOUR => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        _ if seconds % HOUR == 0 => format!("{} hours", seconds / HOUR),
        _ if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::measurement::tests::negativity;

    #[test]
    fn a_title_says_what_where_and_how_much() {
        let of = |dimension, key: &str| Scope { dimension, key: key.to_owned() };
        let check = |metric: &str, scope: &Scope, value: f64, expected: &str| {
            let rule = NewRule { metric: Metric::from_name(metric).unwrap(), ..negativity() };
            assert_eq!(found(&rule, scope, Measurement { value: Some(value), count: 30 }), expected);
        };
        check("negative_share", &Scope::overall(), 0.666, "67% of 30 posts in five minutes are negative");
        let alpha = of(Dimension::Product, "alpha");
        check("emotion:fear", &alpha, 0.5, "50% of 30 posts about alpha in five minutes express fear");
        check(
            "virality",
            &of(Dimension::Platform, "x"),
            83.4,
            "A post on x may spread far: predicted virality 83",
        );
        check(
            "sentiment_average",
            &of(Dimension::City, "Ulm"),
            -0.5,
            "Average sentiment -0.50 across 30 posts from Ulm in five minutes",
        );
    }

    #[test]
    fn a_churn_title_says_how_many_posts_suggest_it() {
        let product = Scope { dimension: Dimension::Product, key: "X".to_owned() };
        assert_eq!(suggests_churn(&product, 5), "5 posts suggest churn: X");
        assert_eq!(suggests_churn(&product, 1), "1 post suggests churn: X");
        assert_eq!(suggests_churn(&Scope::overall(), 1_200), "1,200 posts suggest churn");
    }

    #[test]
    fn numbers_are_formatted_as_on_the_dashboard() {
        for (number, expected) in [
            (0.0, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (-12_345.0, "-12,345"),
            (1_234_567.5, "1,234,567.5"),
            (0.1234, "0.1234"),
        ] {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(grouped(4_889_i64), "4,889");
    }

    #[test]
    fn many_that_fire_together_are_one_sentence() {
        assert_eq!(together("a", &[]), "a");
        assert_eq!(together("a", &["b", "c"]), "a; also b, c");
        assert_eq!(together("a", &["b", "c", "d", "e", "f"]), "a; also b, c, d and 2 more");
    }
}
