//! Hand-written normalisers for the shipped `tokenizer.json` files. They replace those of the `tokenizers` crate, which
//! run a regular expression for each step and track the origin of every byte.

use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::Value;
use unicode_normalization_alignments::UnicodeNormalization as _;

use super::characters::{CASED, Properties, STABLE, properties};
use super::matchers::Matcher;

/// NFKC, followed by the lower-casing and replacements that the tokenizer's file lists.
#[derive(Debug, PartialEq, Eq)]
pub struct Normalizer {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Lowercase,
    Replace { what: Matcher, needs: Option<Properties>, content: Vec<char> },
}

impl Normalizer {
    /// Parses a file's `normalizer`; `None` if one of its steps is not supported.
    pub fn of(spec: &Value) -> Option<Self> {
        let (first, rest) = spec.get("normalizers")?.as_array()?.split_first()?;
        if spec.get("type")? != "Sequence" || first.get("type")? != "NFKC" {
            return None;
        }
        let steps = rest.iter().map(Step::of).collect::<Option<_>>()?;
        Some(Self { steps })
    }

    /// Writes the normalised text into `text`, using `spare` as scratch space. Returns false if a character is not in
    /// the table.
    pub fn write(&self, raw: &str, text: &mut Vec<char>, spare: &mut Vec<char>) -> bool {
        text.clear();
        // Properties that occur in the text; rules that need others are skipped.
        let Some(mut seen) = compose(raw, text) else {
            return false;
        };
        for step in &self.steps {
            match step {
                Step::Lowercase => lowercase(text, spare, seen),
                Step::Replace { what, needs, content } => {
                    if needs.is_none_or(|needs| needs & seen != 0) {
                        what.replace(content, text, spare);
                        seen |= content.iter().filter_map(|c| properties(*c)).fold(0, |all, one| all | one);
                    }
                }
            }
        }
        true
    }
}

impl Step {
    fn of(spec: &Value) -> Option<Self> {
        match spec.get("type")?.as_str()? {
            "Lowercase" => Some(Self::Lowercase),
            "Replace" => {
                let content = spec.get("content")?.as_str()?.chars().collect();
                let what = Matcher::of(spec.get("pattern")?)?;
                Some(Self::Replace { needs: what.needs(), what, content })
            }
            _ => None,
        }
    }
}

/// Applies NFKC and returns the properties that occur in the text. Only what may change is passed to the crate's
/// normaliser: unstable characters, each with its base.
fn compose(raw: &str, text: &mut Vec<char>) -> Option<Properties> {
    text.reserve(raw.len());
    let mut characters = raw.char_indices().peekable();
    let (mut seen, mut last) = (0, None);
    while let Some((at, character)) = characters.next() {
        let found = properties(character)?;
        if found & STABLE != 0 {
            seen |= found & if character.is_ascii() { !CASED } else { !0 };
            text.push(character);
            last = Some(at);
            continue;
        }
        if last.is_some() {
            text.pop();
        }
        let start = last.take().unwrap_or(at);
        let end = skip_unstable(&mut characters)?.unwrap_or(raw.len());
        for (character, _) in raw.get(start..end)?.nfkc() {
            seen |= properties(character)?;
            text.push(character);
        }
    }
    Some(seen)
}

/// Skips to the next stable character and returns its position.
fn skip_unstable(characters: &mut Peekable<CharIndices<'_>>) -> Option<Option<usize>> {
    while let Some((at, character)) = characters.peek() {
        if properties(*character)? & STABLE != 0 {
            return Some(Some(*at));
        }
        characters.next();
    }
    Some(None)
}

/// Converts the text to lower case. ASCII, which `seen` does not cover, is converted in place.
fn lowercase(text: &mut Vec<char>, spare: &mut Vec<char>, seen: Properties) {
    if seen & CASED == 0 {
        text.iter_mut().for_each(char::make_ascii_lowercase);
    } else {
        spare.clear();
        spare.extend(text.iter().flat_map(|character| character.to_lowercase()));
        std::mem::swap(text, spare);
    }
}
