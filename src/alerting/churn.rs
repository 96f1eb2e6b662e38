//! Decides when posts at high churn risk are worth an alert.

/// Number of standard errors by which the posts at risk must exceed their usual number to raise an alert. Every product
/// is checked every few seconds, so two would be exceeded by chance several times a day.
const STANDARD_ERRORS: f64 = 3.0;

/// Minimum ratio of posts at risk to their usual number to raise an alert. With many posts, even a small increase is
/// more than chance.
const TIMES_USUAL: f64 = 1.5;

/// Number of posts about one product in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RiskCount {
    /// Number of posts at high churn risk.
    pub n_high: i64,
    /// Total number of posts.
    pub n_posts: i64,
}

/// Returns whether posts at high churn risk exceed the threshold and are more frequent than usual.
///
/// With a threshold below 1, any such post suffices, regardless of what is usual.
pub fn is_raised(recent: RiskCount, usual: RiskCount, threshold: f64) -> bool {
    let n_high = recent.n_high as f64;
    let share = usual.n_high as f64 / usual.n_posts.max(1) as f64;
    let expected = share * recent.n_posts.max(recent.n_high) as f64;
    let unusual = (expected + STANDARD_ERRORS * expected.sqrt()).max(TIMES_USUAL * expected);
    n_high > threshold && (threshold < 1.0 || n_high > unusual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_needs_several_posts_and_a_share_above_the_usual_one() {
        let check = |(n_high, n_posts): (i64, i64), usual: (i64, i64), threshold: f64, expected: bool| {
            let usual = RiskCount { n_high: usual.0, n_posts: usual.1 };
            let found = is_raised(RiskCount { n_high, n_posts }, usual, threshold);
            assert_eq!(found, expected, "{n_high} of {n_posts}, usually {usual:?}, above {threshold}");
        };
        check((1, 1_000), (0, 0), 2.0, false);
        check((2, 2), (0, 10_000), 2.0, false);
        check((3, 3), (0, 0), 2.0, true);
        check((3, 500), (0, 10_000), 2.0, true);
        // Two in a hundred are usual: thirty of 1,500 posts.
        check((35, 1_500), (2_000, 100_000), 2.0, false);
        check((47, 1_500), (2_000, 100_000), 2.0, true);
        // Of many posts, chance explains little.
        check((3_100, 150_000), (2_000, 100_000), 2.0, false);
        check((4_600, 150_000), (2_000, 100_000), 2.0, true);
        // The counts of the window lag behind the flagged posts.
        check((3, 0), (0, 10_000), 2.0, true);
        check((1, 1_500), (2_000, 100_000), 0.0, true);
        check((0, 1_500), (0, 0), 0.0, false);
    }
}
