//! Compiles any number of queries into one search.
//!
//! One pass of an Aho–Corasick automaton finds the words of all queries in a text. Most queries cannot match without a
//! certain word, their anchor, so only queries whose anchor occurs are evaluated.

use aho_corasick::AhoCorasick;

use super::compiled::{Compiled, CompiledTerm, Kind, Vocabulary};
use super::evaluate::{Evaluation, Hit, Hits, Position};
use super::query::Query;
use super::subject::Subject;
use super::text::{PreparedText, is_in_word, is_unspaced};

/// Minimum number of letters at which a word is also found as a part of a hashtag, as in `#TeamNimbrel`.
const INSIDE_HASHTAG_LETTERS_MIN: usize = 4;

/// Queries compiled into one search. The index of a query is its position in the list that was compiled.
#[derive(Debug, Clone)]
pub struct TopicSet {
    queries: Vec<Compiled>,
    vocabulary: Vocabulary,
    /// Finds words in texts in lower case; `None` if there are no words.
    words: Option<AhoCorasick>,
    /// Finds the exact strings of `raw:`; `None` if there are none.
    raw: Option<AhoCorasick>,
    /// Indices of the queries that each word anchors.
    anchored_by_word: Vec<Vec<usize>>,
    /// Indices of the queries that each `raw:` term anchors.
    anchored_by_raw: Vec<Vec<usize>>,
    /// Queries without an anchor, which are evaluated for every post.
    unanchored: Vec<usize>,
}

/// Pattern that must occur for a query to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Word(usize),
    Raw(usize),
}

impl TopicSet {
    /// Compiles queries.
    pub fn compile(queries: &[Query]) -> Self {
        let mut vocabulary = Vocabulary::default();
        let queries: Vec<Compiled> = queries.iter().map(|query| vocabulary.compile(query)).collect();
        let mut anchored_by_word = vec![Vec::new(); vocabulary.words.len()];
        let mut anchored_by_raw = vec![Vec::new(); vocabulary.raw.len()];
        let mut unanchored = Vec::new();
        for (index, query) in queries.iter().enumerate() {
            let Some(anchors) = anchors(query, &vocabulary) else {
                unanchored.push(index);
                continue;
            };
            for anchor in anchors {
                let anchored = match anchor {
                    Anchor::Word(id) => anchored_by_word.get_mut(id),
                    Anchor::Raw(id) => anchored_by_raw.get_mut(id),
                };
                anchored.into_iter().for_each(|list| list.push(index));
            }
        }
        Self {
            words: vocabulary.words.automaton(),
            raw: vocabulary.raw.automaton(),
            queries,
            vocabulary,
            anchored_by_word,
            anchored_by_raw,
            unanchored,
        }
    }

    /// Returns the number of queries.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Returns whether there are no queries.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// Returns the indices of the queries that match a post, in ascending order.
    pub fn matches(&self, subject: &Subject<'_>) -> Vec<usize> {
        let words = self.find_words(subject.text);
        let raw = self.find_raw(subject.text);
        let mut candidates = self.unanchored.clone();
        for (hits, anchored) in [(&words, &self.anchored_by_word), (&raw, &self.anchored_by_raw)] {
            candidates.extend(hits.patterns().filter_map(|pattern| anchored.get(pattern)).flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
        let evaluation = Evaluation { subject, words: &words, raw: &raw };
        candidates.retain(|index| self.queries.get(*index).is_some_and(|query| evaluation.matches(query)));
        candidates
    }

    /// Finds the words of all queries.
    fn find_words(&self, text: &PreparedText<'_>) -> Hits {
        let mut hits = Vec::new();
        for found in self.words.iter().flat_map(|automaton| automaton.find_overlapping_iter(&text.folded)) {
            let Some(index) = text.word_at(found.start()) else { continue };
            let Some(word) = text.words.get(index) else { continue };
            // A pattern consists of word characters only, so it cannot reach beyond its word.
            let (starts, ends) = (word.folded.start == found.start(), word.folded.end == found.end());
            let pattern = found.pattern().as_usize();
            let position = match (starts, ends) {
                (true, true) => Position::Whole,
                _ if self.is_unspaced(pattern) => Position::Inside { starts },
                _ if word.is_hashtag && self.is_long(pattern) && text.is_part(word, &found.range()) => {
                    Position::Inside { starts }
                }
                (true, false) => Position::Start,
                _ => continue,
            };
            hits.push(Hit { pattern, words: index..index + 1, position });
        }
        Hits::new(hits, self.vocabulary.words.len())
    }

    /// Returns whether a pattern is found inside other words, because its script does not separate words.
    fn is_unspaced(&self, pattern: usize) -> bool {
        self.vocabulary.words.get(pattern).is_some_and(|pattern| pattern.chars().any(is_unspaced))
    }

    /// Returns whether a pattern is long enough to be found as a part of a hashtag.
    fn is_long(&self, pattern: usize) -> bool {
        let last = INSIDE_HASHTAG_LETTERS_MIN - 1;
        self.vocabulary.words.get(pattern).is_some_and(|pattern| pattern.chars().nth(last).is_some())
    }

    /// Finds the exact strings of `raw:`. A letter at either end of the pattern must also be at the end of a word.
    fn find_raw(&self, text: &PreparedText<'_>) -> Hits {
        let mut hits = Vec::new();
        let plain = text.plain.as_ref();
        for found in self.raw.iter().flat_map(|automaton| automaton.find_overlapping_iter(plain)) {
            let (Some(before), Some(inside), Some(after)) =
                (plain.get(..found.start()), plain.get(found.range()), plain.get(found.end()..))
            else {
                continue;
            };
            let joins = |left: Option<char>, right: Option<char>| {
                left.zip(right).is_some_and(|(left, right)| {
                    is_in_word(left) && is_in_word(right) && !is_unspaced(left) && !is_unspaced(right)
                })
            };
            let is_cut = joins(before.chars().next_back(), inside.chars().next())
                || joins(inside.chars().next_back(), after.chars().next());
            if !is_cut {
                let first = text.words.partition_point(|word| word.plain.end <= found.start());
                let end = text.words.partition_point(|word| word.plain.start < found.end());
                hits.push(Hit {
                    pattern: found.pattern().as_usize(),
                    words: first..end.max(first),
                    position: Position::Whole,
                });
            }
        }
        Hits::new(hits, self.vocabulary.raw.len())
    }
}

/// Returns patterns of which at least one must occur for the query to match; `None` if the query can match without any
/// pattern.
fn anchors(query: &Compiled, vocabulary: &Vocabulary) -> Option<Vec<Anchor>> {
    let rarest = |lists: &mut dyn Iterator<Item = Vec<Anchor>>| {
        lists.max_by_key(|anchors| anchors.iter().map(|anchor| rarity(*anchor, vocabulary)).min())
    };
    match query {
        Compiled::All(parts) => rarest(&mut parts.iter().filter_map(|part| anchors(part, vocabulary))),
        Compiled::Any(parts) => {
            let lists: Option<Vec<_>> = parts.iter().map(|part| anchors(part, vocabulary)).collect();
            lists.map(|lists| lists.concat())
        }
        Compiled::Near { left, right, .. } => {
            rarest(&mut [left, right].into_iter().filter_map(|part| anchors(part, vocabulary)))
        }
        Compiled::Term(CompiledTerm { kind: Kind::Raw, first, .. }) => Some(vec![Anchor::Raw(*first)]),
        Compiled::Term(CompiledTerm { first, rest, .. }) => {
            let words = rest.iter().chain([first]).map(|id| Anchor::Word(*id));
            words.max_by_key(|anchor| rarity(*anchor, vocabulary)).map(|anchor| vec![anchor])
        }
        Compiled::Not(_) | Compiled::Field(_) => None,
    }
}

/// Estimates how rare a pattern is by its length.
fn rarity(anchor: Anchor, vocabulary: &Vocabulary) -> usize {
    let pattern = match anchor {
        Anchor::Word(id) => vocabulary.words.get(id),
        Anchor::Raw(id) => vocabulary.raw.get(id),
    };
    pattern.map_or(0, str::len)
}
