//! Whether a change lasts, and when it is over.

use super::judge::Change;

/// Minutes in a row without it after which a change is over.
const CALM_MINUTES: u32 = 5;

/// Watches one series, minute by minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watch {
    n_seen: u32,
    n_calm: u32,
    is_open: bool,
}

/// What a minute changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is open.
    Quiet,
    /// Something unusual, not for long enough.
    Pending,
    /// It has lasted: people must be told.
    Opened,
    /// It goes on.
    Open,
    /// It is over.
    Ended,
}

impl Watch {
    /// A series whose alert another watch has opened.
    pub const fn opened() -> Self {
        Self { n_seen: 0, n_calm: 0, is_open: true }
    }

    /// Whether people were told.
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// One minute more. To open, a change must be seen `n_minutes` times in a row; to end, not at all for
    /// `CALM_MINUTES`.
    pub fn step(&mut self, change: Option<&Change>, n_minutes: u32) -> Turn {
        if self.is_open {
            self.n_calm = if change.is_some_and(Change::holds) { 0 } else { self.n_calm + 1 };
            if self.n_calm < CALM_MINUTES {
                return Turn::Open;
            }
            *self = Self::default();
            return Turn::Ended;
        }
        if !change.is_some_and(Change::opens) {
            self.n_seen = 0;
            return Turn::Quiet;
        }
        self.n_seen += 1;
        if self.n_seen < n_minutes {
            return Turn::Pending;
        }
        *self = Self::opened();
        Turn::Opened
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
        let mut watch = Watch::default();
        let turns: Vec<Turn> =
            strengths.iter().map(|strength| watch.step(Some(&change(*strength)), 3)).collect();
        use Turn::{Ended, Open, Opened, Pending, Quiet};
        let expected = [
            Pending, Quiet, Pending, Pending, Opened, Open, Open, Open, Open, Open, Open, Open, Ended, Quiet,
        ];
        assert_eq!(turns, expected);
    }
}
