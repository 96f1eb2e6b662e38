//! Errors and hints about a query: what is wrong, where, and how to fix it.

use super::limits::{DEPTH_MAX, DISTANCE_MAX, LENGTH_MAX, NEARS_MAX, TERMS_MAX};
use super::pack::Pack;
use super::query::Query;

/// Part of a query, in characters (Unicode code points) from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Span {
    /// Position of the first character.
    pub from: usize,
    /// Position after the last character.
    pub to: usize,
}

/// Reason why a query is invalid, with the part that it concerns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ParseError {
    /// Part of the query that is wrong.
    pub span: Span,
    /// Problem with that part.
    pub problem: Problem,
}

/// Problem with a query. Each message says how to fix the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The query, or a pair of brackets, is empty.
    #[error("write at least one term")]
    Empty,
    /// A bracket is opened but never closed.
    #[error("this bracket is never closed; add `)`")]
    UnclosedBracket,
    /// A bracket is closed but was never opened.
    #[error("no bracket is open here; remove `)`")]
    UnopenedBracket,
    /// A quotation mark has no counterpart.
    #[error("this quotation mark is never closed; add `\"`")]
    UnclosedQuote,
    /// An operator has no term before it.
    #[error("write a term before `{0}`")]
    NothingBefore(String),
    /// An operator has no term after it.
    #[error("write a term after `{0}`")]
    NothingAfter(String),
    /// The text contains no word to search for.
    #[error("`{0}` has no letters or digits; write `raw:\"{0}\"` to search for these characters")]
    NoWord(String),
    /// An operator of another query language.
    #[error("`{found}` is not an operator; write `{instead}`")]
    ForeignOperator {
        /// Operator as it was written.
        found: String,
        /// Operator with the same meaning.
        instead: &'static str,
    },
    /// A wildcard follows too few letters, which would match too many words.
    #[error("write at least four letters before `*`")]
    ShortWildcard,
    /// A wildcard is not at the end of a word.
    #[error("`*` can only end a single word")]
    MisplacedWildcard,
    /// The distance of a `NEAR` is missing or too large.
    #[error("choose a distance from 0 to {DISTANCE_MAX}, as in `NEAR/5`")]
    Distance,
    /// `NEAR` joins something other than terms.
    #[error("`NEAR` joins terms, or brackets with terms joined by `OR`; remove `{0}`")]
    NearOperand(String),
    /// Too many terms are joined by `NEAR`.
    #[error("join at most {} terms by `NEAR`", NEARS_MAX + 1)]
    TooManyNears,
    /// The name before a colon is not that of a field.
    #[error("{}", describe_unknown_field(name, *similar))]
    UnknownField {
        /// Name as it was written.
        name: String,
        /// Field with the most similar name.
        similar: Option<&'static str>,
    },
    /// A field has no value.
    #[error("write a value after `{0}:`")]
    EmptyField(String),
    /// The value of a field has an invalid form.
    #[error("write a code of {letters} letters, as in `{example}`")]
    Code {
        /// Number of letters that the code may have.
        letters: &'static str,
        /// Field with a valid code.
        example: &'static str,
    },
    /// There is no pack with this name.
    #[error("`is:{name}` is unknown; write {}", known_packs())]
    UnknownPack {
        /// Name as it was written.
        name: String,
    },
    /// The query only excludes posts, or only restricts them by language, platform or country.
    #[error("this would match nearly every post; add a term that posts must contain")]
    NotSpecific,
    /// The query is too long.
    #[error("shorten the query to {LENGTH_MAX} characters")]
    TooLong,
    /// The query has too many terms.
    #[error("use at most {TERMS_MAX} terms, or split the topic")]
    TooManyTerms,
    /// Brackets and `NOT` are nested too deeply.
    #[error("use at most {DEPTH_MAX} levels of brackets and `NOT`")]
    TooDeep,
}

/// Returns the packs that exist, as they are written.
fn known_packs() -> String {
    Pack::ALL.map(|pack| format!("`is:{}`", pack.as_str())).join(" or ")
}

fn describe_unknown_field(name: &str, similar: Option<&str>) -> String {
    match similar {
        Some(similar) => format!("unknown field `{name}:`; did you mean `{similar}:`?"),
        None => format!("unknown field `{name}:`; put text with a colon in quotation marks"),
    }
}

/// Advice on a part of a query that is valid but may not mean what its author intended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Hint {
    /// Part of the query that it concerns.
    pub span: Span,
    /// Advice, in a sentence.
    pub message: String,
}

/// Successfully parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// Query in normal form.
    pub query: Query,
    /// Advice on parts that may not mean what their author intended.
    pub hints: Vec<Hint>,
}
