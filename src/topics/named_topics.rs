//! Matches posts against named topics.

use super::query::Query;
use super::subject::Subject;
use super::topic_set::TopicSet;

/// Topics by name, compiled into one search.
#[derive(Debug, Clone)]
pub struct NamedTopics {
    names: Vec<String>,
    set: TopicSet,
}

impl NamedTopics {
    /// Compiles topics, each a name and a query.
    pub fn compile(topics: Vec<(String, Query)>) -> Self {
        let (names, queries): (Vec<_>, Vec<_>) = topics.into_iter().unzip();
        Self { names, set: TopicSet::compile(&queries) }
    }

    /// Returns whether there are no topics.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Returns the names of the topics that a post concerns.
    pub fn of(&self, subject: &Subject<'_>) -> Vec<&str> {
        let found = self.set.matches(subject);
        found.into_iter().filter_map(|index| self.names.get(index)).map(String::as_str).collect()
    }

    /// Returns the topic with this name, ignoring case.
    pub fn named(&self, name: &str) -> Option<&str> {
        let lower = name.to_lowercase();
        self.names.iter().map(String::as_str).find(|known| known.to_lowercase() == lower)
    }
}
