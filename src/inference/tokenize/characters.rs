//! Properties of characters, looked up in one table.
//!
//! The table is computed from the libraries that the `tokenizers` crate runs on, so both agree by construction,
//! whichever version of Unicode each of them implements.

use std::iter::once;
use std::sync::LazyLock;

use tokenizers::utils::SysRegex;
use unicode_normalization_alignments::char::canonical_combining_class;
use unicode_normalization_alignments::{IsNormalized, is_nfkc_quick};

/// `\s`.
pub const SPACE: u8 = 1;
/// `\p{L}`.
pub const LETTER: u8 = 1 << 1;
/// `\p{M}`.
pub const MARK: u8 = 1 << 2;
/// `\p{N}`.
pub const NUMBER: u8 = 1 << 3;
/// `\w`.
pub const WORD: u8 = 1 << 4;
/// `\d`.
pub const DIGIT: u8 = 1 << 5;
/// NFKC leaves it alone, whatever comes before it: a text can be normalised in two parts, before it and from it on.
pub const STABLE: u8 = 1 << 6;
/// Its lower case is something else.
pub const CASED: u8 = 1 << 7;

const PATTERNS: [(&str, u8); 6] = [
    (r"\s+", SPACE),
    (r"\p{L}+", LETTER),
    (r"\p{M}+", MARK),
    (r"\p{N}+", NUMBER),
    (r"\w+", WORD),
    (r"\d+", DIGIT),
];

/// The table ends here. Beyond are rare ideographs, tags and private characters.
const N_CHARACTERS: u32 = 0x2_0000;

/// The properties of a character, or nothing where the table has none.
pub fn properties(character: char) -> Option<u8> {
    TABLE.get(character as usize).copied()
}

/// Whether a character has one of the properties.
pub fn has(character: char, wanted: u8) -> bool {
    properties(character).is_some_and(|properties| properties & wanted != 0)
}

/// How many characters at the start of a text are wanted ones.
pub fn count(text: &[char], wanted: impl Fn(char) -> bool) -> usize {
    text.iter().take_while(|character| wanted(**character)).count()
}

/// Whether a text starts with another.
pub fn starts_with(text: &[char], prefix: &str) -> bool {
    let mut characters = text.iter();
    prefix.chars().all(|wanted| characters.next() == Some(&wanted))
}

static TABLE: LazyLock<Box<[u8]>> = LazyLock::new(table);

fn table() -> Box<[u8]> {
    let mut table = vec![0; N_CHARACTERS as usize];
    let mut set = |character: char, property: u8| {
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
    table.into_boxed_slice()
}
