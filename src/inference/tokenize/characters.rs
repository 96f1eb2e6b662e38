//! Character properties in a lookup table.
//!
//! The table is computed from the libraries that the `tokenizers` crate uses, so both agree by construction,
//! whichever version of Unicode they implement.

use std::iter::once;
use std::sync::LazyLock;

use tokenizers::utils::SysRegex;
use unicode_normalization_alignments::char::canonical_combining_class;
use unicode_normalization_alignments::{IsNormalized, is_nfkc_quick};

/// A set of properties, one per bit.
pub type Properties = u16;

/// `\s`.
pub const SPACE: Properties = 1;
/// `\p{L}`.
pub const LETTER: Properties = 1 << 1;
/// `\p{M}`.
pub const MARK: Properties = 1 << 2;
/// `\p{N}`.
pub const NUMBER: Properties = 1 << 3;
/// `\w`.
pub const WORD: Properties = 1 << 4;
/// `\d`.
pub const DIGIT: Properties = 1 << 5;
/// Unchanged by NFKC, whatever precedes it: a text can be split before it and normalised in two parts.
pub const STABLE: Properties = 1 << 6;
/// Differs from its lower-case form.
pub const CASED: Properties = 1 << 7;
/// `@`, at which a mention may begin.
pub const AT: Properties = 1 << 8;
/// `&`, at which an entity may begin.
pub const AMPERSAND: Properties = 1 << 9;
/// A character used as an apostrophe.
pub const QUOTE: Properties = 1 << 10;
/// Joins, directs or selects visible characters.
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

/// Returns whether a character has at least one of the wanted properties.
#[inline]
pub fn has(character: char, wanted: Properties) -> bool {
    properties(character).is_some_and(|properties| properties & wanted != 0)
}

/// Counts the leading characters that satisfy a predicate.
pub fn count(text: &[char], wanted: impl Fn(char) -> bool) -> usize {
    text.iter().take_while(|character| wanted(**character)).count()
}

/// Returns whether a text starts with a prefix.
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
