//! Topics: subjects that people follow, each with a query that matches posts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::TopicId;

/// Maximum length of a topic's name in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// Kind of subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TopicKind {
    /// Product or service.
    Product,
    /// Maker or seller.
    Brand,
    /// Competing product or brand.
    Competitor,
    /// Person or group.
    Person,
    /// Event, such as a launch.
    Event,
    /// Subject that people discuss, such as delivery.
    Issue,
}

impl TopicKind {
    /// All kinds, in the order in which they are presented.
    pub const ALL: [Self; 6] =
        [Self::Product, Self::Brand, Self::Competitor, Self::Person, Self::Event, Self::Issue];

    /// Returns the name used in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Brand => "brand",
            Self::Competitor => "competitor",
            Self::Person => "person",
            Self::Event => "event",
            Self::Issue => "issue",
        }
    }
}

/// Topic as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Topic {
    /// Id of the topic, as used in `/topics/{id}`.
    pub id: TopicId,
    /// Name under which posts are counted, as a key of the dimension `product`.
    pub name: String,
    /// Kind of subject.
    pub kind: TopicKind,
    /// Whether the topic is about our own organization.
    pub is_ours: bool,
    /// Query that matches the posts about the topic.
    pub query: String,
    /// Whether posts that suggest churn may open alerts about the topic.
    pub tracks_churn: bool,
    /// Whether new posts are matched against the query.
    pub enabled: bool,
    /// Time at which the topic was created.
    pub created_at: Timestamp,
    /// Time at which the topic was last replaced.
    pub updated_at: Timestamp,
    /// Name of the person or program that created the topic, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Name of the person or program that last changed the topic, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_by: Option<String>,
}

/// Topic to create, or content that replaces an existing topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTopic {
    /// Name under which posts are counted, 1 to 100 characters on one line. It must be unique, ignoring case.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$"
    )]
    pub name: String,
    /// Kind of subject.
    pub kind: TopicKind,
    /// Whether the topic is about our own organization. Defaults to true for products and brands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_ours: Option<bool>,
    /// Query that matches the posts about the topic, at most 4,096 characters.
    #[schema(max_length = 4096)]
    pub query: String,
    /// Whether posts that suggest churn may open alerts about the topic. Defaults to true for topics about our own
    /// organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracks_churn: Option<bool>,
    /// Whether new posts are matched against the query. Defaults to true.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

const fn enabled() -> bool {
    true
}

impl NewTopic {
    /// Returns whether the topic is about our own organization; by default, its kind determines that.
    pub fn is_ours(&self) -> bool {
        self.is_ours.unwrap_or(matches!(self.kind, TopicKind::Product | TopicKind::Brand))
    }

    /// Returns whether posts that suggest churn may open alerts about the topic; by default, only if it is about our
    /// own organization.
    pub fn tracks_churn(&self) -> bool {
        self.tracks_churn.unwrap_or_else(|| self.is_ours())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_of_ours_tracks_churn_unless_it_says_otherwise() {
        let new = |json: &str| {
            let new: NewTopic = serde_json::from_str(json).unwrap();
            (new.is_ours(), new.tracks_churn(), new.enabled)
        };
        assert_eq!(new(r#"{"name":"a","kind":"product","query":"a"}"#), (true, true, true));
        assert_eq!(new(r#"{"name":"a","kind":"competitor","query":"a"}"#), (false, false, true));
        assert_eq!(
            new(r#"{"name":"a","kind":"brand","query":"a","tracks_churn":false}"#),
            (true, false, true)
        );
        assert_eq!(
            new(r#"{"name":"a","kind":"event","query":"a","is_ours":true,"enabled":false}"#),
            (true, true, false)
        );
    }
}
