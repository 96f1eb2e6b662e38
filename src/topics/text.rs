//! Normalizes texts and splits them into words.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Returns whether a character is part of words. Combining marks are, because many scripts write vowels with them.
pub fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_combining_mark(c)
}

/// Returns whether a character belongs to a script that does not separate words by spaces.
pub fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' // Thai, Lao
        | '\u{1000}'..='\u{109F}' // Myanmar
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{3040}'..='\u{30FF}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3134F}') // Han
}

/// Returns the text in Unicode normalization form NFKC, in which every character has a single spelling.
pub fn normalize(text: &str) -> Cow<'_, str> {
    match text.is_ascii() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.nfkc().collect()),
    }
}

/// Returns the words of a text, normalized and in lower case.
pub fn words_of(text: &str) -> Vec<String> {
    let prepared = PreparedText::new(text);
    prepared
        .words
        .iter()
        .filter_map(|word| prepared.folded.get(word.folded.clone()))
        .map(str::to_owned)
        .collect()
}

/// Word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Range of bytes in [`PreparedText::plain`].
    pub plain: Range<usize>,
    /// Range of bytes in [`PreparedText::folded`].
    pub folded: Range<usize>,
    /// Whether a `#` precedes it.
    pub is_hashtag: bool,
    /// Whether an `@` precedes it that is not part of an address.
    pub is_handle: bool,
}

/// Text prepared for matching: normalized, with and without its case, and split into words.
#[derive(Debug, Clone)]
pub struct PreparedText<'a> {
    /// Text with its original case.
    pub(super) plain: Cow<'a, str>,
    /// Text in lower case.
    pub(super) folded: String,
    /// Words in order.
    pub(super) words: Vec<Word>,
}

impl<'a> PreparedText<'a> {
    /// Normalizes a text and finds its words.
    pub fn new(text: &'a str) -> Self {
        let plain = normalize(text);
        let mut folded = String::with_capacity(plain.len());
        let mut words: Vec<Word> = Vec::new();
        let mut open: Option<Word> = None;
        let (mut before, mut last) = (None, None);
        for (at, c) in plain.char_indices() {
            let folded_at = folded.len();
            if is_in_word(c) {
                open.get_or_insert_with(|| Word {
                    plain: at..at,
                    folded: folded_at..folded_at,
                    is_hashtag: last == Some('#'),
                    is_handle: last == Some('@') && !before.is_some_and(is_in_word),
                });
            } else if let Some(word) = open.take() {
                words.push(Word {
                    plain: word.plain.start..at,
                    folded: word.folded.start..folded_at,
                    ..word
                });
            }
            folded.extend(c.to_lowercase());
            (before, last) = (last, Some(c));
        }
        if let Some(word) = open {
            words.push(Word {
                plain: word.plain.start..plain.len(),
                folded: word.folded.start..folded.len(),
                ..word
            });
        }
        Self { plain, folded, words }
    }

    /// Returns the index of the word that contains this byte of the folded text; `None` if the byte is between words.
    pub(super) fn word_at(&self, folded_at: usize) -> Option<usize> {
        let index = self.words.partition_point(|word| word.folded.end <= folded_at);
        self.words.get(index).filter(|word| word.folded.contains(&folded_at)).map(|_| index)
    }

    /// Returns whether these bytes of the folded text look like a word within a hashtag: they are at its start or end,
    /// or begin with a capital letter, as in `#JustNikeIt`.
    pub(super) fn is_part(&self, hashtag: &Word, folded: &Range<usize>) -> bool {
        if folded.start == hashtag.folded.start || folded.end == hashtag.folded.end {
            return true;
        }
        // Folding may change the number of bytes; then capital letters are not considered.
        let is_aligned = hashtag.plain.len() == hashtag.folded.len();
        let at = hashtag.plain.start + folded.start - hashtag.folded.start;
        let first = self.plain.get(at..).and_then(|rest| rest.chars().next());
        is_aligned && first.is_some_and(char::is_uppercase)
    }
}
