//! Mappings of webhook deliveries to posts: the position of each field.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::object::optional_object;

/// Maximum length of a pointer in characters: room for twenty long names.
pub const POINTER_CHARS_MAX: usize = 512;

/// JSON Pointer (RFC 6901), such as `/user/id` or `/tags/0`. In names, `~0` stands for `~` and `~1` for `/`. An empty
/// pointer selects the whole value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(as = JsonPointer, value_type = String, max_length = 512, pattern = "^(/([^~/]|~[01])*)*$", example = "/user/id")]
pub struct Pointer(String);

/// Error for a text that is not a JSON Pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a JSON Pointer of at most 512 characters, such as `/user/id`")]
pub struct InvalidPointer;

impl Pointer {
    /// Returns the pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the names and indexes of the pointer, in order.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(|token| match token.contains('~') {
            true => token.replace("~1", "/").replace("~0", "~").into(),
            false => token.into(),
        })
    }
}

impl TryFrom<String> for Pointer {
    type Error = InvalidPointer;

    fn try_from(text: String) -> Result<Self, InvalidPointer> {
        let is_rooted = text.is_empty() || text.starts_with('/');
        let is_escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        // PostgreSQL does not store NUL.
        let is_short = text.chars().count() <= POINTER_CHARS_MAX && !text.contains('\0');
        if is_rooted && is_escaped && is_short { Ok(Self(text)) } else { Err(InvalidPointer) }
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

/// Position of each post field in a delivered item. Fields that are absent, null or empty in the item are absent from
/// the post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostMapping {
    /// Id of the post, as text or an integer. By default, the id consists of the delivery's id and the item's position
    /// in it, so that a repeated delivery counts once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Pointer>,
    /// Platform; by default, `platform` of the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Pointer>,
    /// Text of the post.
    pub text: Pointer,
    /// Author of the post.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub author: Option<AuthorMapping>,
    /// Language code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<Pointer>,
    /// Time of the post: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Pointer>,
    /// URL of the post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Pointer>,
    /// Id of the post that this post replies to, as text or an integer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Pointer>,
    /// Support or marketing channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Pointer>,
    /// Product that the post is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Pointer>,
    /// Location that the post was written from.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub geo: Option<GeoMapping>,
    /// Engagement counts.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional_object")]
    pub engagement: Option<EngagementMapping>,
}

/// Position of each field of an author.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorMapping {
    /// Id of the author, as text or an integer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Pointer>,
    /// Handle of the author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Pointer>,
    /// Number of followers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followers: Option<Pointer>,
    /// Location in the author's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Pointer>,
}

/// Position of each part of a location.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GeoMapping {
    /// City name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<Pointer>,
    /// Country code or English country name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Pointer>,
    /// Latitude in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat: Option<Pointer>,
    /// Longitude in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lon: Option<Pointer>,
}

/// Position of each engagement count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EngagementMapping {
    /// Number of likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likes: Option<Pointer>,
    /// Number of shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<Pointer>,
    /// Number of comments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<Pointer>,
    /// Number of views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<Pointer>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_the_way_to_a_value() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let pointer = Pointer::try_from(text.to_owned()).ok();
            let tokens: Option<Vec<_>> = pointer.as_ref().map(|it| it.tokens().collect());
            assert_eq!(
                tokens.as_deref(),
                expected.map(|it| it.iter().map(|it| (*it).into()).collect::<Vec<_>>()).as_deref(),
                "{text}"
            );
        };
        check("", Some(&[]));
        check("/", Some(&[""]));
        check("/user/id", Some(&["user", "id"]));
        check("/tags/0/", Some(&["tags", "0", ""]));
        check("/a~1b/m~0n/~01", Some(&["a/b", "m~n", "~1"]));
        check("user/id", None);
        check("$.user.id", None);
        check("/a~", None);
        check("/a~2", None);
        check(&format!("/{}", "a".repeat(511)), Some(&[&"a".repeat(511)]));
        check(&format!("/{}", "a".repeat(512)), None);
        check(&format!("/{}", "ä".repeat(511)), Some(&[&"ä".repeat(511)]));
        check("/a\0", None);
    }
}
