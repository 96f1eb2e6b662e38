//! Errors.

use serde_json::json;

use super::Visibility;
use crate::support::web::Response;

/// Returns the error that is usual for a status. A time to come back stands in the header of limits if too much was
/// asked, and otherwise in that of the edge.
pub(super) fn of_status(status: u16, wait_s: Option<u64>) -> Response {
    let message = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        _ => "",
    };
    let mut refusal = match message {
        "" => edge(status),
        message => Response::json(status, &json!({"message": message, "error": status})),
    };
    match (status, wait_s) {
        (429, Some(seconds)) => {
            refusal.headers.extend(limits(0, 1_000, seconds));
            refusal
        }
        (_, Some(seconds)) => refusal.header("retry-after", seconds),
        _ => refusal,
    }
}

/// Refuses a subreddit, unless everybody may see it.
pub(super) fn of_visibility(visibility: Visibility) -> Option<Response> {
    let (status, reason, message) = match visibility {
        Visibility::Public => return None,
        Visibility::Private => (403, "private", "Forbidden"),
        Visibility::Quarantined => (403, "quarantined", "Forbidden"),
        Visibility::Banned => (404, "banned", "Not Found"),
    };
    Some(Response::json(status, &json!({"reason": reason, "message": message, "error": status})))
}

/// Refuses a request before it reaches the API: in HTML, and without limits.
pub(super) fn edge(status: u16) -> Response {
    let body = "<!doctype html><html><head><title>Ow! -- reddit.com</title></head><body>whoa there, pardner!</body></html>";
    Response::text(status, "text/html; charset=UTF-8", body)
}

/// Returns the headers of limits.
pub(super) fn limits(n_left: u32, n_used: u32, n_seconds: u64) -> Vec<(String, String)> {
    let header = |name: &str, value: String| (format!("x-ratelimit-{name}"), value);
    vec![
        header("remaining", format!("{n_left}.0")),
        header("used", n_used.to_string()),
        header("reset", n_seconds.to_string()),
    ]
}
