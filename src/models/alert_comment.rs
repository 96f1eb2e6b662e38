//! Comments that people leave on alerts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::new_post::Rejection;

/// Maximum length of a comment in characters.
const CHARS_MAX: usize = 2_000;

/// Comment to add to an alert, or note to add to a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// Text of 1 to 2,000 characters, not all of them white space.
    #[schema(min_length = 1, max_length = 2_000, pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    pub text: String,
}

impl NewComment {
    /// Validates the comment.
    ///
    /// # Errors
    /// If the text is empty or too long.
    pub fn check(&self) -> Result<(), Rejection> {
        let reject = |code, message: &str| {
            Err(Rejection { code, field: "text".to_owned(), message: message.to_owned() })
        };
        if self.text.trim().is_empty() {
            return reject("missing_field", "the comment must not be empty");
        }
        if self.text.chars().count() > CHARS_MAX || self.text.contains('\0') {
            return reject("too_long", "the comment must be at most 2,000 characters, without NUL");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: Option<&str>) {
        let problem = NewComment { text: text.to_owned() }.check().err();
        assert_eq!(problem.map(|problem| problem.code), code, "{text:?}");
    }

    #[test]
    fn a_comment_has_text_of_bounded_length() {
        check("refunds are out", None);
        check(&"é".repeat(CHARS_MAX), None);
        check(" \n", Some("missing_field"));
        check(&"a".repeat(CHARS_MAX + 1), Some("too_long"));
        check("a\0b", Some("too_long"));
    }
}
