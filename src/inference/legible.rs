//! Whether there is anything in a text that a model could read.
//!
//! A network gives probabilities to anything, and to noise sometimes high ones. What follows from the characters alone
//! need not be left to it.

use unicode_normalization::char::is_combining_mark;

/// Letters and digits of a kind in a row that still are emphasis; what comes after them is noise.
const N_ALIKE_MAX: usize = 10;

/// One in so many characters may be noise: a broken accent or emoji spoils no sentence.
const N_CHARACTERS_A_NOISE: usize = 3;

/// Whether nothing is said: besides addresses and names there are no visible characters, or many of them are noise, which
/// is control characters, undecodable bytes, marks without their letter and letters repeated without end.
pub fn is_illegible(text: &str) -> bool {
    let (mut n_visible, mut n_noise) = (0_usize, 0_usize);
    for word in text.split_whitespace().filter(|word| !is_address(word)) {
        let mut last = None;
        let mut n_alike = 0;
        for character in word.chars().filter(|character| !is_invisible(*character)) {
            n_alike = if last == Some(character) { n_alike + 1 } else { 1 };
            n_visible += 1;
            // Most of what people write needs no table.
            if matches!(character, '!'..='~') {
                n_noise += usize::from(n_alike > N_ALIKE_MAX && character.is_ascii_alphanumeric());
                last = Some(character);
                continue;
            }
            let alone = is_combining_mark(character)
                && !last.is_some_and(|last: char| last.is_alphabetic() || is_keycap_base(last));
            let endless = n_alike > N_ALIKE_MAX && character.is_alphanumeric();
            if alone || endless || is_garbage(character) {
                n_noise += 1;
            }
            // Several marks may stand on one letter.
            if alone || !is_combining_mark(character) {
                last = Some(character);
            }
        }
    }
    n_visible == 0 || n_noise * N_CHARACTERS_A_NOISE > n_visible
}

/// A mention or a link: who or what is spoken to, not what is said.
fn is_address(word: &str) -> bool {
    ["@", "http://", "https://", "www."].iter().any(|start| word.starts_with(start))
}

/// Joins and directs what is visible.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// What a mark makes an emoji of, as in 1️⃣.
fn is_keycap_base(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '#' | '*')
}

/// What no text consists of.
fn is_garbage(character: char) -> bool {
    character.is_control()
        || character == char::REPLACEMENT_CHARACTER
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_from_text() {
        let check = |text: &str, illegible: bool| assert_eq!(is_illegible(text), illegible, "{text:?}");
        for text in [
            "I love it",
            "ok",
            "!!!",
            ":(",
            "😂😂😂",
            "👩‍👩‍👧‍👦",
            "1️⃣ #️⃣",
            "これは良いです",
            "मुझे यह पसंद है",
            "naïve cafe\u{301}",
        ] {
            check(text, false);
        }
        check("nooooooooooooooo!!!!!!!!!!!!!!!!!!!!!!!", false);
        check("😂".repeat(100).as_str(), false);
        check("not at all \u{fffd}\u{fffd} good", false);
        check("see https://t.co/abc", false);

        for text in
            ["", "  \n\t", "\u{200d}\u{fe0f}", "@bob", "@bob https://t.co/abc", "\u{0}\u{1}\u{2}", "\u{e000}"]
        {
            check(text, true);
        }
        check(&"\u{301}\u{302}\u{303}".repeat(20), true);
        check(&"\u{1b}[31m\u{7f}\u{1}".repeat(10), true);
        check(&"x".repeat(10_000), true);
        check(&"\u{fffd}a".repeat(50), true);
    }
}
