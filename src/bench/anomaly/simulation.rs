//! Simulation of realistic series: daily and weekly seasons, clustered posts, ordinary bursts, and injected ones.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::anomaly::history::StepSums;

const MINUTES_PER_DAY: i64 = 1_440;

/// Parameters of a simulated series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesParams {
    /// Typical number of posts per minute, before seasonal scaling.
    pub per_minute: f64,
    /// Seed for the random numbers; the same seed produces the same series.
    pub seed: u64,
}

/// Burst to inject into a series.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    /// First minute of the burst, counted from the start of the series.
    pub from: i64,
    /// How many minutes the burst lasts.
    pub minutes: i64,
    /// Factor by which the burst multiplies the number of posts.
    pub factor: f64,
    /// Increase in the share of negative posts while the burst lasts.
    pub share: f64,
}

/// A series of posts, simulated minute by minute.
///
/// The rate follows a weekly wave and a daily one whose peak is four times its low. Its level drifts by a tenth per
/// day, and it fluctuates by a quarter within the hour. Posts come in clusters of one or more that share their
/// sentiment. One or two ordinary bursts per day multiply the rate by 1.2 to 1.8 and fade over a quarter of an hour.
/// The share of negative posts drifts too, and varies with the time of day.
#[derive(Clone)]
pub struct Simulation {
    params: SeriesParams,
    random: Xoshiro256PlusPlus,
    minute: i64,
    peak_hour: f64,
    negative: f64,
    level: f64,
    wander: f64,
    sentiment_drift: f64,
    ordinary: f64,
}

impl Simulation {
    /// Creates a series at minute 0.
    pub fn new(params: SeriesParams) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(params.seed);
        let (peak_hour, negative) = (random.random_range(10.0..22.0), random.random_range(0.15..0.4));
        Self {
            params,
            random,
            minute: 0,
            peak_hour,
            negative,
            level: 0.0,
            wander: 0.0,
            sentiment_drift: 0.0,
            ordinary: 0.0,
        }
    }

    /// Simulates the next minute, including the injected burst if it is under way.
    pub fn next_minute(&mut self, burst: Option<&Burst>) -> StepSums {
        self.level += 0.1 / (MINUTES_PER_DAY as f64).sqrt() * self.normal() - self.level * 0.0001;
        self.wander = wandered(self.wander, 20.0) + 0.25 * step(20.0) * self.normal();
        self.sentiment_drift = wandered(self.sentiment_drift, 60.0) + 0.25 * step(60.0) * self.normal();
        self.ordinary *= (-1.0_f64 / 15.0).exp();
        if self.random.random_bool(1.5 / MINUTES_PER_DAY as f64) {
            self.ordinary = self.random.random_range(0.2..0.8);
        }
        let burst = burst.filter(|burst| (burst.from..burst.from + burst.minutes).contains(&self.minute));
        let day = self.minute as f64 / MINUTES_PER_DAY as f64;
        let hour_wave = (std::f64::consts::TAU * (day - self.peak_hour / 24.0)).cos();
        let weekend = if self.minute.div_euclid(MINUTES_PER_DAY).rem_euclid(7) >= 5 { -0.35 } else { 0.0 };
        let log = 0.7 * hour_wave + weekend + self.level + self.wander;
        let rate = self.params.per_minute
            * log.exp()
            * (1.0 + self.ordinary)
            * burst.map_or(1.0, |burst| burst.factor);
        let logit = (self.negative / (1.0 - self.negative)).ln() + self.sentiment_drift + 0.15 * hour_wave;
        let share = 1.0 / (1.0 + (-logit).exp()) + burst.map_or(0.0, |burst| burst.share);
        self.minute += 1;
        self.sums(rate, share.clamp(0.01, 0.95))
    }

    fn sums(&mut self, rate: f64, share: f64) -> StepSums {
        // Each post brings another with a probability of 0.3, so clusters have 1.43 posts on average.
        let mut sums = StepSums::default();
        for _ in 0..self.poisson(rate / 1.43) {
            let mut size = 1.0_f32;
            while size < 8.0 && self.random.random_bool(0.3) {
                size += 1.0;
            }
            let is_negative = self.random.random_bool(share);
            let mind = if is_negative { -0.65 } else { self.random.random_range(-0.2..0.8) };
            sums.count += size;
            sums.negative += if is_negative { size } else { 0.0 };
            sums.sentiment += size * mind;
        }
        sums
    }

    fn poisson(&mut self, rate: f64) -> u32 {
        if rate > 40.0 {
            let near = rate + rate.sqrt() * self.normal();
            return whole(near);
        }
        let (mut n, mut product) = (0, self.random.random_range(0.0..1.0_f64));
        while product > (-rate).exp() {
            product *= self.random.random_range(0.0..1.0_f64);
            n += 1;
        }
        n
    }

    fn normal(&mut self) -> f64 {
        let (a, b) = (self.random.random_range(f64::EPSILON..1.0), self.random.random_range(0.0..1.0_f64));
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// Returns `value` after a minute of exponential decay towards 0 with a time constant of `minutes`.
fn wandered(value: f64, minutes: f64) -> f64 {
    value * (-1.0 / minutes).exp()
}

/// Returns the standard deviation of the noise to add per minute so that a value with this decay keeps a standard
/// deviation of 1.
fn step(minutes: f64) -> f64 {
    (1.0 - (-2.0 / minutes).exp()).sqrt()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and rates are positive"
)]
fn whole(value: f64) -> u32 {
    value.round().max(0.0) as u32
}
