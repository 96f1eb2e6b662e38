//! What a source asks its network for, and what of the topics that it follows it cannot ask for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a source asks its network for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceQueries {
    /// Queries, those of the settings first; for Mastodon, hashtags without `#`.
    pub queries: Vec<SourceQuery>,
    /// Parts of the followed topics that are not in the queries.
    pub left_out: Vec<LeftOut>,
    /// What the search of the network does not find in general; empty unless the source follows topics.
    pub notes: Vec<String>,
}

/// Query that a source asks its network for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceQuery {
    /// The query, in the network's own language; for Mastodon, a hashtag without `#`.
    pub query: String,
    /// Whether it stands in the settings of the source.
    pub is_own: bool,
    /// Names of the topics that it asks for.
    pub topics: Vec<String>,
}

/// Part of a topic that a source does not ask its network for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TopicLeftOut)]
pub struct LeftOut {
    /// Name of the topic.
    pub topic: String,
    /// The part of its query.
    pub part: String,
    /// Why the source does not ask for it, in words.
    pub reason: String,
    /// What follows from it.
    pub effect: LeftOutEffect,
}

/// What follows from leaving out a part of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutEffect {
    /// Posts that do not concern the topic arrive, too. It does not match them.
    Wider,
    /// Posts that concern the topic may be missing.
    Missing,
    /// Nothing: no post of the network concerns the topic.
    Nothing,
}

impl SourceQueries {
    /// Returns the queries as they are sent.
    pub fn texts(&self) -> Vec<String> {
        self.queries.iter().map(|query| query.query.clone()).collect()
    }

    /// Returns how many queries ask for topics, and how many topics are not asked for completely, in words.
    pub fn summary(&self) -> String {
        let n_queries = self.queries.iter().filter(|query| !query.topics.is_empty()).count();
        let mut partial: Vec<&str> = self
            .left_out
            .iter()
            .filter(|left_out| left_out.effect == LeftOutEffect::Missing)
            .map(|left_out| left_out.topic.as_str())
            .collect();
        partial.dedup();
        let asked = match n_queries {
            1 => "1 query asks for topics".to_owned(),
            n => format!("{n} queries ask for topics"),
        };
        match partial.len() {
            0 => asked,
            1 => format!("{asked}; posts of 1 topic may be missing"),
            n => format!("{asked}; posts of {n} topics may be missing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_counts_what_is_asked_for_and_what_may_be_missing() {
        let query = |topics: &[&str]| SourceQuery {
            query: "nimbrel".to_owned(),
            is_own: topics.is_empty(),
            topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
        };
        let left_out = |topic: &str, effect| LeftOut {
            topic: topic.to_owned(),
            part: "nimb*".to_owned(),
            reason: "why".to_owned(),
            effect,
        };
        let mut queries =
            SourceQueries { queries: vec![query(&[]), query(&["A", "B"])], ..SourceQueries::default() };
        assert_eq!(queries.summary(), "1 query asks for topics");
        queries.left_out = vec![
            left_out("A", LeftOutEffect::Wider),
            left_out("B", LeftOutEffect::Missing),
            left_out("B", LeftOutEffect::Missing),
        ];
        assert_eq!(queries.summary(), "1 query asks for topics; posts of 1 topic may be missing");
        queries.queries.clear();
        assert_eq!(queries.summary(), "0 queries ask for topics; posts of 1 topic may be missing");
    }
}
