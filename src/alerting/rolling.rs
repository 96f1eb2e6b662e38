//! What a rule reads minute by minute, since that is all that is kept of the past.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::measure::Reading;
use crate::models::alert_rule::{NewRule, Stretch};
use crate::models::evaluation::Measured;
use crate::models::rollup::Sums;

/// A step.
pub const MINUTE_SECONDS: i64 = 60;

/// What was measured in each minute of a [`span`], by its [`place`]; minutes without posts are not among them.
pub type ByMinute = BTreeMap<i64, Measured>;

/// The minutes of the last `seconds`, that of `now` among them, and a window before.
pub fn span(rule: &NewRule, now: Timestamp, seconds: i64) -> Stretch {
    let to = (now.as_second().div_euclid(MINUTE_SECONDS) + 1) * MINUTE_SECONDS;
    let from = to - seconds - n_minutes(rule) * MINUTE_SECONDS;
    let at = |seconds| Timestamp::from_second(seconds).unwrap_or(now);
    Stretch { from: at(from), to: at(to) }
}

/// The how manieth minute of the span this is, from 0 on.
pub fn place(minute: Timestamp, span: Stretch) -> i64 {
    minute.duration_since(span.from).as_secs().div_euclid(MINUTE_SECONDS)
}

/// What the rule reads at the end of each minute of the span, oldest first; the first window has no reading yet.
pub fn readings(rule: &NewRule, minutes: &ByMinute, span: Stretch) -> impl Iterator<Item = (i64, Reading)> {
    let mut window = Rolling::default();
    (0..place(span.to, span)).filter_map(move |step| {
        window.push(minutes.get(&step).copied(), n_minutes(rule));
        let read = |measured| Reading::of(rule.metric, measured);
        let reading = || window.measured().map_or(Reading::nothing(rule.metric), read);
        (step >= n_minutes(rule)).then(|| (step, reading()))
    })
}

/// A window in whole minutes.
fn n_minutes(rule: &NewRule) -> i64 {
    (rule.window_seconds + MINUTE_SECONDS - 1).div_euclid(MINUTE_SECONDS)
}

/// The last minutes, together.
#[derive(Default)]
struct Rolling {
    minutes: VecDeque<Option<Measured>>,
    sums: Sums,
}

impl Rolling {
    fn push(&mut self, measured: Option<Measured>, n_minutes: i64) {
        if let Some(Measured::Sums(sums)) = &measured {
            self.sums.add(sums);
        }
        self.minutes.push_back(measured);
        if i64::try_from(self.minutes.len()).unwrap_or(i64::MAX) > n_minutes
            && let Some(Some(Measured::Sums(sums))) = self.minutes.pop_front()
        {
            self.sums.subtract(&sums);
        }
    }

    fn measured(&self) -> Option<Measured> {
        let viral = self.minutes.iter().flatten().filter_map(|measured| match measured {
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
