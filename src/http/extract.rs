//! What handlers take out of a request, and what is said when it is not as it should be.

use std::future::{Ready, ready};
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::{Decompress, Payload};
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::models::new_post::Rejection;

/// A body that trickles in slower than this is cut off: it holds a connection and what it sent so far.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// How much of a too large body is still read, and thrown away, before refusing it. A client that is refused
/// while it is still sending often sees a broken connection instead of the answer.
const DRAINED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The whole body, decompressed if it says so, or 413 when it is longer than `limit` bytes.
///
/// # Errors
/// 413 when too long, 408 when too slow, 400 when it breaks off or cannot be decompressed.
pub async fn body(request: &HttpRequest, payload: web::Payload, limit: usize) -> Result<Bytes, ApiError> {
    tokio::time::timeout(BODY_PATIENCE, collect(request, payload.into_inner(), limit))
        .await
        .unwrap_or(Err(ApiError::TooSlow { seconds: BODY_PATIENCE.as_secs() }))
}

async fn collect(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::TooLarge { limit: limit.try_into().unwrap_or(u64::MAX), what: "bytes" };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > DRAINED_BYTES_MAX {
        return Err(too_large());
    }
    let mut chunks = Decompress::from_headers(payload, request.headers());
    let mut collected = BytesMut::with_capacity(announced.min(limit));
    let mut n_received = 0_usize;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::MalformedBody(format!("the body broke off: {error}")))?;
        n_received += chunk.len();
        if n_received > DRAINED_BYTES_MAX {
            return Err(too_large());
        }
        if n_received <= limit {
            collected.extend_from_slice(&chunk);
        }
    }
    if n_received > limit { Err(too_large()) } else { Ok(collected.freeze()) }
}

/// What the request says its body is, without parameters such as the character set; lower case.
pub fn content_type(request: &HttpRequest) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// Reads a small JSON body. Unknown fields must be denied by the type.
///
/// # Errors
/// 415 when it does not say that it is JSON, 400 when it is not, 422 naming the field when it is of another
/// shape.
pub fn json<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, ApiError> {
    if content_type(request) != "application/json" {
        return Err(ApiError::UnsupportedMediaType { expected: "application/json" });
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        if !error.inner().is_data() {
            return ApiError::MalformedBody(format!("not JSON: {}", error.inner()));
        }
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        ApiError::Rejected(Rejection { code: "invalid_field", field, message: error.inner().to_string() })
    })?;
    reader.end().map_err(|error| ApiError::MalformedBody(format!("not JSON: {error}")))?;
    Ok(value)
}

/// The parameters of the address, all of which must be understood: a mistyped filter that is ignored answers
/// about everything, and looks right.
#[derive(Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Refuses every parameter that is not among these, and any that is given twice.
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub fn only(self, allowed: &[&'static str]) -> Result<Self, ApiError> {
        for (i, (name, _)) in self.0.iter().enumerate() {
            if !allowed.contains(&name.as_str()) {
                return Err(ApiError::UnknownParameter {
                    parameter: name.clone(),
                    allowed: allowed.to_vec(),
                });
            }
            if self.0.iter().skip(i + 1).any(|(other, _)| other == name) {
                return Err(ApiError::invalid(name, "is given twice"));
            }
        }
        Ok(self)
    }

    /// The value as it stands.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The value, understood; `expected` continues the sentence "`name` must be …".
    ///
    /// # Errors
    /// 400 naming the parameter.
    pub fn parsed<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.text(name) else {
            return Ok(None);
        };
        value.parse().map(Some).map_err(|_| ApiError::invalid(name, format!("must be {expected}")))
    }
}

impl FromRequest for Parameters {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
        ready(
            pairs
                .map(|pairs| Self(pairs.into_inner()))
                .map_err(|error| ApiError::invalid("query", format!("cannot be read: {error}"))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn parameters(query: &str) -> Parameters {
        let request = TestRequest::with_uri(&format!("/x?{query}")).to_http_request();
        Parameters::from_request(&request, &mut Payload::None).into_inner().unwrap()
    }

    #[test]
    fn a_parameter_that_does_not_exist_is_refused_by_name() {
        let refusal = parameters("window=60s&produkt=x").only(&["window", "product"]).unwrap_err();
        assert!(refusal.to_string().contains("`produkt`"), "{refusal}");
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        assert!(parameters("q=a&q=b").only(&["q"]).is_err());
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_parameter() {
        let refusal = parameters("limit=ten").parsed::<u32>("limit", "a number").unwrap_err();
        assert_eq!(refusal.to_string(), "`limit` must be a number");
        assert_eq!(parameters("").parsed::<u32>("limit", "a number").unwrap(), None);
    }

    #[actix_web::test]
    async fn a_body_over_the_limit_is_refused_however_it_is_announced() {
        for announced in [None, Some("11")] {
            let mut request = TestRequest::post().set_payload("hello world");
            if let Some(length) = announced {
                request = request.insert_header((header::CONTENT_LENGTH, length));
            }
            let (request, payload) = request.to_http_parts();
            let outcome = collect(&request, payload, 10).await;
            assert!(matches!(outcome, Err(ApiError::TooLarge { limit: 10, .. })), "{outcome:?}");
        }
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
