//! Topics as queries that networks can search for.
//!
//! A network is never asked for less than a topic matches, as far as its search allows; it may be asked for more, because
//! topics decide on every post afterwards what it concerns. What a network cannot be asked for is reported.

mod approximate; // a query in terms of what a network can search for, never narrower
mod fold; // what is known of every post of a network
pub mod mastodon; // hashtags
mod outcome; // queries and what was left out, as they come together
mod words; // terms as words that networks search for
pub mod x; // rules
pub mod youtube; // searches

use super::query::Query;

/// Topic that a source follows.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowedTopic {
    /// Name of the topic.
    pub name: String,
    /// Query that posts match if they concern it.
    pub query: Query,
}

/// How much a network may be asked for.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Maximum number of queries.
    pub n_queries_max: usize,
    /// Maximum length of a query in characters.
    pub n_chars_max: usize,
}

#[cfg(test)]
mod tests;
