//! Peaks of a chart: completed steps with unusually many posts, or an unusually high share of negative posts.
//!
//! Unlike the detector, which needs weeks of history, this judges a step by the other steps of the same chart:
//!
//! 1. Counts and shares are transformed so that chance alone gives every step the same variance (Anscombe, 1948).
//! 2. A step is compared with the line through its nearest neighbours, fitted by repeated medians (Siegel, 1982), which
//!    tolerate that almost half of the neighbours are unusual themselves, and follow a ramp to the edges of the chart
//!    (Davies, Fried and Gather, 2004).
//! 3. If the chart repeats a cycle of days or weeks at least four times, what the same step of the other cycles usually
//!    adds is subtracted, as the seasonal part of a decomposition.
//! 4. What remains is divided by its own spread, but at least by that of chance.
//!
//! A step is a peak if it lies `DEVIATIONS_MIN` standard deviations above, differs noticeably, and has enough posts.
//! Fewer than one chart in a hundred with 1,000 steps of steady posts has a false peak; a test counts them.

use jiff::{SignedDuration, Timestamp};

use super::robust::{median, spread};
use crate::models::explore::ExplorePoint;
use crate::models::metrics::{StepProgress, Summary, TrendPoint};
use crate::models::peak::{Peak, PeakMetric};

/// Minimum distance from the expected value, in standard deviations, as for balanced anomaly detection.
const DEVIATIONS_MIN: f64 = 5.0;

/// Minimum ratio of the number of posts to the expected number. In a busy chart even a rise of a few percent is
/// significant, but nobody would call it a peak.
const RATIO_MIN: f64 = 1.5;

/// Minimum rise of the share of negative posts.
const SHARE_RISE_MIN: f64 = 0.1;

/// Minimum number of posts in a step, as wherever figures are compared.
const POSTS_MIN: i64 = 30;

/// Number of neighbours that a step is compared with.
const NEIGHBOURS: usize = 24;

/// Minimum number of steps from which to tell what is usual.
const STEPS_MIN: usize = 12;

/// Minimum number of cycles for the same step of the others to show what is usual.
const CYCLES_MIN: usize = 4;

/// Share of the usual length below which a step is cut by an end of the chart. Summer time shortens a day by less.
const WHOLE_FROM: f64 = 0.95;

/// Maximum number of peaks of each metric. More would hide the chart.
const PEAKS_MAX: usize = 6;

const DAY_SECONDS: i64 = 86_400;
const DAYS_PER_WEEK: usize = 7;

/// Posts in one step of a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChartStep {
    /// Start of the step.
    pub from: Timestamp,
    /// End of the step, exclusive.
    pub to: Timestamp,
    /// Whether the step is over.
    pub complete: bool,
    /// Number of posts.
    pub count: i64,
    /// Number of posts labelled negative.
    pub negative: i64,
}

impl ChartStep {
    fn of((from, to): (Timestamp, Timestamp), progress: &StepProgress, summary: &Summary) -> Self {
        let (count, negative) = (summary.count, summary.sentiment.negative);
        Self { from, to, complete: progress.complete, count, negative }
    }

    fn seconds(&self) -> f64 {
        (self.to.as_millisecond() - self.from.as_millisecond()) as f64 / 1_000.0
    }

    fn share(&self) -> f64 {
        self.negative as f64 / (self.count as f64).max(1.0)
    }
}

/// Converts a series to chart steps and returns the peaks that [`peaks`] finds in them.
pub fn of_series(points: &[ExplorePoint]) -> Vec<Peak> {
    let step = |point: &ExplorePoint| ChartStep::of((point.from, point.to), &point.progress, &point.summary);
    peaks(&points.iter().map(step).collect::<Vec<ChartStep>>())
}

/// Converts a trend to chart steps and returns the peaks that [`peaks`] finds in them.
pub fn of_trend(points: &[TrendPoint]) -> Vec<Peak> {
    let step = |point: &TrendPoint| {
        // A step that is cut off by the end of the trend lasts only its number of seconds.
        let length = SignedDuration::try_from_secs_f64(point.progress.seconds).unwrap_or_default();
        let to = point.from.saturating_add(length).unwrap_or(Timestamp::MAX);
        ChartStep::of((point.from, to), &point.progress, &point.summary)
    };
    peaks(&points.iter().map(step).collect::<Vec<ChartStep>>())
}

/// Returns the peaks among the completed steps, oldest first: at most `PEAKS_MAX` of each metric. Adjacent unusual
/// steps form one peak.
pub fn peaks(steps: &[ChartStep]) -> Vec<Peak> {
    let Some(usual_seconds) = median(&mut steps.iter().map(ChartStep::seconds).collect::<Vec<f64>>()) else {
        return Vec::new();
    };
    let is_whole = |step: &ChartStep| step.complete && step.seconds() >= usual_seconds * WHOLE_FROM;
    let cycle = cycle_of(usual_seconds, steps.len());
    let mut found = Vec::new();
    for metric in [PeakMetric::Volume, PeakMetric::NegativeShare] {
        let readings: Vec<Reading> = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| is_whole(step))
            .filter_map(|(place, step)| Reading::of(metric, place, step))
            .collect();
        let mut of_metric = merged(unusual(metric, &readings, cycle), steps);
        of_metric.sort_by(|a, b| b.deviations.total_cmp(&a.deviations));
        of_metric.truncate(PEAKS_MAX);
        found.extend(of_metric);
    }
    found.sort_by_key(|peak| (peak.from, peak.metric));
    found
}

/// Returns the number of steps in a day, or in a week if the steps are days; `None` if it is not a whole number or
/// repeats too rarely.
fn cycle_of(step_seconds: f64, n_steps: usize) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, reason = "steps have at most the length of a chart")]
    let seconds = step_seconds.round() as i64;
    let cycle = match seconds {
        DAY_SECONDS => DAYS_PER_WEEK,
        1..DAY_SECONDS if DAY_SECONDS % seconds == 0 => usize::try_from(DAY_SECONDS / seconds).ok()?,
        _ => return None,
    };
    (n_steps / cycle >= CYCLES_MIN).then_some(cycle)
}

/// A step after the transform.
#[derive(Debug, Clone, Copy)]
struct Reading<'a> {
    /// Index of the step in the chart.
    place: usize,
    step: &'a ChartStep,
    /// Transformed value.
    level: f64,
    /// Standard deviation of the level by chance alone.
    chance: f64,
}

impl<'a> Reading<'a> {
    fn of(metric: PeakMetric, place: usize, step: &'a ChartStep) -> Option<Self> {
        let count = step.count as f64;
        let (level, chance) = match metric {
            PeakMetric::Volume => (2.0 * (count + 0.375).sqrt(), 1.0),
            PeakMetric::NegativeShare if step.count < POSTS_MIN => return None,
            PeakMetric::NegativeShare => {
                let share = (step.negative as f64 + 0.375) / (count + 0.75);
                (2.0 * share.clamp(0.0, 1.0).sqrt().asin(), 1.0 / (count + 0.5).sqrt())
            }
        };
        Some(Self { place, step, level, chance })
    }
}

/// Converts a transformed level back to a number of posts or to a share.
fn restore(metric: PeakMetric, level: f64) -> f64 {
    match metric {
        PeakMetric::Volume => ((level.max(0.0) / 2.0).powi(2) - 0.375).max(0.0),
        PeakMetric::NegativeShare => (level / 2.0).clamp(0.0, std::f64::consts::FRAC_PI_2).sin().powi(2),
    }
}

/// An unusual step.
#[derive(Debug, Clone, Copy)]
struct Unusual {
    place: usize,
    peak: Peak,
}

fn unusual(metric: PeakMetric, readings: &[Reading<'_>], cycle: Option<usize>) -> Vec<Unusual> {
    if readings.len() < STEPS_MIN {
        return Vec::new();
    }
    let mut rests: Vec<f64> =
        (0..readings.len()).map(|index| rest(readings, index).unwrap_or_default()).collect();
    if let Some(cycle) = cycle {
        rests = without_cycle(readings, &rests, cycle);
    }
    let deviations: Vec<f64> =
        readings.iter().zip(&rests).map(|(reading, rest)| rest / reading.chance).collect();
    let usual = spread(&deviations).max(1.0);
    let found = readings.iter().zip(&rests).zip(deviations).filter_map(|((reading, rest), deviation)| {
        let deviations = deviation / usual;
        let expected = restore(metric, reading.level - rest);
        let (value, is_noticeable) = match metric {
            PeakMetric::Volume => {
                let value = reading.step.count as f64;
                (value, value >= expected * RATIO_MIN)
            }
            PeakMetric::NegativeShare => {
                let value = reading.step.share();
                (value, value >= expected + SHARE_RISE_MIN)
            }
        };
        let ChartStep { from, to, count, .. } = *reading.step;
        let is_peak = deviations >= DEVIATIONS_MIN && is_noticeable && count >= POSTS_MIN;
        let peak = Peak { metric, from, to, at: from, value, expected, count, deviations };
        is_peak.then_some(Unusual { place: reading.place, peak })
    });
    found.collect()
}

/// Returns how far a reading lies above the line through its neighbours; `None` if it has too few.
fn rest(readings: &[Reading<'_>], index: usize) -> Option<f64> {
    let reading = readings.get(index)?;
    // As many on both sides as possible; at an edge the nearest on the other side.
    let first = index.saturating_sub(NEIGHBOURS / 2).min(readings.len().saturating_sub(NEIGHBOURS + 1));
    let place = |reading: &Reading<'_>| reading.place as f64;
    let neighbours: Vec<(f64, f64)> = readings
        .iter()
        .enumerate()
        .skip(first)
        .take(NEIGHBOURS + 1)
        .filter(|(other, _)| *other != index)
        .map(|(_, other)| (place(other) - place(reading), other.level))
        .collect();
    Some(reading.level - level_at_zero(&neighbours)?)
}

/// Fits a line by repeated medians and returns its value at 0.
fn level_at_zero(points: &[(f64, f64)]) -> Option<f64> {
    let slope_through = |(x, y): &(f64, f64)| {
        let others = points.iter().filter(|(other, _)| other != x);
        median(&mut others.map(|(other_x, other_y)| (other_y - y) / (other_x - x)).collect::<Vec<f64>>())
    };
    let slope = median(&mut points.iter().filter_map(slope_through).collect::<Vec<f64>>())?;
    median(&mut points.iter().map(|(x, y)| y - slope * x).collect::<Vec<f64>>())
}

/// Subtracts from each deviation the median deviation of the same step in the other cycles.
fn without_cycle(readings: &[Reading<'_>], rests: &[f64], cycle: usize) -> Vec<f64> {
    let mut phases: Vec<Vec<(usize, f64)>> = vec![Vec::new(); cycle];
    for (reading, rest) in readings.iter().zip(rests) {
        if let Some(phase) = phases.get_mut(reading.place % cycle) {
            phase.push((reading.place, *rest));
        }
    }
    let usual = |reading: &Reading<'_>| {
        let phase = phases.get(reading.place % cycle)?;
        let others = phase.iter().filter(|(place, _)| *place != reading.place);
        let mut others: Vec<f64> = others.map(|(_, rest)| *rest).collect();
        (others.len() + 1 >= CYCLES_MIN).then(|| median(&mut others)).flatten()
    };
    let without = |(reading, rest): (&Reading<'_>, &f64)| rest - usual(reading).unwrap_or_default();
    readings.iter().zip(rests).map(without).collect()
}

/// Joins unusual steps that follow each other directly, or with one step between them.
fn merged(unusual: Vec<Unusual>, steps: &[ChartStep]) -> Vec<Peak> {
    let mut joined: Vec<Unusual> = Vec::new();
    for next in unusual {
        match joined.last_mut() {
            Some(last) if next.place <= last.place + 2 => {
                let strongest =
                    if next.peak.deviations > last.peak.deviations { next.peak } else { last.peak };
                let to = steps.get(next.place).map_or(next.peak.to, |step| step.to);
                *last = Unusual { place: next.place, peak: Peak { from: last.peak.from, to, ..strongest } };
            }
            _ => joined.push(next),
        }
    }
    joined.into_iter().map(|unusual| unusual.peak).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(START + second).unwrap()
    }

    /// Returns steps of this length with these counts, none of them negative.
    fn chart(seconds: i64, counts: impl IntoIterator<Item = i64>) -> Vec<ChartStep> {
        let step = |(place, count): (usize, i64)| {
            let from = place as i64 * seconds;
            ChartStep { from: at(from), to: at(from + seconds), complete: true, count, negative: 0 }
        };
        counts.into_iter().enumerate().map(step).collect()
    }

    /// Deterministic random numbers.
    struct Dice(u64);

    impl Dice {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// Returns a Poisson variable, as the sum of variables with small means (Knuth).
        fn poisson(&mut self, mut mean: f64) -> i64 {
            let mut n = 0;
            while mean > 0.0 {
                let part = mean.min(20.0);
                mean -= part;
                let (edge, mut product) = ((-part).exp(), self.unit());
                while product > edge {
                    n += 1;
                    product *= self.unit();
                }
            }
            n
        }
    }

    fn places(steps: &[ChartStep], metric: PeakMetric) -> Vec<i64> {
        let seconds = steps[1].to.as_second() - steps[1].from.as_second();
        let found = peaks(steps).into_iter().filter(|peak| peak.metric == metric);
        found.map(|peak| (peak.at.as_second() - START) / seconds).collect()
    }

    #[test]
    fn a_steady_source_has_no_peaks() {
        let mut dice = Dice(7);
        let mut n_false = 0;
        for round in 0..20 {
            let mean = [5.0, 30.0, 100.0, 600.0][round % 4];
            let mut steps = chart(60, (0..1_000).map(|_| dice.poisson(mean)));
            for step in &mut steps {
                step.negative = (0..step.count.min(100)).filter(|_| dice.unit() < 0.2).count() as i64;
                step.count = step.count.min(100);
            }
            n_false += usize::from(!peaks(&steps).is_empty());
        }
        assert_eq!(n_false, 0, "of 20 charts");
    }

    #[test]
    fn flat_charts_ramps_and_few_posts_have_no_peaks() {
        let mut dice = Dice(1);
        for steps in [
            chart(60, []),
            chart(60, [500; 100]),
            chart(60, [0; 100]),
            chart(60, (0..100).map(|n| n * 40)),
            chart(60, (0..100).rev().map(|n| n * 40)),
            chart(60, (0..100).map(|n| dice.poisson(20.0 + f64::from(n) * 5.0))),
            chart(60, (0..50).map(|n| if n == 30 { 29 } else { 0 })),
            chart(60, [10, 10, 900, 10, 10]),
        ] {
            assert_eq!(peaks(&steps), [], "{steps:?}");
        }
    }

    #[test]
    fn every_evening_is_no_peak_but_an_unusual_one_is() {
        let mut dice = Dice(3);
        let evening = |hour: usize| if (19..22).contains(&(hour % 24)) { 900.0 } else { 120.0 };
        let mut steps = chart(3_600, (0..14 * 24).map(|hour| dice.poisson(evening(hour))));
        assert_eq!(places(&steps, PeakMetric::Volume), Vec::<i64>::new());
        steps[9 * 24 + 20].count = 2_600;
        assert_eq!(places(&steps, PeakMetric::Volume), [9 * 24 + 20]);
    }

    #[test]
    fn saturdays_are_no_peaks() {
        let mut dice = Dice(5);
        let of_day = |day: usize| if day % 7 == 5 { 4_000.0 } else { 1_000.0 };
        let steps = chart(86_400, (0..90).map(|day| dice.poisson(of_day(day))));
        assert_eq!(places(&steps, PeakMetric::Volume), Vec::<i64>::new());
    }

    #[test]
    fn a_burst_is_one_peak_with_its_expected_value() {
        let mut steps = chart(60, [100; 60]);
        for (place, count) in [(30, 220), (31, 900), (32, 110), (33, 400)] {
            steps[place].count = count;
        }
        let found = peaks(&steps);
        assert_eq!(found.len(), 1, "{found:?}");
        let Peak { metric, from, to, at: highest, value, expected, count, deviations } = found[0];
        assert_eq!((metric, from, to, highest), (PeakMetric::Volume, at(1_800), at(2_040), at(1_860)));
        assert_eq!((value, count), (900.0, 900));
        assert!((expected - 100.0).abs() < 1e-6, "{expected}");
        // 2√900.375 − 2√100.375
        assert!((deviations - 39.975).abs() < 0.001, "{deviations}");
    }

    #[test]
    fn unfinished_and_cut_steps_are_not_judged() {
        let mut steps = chart(60, [100; 60]);
        steps[59].count = 900;
        steps[59].complete = false;
        steps[0].count = 900;
        steps[0].from = at(30);
        assert_eq!(peaks(&steps), []);
        steps[59].complete = true;
        assert_eq!(places(&steps, PeakMetric::Volume), [59]);
    }

    #[test]
    fn a_rise_of_the_negative_share_is_a_peak_of_its_own() {
        let mut steps = chart(60, [200; 60]);
        steps.iter_mut().enumerate().for_each(|(n, step)| step.negative = 40 + n as i64 % 5);
        steps[40].negative = 120;
        let found = peaks(&steps);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].metric, found[0].value), (PeakMetric::NegativeShare, 0.6));
        assert!((0.19..0.23).contains(&found[0].expected), "{found:?}");
        // With few posts, the same share means nothing.
        steps[40] = ChartStep { count: 20, negative: 12, ..steps[40] };
        assert_eq!(peaks(&steps), []);
    }

    #[test]
    fn the_strongest_peaks_are_kept_in_order() {
        let mut steps = chart(60, [100; 200]);
        (1..=9).for_each(|n| steps[n * 20].count = 400 + n as i64 * 100);
        assert_eq!(places(&steps, PeakMetric::Volume), [80, 100, 120, 140, 160, 180]);
    }
}
