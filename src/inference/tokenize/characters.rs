//! Lookup table of character properties.
//!
//! The table is computed with the libraries that the `tokenizers` crate uses, so the two agree by construction,
//! whichever version of Unicode the libraries implement.

use std::iter::once;
use std::sync::LazyLock;

use tokenizers::utils::SysRegex;
use unicode_normalization_alignments::char::canonical_combining_class;
use unicode_normalization_alignments::{IsNormalized, is_nfkc_quick};

/// Set of properties, with one bit for each.
pub type Properties = u16;

/// White space (`\s`).
pub const SPACE: Properties = 1;
/// Letter (`\p{L}`).
pub const LETTER: Properties = 1 << 1;
/// Combining mark (`\p{M}`).
pub const MARK: Properties = 1 << 2;
/// Number (`\p{N}`).
pub const NUMBER: Properties = 1 << 3;
/// Part of a word (`\w`).
pub const WORD: Properties = 1 << 4;
/// Digit (`\d`).
pub const DIGIT: Properties = 1 << 5;
/// Left unchanged by NFKC, whatever precedes it, so a text can be split before it and each part normalised on its own.
pub const STABLE: Properties = 1 << 6;
/// Different from its lower-case form.
pub const CASED: Properties = 1 << 7;
/// The character `@`, which may begin a mention.
pub const AT: Properties = 1 << 8;
/// The character `&`, which may begin an HTML entity.
pub const AMPERSAND: Properties = 1 << 9;
/// Character used as an apostrophe.
pub const QUOTE: Properties = 1 << 10;
/// Invisible character that joins, directs or selects visible ones.
pub const INVISIBLE: Properties = 1 << 11;

const PATTERNS: [(&str, Properties); 8] = [
    (r"\s+", SPACE),
    (r"\p{L}+", LETTER),
    (r"\p{M}+", MARK),
    (r"\p{N}+", NUMBER),
    (r"\w+", WORD),
    (r"\d+", DIGIT),
    ("[’‘`´]+", QUOTE),
    ("[\u{fe00}-\u{fe0f}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}\u{0}]+", INVISIBLE),
];

/// First character beyond the table. Only rare ideographs, tags and private-use characters follow.
const N_CHARACTERS: u32 = 0x2_0000;

/// Returns a character's properties, or `None` if it is outside the table.
#[inline]
pub fn properties(character: char) -> Option<Properties> {
    TABLE.get(character as usize).copied()
}

/// Returns whether a character has at least one of the properties; false outside the table.
#[inline]
pub fn has(character: char, wanted: Properties) -> bool {
    properties(character).is_some_and(|properties| properties & wanted != 0)
}

/// Counts the leading characters that satisfy a predicate.
pub fn count(text: &[char], wanted: impl Fn(char) -> bool) -> usize {
    text.iter().take_while(|character| wanted(**character)).count()
}

/// Returns whether the characters of `text` begin with those of `prefix`.
pub fn starts_with(text: &[char], prefix: &str) -> bool {
    let mut characters = text.iter();
    prefix.chars().all(|wanted| characters.next() == Some(&wanted))
}

static TABLE: LazyLock<Box<[Properties]>> = LazyLock::new(table);

fn table() -> Box<[Properties]> {
    let mut table = vec![0; N_CHARACTERS as usize];
    let mut set = |character: char, property: Properties| {
        if let Some(properties) = table.get_mut(character as usize) {
            *properties |= property;
        }
    };
    let all: String = (0..N_CHARACTERS).filter_map(char::from_u32).collect();
    for (pattern, property) in PATTERNS {
        #[expect(
            clippy::expect_used,
            reason = "the patterns are constants, and every test of this module compiles them"
        )]
        let regex = SysRegex::new(pattern).expect("a constant pattern compiles");
        for (start, end) in regex.find_iter(&all) {
            all.get(start..end).unwrap_or_default().chars().for_each(|character| set(character, property));
        }
    }
    for character in all.chars() {
        if canonical_combining_class(character) == 0 && is_nfkc_quick(once(character)) == IsNormalized::Yes {
            set(character, STABLE);
        }
        if !character.to_lowercase().eq(once(character)) {
            set(character, CASED);
        }
    }
    set('@', AT);
    set('&', AMPERSAND);
    table.into_boxed_slice()
}
