//! Hand-written pre-tokenizers for the shipped `tokenizer.json` files. They split a text into the pieces that the model
//! encodes.

use serde_json::Value;

use super::characters::{LETTER, MARK, NUMBER, SPACE, count, has, starts_with};

/// Pattern that matches a piece: an emoticon, a word with its apostrophes, a run of digits, or punctuation.
const SOCIAL: &str = concat!(
    r"@user|[<>]?[:;=8x][\-o*'^]?[)(\]\[dp/\\|@3*>]{1,3}(?![\p{L}\p{N}])|<3{1,3}",
    r"|[)(\]\[/\\|]{1,3}[\-o*'^]?[:;=]|\^[_.]?\^|-_{1,3}-|t_t|o_o",
    r"|[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*|\p{N}+|!\?|\?!|([!?.])\1|[^\s\p{L}\p{M}\p{N}]"
);

/// Maximum length of an emoticon's mouth, as in `:)))`, and of other repetitions that [`SOCIAL`] allows in an emoticon.
const N_ALIKE_MAX: usize = 3;

/// Rules by which a text is split into pieces. White space belongs to no piece and is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splitter {
    /// Splits at matches of [`SOCIAL`].
    Social,
}

impl Splitter {
    /// Parses a file's `pre_tokenizer`; `None` if it is not supported.
    pub fn of(spec: &Value) -> Option<Self> {
        if spec.get("type")? != "Split" || spec.get("behavior")? != "Removed" || spec.get("invert")? != true {
            return None;
        }
        match spec.get("pattern")?.get("Regex")?.as_str()? {
            SOCIAL => Some(Self::Social),
            _ => None,
        }
    }

    /// Returns the pieces in text order.
    pub fn pieces(self, text: &[char]) -> impl Iterator<Item = &[char]> {
        let mut rest = text;
        std::iter::from_fn(move || {
            while let Some((_, after)) = rest.split_first() {
                let n = match self {
                    Self::Social => social(rest),
                };
                match n {
                    Some(n) => {
                        let (piece, after) = rest.split_at(n.min(rest.len()));
                        rest = after;
                        return Some(piece);
                    }
                    None => rest = after,
                }
            }
            None
        })
    }
}

/// Returns the length of the [`SOCIAL`] match at the start of a text; `None` if there is none.
fn social(rest: &[char]) -> Option<usize> {
    let first = *rest.first()?;
    let special = match first {
        'a'..='n' | 'p'..='s' | 'u'..='w' | 'y' | 'z' | ' ' => None,
        '@' => starts_with(rest, "@user").then_some(5),
        '<' => emoticon(rest).or_else(|| heart(rest)),
        '>' | ':' | ';' | '=' | '8' | 'x' => emoticon(rest),
        ')' | '(' | ']' | '[' | '/' | '\\' | '|' => mirrored(rest),
        '^' => closed_eyes(rest),
        '-' => unmoved(rest),
        't' => starts_with(rest, "t_t").then_some(3),
        'o' => starts_with(rest, "o_o").then_some(3),
        _ => None,
    };
    special.or_else(|| plain(first, rest))
}

fn plain(first: char, rest: &[char]) -> Option<usize> {
    if has(first, LETTER | MARK) {
        return Some(word(rest));
    }
    if has(first, NUMBER) {
        return Some(count(rest, |character| has(character, NUMBER)));
    }
    let is_pair =
        matches!((first, rest.get(1)), ('!', Some('?' | '!')) | ('?', Some('!' | '?')) | ('.', Some('.')));
    match is_pair {
        true => Some(2),
        false => (!has(first, SPACE)).then_some(1),
    }
}

/// Matches one `[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*`.
fn word(rest: &[char]) -> usize {
    let letters =
        |from: usize| count(rest.get(from..).unwrap_or_default(), |character| has(character, LETTER | MARK));
    let mut n = letters(0);
    while rest.get(n) == Some(&'\'') {
        match letters(n + 1) {
            0 => break,
            more => n += 1 + more,
        }
    }
    n
}

/// Matches `[<>]?[:;=8x][\-o*'^]?[)(\]\[dp/\\|@3*>]{1,3}(?![\p{L}\p{N}])` greedily.
fn emoticon(rest: &[char]) -> Option<usize> {
    let is = |at: usize, wanted: &str| rest.get(at).is_some_and(|character| wanted.contains(*character));
    let eyes = usize::from(is(0, "<>"));
    if !is(eyes, ":;=8x") {
        return None;
    }
    let nose = usize::from(is(eyes + 1, "-o*'^"));
    (0..=nose).rev().find_map(|nose| {
        let mouth = eyes + 1 + nose;
        let n = (0..N_ALIKE_MAX).take_while(|n| is(mouth + n, r")(][dp/\|@3*>")).count();
        let ends = |end: &usize| !rest.get(*end).is_some_and(|character| has(*character, LETTER | NUMBER));
        (1..=n).rev().map(|n| mouth + n).find(ends)
    })
}

/// Returns the length of a heart, `<3{1,3}`, at the start of a text.
fn heart(rest: &[char]) -> Option<usize> {
    let n = count(rest.get(1..)?, |character| character == '3').min(N_ALIKE_MAX);
    (n > 0).then_some(1 + n)
}

/// Matches `[)(\]\[/\\|]{1,3}[\-o*'^]?[:;=]`. No character of the mouth can also be the nose or eyes that follow, so
/// only the whole mouth can match.
fn mirrored(rest: &[char]) -> Option<usize> {
    let is = |at: usize, wanted: &str| rest.get(at).is_some_and(|character| wanted.contains(*character));
    let mouth = (0..N_ALIKE_MAX).take_while(|n| is(*n, r")(][/\|")).count();
    let eyes = mouth + usize::from(is(mouth, "-o*'^"));
    is(eyes, ":;=").then_some(eyes + 1)
}

/// Returns the length of a smile with closed eyes, `\^[_.]?\^`, at the start of a text.
fn closed_eyes(rest: &[char]) -> Option<usize> {
    match rest {
        ['^', '^', ..] => Some(2),
        ['^', '_' | '.', '^', ..] => Some(3),
        _ => None,
    }
}

/// Returns the length of an expressionless face, `-_{1,3}-`, at the start of a text.
fn unmoved(rest: &[char]) -> Option<usize> {
    let n = count(rest.get(1..)?, |character| character == '_');
    ((1..=N_ALIKE_MAX).contains(&n) && rest.get(n + 1) == Some(&'-')).then_some(n + 2)
}
