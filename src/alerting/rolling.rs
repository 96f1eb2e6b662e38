//! What a rule reads step by step, since that is all that is kept of the past.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::measurement::Reading;
use crate::models::alert_rule::{NewRule, Stretch};
use crate::models::evaluation::Measured;
use crate::models::rollup::Sums;

/// What was measured in each step, by its place; steps without posts are not among them.
pub type BySteps = BTreeMap<i64, Measured>;

/// A stretch of the past, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// From the edge of a step to that of another.
    pub stretch: Stretch,
    /// How long each is.
    pub seconds: i64,
    /// How many make up the rule's window.
    pub n_window: i64,
}

impl Steps {
    /// The last `n_read` steps, that of `now` among them, and a window before.
    pub fn last(rule: &NewRule, now: Timestamp, (n_read, seconds): (i64, i64)) -> Self {
        let n_window = (rule.window_seconds + seconds - 1).div_euclid(seconds);
        let to = (now.as_second().div_euclid(seconds) + 1) * seconds;
        let from = to - (n_read + n_window) * seconds;
        let at = |seconds| Timestamp::from_second(seconds).unwrap_or(now);
        Self { stretch: Stretch { from: at(from), to: at(to) }, seconds, n_window }
    }

    /// The how manieth step this is in, from 0 on.
    pub fn place(&self, at: Timestamp) -> i64 {
        at.duration_since(self.stretch.from).as_secs().div_euclid(self.seconds)
    }

    /// When a step begins.
    pub fn start(&self, place: i64) -> Timestamp {
        let elapsed = SignedDuration::from_secs(place * self.seconds);
        self.stretch.from.checked_add(elapsed).unwrap_or(self.stretch.to)
    }

    /// How many there are.
    pub fn n_steps(&self) -> i64 {
        self.place(self.stretch.to)
    }

    /// What the rule reads at the end of each step, oldest first; the first window has no reading yet.
    pub fn readings(&self, rule: &NewRule, measured: &BySteps) -> impl Iterator<Item = (i64, Reading)> {
        let mut window = Rolling::default();
        (0..self.n_steps()).filter_map(move |place| {
            window.push(measured.get(&place).copied(), self.n_window);
            let read = |measured| Reading::of(rule.metric, measured);
            let reading = || window.measured().map_or(Reading::nothing(rule.metric), read);
            (place >= self.n_window).then(|| (place, reading()))
        })
    }
}

/// The last steps, together.
#[derive(Default)]
struct Rolling {
    steps: VecDeque<Option<Measured>>,
    sums: Sums,
}

impl Rolling {
    fn push(&mut self, measured: Option<Measured>, n_steps: i64) {
        if let Some(Measured::Sums(sums)) = &measured {
            self.sums.add(sums);
        }
        self.steps.push_back(measured);
        if i64::try_from(self.steps.len()).unwrap_or(i64::MAX) > n_steps
            && let Some(Some(Measured::Sums(sums))) = self.steps.pop_front()
        {
            self.sums.subtract(&sums);
        }
    }

    fn measured(&self) -> Option<Measured> {
        let viral = self.steps.iter().flatten().filter_map(|measured| match measured {
            Measured::Viral { highest, count } => Some((*highest, *count)),
            Measured::Sums(_) => None,
        });
        let viral = viral.reduce(|all, one| (all.0.max(one.0), all.1 + one.1));
        match viral {
            Some((highest, count)) => Some(Measured::Viral { highest, count }),
            None => (self.sums.count > 0).then_some(Measured::Sums(self.sums)),
        }
    }
}
