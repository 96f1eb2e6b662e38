//! The syntax tree of a query.

use super::pack::Pack;

/// Boolean query over the text and the fields of a post, in normal form: [`Query::All`] and [`Query::Any`] have at least
/// two parts, and no part of the same kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// Every part matches.
    All(Vec<Query>),
    /// At least one part matches.
    Any(Vec<Query>),
    /// The query does not match.
    Not(Box<Query>),
    /// Two terms occur close to each other.
    Near(Near),
    /// The text contains a term.
    Term(Term),
    /// A field of the post has a value.
    Field(Field),
    /// A ready-made query matches.
    Pack(Pack),
}

/// Proximity of two terms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Near {
    /// Term, or several terms joined by `OR` or `NEAR`.
    pub left: Box<Query>,
    /// The other term, or several terms joined likewise.
    pub right: Box<Query>,
    /// Maximum number of words between the two.
    pub distance: u8,
    /// Whether `left` must come first.
    pub is_ordered: bool,
}

/// Term that a text must contain. All forms but [`Term::Raw`] are in lower case and in Unicode normalization form NFKC.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// One word, or several adjacent ones; at least one. Punctuation between them is ignored.
    Words(Vec<String>),
    /// Words that start with these letters.
    Prefix(String),
    /// These exact characters, including case and punctuation.
    Raw(String),
    /// This hashtag, without its `#`.
    Hashtag(String),
    /// A mention of this account, split into words, without its `@`.
    Handle(Vec<String>),
}

/// Value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// ISO 639 code of the post's language, in lower case.
    Language(String),
    /// Name of the platform, in lower case.
    Platform(String),
    /// Handle or id of the author, in lower case, without `@`.
    Author(String),
    /// ISO 3166 code of the post's country, in upper case.
    Country(String),
}

impl Query {
    /// Joins queries that must all match.
    pub fn all(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::All(parts) => parts,
            other => vec![other],
        });
        single_or(flat.collect(), Self::All)
    }

    /// Joins queries of which at least one must match.
    pub fn any(parts: Vec<Self>) -> Self {
        let flat = parts.into_iter().flat_map(|part| match part {
            Self::Any(parts) => parts,
            other => vec![other],
        });
        single_or(flat.collect(), Self::Any)
    }

    /// Returns whether the query matches only posts that contain something specific. A query that does not would match
    /// nearly every post.
    pub fn is_specific(&self) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(Self::is_specific),
            Self::Any(parts) => parts.iter().all(Self::is_specific),
            Self::Not(_) => false,
            Self::Near(_) | Self::Term(_) | Self::Pack(_) | Self::Field(Field::Author(_)) => true,
            Self::Field(_) => false,
        }
    }
}

fn single_or(mut parts: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}
