//! Characters that make a line of text look like a different one, or like several.

/// Returns whether the character must not occur in an id or a name: control characters, line and paragraph separators, and
/// the characters that embed, override or isolate the direction of text (Unicode Standard Annex 9, section 2).
///
/// The marks U+200E and U+200F are not among them: names in Arabic and Hebrew contain them, and they move only their
/// neighbours.
pub fn is_hidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_changes_of_direction_are_hidden_and_letters_of_any_script_are_not() {
        for hidden in
            ['\0', '\t', '\r', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{202e}', '\u{2066}']
        {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        for visible in ['a', ' ', 'é', '山', 'ع', '\u{200f}', '\u{200d}', '🌊'] {
            assert!(!is_hidden(visible), "{visible:?}");
        }
    }
}
