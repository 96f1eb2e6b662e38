//! Topics: which posts concern which brand, product, person or event, by boolean queries. Pure.
//!
//! A [`Query`] is parsed from the text that people write, with errors that say where and how to fix them. A [`TopicSet`]
//! compiles any number of queries into one search, so that the cost of a post hardly depends on the number of topics.

mod compiled; // queries with numbers instead of words
mod evaluate; // whether a query matches a text, from the words found in it
mod lexer; // from characters to tokens with their spans
mod limits; // limits on the size of a query
mod named_topics; // topics by name
mod pack; // names of ready-made queries
mod packs; // the queries that packs stand for
mod parse_error; // what is wrong with a query, where, and how to fix it
mod parser; // from tokens to a query
mod print; // from a query back to text
pub mod pushdown; // topics as queries that networks can search for
mod query; // the syntax tree
mod subject; // posts as queries see them
mod text; // texts, normalized and split into words
mod topic_set; // all queries as one search

pub use named_topics::NamedTopics;
pub use pack::Pack;
pub use parse_error::{Hint, ParseError, Parsed, Problem, Span};
pub use parser::parse;
pub use query::{Field, Near, Query, Term};
pub use subject::Subject;
pub use text::PreparedText;
pub use topic_set::TopicSet;

#[cfg(test)]
mod tests;
