//! What a client is told when a call fails: `{"error":{"code","message","details"?}}`.
//!
//! Never a stack, never SQL. What went wrong inside is logged once, with the request's id.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::models::new_post::Rejection;
use crate::store::StoreError;
use crate::stream::StreamError;
use crate::ws::Refusal;

/// The body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorAnswer,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    /// For programs; never changes.
    pub code: String,
    /// For people; may change.
    pub message: String,
    /// Where to look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// Where to look. Which of them is there depends on the code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorDetails {
    /// The field of the body that is wrong, such as `author.followers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The parameter of the address that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// The limit that was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The body is not what it says it is.
    #[error("{0}")]
    MalformedBody(String),
    /// A parameter has a value it cannot have.
    #[error("`{parameter}` {problem}")]
    InvalidParameter {
        /// Its name.
        parameter: String,
        /// What is wrong with it, as the rest of a sentence.
        problem: String,
    },
    /// A parameter does not exist.
    #[error("`{parameter}` is no parameter of this call: {expected}")]
    UnknownParameter {
        /// Its name.
        parameter: String,
        /// Those that do exist, as a phrase.
        expected: String,
    },
    /// A stretch of time that only posts could answer for is longer than posts are asked.
    #[error("with this filter a window is at most {hours} hours long")]
    WindowTooLong {
        /// The longest.
        hours: i64,
    },
    /// A range that only posts could answer for holds more of them than are read.
    #[error(
        "with these filters a range may hold at most {n_posts_max} posts, and this one holds more: make it shorter"
    )]
    TooManyPosts {
        /// The most.
        n_posts_max: i64,
    },
    /// The caller did not show the token.
    #[error("this needs the header `authorization: Bearer <token>`")]
    Unauthorized {
        /// Whether the caller is a person's browser, which then asks for the token as a password.
        browser: bool,
    },
    /// The request was meant for, or comes from, another site.
    #[error("{header} `{value}` is not one this server answers to; allow it with {}", setting_for(header))]
    Foreign {
        /// `Host` or `Origin`.
        header: &'static str,
        /// Its value.
        value: String,
    },
    /// There is no such thing.
    #[error("{what} does not exist")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The address exists, the method does not.
    #[error("this address takes {allow}")]
    MethodNotAllowed {
        /// The methods that do, with commas.
        allow: &'static str,
    },
    /// The body took too long to arrive.
    #[error("the body did not arrive within {seconds} seconds")]
    TooSlow {
        /// The patience.
        seconds: u64,
    },
    /// More was sent than is taken at once.
    #[error("at most {limit} {what} at once")]
    TooLarge {
        /// The limit.
        limit: u64,
        /// Of what, such as `bytes`.
        what: &'static str,
    },
    /// The body is of a kind that is not understood.
    #[error("the content type must be {expected}")]
    UnsupportedMediaType {
        /// Those that are.
        expected: &'static str,
    },
    /// The body is encoded in a way that is not understood.
    #[error("the content encoding must be gzip or identity")]
    UnsupportedEncoding,
    /// A field of the body is wrong.
    #[error("{}", .0.message)]
    Rejected(Rejection),
    /// It cannot be done as things are.
    #[error("{message}")]
    Conflict {
        /// For programs; never changes.
        code: &'static str,
        /// For people.
        message: String,
    },
    /// More is waiting than may wait. The caller should slow down.
    #[error("{what}; try again in a moment")]
    Busy {
        /// What is full.
        what: &'static str,
    },
    /// Something this call needs is away.
    #[error("{what} is not reachable; try again in a moment")]
    Unavailable {
        /// What.
        what: &'static str,
        /// Why; logged, never sent.
        why: String,
    },
    /// A socket was asked for without a handshake.
    #[error("{0}")]
    UpgradeRequired(String),
    /// No more sockets are taken.
    #[error("all {limit} sockets are taken; try again later")]
    TooManySockets {
        /// How many there may be.
        limit: u64,
    },
    /// A mistake of ours.
    #[error("something went wrong here; the log knows it by this answer's `x-request-id`")]
    Internal {
        /// What; logged, never sent.
        why: String,
    },
}

/// What a person changes to let it in.
fn setting_for(header: &str) -> &'static str {
    if header == "Origin" { "GROUNDSWELL_ALLOWED_ORIGINS" } else { "GROUNDSWELL_ALLOWED_HOSTS" }
}

/// How long to stay away when the stream is full: it drains thousands of posts a second.
const RETRY_WHEN_BUSY_SECONDS: u64 = 1;

/// How long to stay away when a server is gone: restarts take seconds.
const RETRY_WHEN_UNAVAILABLE_SECONDS: u64 = 3;

impl ApiError {
    /// A parameter has a value it cannot have; `problem` continues the sentence that starts with its name.
    pub fn invalid(parameter: &str, problem: impl Into<String>) -> Self {
        Self::InvalidParameter { parameter: parameter.to_owned(), problem: problem.into() }
    }

    /// A mistake of ours.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self::Internal { why: why.to_string() }
    }

    /// For programs; never changes.
    pub fn code(&self) -> &str {
        match self {
            Self::MalformedBody(_) => "malformed_json",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::WindowTooLong { .. } | Self::TooManyPosts { .. } => "window_too_long",
            Self::Unauthorized { .. } => "unauthorized",
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
            Self::Unavailable { .. } => "unavailable",
            Self::UpgradeRequired(_) => "upgrade_required",
            Self::TooManySockets { .. } => "too_many_sockets",
            Self::Internal { .. } => "internal",
        }
    }

    /// What happened inside, for the log; nothing when the caller knows as much as we do.
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
            Self::TooLarge { limit, .. } | Self::TooManySockets { limit } => {
                Some(ErrorDetails { limit: Some(*limit), ..details })
            }
            Self::Rejected(rejection) => {
                Some(ErrorDetails { field: Some(rejection.field.clone()), ..details })
            }
            _ => None,
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Busy { .. } => Some(RETRY_WHEN_BUSY_SECONDS),
            Self::Unavailable { .. } | Self::TooManySockets { .. } => Some(RETRY_WHEN_UNAVAILABLE_SECONDS),
            _ => None,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WindowTooLong { seconds_max, .. } => {
                Self::WindowTooLong { hours: seconds_max / 3_600 }
            }
            StoreError::TooManyPosts { n_posts_max, .. } => Self::TooManyPosts { n_posts_max },
            StoreError::StepTooFine { steps_max } => {
                Self::invalid("step", format!("is too fine for this range: there may be at most {steps_max}"))
            }
            StoreError::BadWindow => Self::invalid("from", "and `to` make no window"),
            StoreError::UnknownChannel { .. } => Self::Rejected(Rejection {
                code: error.code(),
                field: "channels".to_owned(),
                message: error.to_string(),
            }),
            StoreError::BadCursor => Self::invalid("cursor", "is none that this server gave out"),
            error if error.is_retryable() => Self::Unavailable { what: "PostgreSQL", why: error.to_string() },
            error => Self::internal(error),
        }
    }
}

impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        if error.is_unavailable() {
            return Self::Unavailable { what: "Redis", why: error.to_string() };
        }
        Self::internal(error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full { limit } => Self::TooManySockets { limit },
            Refusal::Stopping => Self::Unavailable { what: "this server", why: refusal.to_string() },
            Refusal::Busy => Self::Unavailable { what: "live news", why: refusal.to_string() },
            Refusal::Handshake(_) => Self::UpgradeRequired(refusal.to_string()),
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
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Foreign { .. } => StatusCode::FORBIDDEN,
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
            Self::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } | Self::TooManySockets { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_seconds() {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        match self {
            Self::Unauthorized { browser: true } => {
                answer.insert_header((
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Basic realm="the token is the password""#),
                ));
            }
            Self::Unauthorized { browser: false } => {
                answer.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
            }
            Self::MethodNotAllowed { allow } => {
                answer.insert_header((header::ALLOW, *allow));
            }
            Self::UnsupportedEncoding => {
                answer.insert_header((header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity")));
            }
            Self::UpgradeRequired(_) => {
                answer.insert_header((header::UPGRADE, HeaderValue::from_static("websocket")));
            }
            _ => {}
        }
        let (code, message) = (self.code().to_owned(), self.to_string());
        answer.json(ErrorBody { error: ErrorAnswer { code, message, details: self.details() } })
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
    async fn what_happened_inside_is_never_sent() {
        let secret = "relation \"posts\" does not exist";
        let body = body_of(ApiError::internal(secret)).await.to_string();
        assert!(!body.contains("posts"), "{body}");
        let body =
            body_of(ApiError::Unavailable { what: "PostgreSQL", why: secret.into() }).await.to_string();
        assert!(!body.contains("posts"), "{body}");
    }

    #[actix_web::test]
    async fn a_wrong_field_is_named_where_programs_look_for_it() {
        let rejection = Rejection { code: "too_long", field: "author.id".into(), message: "long".into() };
        let error = ApiError::Rejected(rejection);
        assert_eq!(error.status_code(), StatusCode::UNPROCESSABLE_ENTITY);
        let body = body_of(error).await;
        assert_eq!(body["error"]["details"]["field"], "author.id");
        assert_eq!(body["error"]["code"], "too_long");
    }

    #[test]
    fn who_should_come_back_is_told_when() {
        let full = ApiError::Busy { what: "full" }.error_response();
        assert_eq!(full.headers().get(header::RETRY_AFTER).unwrap(), "1");
        let away = ApiError::Unavailable { what: "Redis", why: String::new() }.error_response();
        assert_eq!((away.status().as_u16(), away.headers().contains_key(header::RETRY_AFTER)), (503, true));
    }
}
