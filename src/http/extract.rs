//! Extractors for parameters and JSON bodies. Their errors name the invalid part.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use jiff::Timestamp;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::body;
use super::error::ApiError;
use super::repeated;
use crate::models::hidden_characters::is_hidden;
use crate::models::new_post::Rejection;
use crate::models::person_name::{PersonName, Stamp};
use crate::models::principal::{Identity, Principal};

/// Default page size: about a screenful.
const LIMIT_DEFAULT: usize = 50;

/// Header that names the person behind the operator's token.
const ACTOR: &str = "x-groundswell-actor";

/// Header of calls that record who made a change.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only describes the header; `actor` reads it")]
pub struct ActorHeader {
    /// Name of the person behind the operator's token, or behind an installation without accounts, in percent-encoded
    /// UTF-8, at most 80 characters. It is recorded as given and not verified. Without it, the change is recorded
    /// without a name. Ignored for other callers, whose changes are recorded under the name of their account or
    /// credential.
    #[param(rename = "X-Groundswell-Actor", value_type = Option<String>, max_length = 960, example = "Ana%20M%C3%BCller")]
    name: Option<String>,
}

/// Returns a name without surrounding white space.
///
/// # Errors
/// If it is empty, longer than `chars_max` characters, or contains control characters.
pub fn checked_name(name: &str, chars_max: usize) -> Result<String, ApiError> {
    let name = name.trim();
    if !(1..=chars_max).contains(&name.chars().count()) || name.chars().any(is_hidden) {
        let message = format!("the name must be 1 to {chars_max} characters, without control characters");
        return Err(ApiError::invalid_field("name", message));
    }
    Ok(name.to_owned())
}

/// Returns the content type in lower case, without parameters such as the charset.
pub fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Receives and parses a small JSON body of at most `limit` bytes. The type must deny unknown fields.
///
/// # Errors
/// The same as for `body::receive` and [`json`].
pub async fn json_body<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
) -> Result<T, ApiError> {
    json(request, &body::receive(request, payload, limit).await?)
}

/// Parses a JSON body. The type must deny unknown fields.
///
/// # Errors
/// 415 if the content type is not JSON, 400 if the body is not valid JSON, 422 naming the field if the value does not
/// fit the type.
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
        let message = error.inner().to_string();
        let field = field_of(&error.path().to_string(), &message);
        ApiError::Rejected(Rejection { code: "invalid_field", field, message })
    })?;
    reader.end().map_err(|error| ApiError::MalformedBody(format!("the body is not valid JSON: {error}")))?;
    Ok(value)
}

/// Returns the path of the field that serde rejects. If the field is missing, the path leads to the object around it, and
/// only the message names the field.
fn field_of(path: &str, message: &str) -> String {
    let path = if path == "." { "" } else { path };
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    match missing {
        Some((name, _)) if path.is_empty() => name.to_owned(),
        Some((name, _)) => format!("{path}.{name}"),
        None => path.to_owned(),
    }
}

/// Strictly parsed query parameters. The type must deny unknown fields: if a mistyped filter were ignored, the call
/// would return everything and look right.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

/// Query string of calls that take no parameters.
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
    serde_path_to_error::deserialize(repeated::deserializer(pairs)).map_err(|error| {
        let message = error.inner().to_string();
        if let Some(rest) = message.strip_prefix("unknown field ") {
            let named = rest.split('`').nth(1).unwrap_or_default().to_owned();
            let expected =
                rest.split_once(", ").map_or("this call takes no parameters", |(_, expected)| expected);
            return ApiError::UnknownParameter { parameter: named, expected: expected.to_owned() };
        }
        // The path of a value in a list ends with its index.
        let path = error.path().to_string();
        let named = path.split('[').next().unwrap_or_default();
        if message == repeated::REPEATED || message == repeated::too_many() {
            return ApiError::invalid(named, message);
        }
        ApiError::invalid(named, format!("is not valid: {message}"))
    })
}

/// Returns the requested limit, or the default.
///
/// # Errors
/// 400 naming `limit` if it is zero or exceeds `most`.
pub fn limit(requested: Option<usize>, most: usize) -> Result<usize, ApiError> {
    let limit = requested.unwrap_or(LIMIT_DEFAULT);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::invalid("limit", format!("must be between 1 and {most}")))
}

/// Parses the id in a path as a UUID.
///
/// # Errors
/// 400 naming `id` if it is not a UUID.
pub fn id<T: FromStr>(path: &str) -> Result<T, ApiError> {
    path.parse().map_err(|_| ApiError::invalid("id", "must be a UUID"))
}

/// Name under which the changes of a principal are recorded. Middleware keeps it in the extensions of the request,
/// beside the principal. The operator and holders of share links have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorName(pub PersonName);

/// Returns the name of the person or program that makes the request.
///
/// Principals with an account or a credential of their own have its name. If the name is not known, it is replaced by
/// the id, because nobody may act under no name or under another one. The operator, who may be several people, gives it
/// in the header `X-Groundswell-Actor`; `None` if the header is absent or blank.
///
/// # Errors
/// 400 naming the header if the caller is the operator and it is given twice or is not a name in percent-encoded UTF-8.
pub fn actor(request: &HttpRequest) -> Result<Option<PersonName>, ApiError> {
    let extensions = request.extensions();
    let identity = extensions.get::<Principal>().map(|principal| principal.identity);
    match identity {
        Some(Identity::Operator | Identity::LocalOperator) => named_in_header(request),
        Some(identity @ (Identity::User(_) | Identity::ApiKey(_) | Identity::Client(_))) => {
            let known = extensions.get::<ActorName>().map(|name| name.0.clone());
            Ok(known.or_else(|| PersonName::closest_to(&identity.to_string())))
        }
        Some(Identity::ShareHolder(_)) | None => Ok(None),
    }
}

/// Returns the name of the person or program that makes the request, like [`actor`]. Of the operator, who may be several
/// people, `given` is the name if there is one.
///
/// # Errors
/// The same as for [`actor`].
pub fn actor_or_given(request: &HttpRequest, given: Option<String>) -> Result<Option<String>, ApiError> {
    let principal = request.extensions().get::<Principal>().copied();
    let is_operator =
        principal.is_some_and(|who| matches!(who.identity, Identity::Operator | Identity::LocalOperator));
    if is_operator && given.is_some() {
        return Ok(given);
    }
    Ok(actor(request)?.map(|name| name.as_str().to_owned()))
}

fn named_in_header(request: &HttpRequest) -> Result<Option<PersonName>, ApiError> {
    let refuse = |problem: String| ApiError::invalid("X-Groundswell-Actor", problem);
    let mut given = request.headers().get_all(ACTOR);
    let Some(header) = given.next() else {
        return Ok(None);
    };
    if given.next().is_some() {
        return Err(refuse("must be given only once".to_owned()));
    }
    let text = percent_decode(header.as_bytes()).decode_utf8();
    let text = text.map_err(|_| refuse("must be percent-encoded UTF-8".to_owned()))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| refuse(format!("{error}")))
}

/// Returns the current time and the name of the person or program that makes the request.
///
/// # Errors
/// The same as for [`actor`].
pub fn stamp(request: &HttpRequest) -> Result<Stamp, ApiError> {
    Ok(Stamp { at: Timestamp::now(), by: actor(request)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::id::{ApiKeyId, ClientId, ShareLinkId, UserId};
    use crate::models::score::SentimentLabel;
    use actix_web::test::TestRequest;

    fn by(principal: Principal, request: TestRequest) -> HttpRequest {
        let request = request.to_http_request();
        request.extensions_mut().insert(principal);
        request
    }

    #[test]
    fn a_rejected_field_is_named_with_its_path() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only parsed")]
        struct Outer {
            name: String,
            inner: Option<Inner>,
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only parsed")]
        struct Inner {
            id: u8,
        }
        let request = TestRequest::post().insert_header(("content-type", "application/json"));
        let request = request.to_http_request();
        for (body, expected) in [
            (r#"{"name": 7}"#, "name"),
            (r#"{}"#, "name"),
            (r#"{"name": "x", "nam": "y"}"#, "nam"),
            (r#"{"name": "x", "inner": {}}"#, "inner.id"),
            (r#"{"name": "x", "inner": {"id": 300}}"#, "inner.id"),
            (r#"{"name": "x", "inner": {"id": 3, "ids": 4}}"#, "inner.ids"),
            (r#"{"name": "x", "a.b": 1}"#, "a.b"),
            ("7", ""),
        ] {
            match json::<Outer>(&request, body.as_bytes()) {
                Err(ApiError::Rejected(Rejection { field, .. })) => assert_eq!(field, expected, "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_operator_is_named_in_percent_encoded_text() {
        let actor = |header: &str| {
            let request = TestRequest::post().insert_header(("X-Groundswell-Actor", header));
            let name = actor(&by(Principal::operator(), request));
            name.map(|name| name.map(|name| name.as_str().to_owned()))
        };
        assert_eq!(actor("Ana").unwrap().unwrap(), "Ana");
        assert_eq!(actor("%20Ana%20M%C3%BCller+1").unwrap().unwrap(), "Ana Müller+1");
        assert_eq!(actor("").unwrap(), None);
        assert_eq!(actor("%20").unwrap(), None);
        let nameless = by(Principal::local_operator(), TestRequest::post());
        assert_eq!(super::actor(&nameless).unwrap(), None);
        for wrong in ["%FF", "Ana%0AB", "%E2%80%AEanA", &"a".repeat(81)] {
            assert!(actor(wrong).unwrap_err().to_string().contains("`X-Groundswell-Actor`"), "{wrong}");
        }
        let twice = TestRequest::post()
            .append_header(("X-Groundswell-Actor", "Ana"))
            .append_header(("X-Groundswell-Actor", "Bob"));
        assert!(super::actor(&by(Principal::operator(), twice)).is_err());
    }

    #[test]
    fn nobody_with_an_account_or_a_credential_acts_under_another_name() {
        let user = Identity::User(UserId::from_u128(1));
        let unnamed = "user 00000000-0000-0000-0000-000000000001";
        for (identity, name, expected) in [
            (user, Some("Ana Müller"), "Ana Müller"),
            (user, None, unnamed),
            (Identity::ApiKey(ApiKeyId::now_v7()), Some("API key deploy"), "API key deploy"),
            (Identity::Client(ClientId::now_v7()), Some("client crawler"), "client crawler"),
        ] {
            for header in ["Bob", "%FF"] {
                let request = TestRequest::post().insert_header(("X-Groundswell-Actor", header));
                let request = by(Principal { identity, ..Principal::operator() }, request);
                if let Some(name) = name {
                    request.extensions_mut().insert(ActorName(name.parse().unwrap()));
                }
                assert_eq!(actor(&request).unwrap().unwrap().as_str(), expected);
                let named = actor_or_given(&request, Some("Bob".to_owned()));
                assert_eq!(named.unwrap().as_deref(), Some(expected));
            }
        }
        let header = || TestRequest::post().insert_header(("X-Groundswell-Actor", "Bob"));
        let holder = by(Principal::share_holder(ShareLinkId::now_v7()), header());
        assert_eq!((actor(&holder).unwrap(), actor(&header().to_http_request()).unwrap()), (None, None));
    }

    #[test]
    fn the_name_that_the_operator_gives_comes_before_that_of_the_header() {
        let request =
            by(Principal::operator(), TestRequest::post().insert_header(("X-Groundswell-Actor", "Bob")));
        let named = |given: Option<&str>| actor_or_given(&request, given.map(str::to_owned)).unwrap();
        assert_eq!((named(Some("Ana")).as_deref(), named(None).as_deref()), (Some("Ana"), Some("Bob")));
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        q: Option<String>,
        limit: Option<usize>,
        #[serde(default)]
        labels: Vec<SentimentLabel>,
    }

    fn refused(query: &str, naming: &str) {
        let refusal = parameters::<Sample>(query).unwrap_err();
        assert!(refusal.to_string().contains(naming), "{query}: {refusal}");
    }

    #[test]
    fn parameters_are_decoded() {
        let sample = parameters::<Sample>("q=caf%C3%A9+noir&limit=3").unwrap();
        assert_eq!(sample, Sample { q: Some("café noir".into()), limit: Some(3), labels: vec![] });
        let labels = vec![SentimentLabel::Negative, SentimentLabel::Positive];
        let sample = parameters::<Sample>("labels=negative&q=&labels=positive").unwrap();
        assert_eq!(sample, Sample { q: Some(String::new()), limit: None, labels });
        assert_eq!(parameters::<Sample>("").unwrap(), Sample::default());
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        refused("limit=3&quest=x", "unknown parameter `quest`");
        refused("q=a&q=b", "`q` must be given only once");
        refused("labels=negative&labels=angry", "`labels` is not valid");
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
