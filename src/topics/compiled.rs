//! Queries whose words are replaced by pattern numbers, so that evaluating them compares no text.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use super::packs::query_of;
use super::query::{Field, Near, Query, Term};

/// Distinct patterns, numbered in the order in which they were added.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    list: Vec<String>,
    ids: HashMap<String, usize>,
}

impl Patterns {
    /// Returns the number of a pattern, adding the pattern if it is new.
    fn id(&mut self, pattern: &str) -> usize {
        if let Some(id) = self.ids.get(pattern) {
            return *id;
        }
        self.ids.insert(pattern.to_owned(), self.list.len());
        self.list.push(pattern.to_owned());
        self.list.len() - 1
    }

    /// Returns the pattern with a number.
    pub fn get(&self, id: usize) -> Option<&str> {
        self.list.get(id).map(String::as_str)
    }

    /// Returns the number of patterns.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns an automaton that finds all patterns; `None` if there are none.
    pub fn automaton(&self) -> Option<AhoCorasick> {
        // Fails only with billions of bytes of patterns, far above the limits on queries.
        AhoCorasick::new(&self.list).ok().filter(|_| !self.list.is_empty())
    }
}

/// Patterns of all queries: words in lower case, and the exact strings of `raw:`.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    pub words: Patterns,
    pub raw: Patterns,
}

/// Kind of a term, which determines which hits of its first pattern count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Words,
    Prefix,
    Hashtag,
    Handle,
    Raw,
}

/// Term whose words are pattern numbers.
#[derive(Debug, Clone)]
pub struct CompiledTerm {
    pub kind: Kind,
    /// Number of the term's first pattern.
    pub first: usize,
    /// Numbers of the patterns that follow it.
    pub rest: Vec<usize>,
}

/// [`Query`] whose words are replaced by pattern numbers.
#[derive(Debug, Clone)]
pub enum Compiled {
    All(Vec<Compiled>),
    Any(Vec<Compiled>),
    Not(Box<Compiled>),
    Near { left: Box<Compiled>, right: Box<Compiled>, distance: usize, is_ordered: bool },
    Term(CompiledTerm),
    Field(Field),
}

impl Vocabulary {
    /// Compiles a query, adding its patterns.
    pub fn compile(&mut self, query: &Query) -> Compiled {
        let mut each = |parts: &[Query]| parts.iter().map(|part| self.compile(part)).collect();
        match query {
            Query::All(parts) => Compiled::All(each(parts)),
            Query::Any(parts) => Compiled::Any(each(parts)),
            Query::Not(part) => Compiled::Not(Box::new(self.compile(part))),
            Query::Near(Near { left, right, distance, is_ordered }) => Compiled::Near {
                left: Box::new(self.compile(left)),
                right: Box::new(self.compile(right)),
                distance: usize::from(*distance),
                is_ordered: *is_ordered,
            },
            Query::Term(term) => Compiled::Term(self.compile_term(term)),
            Query::Field(field) => Compiled::Field(field.clone()),
            Query::Pack(pack) => self.compile(query_of(*pack)),
        }
    }

    fn compile_term(&mut self, term: &Term) -> CompiledTerm {
        let (kind, ids) = match term {
            Term::Words(words) => (Kind::Words, words.iter().map(|word| self.words.id(word)).collect()),
            Term::Handle(words) => (Kind::Handle, words.iter().map(|word| self.words.id(word)).collect()),
            Term::Prefix(letters) => (Kind::Prefix, vec![self.words.id(letters)]),
            Term::Hashtag(tag) => (Kind::Hashtag, vec![self.words.id(tag)]),
            Term::Raw(literal) => (Kind::Raw, vec![self.raw.id(literal)]),
        };
        let mut ids: std::vec::IntoIter<usize> = ids.into_iter();
        // A term has at least one word.
        CompiledTerm { kind, first: ids.next().unwrap_or_default(), rest: ids.collect() }
    }
}
