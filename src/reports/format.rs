//! Formats numbers, times and names.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Text for a figure that is unknown.
pub const NONE: &str = "–";

/// Returns a whole number with separators: `1,234,567`.
pub fn count(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::from(if count < 0 { "−" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with its noun: `1 post`, `12 posts`.
pub fn posts(n_posts: i64) -> String {
    format!("{} {}", count(n_posts), if n_posts == 1 { "post" } else { "posts" })
}

/// Returns an average of sentiment scores: `+0.42`, with a real minus sign.
pub fn signed(score: Option<f64>) -> String {
    let Some(score) = score.filter(|score| score.is_finite()) else { return NONE.to_owned() };
    let rounded = format!("{:.2}", score.abs());
    match rounded.as_str() {
        "0.00" => rounded,
        _ if score < 0.0 => format!("−{rounded}"),
        _ => format!("+{rounded}"),
    }
}

/// Returns an average of scores between 0 and 1: `0.42`.
pub fn score(score: Option<f64>) -> String {
    score.filter(|score| score.is_finite()).map_or(NONE.to_owned(), |score| format!("{score:.2}"))
}

/// Returns a share: `33%`, `<1%`, or a dash if there are no posts.
pub fn share(part: i64, of: i64) -> String {
    if of <= 0 {
        return NONE.to_owned();
    }
    let percent = part as f64 / of as f64 * 100.0;
    if percent > 0.0 && percent < 1.0 {
        return "<1%".to_owned();
    }
    format!("{:.0}%", (percent + 0.5).floor())
}

/// Returns the display name of a key; the empty key stands for posts without one.
pub fn key(key: &str) -> String {
    if key.is_empty() { "Unattributed".to_owned() } else { one_line(key) }
}

/// Returns a local time: `Sat 21 Nov 2026, 08:30`.
pub fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y, %H:%M").to_string()
}

/// Returns a local day: `Sat 21 Nov 2026`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %-d %b %Y").to_string()
}

/// Returns the days that a period covers: `Mon 16 Nov 2026 – Sun 22 Nov 2026`, or a single day.
pub fn days((from, to): (Timestamp, Timestamp), zone: &TimeZone) -> String {
    let last = to.saturating_sub(SignedDuration::from_secs(1)).unwrap_or(to);
    let (first, last) = (day(from, zone), day(last, zone));
    if first == last { first } else { format!("{first} – {last}") }
}

/// Returns the local start of a step, as precisely as its length requires: `14:00` or `Sat 21 Nov`.
pub fn step((from, to): (Timestamp, Timestamp), zone: &TimeZone) -> String {
    let is_hour = to.duration_since(from) <= SignedDuration::from_hours(1);
    let shape = if is_hour { "%H:%M" } else { "%a %-d %b" };
    from.to_zoned(zone.clone()).strftime(shape).to_string()
}

/// Replaces line breaks, control characters and characters that reorder text, with which the author of a post or name
/// could forge the layout around it.
pub fn one_line(text: &str) -> String {
    let is_break = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.split(is_break).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Returns text on one line, truncated to at most `n_characters` with an ellipsis.
pub fn cut(text: &str, n_characters: usize) -> String {
    let text = one_line(text);
    if text.chars().count() <= n_characters {
        return text;
    }
    text.chars().take(n_characters.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_on_the_dashboard() {
        assert_eq!(
            [count(0), count(999), count(1_000), count(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([posts(1), posts(12_118)], ["1 post", "12,118 posts"]);
        assert_eq!(
            [signed(Some(0.424)), signed(Some(-0.1)), signed(Some(-0.001))],
            ["+0.42", "−0.10", "0.00"]
        );
        assert_eq!([signed(None), score(None), score(Some(0.5))], ["–", "–", "0.50"]);
        assert_eq!([share(1, 3), share(1, 1_000), share(0, 5), share(1, 0)], ["33%", "<1%", "0%", "–"]);
    }

    #[test]
    fn times_are_local() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(time(at("2026-11-21T07:30:00Z"), &zone), "Sat 21 Nov 2026, 08:30");
        let (from, to) = (at("2026-11-15T23:00:00Z"), at("2026-11-22T23:00:00Z"));
        assert_eq!(days((from, to), &zone), "Mon 16 Nov 2026 – Sun 22 Nov 2026");
        assert_eq!(days((from, at("2026-11-16T23:00:00Z")), &zone), "Mon 16 Nov 2026");
        assert_eq!(step((from, to), &zone), "Mon 16 Nov");
        assert_eq!(step((from, at("2026-11-16T00:00:00Z")), &zone), "00:00");
    }

    #[test]
    fn text_of_strangers_stays_on_its_line() {
        assert_eq!(one_line(" a\r\nb\u{202e}c\0d "), "a b c d");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(key(""), "Unattributed");
    }
}
