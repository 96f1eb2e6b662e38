//! Errors in Google's format, and what must be paid.

use serde_json::{Value, json};

use super::{SEARCH, YouTube};
use crate::support::web::Response;

/// Why everything is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// There is no key.
    NoKey,
    /// The key is not valid, as it is said today.
    KeyInvalid,
    /// The key is not valid, as older integrations were told.
    KeyInvalidOfOld,
    /// The project of the key has not enabled the API.
    AccessNotConfigured,
    /// The units of the day are used up.
    QuotaExceeded,
    /// The searches of the day are used up, which looks like a limit that passes soon.
    SearchesExceeded,
    /// Too much was asked within a minute.
    RateLimitExceeded,
    /// Something went wrong there.
    BackendError,
}

impl Problem {
    pub(super) fn response(self) -> Response {
        let (status, domain, reason, message) = match self {
            Self::NoKey => (
                403,
                "global",
                "forbidden",
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key \
                 or other form of API consumer identity to call this API.",
            ),
            Self::KeyInvalid => {
                (400, "global", "badRequest", "API key not valid. Please pass a valid API key.")
            }
            Self::KeyInvalidOfOld => (400, "usageLimits", "keyInvalid", "Bad Request"),
            Self::AccessNotConfigured => (
                403,
                "usageLimits",
                "accessNotConfigured",
                "YouTube Data API v3 has not been used in project 1111111 before or it is disabled. Enable it by \
                 visiting https://console.developers.google.com/apis/api/youtube.googleapis.com/overview?project=1111111 \
                 then retry.",
            ),
            Self::QuotaExceeded => (
                403,
                "youtube.quota",
                "quotaExceeded",
                "The request cannot be completed because you have exceeded your \
                 <a href=\"/youtube/v3/getting-started#quota\">quota</a>.",
            ),
            Self::SearchesExceeded => (
                429,
                "global",
                "rateLimitExceeded",
                "Quota exceeded for quota metric 'Search Queries' and limit 'Search Queries per day' of service \
                 'youtube.googleapis.com' for consumer 'project_number:1111111'.",
            ),
            Self::RateLimitExceeded => (
                403,
                "usageLimits",
                "rateLimitExceeded",
                "The request cannot be completed because too many requests were sent in a short time.",
            ),
            Self::BackendError => (503, "global", "backendError", "Backend Error"),
        };
        let details = match self {
            Self::KeyInvalid => Some(info("API_KEY_INVALID")),
            Self::AccessNotConfigured => Some(info("SERVICE_DISABLED")),
            Self::SearchesExceeded => Some(info("RATE_LIMIT_EXCEEDED")),
            _ => None,
        };
        error(status, json!({"message": message, "domain": domain, "reason": reason}), details)
    }
}

fn info(reason: &str) -> Value {
    json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "youtube.googleapis.com"},
    }])
}

fn error(status: u16, first: Value, details: Option<Value>) -> Response {
    let mut error = json!({"code": status, "message": first["message"], "errors": [first]});
    if let Some(details) = details {
        error["status"] = json!(match status {
            400 => "INVALID_ARGUMENT",
            403 => "PERMISSION_DENIED",
            _ => "RESOURCE_EXHAUSTED",
        });
        error["details"] = details;
    }
    Response::json(status, &json!({"error": error}))
}

/// Returns the error that is usual for a status.
pub(super) fn of_status(status: u16) -> Response {
    let (reason, message) = match status {
        400 => ("badRequest", "Request contains an invalid argument."),
        401 => ("authError", "Invalid Credentials"),
        403 => ("forbidden", "Access forbidden. The request may not be properly authorized."),
        404 => ("notFound", "Requested entity was not found."),
        429 => ("rateLimitExceeded", "Rate Limit Exceeded"),
        _ => ("backendError", "Backend Error"),
    };
    error(status, json!({"message": message, "domain": "global", "reason": reason}), None)
}

/// Refuses a request whose parameters cannot be used.
pub(super) fn bad(reason: &str, message: &str) -> Response {
    error(400, json!({"message": message, "domain": "youtube.parameter", "reason": reason}), None)
}

/// Refuses the value of a parameter.
pub(super) fn invalid_value(name: &str) -> Response {
    bad("invalidParameter", &format!("Invalid value for parameter {name}."))
}

/// Refuses the comments of a video.
pub(super) fn of_video(status: u16, reason: &str, what: &str) -> Response {
    let message = format!(
        "The video identified by the <code><a href=\"/youtube/v3/docs/commentThreads/list#videoId\">videoId</a></code> \
         parameter {what}."
    );
    let first = json!({
        "message": message,
        "domain": "youtube.commentThread",
        "reason": reason,
        "location": "videoId",
        "locationType": "parameter",
    });
    error(status, first, None)
}

impl YouTube {
    /// Charges a request, even one that turns out to be wrong.
    pub(super) fn pay(&mut self, path: &str) -> Result<(), Problem> {
        if let (SEARCH, Some(n_searches)) = (path, self.options.n_searches) {
            if self.n_searches_used >= n_searches {
                return Err(Problem::SearchesExceeded);
            }
            self.n_searches_used += 1;
            return Ok(());
        }
        let n_units = if path == SEARCH { 100 } else { 1 };
        if self.n_units_used + n_units > self.options.n_units {
            return Err(Problem::QuotaExceeded);
        }
        self.n_units_used += n_units;
        self.n_searches_used += u32::from(path == SEARCH);
        Ok(())
    }
}
