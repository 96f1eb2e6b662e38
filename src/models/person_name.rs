//! Names of people and programs that act, and of people who are assigned work.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::hidden_characters::is_hidden;

/// Maximum length of a name in characters: room for a full name and a team.
pub const NAME_CHARS_MAX: usize = 80;

/// Name of a person or program.
///
/// Normalized to NFC, with single spaces, so that names that look the same are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 80)]
pub struct PersonName(String);

/// Error for a text that is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a name of 1 to 80 characters, at least one of them visible, without control or bidirectional characters"
)]
pub struct NoName;

impl PersonName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the closest valid name: without characters that names cannot contain, and cut off at the maximum length.
    /// `None` if nothing is left.
    pub fn closest_to(text: &str) -> Option<Self> {
        let visible: String = text.chars().map(|c| if is_deceptive(c) { ' ' } else { c }).collect();
        let words = visible.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect::<String>();
        if words.chars().count() <= NAME_CHARS_MAX {
            return words.parse().ok();
        }
        let kept: String = words.chars().take(NAME_CHARS_MAX - 1).collect();
        format!("{}…", kept.trim_end()).parse().ok()
    }
}

impl FromStr for PersonName {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let text = text.trim();
        if text.chars().any(is_deceptive) {
            return Err(NoName);
        }
        let name = text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect::<String>();
        let is_short = name.chars().count() <= NAME_CHARS_MAX;
        if is_short && !name.chars().all(is_invisible) { Ok(Self(name)) } else { Err(NoName) }
    }
}

impl TryFrom<String> for PersonName {
    type Error = NoName;

    fn try_from(text: String) -> Result<Self, NoName> {
        text.parse()
    }
}

/// Returns whether the character could make a line of text look like a different one: control characters, line and
/// paragraph separators, and the characters that change the direction of text (Unicode Standard Annex 9).
pub(super) fn is_deceptive(character: char) -> bool {
    is_hidden(character) || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
}

/// Returns whether the character leaves no mark on a screen: space, and the characters that the Unicode Character Database
/// lists as `Default_Ignorable_Code_Point`, besides the blank of Braille.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || is_deceptive(character)
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Time of an action, and who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Time of the action.
    pub at: Timestamp,
    /// Person or program that acted; `None` if no name is known.
    pub by: Option<PersonName>,
}

impl Stamp {
    /// Returns the stamp of an action of which only the time is known.
    pub const fn without_name(at: Timestamp) -> Self {
        Self { at, by: None }
    }

    /// Returns the name of the person or program that acted.
    pub fn name(&self) -> Option<&str> {
        self.by.as_ref().map(PersonName::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, name: Option<&str>) {
        assert_eq!(text.parse().ok(), name.map(|name| PersonName(name.to_owned())), "{text:?}");
    }

    #[test]
    fn a_name_is_short_visible_text() {
        check("Ana", Some("Ana"));
        check("  Ana \u{a0} Müller ", Some("Ana Müller"));
        check("Mu\u{308}ller", Some("Müller"));
        check("山田 太郎", Some("山田 太郎"));
        check(&"é".repeat(NAME_CHARS_MAX), Some(&"é".repeat(NAME_CHARS_MAX)));
        check(&"é".repeat(NAME_CHARS_MAX + 1), None);
        check("", None);
        check(" \t ", None);
        check("Ana\nBob", None);
        check("Ana\0", None);
        check("\u{202e}anA", None);
        check("Ana\u{2066}", None);
        check("\u{200b}", None);
        check("\u{200d} \u{3164}", None);
        // Between letters they have a meaning.
        check("نام\u{200c}ها", Some("نام\u{200c}ها"));
        check("👩\u{200d}💻", Some("👩\u{200d}💻"));
    }

    #[test]
    fn any_text_has_a_closest_name_unless_it_is_blank() {
        let check = |text: &str, name: Option<&str>| {
            let found = PersonName::closest_to(text);
            assert_eq!(found.as_ref().map(PersonName::as_str), name, "{text:?}");
        };
        check(" ana@example.com ", Some("ana@example.com"));
        check("API key a\nb\u{202e}c", Some("API key a b c"));
        check("\u{202e} \0", None);
        check("", None);
        check(&"é".repeat(NAME_CHARS_MAX), Some(&"é".repeat(NAME_CHARS_MAX)));
        let cut = format!("{}…", "é".repeat(NAME_CHARS_MAX - 1));
        check(&"é".repeat(NAME_CHARS_MAX + 1), Some(&cut));
    }
}
