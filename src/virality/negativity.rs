//! Whether people are turning against something.

use crate::models::rollup::Sums;

/// When the share of negative posts is an alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativityRule {
    /// It opens when the share is above this.
    pub share_above: f64,
    /// Fewer posts than this say nothing.
    pub n_posts_min: i64,
}

/// The field's rule: more than half, of at least twenty.
pub const NEGATIVITY: NegativityRule = NegativityRule { share_above: 0.5, n_posts_min: 20 };

/// The share above which an alert is critical rather than a warning.
pub const CRITICAL_SHARE: f64 = 0.75;

/// What the rule says about a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Share of negative posts, 0 to 1; 0 without posts.
    pub share: f64,
    /// Whether the alert holds.
    pub holds: bool,
}

/// Judges one window. Too few posts never hold, so an alert also ends when people fall silent.
pub fn judge(sums: &Sums, rule: NegativityRule) -> Verdict {
    if sums.count <= 0 {
        return Verdict { share: 0.0, holds: false };
    }
    let share = sums.negative as f64 / sums.count as f64;
    Verdict { share, holds: sums.count >= rule.n_posts_min && share > rule.share_above }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: i64, negative: i64, holds: bool) {
        let sums = Sums { count, negative, ..Sums::default() };
        assert_eq!(judge(&sums, NEGATIVITY).holds, holds, "{negative} of {count}");
    }

    #[test]
    fn more_than_half_of_twenty_holds() {
        check(20, 11, true);
    }

    #[test]
    fn exactly_half_does_not() {
        check(20, 10, false);
    }

    #[test]
    fn nineteen_posts_say_nothing() {
        check(19, 19, false);
    }

    #[test]
    fn silence_does_not_hold() {
        check(0, 0, false);
    }
}
