//! Middleware that completes every response with its request id, security headers, metrics and error format.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_cors::CorsError;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use futures_util::FutureExt;
use uuid::Uuid;

use super::audit::refused;
use super::error::ApiError;
use super::response_headers::REQUEST_ID;
use crate::models::error_log::ErrorKind;
use crate::telemetry::{HTTP_REQUEST_SECONDS, errors};

/// Policy that allows only our own scripts and style sheets. The dashboard sets styles through the CSSOM, which the policy
/// does not concern. The API documentation and reports have policies of their own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Middleware that completes every response. It must be the outermost middleware.
///
/// # Errors
/// Only if a handler panicked or an error is not tied to a request. The error then carries the complete response.
pub async fn complete(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    // actix does not frame the chunks of a compressed response to such a request, so clients could not read a refusal.
    if request.headers().contains_key(header::UPGRADE) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.path().to_owned();
    let outcome = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    let mut response = match outcome {
        Ok(Ok(response)) => into_error_format(response.map_into_boxed_body()),
        Ok(Err(error)) => return Err(detached_error(error.as_response_error().error_response(), &id)),
        // The panic hook has already logged the message and the location.
        Err(_) => {
            tracing::error!(request_id = ?id, %method, path, "a handler panicked");
            errors::count(ErrorKind::FailedRequest, "http");
            let response = ApiError::internal("panic").error_response();
            return Err(detached_error(response, &id));
        }
    };
    log_failure(&response, &id);
    refused::note(&response);
    let route = response.request().match_pattern().unwrap_or_else(|| "other".to_owned());
    if let Some(kind) = error_kind(response.status()) {
        errors::count(kind, "http");
    }
    let status = response.status().as_u16().to_string();
    metrics::histogram!(HTTP_REQUEST_SECONDS, "route" => route, "method" => label(&method), "status" => status)
        .record(started.elapsed().as_secs_f64());
    add_headers(response.headers_mut(), &id);
    Ok(response)
}

/// Returns the kind of error to count for a response. Such errors are counted but not recorded, because rejected
/// clients could fill the error log.
fn error_kind(status: StatusCode) -> Option<ErrorKind> {
    if status.is_server_error() {
        return Some(ErrorKind::FailedRequest);
    }
    status.is_client_error().then_some(ErrorKind::RefusedRequest)
}

/// Returns the method as a metric label. Unknown methods share a label, because clients can invent methods and each
/// label value takes up memory permanently.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Returns the client's request id if it is safe to log, and a new id otherwise.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |id: &&HeaderValue| {
        let bytes = id.as_bytes();
        (1..=128).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
    };
    headers.get(&REQUEST_ID).filter(sane).cloned().unwrap_or_else(|| {
        let id = Uuid::now_v7().to_string();
        HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("none"))
    })
}

/// Converts the framework's bare error responses into the error format.
fn into_error_format(response: ServiceResponse) -> ServiceResponse {
    let status = response.status();
    let bare = matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0))
        || response.response().error().is_some_and(|error| error.as_error::<ApiError>().is_none());
    if !bare || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let error = match status {
        StatusCode::NOT_FOUND => ApiError::NotFound { what: "this path".to_owned() },
        StatusCode::METHOD_NOT_ALLOWED => ApiError::MethodNotAllowed { allow: "GET, HEAD".to_owned() },
        status if status.is_server_error() => {
            ApiError::internal(response.response().error().map_or_else(String::new, ToString::to_string))
        }
        _ if response.response().error().is_some_and(|error| error.as_error::<CorsError>().is_some()) => {
            ApiError::invalid("preflight request", "asks for a method or header that is not allowed here")
        }
        _ => ApiError::MalformedBody(
            response
                .response()
                .error()
                .map_or_else(|| "the request is not valid".to_owned(), ToString::to_string),
        ),
    };
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, error.error_response())
}

fn log_failure(response: &ServiceResponse, id: &HeaderValue) {
    let error = response.response().error().and_then(|error| error.as_error::<ApiError>());
    let Some((error, inside)) = error.and_then(|error| Some((error, error.inside()?))) else {
        return;
    };
    let request = response.request();
    if matches!(error, ApiError::Internal { .. }) {
        tracing::error!(request_id = ?id, method = %request.method(), path = request.path(), inside, "call failed");
        return;
    }
    tracing::warn!(request_id = ?id, method = %request.method(), path = request.path(), inside, "call refused");
}

fn detached_error(mut response: actix_web::HttpResponse, id: &HeaderValue) -> Error {
    add_headers(response.headers_mut(), id);
    InternalError::from_response("the request is gone", response).into()
}

fn add_headers(headers: &mut HeaderMap, id: &HeaderValue) {
    headers.insert(REQUEST_ID, id.clone());
    for (name, value) in SECURITY_HEADERS {
        // Reports and the API documentation have policies of their own.
        if name == header::CONTENT_SECURITY_POLICY && headers.contains_key(&name) {
            continue;
        }
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    async fn panics() -> HttpResponse {
        panic!("secret of the house")
    }

    async fn bare_teapot() -> Result<HttpResponse, Error> {
        Err(actix_web::error::ErrorBadRequest("what the framework says"))
    }

    #[actix_web::test]
    async fn a_safe_request_id_is_kept_and_any_other_replaced() {
        let app = test::init_service(App::new().wrap(from_fn(complete))).await;
        for (sent, kept) in [("abc-1", true), ("a b", false), ("", false), ("x\u{1f}", false)] {
            let mut request = test::TestRequest::get().uri("/").to_request();
            if let Ok(value) = HeaderValue::from_str(sent) {
                request.headers_mut().insert(REQUEST_ID, value);
            }
            let response = test::call_service(&app, request).await;
            let id = response.headers().get(REQUEST_ID).unwrap().to_str().unwrap();
            assert_eq!(id == sent, kept, "{sent} became {id}");
            assert!(!id.is_empty());
        }
    }

    #[actix_web::test]
    async fn a_panic_is_a_500_in_the_error_format_without_details() {
        let app = App::new().wrap(from_fn(complete)).route("/", web::get().to(panics));
        let app = test::init_service(app).await;
        let error = test::try_call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
        let response = HttpResponse::from_error(error.unwrap_err());
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key(REQUEST_ID));
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert!(body.contains(r#""code":"internal""#) && !body.contains("secret"), "{body}");
    }

    #[actix_web::test]
    async fn errors_of_the_framework_have_our_format_too() {
        let app = App::new().wrap(from_fn(complete)).route("/teapot", web::get().to(bare_teapot));
        let app = test::init_service(app).await;
        for (path, status, code) in [("/nowhere", 404, "not_found"), ("/teapot", 400, "malformed_json")] {
            let response = test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status().as_u16(), status);
            assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
            let body: serde_json::Value = test::read_body_json(response).await;
            assert_eq!(body["error"]["code"], code, "{body}");
        }
    }
}
