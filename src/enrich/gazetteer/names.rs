//! Normalizes and hashes names.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Normalizes a name for comparison: removes accents and punctuation, and converts it to lower case.
pub fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    // Most names are in ASCII, so they need no decomposition.
    if name.is_ascii() {
        name.chars().for_each(|c| push(&mut plain, c.to_ascii_lowercase()));
    } else {
        let letters = name.nfkd().filter(|c| !is_combining_mark(*c));
        letters.flat_map(char::to_lowercase).for_each(|c| push(&mut plain, c));
    }
    plain.truncate(plain.trim_end().len());
    plain
}

fn push(plain: &mut String, c: char) {
    match c {
        'ł' => plain.push('l'),
        'ø' => plain.push('o'),
        'đ' => plain.push('d'),
        'ı' => plain.push('i'),
        'ß' => plain.push_str("ss"),
        'æ' => plain.push_str("ae"),
        // Dropped, so that `D.C.` becomes `DC` and `Xi'an` becomes `Xian`. Lower-casing İ leaves a combining dot.
        '.' | '\'' | '’' | '\u{307}' => {}
        c if c.is_alphanumeric() => plain.push(c),
        _ if plain.ends_with(' ') || plain.is_empty() => {}
        _ => plain.push(' '),
    }
}

/// Returns the hash under which the index stores a normalized name.
pub fn hash(plain: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    plain.hash(&mut hasher);
    hasher.finish()
}
