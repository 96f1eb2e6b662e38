//! Detection of texts that contain nothing a model could score.
//!
//! A network returns probabilities for any input, sometimes high ones for noise. Texts that can be rejected by their
//! characters alone therefore never reach it.

use unicode_normalization::char::is_combining_mark;

/// Maximum number of repetitions of a letter or digit that count as emphasis; further ones are noise.
const N_ALIKE_MAX: usize = 10;

/// Tolerated share of noise: one in this many characters, so that a broken accent or emoji does not spoil a sentence.
const N_CHARACTERS_A_NOISE: usize = 3;

/// Returns whether a text has no content: apart from links and mentions it has no visible characters, or too many of
/// its characters are noise. Noise consists of control characters, undecodable bytes, combining marks without a letter,
/// and excessively repeated letters.
pub fn is_without_content(text: &str) -> bool {
    let (mut n_visible, mut n_noise) = (0_usize, 0_usize);
    for word in text.split_whitespace().filter(|word| !is_address(word)) {
        let mut last = None;
        let mut n_alike = 0;
        for character in word.chars().filter(|character| !is_invisible(*character)) {
            n_alike = if last == Some(character) { n_alike + 1 } else { 1 };
            n_visible += 1;
            // Most characters are ASCII and need no table lookup.
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
            // A letter may have several marks.
            if alone || !is_combining_mark(character) {
                last = Some(character);
            }
        }
    }
    n_visible == 0 || n_noise * N_CHARACTERS_A_NOISE > n_visible
}

/// Returns whether a word is a mention or a link rather than part of the message.
fn is_address(word: &str) -> bool {
    ["@", "http://", "https://", "www."].iter().any(|start| word.starts_with(start))
}

/// Returns whether a character is itself invisible and only joins or directs visible ones.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// Returns whether a combining mark turns this character into an emoji, as in 1️⃣.
fn is_keycap_base(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '#' | '*')
}

/// Returns whether a character never occurs in ordinary text.
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
        let check = |text: &str, illegible: bool| assert_eq!(is_without_content(text), illegible, "{text:?}");
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
