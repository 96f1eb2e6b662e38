//! The `Replace` rules of our `tokenizer.json` files: what each of their regular expressions matches, by hand.

use serde_json::Value;

use super::characters::{DIGIT, SPACE, WORD, count, has, starts_with};

const LINK: &str = r"https?(?:://\S*)?(?!\w)|www\.\S+";
const MENTION: &str = r"(?<![\w@])@\w+";
const APOSTROPHE: &str = "[’‘`´]|&#0?39;";
const INVISIBLE: &str = "[\u{fe00}-\u{fe0f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}\u{0}]";
const ELONGATION: &str = r"([^\d])\1*(?=\1\1)";

/// What one of the regular expressions above matches.
#[derive(Debug, PartialEq, Eq)]
pub enum Matcher {
    Literal(Vec<char>),
    Link,
    Mention,
    Apostrophe,
    Invisible,
    Elongation,
}

impl Matcher {
    /// Understands the `pattern` of a rule; nothing where it is unknown here.
    pub fn of(pattern: &Value) -> Option<Self> {
        if let Some(literal) = pattern.get("String") {
            let literal: Vec<char> = literal.as_str()?.chars().collect();
            return (!literal.is_empty()).then_some(Self::Literal(literal));
        }
        match pattern.get("Regex")?.as_str()? {
            LINK => Some(Self::Link),
            MENTION => Some(Self::Mention),
            APOSTROPHE => Some(Self::Apostrophe),
            INVISIBLE => Some(Self::Invisible),
            ELONGATION => Some(Self::Elongation),
            _ => None,
        }
    }

    /// Puts `content` in the place of every match in `text`; `spare` is space to work in.
    pub fn replace(&self, content: &[char], text: &mut Vec<char>, spare: &mut Vec<char>) {
        match self {
            Self::Literal(literal) => {
                let first = literal.first().copied();
                replace(content, text, spare, |rest, _| {
                    (rest.first().copied() == first && rest.starts_with(literal)).then_some(literal.len())
                });
            }
            Self::Link => replace(content, text, spare, |rest, _| link(rest)),
            Self::Mention => replace(content, text, spare, mention),
            Self::Apostrophe => replace(content, text, spare, |rest, _| apostrophe(rest)),
            Self::Invisible => {
                replace(content, text, spare, |rest, _| {
                    rest.first().is_some_and(|c| is_invisible(*c)).then_some(1)
                });
            }
            Self::Elongation => replace(content, text, spare, |rest, _| surplus(rest)),
        }
    }
}

/// Replaces what is found, from left to right. `find` is given the rest of the text and the character before it, and
/// says how long the match at the start of that rest is.
fn replace(
    content: &[char],
    text: &mut Vec<char>,
    spare: &mut Vec<char>,
    find: impl Fn(&[char], Option<char>) -> Option<usize>,
) {
    let mut rest = text.as_slice();
    let mut before = None;
    let mut n_copied = None;
    while let Some((first, after)) = rest.split_first() {
        match find(rest, before) {
            Some(n) => {
                if n_copied.is_none() {
                    spare.clear();
                }
                let start = text.len() - rest.len();
                spare.extend_from_slice(text.get(n_copied.unwrap_or(0)..start).unwrap_or_default());
                spare.extend_from_slice(content);
                let (matched, after) = rest.split_at(n.min(rest.len()));
                before = matched.last().copied();
                rest = after;
                n_copied = Some(text.len() - rest.len());
            }
            None => {
                before = Some(*first);
                rest = after;
            }
        }
    }
    if let Some(n_copied) = n_copied {
        spare.extend_from_slice(text.get(n_copied..).unwrap_or_default());
        std::mem::swap(text, spare);
    }
}

/// [`LINK`].
fn link(rest: &[char]) -> Option<usize> {
    let is_visible = |character: char| !has(character, SPACE);
    match rest.first()? {
        'h' if starts_with(rest, "http") => {
            let n = if rest.get(4) == Some(&'s') { 5 } else { 4 };
            let after = rest.get(n..).unwrap_or_default();
            if starts_with(after, "://") {
                return Some(n + count(after, is_visible));
            }
            // Without the `s` the rest would begin with it, which is part of a word.
            (!after.first().is_some_and(|character| has(*character, WORD))).then_some(n)
        }
        'w' if starts_with(rest, "www.") => {
            let n = count(rest, is_visible);
            (n > 4).then_some(n)
        }
        _ => None,
    }
}

/// [`MENTION`].
fn mention(rest: &[char], before: Option<char>) -> Option<usize> {
    let after = rest.strip_prefix(&['@'])?;
    if before.is_some_and(|before| before == '@' || has(before, WORD)) {
        return None;
    }
    let n = count(after, |character| has(character, WORD));
    (n > 0).then_some(n + 1)
}

/// [`APOSTROPHE`].
fn apostrophe(rest: &[char]) -> Option<usize> {
    match rest.first()? {
        '’' | '‘' | '`' | '´' => Some(1),
        '&' => ["&#39;", "&#039;"].into_iter().find(|entity| starts_with(rest, entity)).map(str::len),
        _ => None,
    }
}

/// [`INVISIBLE`].
const fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{fe00}'..='\u{fe0f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\0'
    )
}

/// [`ELONGATION`]: all but the last two of three or more.
fn surplus(rest: &[char]) -> Option<usize> {
    let [first, second, third, ..] = rest else {
        return None;
    };
    if first != second || second != third || has(*first, DIGIT) {
        return None;
    }
    Some(count(rest, |character| character == *first) - 2)
}
