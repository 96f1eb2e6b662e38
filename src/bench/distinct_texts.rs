//! Distinct texts, recombined from real ones, that no cache can already contain.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

/// Initial number of candidates for the second half of a text. All are of similar length, so the combined text is too.
const N_NEIGHBOURS: usize = 64;

/// Number of attempts at a new text of one length before another length is tried; by then, nearly all combinations of
/// that length have been used.
const ATTEMPTS: usize = 48;

/// Maximum difference in length, in characters, between a text and the original it imitates: half a word.
const N_CHARS_OFF_MAX: usize = 4;

/// Prefix of the links whose targets are randomised, because every link in a real post is unique.
const LINK: &str = "https://t.co/";

const LINK_LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Source of new texts, each of which joins the beginning of one real text to the end of another of similar length.
///
/// No text repeats another or equals an original, even when case, spaces and links are ignored, as they may be by
/// models and caches. The lengths follow the distribution of the originals. The same seed produces the same texts.
pub struct Recombiner {
    /// Real texts, sorted by length.
    originals: Vec<Words>,
    seen: HashSet<u64>,
    random: Xoshiro256PlusPlus,
}

/// A text and the positions of its words.
struct Words {
    text: String,
    n_chars: usize,
    words: Vec<Word>,
}

struct Word {
    start: usize,
    end: usize,
    /// Position of the word in the text, in characters.
    n_chars_before: usize,
}

impl Recombiner {
    /// Splits the originals into words; blank texts are skipped.
    pub fn new(originals: &[String], seed: u64) -> Self {
        let mut words: Vec<Words> = originals.iter().map(|text| Words::of(text)).collect();
        words.retain(|words| !words.words.is_empty());
        words.sort_by_key(|words| words.n_chars);
        let seen = words.iter().map(|words| fingerprint(&words.text)).collect();
        Self { originals: words, seen, random: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// Returns a text that has not been returned before.
    ///
    /// # Errors
    /// If hardly any new combinations are left. A few thousand originals yield millions.
    pub fn next_text(&mut self) -> anyhow::Result<String> {
        for _ in 0..1_000 {
            let model = self.random.random_range(0..self.originals.len().max(1));
            for attempt in 0..ATTEMPTS {
                let n_neighbours = N_NEIGHBOURS << (attempt / 2).min(16);
                // All combinations that begin with this text may already exist; another of similar length may have
                // more.
                let first = if attempt < ATTEMPTS / 3 { model } else { self.neighbour(model, n_neighbours) };
                let second = self.neighbour(model, n_neighbours);
                let Some(text) = self.splice(model, first, second) else {
                    continue;
                };
                if self.seen.insert(fingerprint(&text)) {
                    return Ok(text);
                }
            }
        }
        anyhow::bail!("{} texts are too few to produce this many distinct ones", self.originals.len())
    }

    fn neighbour(&mut self, of: usize, n_neighbours: usize) -> usize {
        let lowest = of.saturating_sub(n_neighbours / 2);
        let highest = (of + n_neighbours / 2).min(self.originals.len().saturating_sub(1));
        self.random.random_range(lowest..=highest)
    }

    /// Joins the first words of one text to the last words of another, so that the result is as long as the model text;
    /// returns `None` if the words are too long for that.
    fn splice(&mut self, model: usize, first: usize, second: usize) -> Option<String> {
        let part = self.random.random_range(0.15..0.85);
        let of = |index: usize| self.originals.get(index);
        let (model, first, second) = (of(model)?, of(first)?, of(second)?);
        let (head, n_chars_head) = first.head(model.n_chars as f64 * part);
        let (tail, n_chars_tail) = second.tail(model.n_chars.saturating_sub(n_chars_head + 1));
        if (n_chars_head + 1 + n_chars_tail).abs_diff(model.n_chars) > N_CHARS_OFF_MAX {
            return None;
        }
        let mut text = String::with_capacity(head.len() + 1 + tail.len());
        text.push_str(head);
        text.push(' ');
        text.push_str(tail);
        self.relink(&mut text);
        Some(text)
    }

    /// Replaces the target of every link with a random one of the same length.
    fn relink(&mut self, text: &mut String) {
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(LINK)) {
            let start = from + at + LINK.len();
            let rest = text.get(start..).unwrap_or_default();
            let end = start + rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let letter = |n: usize| LINK_LETTERS.get(n).copied().map_or('0', char::from);
            let target: String =
                (start..end).map(|_| letter(self.random.random_range(0..LINK_LETTERS.len()))).collect();
            text.replace_range(start..end, &target);
            from = end;
        }
    }
}

impl Words {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let (mut words, mut n_chars) = (Vec::new(), 0);
        let mut is_within = false;
        for (at, letter) in text.char_indices() {
            if letter.is_whitespace() {
                is_within = false;
            } else if is_within {
                if let Some(Word { end, .. }) = words.last_mut() {
                    *end = at + letter.len_utf8();
                }
            } else {
                is_within = true;
                words.push(Word { start: at, end: at + letter.len_utf8(), n_chars_before: n_chars });
            }
            n_chars += 1;
        }
        Self { text: text.to_owned(), n_chars, words }
    }

    /// Returns the words, at least one, that begin within the first `n_chars` characters, and their length in
    /// characters.
    fn head(&self, n_chars: f64) -> (&str, usize) {
        let n_words = self.words.partition_point(|word| (word.n_chars_before as f64) < n_chars).max(1);
        let end = self.words.get(n_words - 1).map_or(0, |word| word.end);
        let n_chars = self.words.get(n_words).map_or(self.n_chars, |next| next.n_chars_before - 1);
        (self.text.get(..end).unwrap_or_default(), n_chars)
    }

    /// Returns the last words, at least one, whose total length comes closest to `n_chars` characters, and that length.
    fn tail(&self, n_chars: usize) -> (&str, usize) {
        let distance = |word: &&Word| (self.n_chars - word.n_chars_before).abs_diff(n_chars);
        let (start, n_chars_before) = match self.words.iter().min_by_key(distance) {
            Some(word) => (word.start, word.n_chars_before),
            None => (0, 0),
        };
        (self.text.get(start..).unwrap_or_default(), self.n_chars - n_chars_before)
    }
}

/// Hashes a text to 64 bits, ignoring case, spaces and links. Only one in many millions of texts shares its hash with
/// another; such a text is not used.
fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for word in text.split_whitespace() {
        let word = word.split_once("http").map_or(word, |(before, _)| before);
        for letter in word.chars() {
            letter.to_ascii_lowercase().hash(&mut hasher);
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::posts::Texts;
    use super::*;

    /// Number of texts that a benchmark at a high rate needs.
    const MANY: usize = 500_000;

    fn replay() -> Vec<String> {
        Texts::read(Path::new("data/mayweather-mcgregor_tweets.csv.gz")).unwrap().as_slice().to_vec()
    }

    fn spliced(originals: &[String], seed: u64, n: usize) -> Vec<String> {
        let mut recombiner = Recombiner::new(originals, seed);
        (0..n).map(|_| recombiner.next_text().unwrap()).collect()
    }

    /// Returns quantiles and the mean of the texts' lengths in characters.
    fn lengths(texts: &[String]) -> (Vec<usize>, f64) {
        let mut lengths: Vec<usize> = texts.iter().map(|text| text.chars().count()).collect();
        lengths.sort_unstable();
        let quantiles = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
        let at = |quantile: f64| lengths[(lengths.len() as f64 * quantile) as usize];
        (quantiles.map(at).to_vec(), lengths.iter().sum::<usize>() as f64 / lengths.len() as f64)
    }

    #[test]
    fn half_a_million_texts_are_distinct_and_as_long_as_real_ones() {
        let originals = replay();
        let texts = spliced(&originals, 1, MANY);
        // Uses a different criterion from the recombiner: each whole text, without its links and in lower case.
        let bare = |text: &String| {
            let words = text.split_whitespace().map(|word| word.split("http").next().unwrap());
            words.collect::<Vec<_>>().concat().to_ascii_lowercase()
        };
        let distinct: HashSet<String> = texts.iter().map(bare).collect();
        assert_eq!(distinct.len(), MANY);
        assert!(originals.iter().all(|original| !distinct.contains(&bare(original))));

        let ((ours, mean), (theirs, real_mean)) = (lengths(&texts), lengths(&originals));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(ours.abs_diff(*theirs) <= 4 + theirs / 20, "{ours} characters instead of {theirs}");
        }
        assert!((mean / real_mean - 1.0).abs() < 0.03, "{mean} characters instead of {real_mean}");
    }

    #[test]
    fn a_seed_decides_what_comes() {
        let originals = replay();
        assert_eq!(spliced(&originals, 7, 100), spliced(&originals, 7, 100));
        assert_ne!(spliced(&originals, 7, 100), spliced(&originals, 8, 100));
    }

    #[test]
    fn words_and_marks_stay_whole() {
        let originals =
            ["great fight 🥊 https://t.co/abc".to_owned(), "so – bad fight! https://t.co/abc".to_owned()];
        let words: HashSet<&str> = originals.iter().flat_map(|text| text.split_whitespace()).collect();
        for text in spliced(&originals, 1, 4) {
            for word in text.split_whitespace() {
                assert!(
                    words.contains(word) || word.starts_with(LINK) && word.len() == LINK.len() + 3,
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn too_few_originals_are_an_error() {
        let mut recombiner = Recombiner::new(&["one two".to_owned(), "six four".to_owned()], 1);
        assert!((0..100).any(|_| recombiner.next_text().is_err()));
        assert!(Recombiner::new(&[], 1).next_text().is_err());
    }
}
