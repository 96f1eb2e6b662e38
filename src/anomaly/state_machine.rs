//! State machine that decides when an anomaly in a series opens and when it ends.

use super::judge::Change;

/// Number of consecutive minutes without an anomaly after which it ends.
const CALM_MINUTES: u32 = 5;

/// State of the anomaly in one series, updated every minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnomalyState {
    n_seen: u32,
    n_calm: u32,
    is_open: bool,
}

/// Effect of one minute on the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// There is no anomaly.
    Quiet,
    /// An anomaly was seen, but not yet for long enough.
    Pending,
    /// The anomaly has lasted for long enough, so an alert opens.
    Opened,
    /// The anomaly continues, and its alert stays open.
    Open,
    /// The anomaly is over, so its alert resolves.
    Ended,
}

impl AnomalyState {
    /// Returns the state of a series that already has an open alert.
    pub const fn opened() -> Self {
        Self { n_seen: 0, n_calm: 0, is_open: true }
    }

    /// Returns whether the series has an open alert.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Advances the state by one minute. An anomaly opens after `n_minutes` consecutive minutes with a strong enough
    /// change, and ends after `CALM_MINUTES` consecutive minutes without one.
    pub fn step(&mut self, change: Option<&Change>, n_minutes: u32) -> Transition {
        if self.is_open {
            self.n_calm = if change.is_some_and(Change::holds) { 0 } else { self.n_calm + 1 };
            if self.n_calm < CALM_MINUTES {
                return Transition::Open;
            }
            *self = Self::default();
            return Transition::Ended;
        }
        if !change.is_some_and(Change::opens) {
            self.n_seen = 0;
            return Transition::Quiet;
        }
        self.n_seen += 1;
        if self.n_seen < n_minutes {
            return Transition::Pending;
        }
        *self = Self::opened();
        Transition::Opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anomaly::judge::Metric;

    fn change(strength: f64) -> Change {
        Change {
            metric: Metric::Volume,
            value: 0.0,
            baseline: 0.0,
            low: 0.0,
            high: 0.0,
            deviations: 0.0,
            n_posts: 0.0,
            strength,
        }
    }

    #[test]
    fn a_change_opens_once_when_it_lasts_and_ends_once_when_it_is_over() {
        let strengths = [1.2, 0.9, 1.1, 1.1, 1.3, 0.6, 0.4, 0.6, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
        let mut watch = AnomalyState::default();
        let turns: Vec<Transition> =
            strengths.iter().map(|strength| watch.step(Some(&change(*strength)), 3)).collect();
        use Transition::{Ended, Open, Opened, Pending, Quiet};
        let expected = [
            Pending, Quiet, Pending, Pending, Opened, Open, Open, Open, Open, Open, Open, Open, Ended, Quiet,
        ];
        assert_eq!(turns, expected);
    }
}
