//! Simulates realistic series: seasons, clustered posts, ordinary bursts, and injected ones.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::anomaly::history::StepSums;

const MINUTES_PER_DAY: i64 = 1_440;

/// Parameters of a series.
#[derive(Debug, Clone, Copy)]
pub struct SeriesParams {
    /// Posts per minute, averaged over a day.
    pub per_minute: f64,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// An injected burst.
#[derive(Debug, Clone, Copy)]
pub struct Burst {
    /// First minute.
    pub from: i64,
    /// Duration in minutes.
    pub minutes: i64,
    /// Factor applied to the number of posts.
    pub factor: f64,
    /// Added to the share of negative posts.
    pub share: f64,
}

/// Simulates a series minute by minute.
///
/// It has a daily wave of one to four and a weekly one; a level that drifts by a tenth per day; intensity that varies
/// by a quarter within the hour; posts in clusters of one to several that share their sentiment; and one or two
/// ordinary bursts per day, to 1.2 to 1.8 times the rate, that fade over a quarter of an hour. The share of negative
/// posts also varies, and with the time of day.
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
    /// Creates a series at its first minute.
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

    /// Returns the next minute, including an injected burst.
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
        // Three in ten posts bring another with them, so clusters have 1.43 posts on average.
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

/// Returns what remains after one minute of a value that reverts to 0 over that many minutes.
fn wandered(value: f64, minutes: f64) -> f64 {
    value * (-1.0 / minutes).exp()
}

/// Returns the share of its spread that such a value gains each minute.
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
