//! Formats numbers for sentences.

/// Share above which one that rounds to 100% is written as "over 99%".
const NEARLY_ALL: f64 = 0.99;

/// Formats a number: `12,118`.
pub(super) fn number(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    if n < 0 { format!("−{written}") } else { written }
}

/// Formats a number of posts: `1 post` or `12 posts`.
pub(super) fn posts(n: i64) -> String {
    counted(n, "post")
}

/// Formats a number of things: `1 author` or `12 authors`.
pub(super) fn counted(n: i64, noun: &str) -> String {
    format!("{} {noun}{}", number(n), if n == 1 { "" } else { "s" })
}

/// Formats a number in short form: `940`, `12K` or `1.2M`.
pub(super) fn compact(n: i64) -> String {
    let (divisor, unit) = match n {
        ..10_000 => return number(n),
        10_000..1_000_000 => (1_000.0, "K"),
        _ => (1_000_000.0, "M"),
    };
    let value = n as f64 / divisor;
    let decimals = usize::from(value < 9.95);
    format!("{value:.decimals$}{unit}")
}

/// Formats a share: `none`, `under 1%`, `41%`, `over 99%` or `all`.
pub(super) fn percent(share: f64) -> String {
    match share {
        share if share <= 0.0 => "none".to_owned(),
        share if share < 0.01 => "under 1%".to_owned(),
        share if share >= 1.0 => "all".to_owned(),
        share if share > NEARLY_ALL => "over 99%".to_owned(),
        share => format!("{:.0}%", share * 100.0),
    }
}

/// Formats a duration in the largest unit that divides it: `10 minutes`, `1 hour`, `90 seconds`.
pub(super) fn duration(seconds: i64) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60)];
    let fits = units.into_iter().find(|(_, length)| seconds > 0 && seconds % length == 0);
    let (unit, length) = fits.unwrap_or(("second", 1));
    counted(seconds / length, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_nouns_agree_with_them() {
        for (n, expected) in
            [(0, "0"), (999, "999"), (1_840, "1,840"), (1_234_567, "1,234,567"), (-1_000, "−1,000")]
        {
            assert_eq!(number(n), expected);
        }
        assert_eq!((posts(1), posts(0)), ("1 post".to_owned(), "0 posts".to_owned()));
    }

    #[test]
    fn large_numbers_are_short() {
        for (n, expected) in [(9_999, "9,999"), (12_400, "12K"), (1_240_000, "1.2M"), (98_000_000, "98M")] {
            assert_eq!(compact(n), expected);
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        for (share, expected) in
            [(0.0, "none"), (0.001, "under 1%"), (0.414, "41%"), (0.996, "over 99%"), (1.0, "all")]
        {
            assert_eq!(percent(share), expected);
        }
    }

    #[test]
    fn durations_use_the_largest_unit_that_divides_them() {
        for (seconds, expected) in [
            (600, "10 minutes"),
            (3_600, "1 hour"),
            (90, "90 seconds"),
            (172_800, "2 days"),
            (5_400, "90 minutes"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
