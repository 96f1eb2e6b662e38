//! Changes since the previous period, by the rules of the dashboard (`frontend/src/lib/compare.ts`).

/// Minimum number of posts in both periods. With fewer, one post more or less would look like a trend.
pub const COMPARED_MIN: i64 = 30;

/// Factor from which decimals are omitted.
const LARGE_FACTOR: f64 = 10.0;

/// Returns the change of a count, such as `+12%`, or `×3.4` if it at least doubled.
pub fn counts(now: i64, before: i64) -> Option<String> {
    if now.min(before) < COMPARED_MIN {
        return None;
    }
    let factor = now as f64 / before as f64;
    if factor >= LARGE_FACTOR {
        return Some(format!("×{factor:.0}"));
    }
    if factor >= 2.0 {
        return Some(format!("×{factor:.1}"));
    }
    Some(signed(rounded((factor - 1.0) * 100.0), "%"))
}

/// Returns the change of a share, such as `+3 pts`. Each share is given as a number of posts and the total.
pub fn shares(now: (i64, i64), before: (i64, i64)) -> Option<String> {
    if now.1.min(before.1) < COMPARED_MIN {
        return None;
    }
    // Rounded as shown: 30% after 31% is a change of one point, whatever the decimals were.
    let points = percent(now) - percent(before);
    Some(signed(points, if points.abs() == 1 { " pt" } else { " pts" }))
}

/// Returns the change of an average, such as `+0.12`. Each average comes with its number of posts.
pub fn averages(now: (Option<f64>, i64), before: (Option<f64>, i64)) -> Option<String> {
    let (Some(average), Some(average_before)) = (now.0, before.0) else { return None };
    if now.1.min(before.1) < COMPARED_MIN {
        return None;
    }
    let hundredths = rounded(average * 100.0) - rounded(average_before * 100.0);
    if hundredths == 0 {
        return Some("±0".to_owned());
    }
    let sign = if hundredths < 0 { '−' } else { '+' };
    Some(format!("{sign}{:.2}", hundredths.abs() as f64 / 100.0))
}

fn percent((part, of): (i64, i64)) -> i64 {
    rounded(part as f64 / of as f64 * 100.0)
}

/// Rounds halves up, as JavaScript does.
#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and percentages of counts are far smaller"
)]
fn rounded(value: f64) -> i64 {
    (value + 0.5).floor() as i64
}

fn signed(value: i64, unit: &str) -> String {
    match value {
        0 => "±0".to_owned(),
        1.. => format!("+{value}{unit}"),
        _ => format!("−{}{unit}", value.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_compared_from_thirty_posts_on() {
        let check = |now, before, expected: Option<&str>| {
            assert_eq!(counts(now, before).as_deref(), expected, "{now} after {before}");
        };
        check(29, 1_000, None);
        check(1_000, 29, None);
        check(30, 30, Some("±0"));
        check(112, 100, Some("+12%"));
        check(64, 100, Some("−36%"));
        check(199, 100, Some("+99%"));
        check(200, 100, Some("×2.0"));
        check(340, 100, Some("×3.4"));
        check(1_249, 100, Some("×12"));
    }

    #[test]
    fn shares_and_averages_are_compared_as_they_are_shown() {
        assert_eq!(shares((9, 29), (9, 30)), None);
        assert_eq!(shares((304, 1_000), (305, 1_000)).as_deref(), Some("−1 pt"));
        assert_eq!(shares((33, 100), (30, 100)).as_deref(), Some("+3 pts"));
        assert_eq!(shares((30, 100), (30, 100)).as_deref(), Some("±0"));
        assert_eq!(averages((Some(0.1), 29), (Some(0.5), 30)), None);
        assert_eq!(averages((None, 0), (Some(0.5), 30)), None);
        assert_eq!(averages((Some(0.321), 30), (Some(0.199), 30)).as_deref(), Some("+0.12"));
        assert_eq!(averages((Some(-0.2), 30), (Some(0.1), 30)).as_deref(), Some("−0.30"));
        assert_eq!(averages((Some(0.104), 30), (Some(0.1), 30)).as_deref(), Some("±0"));
    }
}
