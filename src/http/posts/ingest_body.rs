//! Splits the body of `POST /api/v1/posts` into posts, and separates accepted from rejected ones.

use std::cell::Cell;
use std::fmt;

use actix_web::HttpRequest;
use serde::Serialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, SchemaType};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::http::error::ApiError;
use crate::http::extract::content_type;
use crate::models::new_post::{AcceptContext, AcceptedPost, NewPost, Rejection, accept, parse};

/// Maximum body size in bytes. A full batch of posts of ordinary length takes up 3 MiB.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Maximum number of posts in a body: twenty pipeline batches, or about a second's work for the pipeline.
pub const POSTS_MAX: usize = 10_000;

const CONTENT_TYPES: &str = "application/json or application/x-ndjson";

/// One post or an array of posts. Each element is validated on its own, so the schema allows any element.
pub struct PostsBody;

impl PartialSchema for PostsBody {
    fn schema() -> RefOr<Schema> {
        let anything = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
        OneOfBuilder::new()
            .item(Ref::from_schema_name("NewPost"))
            .item(
                ArrayBuilder::new()
                    .items(anything)
                    .max_items(Some(POSTS_MAX))
                    .description(Some("`NewPost`s")),
            )
            .into()
    }
}

impl ToSchema for PostsBody {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((NewPost::name().into_owned(), NewPost::schema()));
        NewPost::schemas(schemas);
    }
}

/// Which posts in a body were accepted and which were rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// Number of posts that were appended to the stream.
    pub accepted: usize,
    /// Posts that were rejected, each with the reason.
    pub rejected: Vec<RejectedPost>,
}

/// Rejected post and the reason for its rejection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RejectedPost {
    /// Position in the body, counted from 0: the index in the array, or the line.
    pub index: usize,
    /// Reason why the post was rejected.
    #[serde(flatten)]
    pub why: Rejection,
}

/// Posts from a body, separated into accepted and rejected ones.
#[derive(Debug, Default, PartialEq)]
pub struct Sorted {
    /// Valid posts, to be appended to the stream.
    pub accepted: Vec<AcceptedPost>,
    /// Invalid posts, to be reported to the sender.
    pub rejected: Vec<RejectedPost>,
}

/// Splits a body into posts and validates each. An invalid post does not affect the others, but a body that consists of
/// a single invalid post is an error.
///
/// # Errors
/// 415 for other content types, 400 if the body is not JSON, 413 for too many posts, 422 for an invalid single post.
pub fn sort(request: &HttpRequest, body: &[u8], context: &AcceptContext) -> Result<Sorted, ApiError> {
    match content_type(request).as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => sort_lines(body, context),
        "application/json" => sort_json(body, context),
        _ => Err(ApiError::UnsupportedMediaType { expected: CONTENT_TYPES }),
    }
}

fn sort_json(body: &[u8], context: &AcceptContext) -> Result<Sorted, ApiError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ApiError::MalformedBody(format!("the body is not UTF-8: {error}")))?;
    let text = text.trim_start();
    if text.is_empty() {
        return Err(ApiError::MalformedBody("the body is empty".to_owned()));
    }
    if text.starts_with('[') {
        let elements = elements_of(text)?;
        return Ok(sort_each(elements.into_iter().map(|raw| raw.get().as_bytes()).enumerate(), context));
    }
    let post = parse(text.as_bytes()).and_then(|post| accept(post, context)).map_err(ApiError::Rejected)?;
    Ok(Sorted { accepted: vec![post], rejected: Vec::new() })
}

/// Validates one post per line. Blank lines are skipped but counted, so an index is a line number.
fn sort_lines(body: &[u8], context: &AcceptContext) -> Result<Sorted, ApiError> {
    let lines = || body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).enumerate();
    let posts = || lines().filter(|(_, line)| !line.is_empty());
    if posts().take(POSTS_MAX + 1).count() > POSTS_MAX {
        return Err(too_many());
    }
    Ok(sort_each(posts(), context))
}

fn sort_each<'a>(posts: impl Iterator<Item = (usize, &'a [u8])>, context: &AcceptContext) -> Sorted {
    let mut sorted = Sorted::default();
    for (index, json) in posts {
        match parse(json).and_then(|post| accept(post, context)) {
            Ok(post) => sorted.accepted.push(post),
            Err(why) => sorted.rejected.push(RejectedPost { index, why }),
        }
    }
    sorted
}

/// Returns the elements of an array without parsing them, so that an invalid element does not affect the others.
///
/// Parsing stops at the first element beyond the limit, so an array of a million elements costs no more than one of ten
/// thousand.
pub(in crate::http) fn elements_of(text: &str) -> Result<Vec<&RawValue>, ApiError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let overflown = Cell::new(false);
    let outcome = reader.deserialize_seq(Elements { overflown: &overflown });
    if overflown.get() {
        return Err(too_many());
    }
    let elements = outcome.map_err(|error| malformed(&error))?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(elements)
}

struct Elements<'flag> {
    overflown: &'flag Cell<bool>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of posts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            if elements.len() == POSTS_MAX {
                self.overflown.set(true);
                return Err(A::Error::custom("too many"));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::MalformedBody(format!("the body is not valid JSON: {error}"))
}

fn too_many() -> ApiError {
    ApiError::TooLarge { limit: POSTS_MAX.try_into().unwrap_or(u64::MAX), what: "posts" }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::models::post::Source;
    use actix_web::test::TestRequest;

    fn sorted(kind: &str, body: impl AsRef<[u8]>) -> Result<Sorted, ApiError> {
        let request = TestRequest::post().insert_header(("content-type", kind)).to_http_request();
        let context = AcceptContext {
            now: jiff::Timestamp::now(),
            retention: Duration::from_secs(90 * 86_400),
            source: Source::new(Source::HTTP),
            connector: None,
        };
        sort(&request, body.as_ref(), &context)
    }

    fn post(id: usize) -> String {
        format!(r#"{{"id":"{id}","platform":"web","text":"hello"}}"#)
    }

    fn rejections(sorted: &Sorted) -> Vec<(usize, &str, &str)> {
        sorted.rejected.iter().map(|r| (r.index, r.why.code, r.why.field.as_str())).collect()
    }

    #[test]
    fn an_invalid_post_does_not_affect_its_batch() {
        let body = format!(r#"[{}, {{"id":"2"}}, 7, {{"id":"\ud800"}}, {}]"#, post(1), post(5));
        let sorted = sorted("application/json", body).unwrap();
        assert_eq!(sorted.accepted.len(), 2);
        let expected = [(1, "missing_field", "platform"), (2, "wrong_type", ""), (3, "invalid_text", "id")];
        assert_eq!(rejections(&sorted), expected);
    }

    #[test]
    fn a_line_that_is_not_text_affects_no_other_line() {
        let mut body = format!("{}\r\n\n{{\"id\":\n", post(1)).into_bytes();
        body.extend_from_slice(b"{\"id\":\"\xff\"}\n");
        body.extend_from_slice(post(2).as_bytes());
        let sorted = sorted("application/x-ndjson; charset=utf-8", body).unwrap();
        assert_eq!(sorted.accepted.len(), 2);
        assert_eq!(rejections(&sorted), [(2, "malformed_json", "id"), (3, "invalid_text", "id")]);
    }

    #[test]
    fn an_invalid_single_post_is_an_error_that_names_the_field() {
        let refusal = sorted("application/json", r#"{"id":"1","platform":"web","text":""}"#).unwrap_err();
        assert!(matches!(refusal, ApiError::Rejected(r) if r.field == "text"));
    }

    #[test]
    fn a_body_that_is_not_json_is_malformed() {
        for body in [&b""[..], b"  ", b"[", b"[{},", b"[1 2]", b"[] []", b"\xff\xfe"] {
            let refusal = sorted("application/json", body).unwrap_err();
            assert!(matches!(refusal, ApiError::MalformedBody(_)), "{body:?}: {refusal}");
        }
        assert_eq!(sorted("application/json", "[]").unwrap(), Sorted::default());
        assert!(matches!(sorted("text/plain", post(1)), Err(ApiError::UnsupportedMediaType { .. })));
        assert!(matches!(sorted("", post(1)), Err(ApiError::UnsupportedMediaType { .. })));
    }

    #[test]
    fn nothing_is_read_beyond_the_first_element_that_is_too_many() {
        let body = format!("[{} this is not JSON", "1,".repeat(POSTS_MAX + 1));
        let refusal = sorted("application/json", body).unwrap_err();
        assert!(matches!(refusal, ApiError::TooLarge { limit: 10_000, .. }), "{refusal}");
        let body = format!("[{} this is not JSON", "1,".repeat(POSTS_MAX));
        let refusal = sorted("application/json", body).unwrap_err();
        assert!(matches!(refusal, ApiError::MalformedBody(_)), "{refusal}");
        let lines = "1\n".repeat(POSTS_MAX + 1);
        assert!(matches!(sorted("application/x-ndjson", lines), Err(ApiError::TooLarge { .. })));
    }

    #[test]
    fn the_maximum_number_of_posts_is_accepted() {
        let posts = (0..POSTS_MAX).map(post).collect::<Vec<_>>();
        let sorted_array = sorted("application/json", format!("[{}]", posts.join(","))).unwrap();
        assert_eq!(sorted_array.accepted.len(), POSTS_MAX);
        assert_eq!(sorted("application/x-ndjson", posts.join("\n")).unwrap().accepted.len(), POSTS_MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let _ = sorted("application/json", &body);
            let _ = sorted("application/x-ndjson", &body);
        }
    }
}
