//! What X can search for.

use crate::topics::pushdown::approximate::{Dialect, Found, Leaf};
use crate::topics::pushdown::fold::platform;
use crate::topics::pushdown::words::{self, is_hashtag};
use crate::topics::query::{Field, Term};

/// Maximum length of an account's name.
const NAME_CHARS_MAX: usize = 15;

/// Maximum length of an account's id in digits.
const ID_DIGITS_MAX: usize = 19;

/// Languages that X tells apart, as far as it gives them the codes that topics use.
const LANGUAGES: [&str; 56] = [
    "am", "ar", "bg", "bn", "bo", "bs", "ca", "cs", "cy", "da", "de", "dv", "el", "en", "es", "et", "eu",
    "fa", "fi", "fr", "gu", "hr", "ht", "hu", "hy", "is", "it", "ja", "ka", "km", "kn", "ko", "lo", "lt",
    "lv", "ml", "mr", "my", "ne", "nl", "no", "or", "pa", "pl", "ps", "pt", "ro", "ru", "sd", "sl", "sv",
    "ta", "th", "tr", "uk", "vi",
];

/// The language of X.
pub struct X;

impl Dialect for X {
    const NETWORK: &str = "X";

    fn term(term: &Term) -> Result<Found, &'static str> {
        if let Term::Hashtag(tag) = term
            && is_hashtag(tag)
        {
            // Searches find unaccented letters where accented ones are, or the other way round.
            return Ok(Found { leaf: Leaf::Hashtag(tag.clone()), is_exact: tag.is_ascii(), note: None });
        }
        if let Term::Handle(words) = term
            && let [name] = words.as_slice()
            && is_name(name)
        {
            return Ok(Found { leaf: Leaf::Mention(name.clone()), is_exact: false, note: None });
        }
        let (words, note) = words::of(term)?;
        Ok(Found { leaf: Leaf::Words(words), is_exact: false, note })
    }

    fn field(field: &Field) -> Result<Found, &'static str> {
        match field {
            Field::Author(name) if is_name(name) || is_id(name) => {
                Ok(Found { leaf: Leaf::Author(name.clone()), is_exact: true, note: None })
            }
            Field::Author(_) => Err("takes no name of this length"),
            Field::Language(code) if LANGUAGES.contains(&code.as_str()) => {
                Ok(Found { leaf: Leaf::Language(code.clone()), is_exact: true, note: None })
            }
            Field::Language(_) => Err("does not tell this language apart"),
            Field::Country(_) => Err("knows the countries of few posts"),
            Field::Platform(_) => Err("has no other platforms"),
        }
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX && is_of_name(name)
}

fn is_of_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_id(name: &str) -> bool {
    (1..=ID_DIGITS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether every post of X, or none, has a field.
pub fn known(field: &Field) -> Option<bool> {
    match field {
        // As names on other networks do, it has signs that no name on X has.
        Field::Author(name) if !is_of_name(name) => Some(false),
        other => platform(other, "x"),
    }
}
