//! Names of headers of responses.

use actix_web::http::header::HeaderName;

/// Header that identifies a request in responses and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Header with the number of calls that a caller may make at once.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");

/// Header with the number of calls that the caller may make now.
pub const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");

/// Header with the number of seconds after which the caller may make as many calls at once as ever.
pub const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
