//! Prints a query in its canonical form, which parses back to the same query.

use std::fmt::{self, Display, Formatter};

use super::query::{Field, Near, Query, Term};
use super::text::is_in_word;

/// How tightly an operator binds its operands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Precedence {
    Or,
    And,
    Near,
    Operand,
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => join(f, parts, " AND ", Precedence::And),
            Self::Any(parts) => join(f, parts, " OR ", Precedence::Or),
            Self::Not(query) => {
                f.write_str("NOT ")?;
                within(f, query, Precedence::Operand)
            }
            Self::Near(Near { left, right, distance, is_ordered }) => {
                within(f, left, Precedence::Near)?;
                let order = if *is_ordered { "f" } else { "" };
                write!(f, " NEAR/{distance}{order} ")?;
                within(f, right, Precedence::Operand)
            }
            Self::Term(term) => term.fmt(f),
            Self::Field(field) => field.fmt(f),
            Self::Pack(pack) => write!(f, "is:{}", pack.as_str()),
        }
    }
}

fn join(f: &mut Formatter<'_>, parts: &[Query], operator: &str, precedence: Precedence) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(operator)?;
        }
        within(f, part, precedence)?;
    }
    Ok(())
}

/// Prints an operand, in brackets if its own operator binds less tightly than the surrounding one.
fn within(f: &mut Formatter<'_>, query: &Query, outer: Precedence) -> fmt::Result {
    let inner = match query {
        Query::Any(_) => Precedence::Or,
        Query::All(_) => Precedence::And,
        Query::Near(_) => Precedence::Near,
        Query::Not(_) | Query::Term(_) | Query::Field(_) | Query::Pack(_) => Precedence::Operand,
    };
    match inner < outer {
        true => write!(f, "({query})"),
        false => write!(f, "{query}"),
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => match words.as_slice() {
                [word] => f.write_str(word),
                words => write!(f, "\"{}\"", words.join(" ")),
            },
            Self::Prefix(letters) => write!(f, "{letters}*"),
            Self::Raw(literal) => value(f, "raw", literal),
            Self::Hashtag(tag) => write!(f, "#{tag}"),
            Self::Handle(words) => write!(f, "@{}", words.join(".")),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Language(code) => value(f, "lang", code),
            Self::Platform(name) => value(f, "platform", name),
            Self::Author(handle) => value(f, "from", handle),
            Self::Country(code) => value(f, "country", code),
        }
    }
}

fn value(f: &mut Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    match value.chars().all(is_in_word) {
        true => write!(f, "{name}:{value}"),
        false => write!(f, "{name}:\"{value}\""),
    }
}
