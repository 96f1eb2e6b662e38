//! Terms as words that networks search for.

use crate::topics::query::Term;
use crate::topics::text::{is_in_word, is_unspaced, words_of};

/// Maximum length in characters of what is searched for as one term, so that any rule has room for several.
const CHARS_MAX: usize = 100;

/// Why a term cannot be searched for, as it follows the name of the network.
const TOO_LONG: &str = "takes no word of this length";

/// The same for a term without words.
const ONLY_SIGNS: &str = "cannot search for signs";

/// The same for a term with a wildcard.
const BEGINNING: &str = "cannot search for the beginnings of words";

/// Returns the words of a term, as far as there is room for them, and, if they mean more than the term, what is lost.
///
/// # Errors
/// Why it cannot be searched for. Both follow the name of the network.
pub fn of(term: &Term) -> Result<(Vec<String>, Option<&'static str>), &'static str> {
    match term {
        Term::Words(words) | Term::Handle(words) => bounded(words),
        Term::Hashtag(tag) => bounded(std::slice::from_ref(tag)),
        Term::Prefix(_) => Err(BEGINNING),
        Term::Raw(literal) => {
            let mut words = words_of(literal);
            if words.len() > 1 {
                // An end in a script without spaces may be a part of a longer word.
                words.retain(|word| !word.chars().any(is_unspaced));
                let is_phrase = words.len() == words_of(literal).len();
                words.truncate(if is_phrase { usize::MAX } else { 1 });
            }
            match words.is_empty() {
                true => Err(ONLY_SIGNS),
                false => bounded(&words).map(|(words, _)| (words, Some("ignores case and punctuation"))),
            }
        }
    }
}

/// Returns as many of the first words as there is room for.
fn bounded(words: &[String]) -> Result<(Vec<String>, Option<&'static str>), &'static str> {
    let mut n_chars = 0;
    let fits = |word: &&String| {
        n_chars += word.chars().count() + 1;
        n_chars <= CHARS_MAX
    };
    let kept: Vec<String> = words.iter().take_while(fits).cloned().collect();
    match kept.len() {
        0 => Err(TOO_LONG),
        n if n < words.len() => Ok((kept, Some("is asked for its first words only"))),
        _ => Ok((kept, None)),
    }
}

/// Returns words as they are written in a query: several, or one with signs in it, in quotation marks.
pub fn quoted(words: &[String]) -> String {
    match words {
        [word] if word.chars().all(char::is_alphanumeric) && !is_operator(word) => word.clone(),
        words => format!("\"{}\"", words.join(" ")),
    }
}

fn is_operator(word: &str) -> bool {
    matches!(word, "and" | "or" | "not")
}

/// Returns whether a hashtag may be one on a network: it has a letter, and is not too long.
pub fn is_hashtag(tag: &str) -> bool {
    let n_chars = tag.chars().count();
    (1..=CHARS_MAX).contains(&n_chars) && tag.chars().all(is_in_word) && !tag.chars().all(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::parse;
    use crate::topics::query::Query;

    #[test]
    fn terms_are_searched_for_as_words() {
        let check = |query: &str, expected: Result<&str, &str>| {
            let Query::Term(term) = parse(query).unwrap().query else { panic!("{query}") };
            let words = of(&term).map(|(words, _)| quoted(&words));
            assert_eq!(words, expected.map(str::to_owned), "{query}");
        };
        check("Nimbrel", Ok("nimbrel"));
        check("\"Nimbrel Phone\"", Ok("\"nimbrel phone\""));
        check("foo_bar", Ok("\"foo_bar\""));
        check("or", Ok("\"or\""));
        check("@ana.bsky.social", Ok("\"ana bsky social\""));
        check("raw:C++", Ok("c"));
        check("raw:\"A.B\"", Ok("\"a b\""));
        check("raw:\"a 東京\"", Ok("a"));
        check("raw:++", Err(ONLY_SIGNS));
        check("refund*", Err(BEGINNING));
        check(&"x".repeat(100), Err(TOO_LONG));
        let long = format!("\"{} {0}\"", "x".repeat(60));
        check(&long, Ok(&"x".repeat(60)));
        assert!(is_hashtag("käse2026") && !is_hashtag("2026") && !is_hashtag(&"x".repeat(101)));
    }
}
