//! Hand-written matchers for the `Replace` rules of the shipped `tokenizer.json` files.

use serde_json::Value;

use super::characters::{
    AMPERSAND, AT, DIGIT, INVISIBLE, Properties, QUOTE, SPACE, WORD, count, has, properties, starts_with,
};

const LINK: &str = r"https?(?:://\S*)?(?!\w)|www\.\S+";
const MENTION: &str = r"(?<![\w@])@\w+";
const APOSTROPHE: &str = "[’‘`´]|&#0?39;";
const JOINER: &str = "[\u{fe00}-\u{fe0f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}\u{0}]";
const ELONGATION: &str = r"([^\d])\1*(?=\1\1)";

/// Hand-written equivalent of one of the regular expressions above.
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
    /// Returns the matcher for a rule's `pattern`; `None` if there is none.
    pub fn of(pattern: &Value) -> Option<Self> {
        if let Some(literal) = pattern.get("String") {
            let literal: Vec<char> = literal.as_str()?.chars().collect();
            return (!literal.is_empty()).then_some(Self::Literal(literal));
        }
        match pattern.get("Regex")?.as_str()? {
            LINK => Some(Self::Link),
            MENTION => Some(Self::Mention),
            APOSTROPHE => Some(Self::Apostrophe),
            JOINER => Some(Self::Invisible),
            ELONGATION => Some(Self::Elongation),
            _ => None,
        }
    }

    /// Returns a set of properties; only a text with at least one of them can contain a match. `None` if any text may
    /// contain one.
    pub fn needs(&self) -> Option<Properties> {
        match self {
            Self::Literal(literal) => {
                let starts = properties(*literal.first()?)? & (AT | AMPERSAND | QUOTE | INVISIBLE);
                (starts != 0).then_some(starts)
            }
            Self::Link | Self::Elongation => None,
            Self::Mention => Some(AT),
            Self::Apostrophe => Some(AMPERSAND | QUOTE),
            Self::Invisible => Some(INVISIBLE),
        }
    }

    /// Replaces every match in `text` with `content`; `spare` is scratch space.
    pub fn replace(&self, content: &[char], text: &mut Vec<char>, spare: &mut Vec<char>) {
        let at = |wanted: Option<char>| move |text: &[char]| text.iter().position(|c| Some(*c) == wanted);
        let of = |wanted: Properties| move |text: &[char]| text.iter().position(|c| has(*c, wanted));
        match self {
            Self::Literal(literal) => {
                let measure = |text: &[char], at: usize| {
                    text.get(at..).is_some_and(|rest| rest.starts_with(literal)).then_some(literal.len())
                };
                replace(content, text, spare, (at(literal.first().copied()), measure));
            }
            Self::Link => {
                replace(content, text, spare, (|text: &[char]| text.windows(4).position(is_link), link));
            }
            Self::Mention => replace(content, text, spare, (at(Some('@')), mention)),
            Self::Apostrophe => replace(content, text, spare, (of(AMPERSAND | QUOTE), apostrophe)),
            Self::Invisible => replace(content, text, spare, (of(INVISIBLE), |_: &[char], _| Some(1))),
            Self::Elongation => {
                replace(content, text, spare, (|text: &[char]| text.windows(3).position(is_same), surplus));
            }
        }
    }
}

/// Replaces matches from left to right. `find` returns the next position in the rest of the text at which a match may
/// begin, and `measure` the length of the match at a position, if there is one.
fn replace(
    content: &[char],
    text: &mut Vec<char>,
    spare: &mut Vec<char>,
    (find, measure): (impl Fn(&[char]) -> Option<usize>, impl Fn(&[char], usize) -> Option<usize>),
) {
    let (mut at, mut n_copied) = (0, None);
    while let Some(skipped) = text.get(at..).and_then(&find) {
        at += skipped;
        let Some(n) = measure(text, at) else {
            at += 1;
            continue;
        };
        if n_copied.is_none() {
            spare.clear();
        }
        spare.extend_from_slice(text.get(n_copied.unwrap_or(0)..at).unwrap_or_default());
        spare.extend_from_slice(content);
        at += n;
        n_copied = Some(at);
    }
    if let Some(n_copied) = n_copied {
        spare.extend_from_slice(text.get(n_copied..).unwrap_or_default());
        std::mem::swap(text, spare);
    }
}

fn is_link(start: &[char]) -> bool {
    matches!(start, ['h', 't', 't', 'p'] | ['w', 'w', 'w', '.'])
}

fn is_same(window: &[char]) -> bool {
    matches!(window, [first, second, third] if first == second && second == third)
}

/// Returns the length of the [`LINK`] match at a position.
fn link(text: &[char], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let is_visible = |character: char| !has(character, SPACE);
    if rest.first() == Some(&'w') {
        let n = count(rest, is_visible);
        return (n > 4).then_some(n);
    }
    let n = if rest.get(4) == Some(&'s') { 5 } else { 4 };
    let after = rest.get(n..).unwrap_or_default();
    if starts_with(after, "://") {
        return Some(n + count(after, is_visible));
    }
    // No need to backtrack to `http`: the rest would then begin with `s`, a word character.
    (!after.first().is_some_and(|character| has(*character, WORD))).then_some(n)
}

/// Returns the length of the [`MENTION`] match at a position.
fn mention(text: &[char], at: usize) -> Option<usize> {
    let (before, rest) = text.split_at_checked(at)?;
    if before.last().is_some_and(|before| *before == '@' || has(*before, WORD)) {
        return None;
    }
    let n = count(rest.get(1..)?, |character| has(character, WORD));
    (n > 0).then_some(n + 1)
}

/// Returns the length of the [`APOSTROPHE`] match at a position.
fn apostrophe(text: &[char], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    match rest.first()? {
        '&' => ["&#39;", "&#039;"].into_iter().find(|entity| starts_with(rest, entity)).map(str::len),
        _ => Some(1),
    }
}

/// Returns the length of the [`ELONGATION`] match at a position: all but the last two of three or more equal
/// characters.
fn surplus(text: &[char], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let first = *rest.first()?;
    (!has(first, DIGIT)).then(|| count(rest, |character| character == first) - 2)
}
