//! Estimates from a sample of posts, for searches with more hits than can be read. Pure.

use jiff::Timestamp;

use crate::models::explore::Sample;
use crate::models::metrics::Window;
use crate::models::rollup::Sums;

/// Number of slices in a sample. They are spread evenly over the window and each of its steps, so that a sample covers
/// every part of the day. Each slice adds to the cost.
const N_SLICES: i64 = 240;

/// Returns evenly spread slices of a window, in ascending order. Together they cover `share` of each step.
pub(in crate::store) fn slices(
    window: Window,
    steps: &[Timestamp],
    share: f64,
) -> Vec<(Timestamp, Timestamp)> {
    let n_steps = i64::try_from(steps.len()).unwrap_or(i64::MAX).max(1);
    let n_per_step = (N_SLICES / n_steps).max(1);
    let ends = steps.iter().skip(1).chain([&window.to]);
    let mut slices = Vec::new();
    for (from, to) in steps.iter().zip(ends) {
        let length = (to.as_microsecond() - from.as_microsecond()) / n_per_step;
        let taken = micros(length as f64 * share).max(1);
        for n in 0..n_per_step {
            let start = from.as_microsecond() + n * length + (length - taken) / 2;
            slices.push((at(start), at(start + taken)));
        }
    }
    slices
}

/// Estimates the sums for a range from a sample that covers this share of it. Averages stay the same as in the sample.
pub(in crate::store) fn scaled(sums: &Sums, share: f64) -> Sums {
    let scale = |count: i64| scaled_count(count, share);
    let (positive, neutral, negative) = (scale(sums.positive), scale(sums.neutral), scale(sums.negative));
    // The labels still add up to the count.
    let count = if sums.positive + sums.neutral + sums.negative == sums.count {
        positive + neutral + negative
    } else {
        scale(sums.count)
    };
    let by_count = |micros_sum: i64| micros(micros_sum as f64 * count as f64 / sums.count.max(1) as f64);
    Sums {
        count,
        positive,
        neutral,
        negative,
        sentiment_micros: by_count(sums.sentiment_micros),
        churn_micros: by_count(sums.churn_micros),
        churn_high: scale(sums.churn_high),
        toxicity_micros: by_count(sums.toxicity_micros),
        emotions: sums.emotions.map(scale),
        late: scale(sums.late),
        revision: sums.revision,
    }
}

/// Estimates a count for a range from a sample that covers this share of it.
pub(in crate::store) fn scaled_count(count: i64, share: f64) -> i64 {
    micros(count as f64 / share)
}

/// Describes a sample with this many hits.
pub(in crate::store) fn sample(share: f64, n_found: i64) -> Sample {
    Sample { share, posts: n_found, error: ((1.0 - share) / n_found.max(1) as f64).sqrt() }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and sums are far from the limits")]
fn micros(value: f64) -> i64 {
    value.round() as i64
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + n).unwrap()
    }

    #[test]
    fn slices_cover_their_share_of_every_step() {
        for (n_steps, share) in [(1, 0.1), (24, 0.01), (120, 0.5), (1_000, 0.25)] {
            let window = Window { from: second(0), to: second(n_steps * 60), seconds: n_steps * 60 };
            let steps: Vec<Timestamp> = (0..n_steps).map(|step| second(step * 60)).collect();
            let slices = slices(window, &steps, share);
            assert!(slices.is_sorted() && slices.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            for step in &steps {
                let end = step.as_microsecond() + 60_000_000;
                let of_step = slices.iter().filter(|(from, to)| from >= step && to.as_microsecond() <= end);
                let covered: i64 =
                    of_step.map(|(from, to)| to.as_microsecond() - from.as_microsecond()).sum();
                let expected = 60_000_000.0 * share;
                assert!((covered as f64 - expected).abs() <= 500.0, "{covered} of {expected}");
            }
        }
    }

    #[test]
    fn an_estimate_keeps_averages_and_its_labels_add_up() {
        let sums =
            Sums { count: 7, positive: 3, neutral: 1, negative: 3, sentiment_micros: 700, ..Sums::default() };
        let estimate = scaled(&sums, 0.15);
        assert_eq!((estimate.positive, estimate.neutral, estimate.negative), (20, 7, 20));
        assert_eq!((estimate.count, estimate.sentiment_micros), (47, 4_700));
        let sample = sample(0.15, 7);
        assert!((sample.error - 0.348).abs() < 0.001, "{sample:?}");
    }
}
