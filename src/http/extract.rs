//! Extractors for parameters and JSON bodies, with errors that name what is wrong.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::ApiError;
use crate::models::new_post::Rejection;

/// Default page size: about a screenful.
const LIMIT_DEFAULT: usize = 50;

/// Returns the content type without parameters such as the charset, in lower case.
pub fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Parses a small JSON body. The type must deny unknown fields.
///
/// # Errors
/// 415 if the content type is not JSON, 400 if the body is not JSON, 422 naming the field if it has another shape.
pub fn json<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, ApiError> {
    if content_type(request) != "application/json" {
        return Err(ApiError::UnsupportedMediaType { expected: "application/json" });
    }
    if body.trim_ascii_start().starts_with(b"[") {
        // Serde would accept an array as the fields in declaration order.
        let message = "send a JSON object, not an array".to_owned();
        return Err(ApiError::Rejected(Rejection { code: "invalid_field", field: String::new(), message }));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        if !error.inner().is_data() {
            return ApiError::MalformedBody(format!("the body is not valid JSON: {}", error.inner()));
        }
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        ApiError::Rejected(Rejection { code: "invalid_field", field, message: error.inner().to_string() })
    })?;
    reader.end().map_err(|error| ApiError::MalformedBody(format!("the body is not valid JSON: {error}")))?;
    Ok(value)
}

/// Strictly parsed query parameters. If a mistyped filter were ignored, the call would return everything and look
/// right, so the type must deny unknown fields.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

/// Query parameters of calls that take none.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyQuery {}

impl<T: DeserializeOwned> FromRequest for Parameters<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameters(request.query_string()).map(Self))
    }
}

pub(super) fn parameters<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|error| ApiError::invalid("query", format!("is not valid: {error}")))?;
    // No stored text contains NUL, and PostgreSQL rejects it in comparisons.
    if let Some((name, _)) = pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(ApiError::invalid(name, "must not contain NUL"));
    }
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let message = error.inner().to_string();
        let named = message.split('`').nth(1).unwrap_or_default().to_owned();
        if let Some(rest) = message.strip_prefix("unknown field ") {
            let expected =
                rest.split_once(", ").map_or("this call takes no parameters", |(_, expected)| expected);
            return ApiError::UnknownParameter { parameter: named, expected: expected.to_owned() };
        }
        if message.starts_with("duplicate field") {
            return ApiError::invalid(&named, "must be given only once");
        }
        ApiError::invalid(&error.path().to_string(), format!("is not valid: {message}"))
    })
}

/// Returns the requested limit, or the default.
///
/// # Errors
/// 400 naming `limit` if it exceeds `most` or is zero.
pub fn limit(requested: Option<usize>, most: usize) -> Result<usize, ApiError> {
    let limit = requested.unwrap_or(LIMIT_DEFAULT);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::invalid("limit", format!("must be between 1 and {most}")))
}

/// Parses the id in a path.
///
/// # Errors
/// 400 naming `id` if it is not a UUID.
pub fn uuid(path: &str) -> Result<Uuid, ApiError> {
    path.parse().map_err(|_| ApiError::invalid("id", "must be a UUID"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        q: Option<String>,
        limit: Option<usize>,
    }

    fn refused(query: &str, naming: &str) {
        let refusal = parameters::<Sample>(query).unwrap_err();
        assert!(refusal.to_string().contains(naming), "{query}: {refusal}");
    }

    #[test]
    fn parameters_are_decoded() {
        let sample = parameters::<Sample>("q=caf%C3%A9+noir&limit=3").unwrap();
        assert_eq!(sample, Sample { q: Some("café noir".into()), limit: Some(3) });
        assert_eq!(parameters::<Sample>("").unwrap(), Sample::default());
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        refused("limit=3&quest=x", "unknown parameter `quest`");
        refused("q=a&q=b", "`q` must be given only once");
        refused("limit=ten", "`limit` is not valid");
        refused("limit=-1", "`limit` is not valid");
        refused("q=a%00b", "`q` must not contain NUL");
        assert!(parameters::<EmptyQuery>("x=1").unwrap_err().to_string().contains("`x`"));
    }

    #[test]
    fn a_limit_out_of_bounds_is_rejected() {
        assert_eq!(limit(None, 500).unwrap(), LIMIT_DEFAULT);
        assert!(limit(Some(0), 500).is_err() && limit(Some(501), 500).is_err());
        assert_eq!(limit(Some(500), 500).unwrap(), 500);
    }

    #[test]
    fn a_wrong_field_of_a_json_body_is_named() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            #[expect(dead_code, reason = "only its type matters")]
            text: String,
        }
        let request = TestRequest::post().insert_header(("content-type", "application/json; charset=utf-8"));
        let request = request.to_http_request();
        let outcome = json::<Body>(&request, br#"{"text":1}"#);
        assert!(matches!(&outcome, Err(ApiError::Rejected(r)) if r.field == "text"), "{outcome:?}");
        assert!(matches!(json::<Body>(&request, b"{"), Err(ApiError::MalformedBody(_))));
        assert!(matches!(json::<Body>(&request, br#"{"text":"a"} x"#), Err(ApiError::MalformedBody(_))));
    }
}
