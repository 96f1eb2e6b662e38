//! Tags that people put on posts.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use crate::models::person_name::is_deceptive;

/// Maximum length of a tag in characters, so that it fits on a button.
pub const TAG_CHARS_MAX: usize = 40;

/// Tag on a post, such as `refund`.
///
/// Normalized to lower case, NFC and single spaces, without a leading `#`, so that people do not create the same tag
/// twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, min_length = 1, max_length = 40)]
pub struct Tag(String);

/// Error for a text that is not a valid tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tag must have 1 to 40 characters, without control or bidirectional characters")]
pub struct NoTag;

impl Tag {
    /// Returns the tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = NoTag;

    fn from_str(text: &str) -> Result<Self, NoTag> {
        let text = text.trim().trim_start_matches('#').trim();
        if text.chars().any(is_deceptive) {
            return Err(NoTag);
        }
        let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let tag = spaced.to_lowercase().nfc().collect::<String>();
        if (1..=TAG_CHARS_MAX).contains(&tag.chars().count()) { Ok(Self(tag)) } else { Err(NoTag) }
    }
}

impl TryFrom<String> for Tag {
    type Error = NoTag;

    fn try_from(text: String) -> Result<Self, NoTag> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, tag: Option<&str>) {
        assert_eq!(text.parse().ok(), tag.map(|tag| Tag(tag.to_owned())), "{text:?}");
    }

    #[test]
    fn a_tag_is_a_few_words_in_lower_case() {
        check("Refund", Some("refund"));
        check("  #Late  Delivery ", Some("late delivery"));
        check("Ru\u{308}ckgabe", Some("rückgabe"));
        check("返金", Some("返金"));
        check("🙁", Some("🙁"));
        check(&"É".repeat(TAG_CHARS_MAX), Some(&"é".repeat(TAG_CHARS_MAX)));
        check(&"é".repeat(TAG_CHARS_MAX + 1), None);
        check("#", None);
        check("", None);
        check("a\nb", None);
        check("\u{202e}a", None);
    }
}
