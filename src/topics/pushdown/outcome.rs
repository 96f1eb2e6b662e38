//! Queries and what was left out, as they come together.

use crate::models::source::following::{LeftOut, LeftOutEffect, SourceQueries, SourceQuery};

/// Collects what a network is asked for.
#[derive(Default)]
pub struct Outcome(SourceQueries);

impl Outcome {
    /// Adds a query that asks for these topics. Each query is asked once.
    pub fn ask(&mut self, query: String, topics: Vec<String>) {
        match self.0.queries.iter_mut().find(|known| known.query == query) {
            Some(known) => topics.iter().for_each(|topic| add_name(&mut known.topics, topic)),
            None => self.0.queries.push(SourceQuery { query, is_own: false, topics }),
        }
    }

    /// Adds a part of a topic that is left out.
    pub fn leave_out(&mut self, topic: &str, (part, reason): (String, String), effect: LeftOutEffect) {
        let left_out = LeftOut { topic: topic.to_owned(), part, reason, effect };
        if !self.0.left_out.contains(&left_out) {
            self.0.left_out.push(left_out);
        }
    }

    /// Adds a topic that matches no post of the network, or all of them.
    pub fn leave_out_whole(&mut self, topic: &str, part: String, matches_all: bool) {
        let (reason, effect) = match matches_all {
            true => ("it asks for every post of the network", LeftOutEffect::Missing),
            false => ("it matches no post of this network", LeftOutEffect::Nothing),
        };
        self.leave_out(topic, (part, reason.to_owned()), effect);
    }

    /// Returns all.
    pub fn into_queries(self) -> SourceQueries {
        self.0
    }
}

/// Adds a name to a list, unless it is there.
pub fn add_name(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
