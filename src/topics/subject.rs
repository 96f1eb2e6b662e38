//! Properties of posts that queries can test.

use super::query::Field;
use super::text::PreparedText;
use crate::models::post::Post;

/// Properties of a post that queries can test.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Text of the post.
    pub text: &'a PreparedText<'a>,
    /// Language as an ISO 639 code, if known.
    pub lang: Option<&'a str>,
    /// Name of the platform.
    pub platform: &'a str,
    /// Handle of the author, if known.
    pub author_handle: Option<&'a str>,
    /// Id of the author on the platform, if known.
    pub author_id: Option<&'a str>,
    /// Country as an ISO 3166 code, if known.
    pub country: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// Returns the properties of a stored post. `text` is the text of the post.
    pub fn of_post(post: &'a Post, text: &'a PreparedText<'a>) -> Self {
        Self {
            text,
            lang: post.lang.as_deref(),
            platform: &post.platform,
            author_handle: post.author.as_ref().and_then(|author| author.handle.as_deref()),
            author_id: post.author.as_ref().and_then(|author| author.id.as_deref()),
            country: post.country.as_deref(),
        }
    }
}

impl Field {
    /// Returns whether the post has this value.
    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        let is =
            |found: Option<&str>, wanted: &str| found.is_some_and(|found| found.to_lowercase() == wanted);
        match self {
            // `pt-BR` is also Portuguese.
            Self::Language(code) => is(subject.lang.and_then(|tag| tag.split(['-', '_']).next()), code),
            Self::Platform(name) => is(Some(subject.platform), name),
            Self::Author(handle) => {
                let written = subject.author_handle.map(|handle| handle.trim_start_matches('@'));
                is(written, handle) || is(subject.author_id, handle)
            }
            Self::Country(code) => subject.country.is_some_and(|found| found.eq_ignore_ascii_case(code)),
        }
    }
}
