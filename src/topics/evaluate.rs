//! Evaluates queries on a post, given the patterns found in its text.

use std::ops::Range;

use super::compiled::{Compiled, CompiledTerm, Kind};
use super::subject::Subject;

/// Occurrence of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Number of the pattern.
    pub pattern: usize,
    /// Indices of the words that it covers.
    pub words: Range<usize>,
    /// Position of the pattern in its word.
    pub position: Position,
}

/// Position of a pattern in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// The pattern is the whole word.
    Whole,
    /// The word starts with the pattern.
    Start,
    /// The word contains the pattern, which counts like a whole word.
    Inside {
        /// Whether the word starts with the pattern.
        starts: bool,
    },
}

/// Hits in one text, sorted by pattern, then by position.
pub struct Hits {
    list: Vec<Hit>,
    /// Bit for each pattern, set if it has hits. Most patterns that queries look up have none.
    present: Vec<u64>,
}

impl Hits {
    /// Sorts hits of `n_patterns` patterns.
    pub fn new(mut list: Vec<Hit>, n_patterns: usize) -> Self {
        list.sort_unstable_by_key(|hit| (hit.pattern, hit.words.start, hit.words.end));
        let mut present = vec![0; n_patterns.div_ceil(64)];
        for hit in &list {
            if let Some(bits) = present.get_mut(hit.pattern / 64) {
                *bits |= 1 << (hit.pattern % 64);
            }
        }
        Self { list, present }
    }

    /// Returns the distinct patterns that have hits.
    pub fn patterns(&self) -> impl Iterator<Item = usize> {
        self.list
            .chunk_by(|a, b| a.pattern == b.pattern)
            .filter_map(|same| same.first())
            .map(|hit| hit.pattern)
    }

    /// Returns the hits of a pattern.
    fn of(&self, pattern: usize) -> &[Hit] {
        if self.present.get(pattern / 64).is_none_or(|bits| bits >> (pattern % 64) & 1 == 0) {
            return &[];
        }
        let from = self.list.partition_point(|hit| hit.pattern < pattern);
        let rest = self.list.get(from..).unwrap_or_default();
        let n = rest.iter().take_while(|hit| hit.pattern == pattern).count();
        rest.get(..n).unwrap_or_default()
    }
}

/// Everything needed to evaluate queries on one post.
pub struct Evaluation<'a> {
    pub subject: &'a Subject<'a>,
    pub words: &'a Hits,
    pub raw: &'a Hits,
}

impl Evaluation<'_> {
    /// Returns whether the query matches the post.
    pub fn matches(&self, query: &Compiled) -> bool {
        match query {
            Compiled::All(parts) => parts.iter().all(|part| self.matches(part)),
            Compiled::Any(parts) => parts.iter().any(|part| self.matches(part)),
            Compiled::Not(part) => !self.matches(part),
            Compiled::Near { .. } => !self.occurrences(query).is_empty(),
            Compiled::Term(term) => self.of_term(term).next().is_some(),
            Compiled::Field(field) => field.matches(self.subject),
        }
    }

    /// Returns the distinct ranges of words that a query covers.
    fn occurrences(&self, query: &Compiled) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.is_possible(query) {
            self.find(query, &mut found);
            found.sort_unstable_by_key(|words| (words.start, words.end));
            found.dedup();
        }
        found
    }

    /// Returns whether enough patterns occur for the query to cover any words.
    fn is_possible(&self, query: &Compiled) -> bool {
        match query {
            Compiled::Term(term) => !self.hits(term).is_empty(),
            Compiled::Any(parts) => parts.iter().any(|part| self.is_possible(part)),
            Compiled::Near { left, right, .. } => self.is_possible(left) && self.is_possible(right),
            Compiled::All(_) | Compiled::Not(_) | Compiled::Field(_) => false,
        }
    }

    /// Adds the ranges of words that a term, or several terms joined by `OR` or `NEAR`, cover. Other queries cover none,
    /// and the parser does not let `NEAR` join them.
    fn find(&self, query: &Compiled, found: &mut Vec<Range<usize>>) {
        match query {
            Compiled::Term(term) => found.extend(self.of_term(term)),
            Compiled::Any(parts) => parts.iter().for_each(|part| self.find(part, found)),
            Compiled::Near { left, right, distance, is_ordered } => {
                let (left, right) = (self.occurrences(left), self.occurrences(right));
                found.extend(followed_by(&left, &right, *distance));
                if !is_ordered {
                    found.extend(followed_by(&right, &left, *distance));
                }
            }
            Compiled::All(_) | Compiled::Not(_) | Compiled::Field(_) => {}
        }
    }

    /// Returns the hits of the pattern that a term starts with.
    fn hits(&self, term: &CompiledTerm) -> &[Hit] {
        let hits = if term.kind == Kind::Raw { self.raw } else { self.words };
        hits.of(term.first)
    }

    /// Returns the ranges of words that a term covers, in order.
    fn of_term(&self, term: &CompiledTerm) -> impl Iterator<Item = Range<usize>> {
        let found = self.hits(term).iter().filter(|hit| self.is_start(hit, term));
        found.map(|hit| hit.words.start..hit.words.end + term.rest.len())
    }

    /// Returns whether a term starts at this hit of its first pattern.
    fn is_start(&self, hit: &Hit, term: &CompiledTerm) -> bool {
        let word = self.subject.text.words.get(hit.words.start);
        let is_found = match (term.kind, hit.position) {
            (Kind::Raw, _) => true,
            (Kind::Words, Position::Inside { .. }) => term.rest.is_empty(),
            (Kind::Words, position) => position == Position::Whole,
            (Kind::Prefix, position) => position != Position::Inside { starts: false },
            (Kind::Hashtag, position) => {
                position == Position::Whole && word.is_some_and(|word| word.is_hashtag)
            }
            (Kind::Handle, position) => {
                position == Position::Whole && word.is_some_and(|word| word.is_handle)
            }
        };
        is_found
            && term.rest.iter().zip(hit.words.end..).all(|(pattern, index)| self.is_word(*pattern, index))
    }

    /// Returns whether a pattern is the whole word at this index.
    fn is_word(&self, pattern: usize, index: usize) -> bool {
        let hits = self.words.of(pattern);
        let from = hits.partition_point(|hit| hit.words.start < index);
        let mut at_index = hits.iter().skip(from).take_while(|hit| hit.words.start == index);
        at_index.any(|hit| hit.position == Position::Whole)
    }
}

/// Returns the ranges from each of `first` to each of `second` that follows after at most this many words. Both are
/// sorted.
fn followed_by(
    first: &[Range<usize>],
    second: &[Range<usize>],
    distance: usize,
) -> impl Iterator<Item = Range<usize>> {
    first.iter().flat_map(move |left| {
        let from = second.partition_point(|right| right.start < left.end);
        let near = second.iter().skip(from).take_while(move |right| right.start <= left.end + distance);
        near.map(move |right| left.start..right.end)
    })
}
