//! Ordinary peaks of a series.

use std::collections::BTreeMap;

use super::history::STEPS_PER_DAY;

/// Rank, counted from 0, of the daily peak that counts as ordinary. The third highest peak in four weeks is reached
/// about every ten days, and two real crises in that time do not raise it.
const ORDINARY_RANK: usize = 2;

/// Minimum number of days needed to know which peaks are ordinary.
const DAYS_MIN: usize = 7;

/// Highest value of each day.
#[derive(Debug, Default)]
pub struct Peaks {
    days: BTreeMap<i64, f64>,
}

impl Peaks {
    /// Records a value for the day that its step falls on.
    pub fn note(&mut self, step: i64, value: f64) {
        let highest = self.days.entry(step.div_euclid(STEPS_PER_DAY)).or_insert(value);
        *highest = highest.max(value);
    }

    /// Returns the ordinary peak, or 0 if too few days are known.
    pub fn usual(&self) -> f64 {
        if self.days.len() < DAYS_MIN {
            return 0.0;
        }
        let mut highest: Vec<f64> = self.days.values().copied().collect();
        highest.sort_unstable_by(|a, b| b.total_cmp(a));
        highest.get(ORDINARY_RANK).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_crises_do_not_make_a_third_ordinary() {
        let mut peaks = Peaks::default();
        for day in 0..28 {
            peaks.note(day * 288, if day == 9 || day == 20 { 90.0 } else { 4.0 });
            peaks.note(day * 288 + 7, 2.0);
        }
        assert_eq!(peaks.usual(), 4.0);
    }

    #[test]
    fn a_few_days_show_nothing() {
        let mut peaks = Peaks::default();
        (0..6).for_each(|day| peaks.note(day * 288, 9.0));
        assert_eq!(peaks.usual(), 0.0);
    }
}
