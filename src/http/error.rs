//! Error responses: `{"error":{"code","message","details"?}}`.
//!
//! Responses never contain stack traces or SQL. Internal causes are logged once, with the request id.

mod conversions; // from the errors of other modules

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::new_post::Rejection;

/// Body of every error response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Code, message and location of the error.
    pub error: ErrorResponse,
}

/// Reason why a call failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ErrorAnswer)]
pub struct ErrorResponse {
    /// Machine-readable code, stable across versions.
    pub code: String,
    /// Human-readable message, which may change between versions.
    pub message: String,
    /// Part of the request or limit that the error concerns; absent if the code is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// Where an error is. The code determines which fields are present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetails {
    /// Path of the invalid field in the body, such as `author.followers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Name of the invalid query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// Limit that the request exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Error that an API call can return. Converts into a response with the matching HTTP status and an [`ErrorBody`].
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body cannot be parsed.
    #[error("{0}")]
    MalformedBody(String),
    /// A parameter has an invalid value.
    #[error("`{parameter}` {problem}")]
    InvalidParameter {
        /// Name of the query or path parameter.
        parameter: String,
        /// Predicate of a sentence whose subject is the parameter, such as `must be a UUID`.
        problem: String,
    },
    /// The call has no parameter with this name.
    #[error("unknown parameter `{parameter}`: {expected}")]
    UnknownParameter {
        /// Name that the request used.
        parameter: String,
        /// Phrase that lists the parameters of the call.
        expected: String,
    },
    /// The range is too long for a query that must count individual posts.
    #[error("with these filters the range can be at most {hours} hours; choose a shorter range")]
    WindowTooLong {
        /// Maximum length of the range in hours.
        hours: i64,
    },
    /// The range holds too many posts for a query that must count individual posts.
    #[error("with these filters the range can hold at most {n_posts_max} posts; choose a shorter range")]
    TooManyPosts {
        /// Maximum number of posts in the range.
        n_posts_max: i64,
    },
    /// The caller did not present the token, or presented the wrong one.
    #[error("authentication required; send the header `authorization: Bearer <token>`")]
    Unauthorized {
        /// Whether the caller is a browser, which is then asked to prompt for the token as a password.
        browser: bool,
    },
    /// The caller presented a credential that is wrong or has ended.
    #[error("the credential is wrong, or has expired or been revoked")]
    CredentialRefused,
    /// A person cannot sign in: the account does not exist or is disabled, or the password is wrong. The caller does not
    /// learn which.
    #[error("the email address or the password is wrong")]
    WrongCredentials,
    /// A credential of a program is wrong. The caller does not learn what about it.
    #[error("the credential is wrong")]
    WrongCredential,
    /// A credential of a program is right, and was revoked or has expired.
    #[error("the credential was revoked or has expired")]
    CredentialEnded,
    /// The code that creates the first account is wrong.
    #[error("the code is wrong; the newest one is in the server's log")]
    WrongSetupCode,
    /// Too many attempts to sign in failed.
    #[error("too many failed attempts; try again in {seconds} s")]
    TooManyAttempts {
        /// Number of seconds to wait.
        seconds: u64,
    },
    /// A change that a browser makes in a session, but not from a page of this server.
    #[error("in a session, only the dashboard's own pages can make changes; programs need a key or a token")]
    CrossSite,
    /// The caller's role or credential does not permit the call.
    #[error("this call requires the {what} `{name}`")]
    Forbidden {
        /// What the caller lacks: `role` or `scope`.
        what: &'static str,
        /// Name of the role or scope.
        name: &'static str,
    },
    /// The call requires a credential that grants all that its holder may do, and this one lacks a scope.
    #[error(
        "this call requires a credential with every scope of its holder's role; this one lacks `{scope}`"
    )]
    NotWhole {
        /// Name of a scope that the credential lacks.
        scope: &'static str,
    },
    /// A program asks for a key that would outlive its own access.
    #[error(
        "a client has no API keys, and with a person's key only keys of the same person can be created or replaced"
    )]
    KeyOfOthers,
    /// A delivery is not signed with the secret of the source, or the source does not exist. The caller does not learn
    /// which.
    #[error("the source does not exist, or the signature is missing, wrong or more than 5 minutes old")]
    BadSignature,
    /// The caller holds a share link, and the shared view does not include this call with these parameters.
    #[error("the shared view does not include this call")]
    NotShared,
    /// The share link has expired or been revoked, or its token is wrong.
    #[error("this link has expired or been revoked")]
    ShareEnded,
    /// The `Host` or `Origin` header names a host or site that is not allowed.
    #[error("the {header} `{value}` is not allowed; add it to {}", setting_for(header))]
    Foreign {
        /// Name of the header: `Host` or `Origin`.
        header: &'static str,
        /// Value of the header, to be shown to the caller.
        value: String,
    },
    /// The requested resource does not exist.
    #[error("{what} does not exist")]
    NotFound {
        /// Description of the resource, as the subject of a sentence.
        what: String,
    },
    /// The path does not support the method.
    #[error("method not allowed; this path supports {allow}")]
    MethodNotAllowed {
        /// Supported methods, separated by commas.
        allow: String,
    },
    /// The body took too long to arrive.
    #[error("the body did not arrive within {seconds} seconds")]
    TooSlow {
        /// Maximum time to receive the body, in seconds.
        seconds: u64,
    },
    /// The request exceeds a limit on size or number.
    #[error("at most {limit} {what} are allowed")]
    TooLarge {
        /// Maximum size or number that the request exceeded.
        limit: u64,
        /// Unit of the limit, such as `bytes`.
        what: &'static str,
    },
    /// The content type of the body is not supported.
    #[error("the content type must be {expected}")]
    UnsupportedMediaType {
        /// Content types that the call supports, as a phrase.
        expected: &'static str,
    },
    /// The content encoding of the body is not supported.
    #[error("the content encoding must be gzip or identity")]
    UnsupportedEncoding,
    /// A field of the body is invalid.
    #[error("{}", .0.message)]
    Rejected(Rejection),
    /// The call conflicts with the current state of the resource.
    #[error("{message}")]
    Conflict {
        /// Machine-readable code of the conflict, stable across versions.
        code: &'static str,
        /// Human-readable explanation of the conflict.
        message: String,
    },
    /// The server has reached a limit; the caller should retry later.
    #[error("{what}; try again in a moment")]
    Busy {
        /// Clause that says which limit was reached.
        what: &'static str,
    },
    /// The caller has used up the quota for calls of this class.
    #[error("too many calls of the class `{class}`; try again in {retry_after_s} s")]
    RateLimited {
        /// Name of the class.
        class: &'static str,
        /// Number of calls that the caller may make at once.
        limit: u64,
        /// Seconds until the call may be made.
        retry_after_s: u64,
    },
    /// A server that the call depends on is unavailable.
    #[error("{what} is unavailable; try again in a moment")]
    Unavailable {
        /// Name of the unavailable server.
        what: &'static str,
        /// Cause, which is logged and never sent.
        why: String,
    },
    /// The request is not a WebSocket handshake.
    #[error("{0}")]
    UpgradeRequired(String),
    /// The maximum number of live connections has been reached.
    #[error("all {limit} live connections are in use; try again later")]
    TooManySockets {
        /// Maximum number of live connections.
        limit: u64,
    },
    /// The server failed unexpectedly.
    #[error("internal error; find it in the server's log by the `x-request-id` of this response")]
    Internal {
        /// Cause, which is logged and never sent.
        why: String,
    },
}

/// Returns the setting that adds allowed values for the header.
fn setting_for(header: &str) -> &'static str {
    if header == "Origin" { "GROUNDSWELL_ALLOWED_ORIGINS" } else { "GROUNDSWELL_ALLOWED_HOSTS" }
}

/// `Retry-After` in seconds when the server is busy. It is short, because the stream drains thousands of posts a
/// second.
const RETRY_WHEN_BUSY_SECONDS: u64 = 1;

/// `Retry-After` in seconds when Redis or PostgreSQL is unavailable; their restarts take seconds.
const RETRY_WHEN_UNAVAILABLE_SECONDS: u64 = 3;

impl ApiError {
    /// Returns an error for an invalid parameter; `problem` is a predicate such as `must be a UUID`.
    pub fn invalid(parameter: &str, problem: impl Into<String>) -> Self {
        Self::InvalidParameter { parameter: parameter.to_owned(), problem: problem.into() }
    }

    /// Returns an error for an invalid field of a body, with a message in full.
    pub fn invalid_field(field: &str, message: String) -> Self {
        Self::Rejected(Rejection { code: "invalid_field", field: field.to_owned(), message })
    }

    /// Returns an error for a caller who must wait before the next attempt to sign in.
    pub fn too_many_attempts(wait: Duration) -> Self {
        Self::TooManyAttempts { seconds: wait.as_secs().saturating_add(1) }
    }

    /// Returns an error for an unexpected failure.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self::Internal { why: why.to_string() }
    }

    /// Returns the machine-readable code that is sent as `code`.
    pub fn code(&self) -> &str {
        match self {
            Self::MalformedBody(_) => "malformed_json",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::WindowTooLong { .. } | Self::TooManyPosts { .. } => "window_too_long",
            Self::Unauthorized { .. } | Self::CredentialRefused => "unauthorized",
            Self::WrongCredentials | Self::WrongCredential => "wrong_credentials",
            Self::CredentialEnded => "revoked",
            Self::WrongSetupCode => "wrong_setup_code",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::CrossSite => "cross_site",
            Self::Forbidden { .. } | Self::NotWhole { .. } | Self::KeyOfOthers => "forbidden",
            Self::BadSignature => "bad_signature",
            Self::NotShared => "not_shared",
            Self::ShareEnded => "share_ended",
            Self::Foreign { header: "Origin", .. } => "foreign_origin",
            Self::Foreign { .. } => "foreign_host",
            Self::NotFound { .. } => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::TooSlow { .. } => "request_timeout",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedMediaType { .. } => "unsupported_media_type",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::Rejected(rejection) => rejection.code,
            Self::Conflict { code, .. } => code,
            Self::Busy { .. } => "busy",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::UpgradeRequired(_) => "upgrade_required",
            Self::TooManySockets { .. } => "too_many_sockets",
            Self::Internal { .. } => "internal",
        }
    }

    /// Returns the internal cause for the log, or `None` if the message says everything.
    pub fn inside(&self) -> Option<&str> {
        match self {
            Self::Internal { why } | Self::Unavailable { why, .. } => Some(why),
            _ => None,
        }
    }

    fn details(&self) -> Option<ErrorDetails> {
        let details = ErrorDetails::default();
        match self {
            Self::InvalidParameter { parameter, .. } | Self::UnknownParameter { parameter, .. } => {
                Some(ErrorDetails { parameter: Some(parameter.clone()), ..details })
            }
            Self::TooManyPosts { n_posts_max } => {
                Some(ErrorDetails { limit: u64::try_from(*n_posts_max).ok(), ..details })
            }
            Self::TooLarge { limit, .. }
            | Self::TooManySockets { limit }
            | Self::RateLimited { limit, .. } => Some(ErrorDetails { limit: Some(*limit), ..details }),
            Self::Rejected(rejection) => {
                Some(ErrorDetails { field: Some(rejection.field.clone()), ..details })
            }
            _ => None,
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Busy { .. } => Some(RETRY_WHEN_BUSY_SECONDS),
            Self::TooManyAttempts { seconds } => Some(*seconds),
            Self::RateLimited { retry_after_s, .. } => Some(*retry_after_s),
            Self::Unavailable { .. } | Self::TooManySockets { .. } => Some(RETRY_WHEN_UNAVAILABLE_SECONDS),
            _ => None,
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::MalformedBody(_)
            | Self::InvalidParameter { .. }
            | Self::UnknownParameter { .. }
            | Self::WindowTooLong { .. }
            | Self::TooManyPosts { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthorized { .. }
            | Self::CredentialRefused
            | Self::BadSignature
            | Self::WrongCredentials
            | Self::WrongCredential
            | Self::WrongSetupCode => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. }
            | Self::NotWhole { .. }
            | Self::KeyOfOthers
            | Self::Foreign { .. }
            | Self::CrossSite
            | Self::CredentialEnded
            | Self::NotShared
            | Self::ShareEnded => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType { .. } | Self::UnsupportedEncoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Rejected(rejection) if rejection.code == "malformed_json" => StatusCode::BAD_REQUEST,
            Self::Rejected(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::UpgradeRequired(_) => StatusCode::UPGRADE_REQUIRED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Busy { .. } | Self::TooManyAttempts { .. } | Self::RateLimited { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::Unavailable { .. } | Self::TooManySockets { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        match self {
            Self::Unauthorized { browser: true } => {
                response.insert_header((
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Basic realm="enter the token as the password""#),
                ));
            }
            Self::Unauthorized { browser: false }
            | Self::WrongCredentials
            | Self::WrongCredential
            | Self::WrongSetupCode => {
                response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Self::CredentialRefused => {
                let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            Self::BadSignature => {
                response
                    .insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Webhook-Signature")));
            }
            Self::MethodNotAllowed { allow } => {
                response.insert_header((header::ALLOW, allow.as_str()));
            }
            Self::UnsupportedEncoding => {
                response.insert_header((header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity")));
            }
            Self::UpgradeRequired(_) => {
                response.insert_header((header::UPGRADE, HeaderValue::from_static("websocket")));
            }
            _ => {}
        }
        let (code, message) = (self.code().to_owned(), self.to_string());
        response.json(ErrorBody { error: ErrorResponse { code, message, details: self.details() } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    async fn body_of(error: ApiError) -> serde_json::Value {
        let body = to_bytes(error.error_response().into_body()).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[actix_web::test]
    async fn internal_causes_are_never_sent() {
        let secret = "relation \"posts\" does not exist";
        let body = body_of(ApiError::internal(secret)).await.to_string();
        assert!(!body.contains("posts"), "{body}");
        let body =
            body_of(ApiError::Unavailable { what: "PostgreSQL", why: secret.into() }).await.to_string();
        assert!(!body.contains("posts"), "{body}");
    }

    #[actix_web::test]
    async fn an_invalid_field_is_named_in_the_details() {
        let rejection = Rejection { code: "too_long", field: "author.id".into(), message: "long".into() };
        let error = ApiError::Rejected(rejection);
        assert_eq!(error.status_code(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = body_of(error).await;
        assert_eq!(body["error"]["details"]["field"], "author.id");
        assert_eq!(body["error"]["code"], "too_long");
    }

    #[test]
    fn temporary_errors_tell_when_to_retry() {
        let full = ApiError::Busy { what: "full" }.error_response();
        assert_eq!(full.headers().get(header::RETRY_AFTER).unwrap(), "1");
        let away = ApiError::Unavailable { what: "Redis", why: String::new() }.error_response();
        assert_eq!((away.status().as_u16(), away.headers().contains_key(header::RETRY_AFTER)), (503, true));
    }
}
