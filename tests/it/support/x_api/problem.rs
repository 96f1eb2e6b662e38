//! Errors, each with its type.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::web::Response;

const TYPES: &str = "https://api.x.com/2/problems/";

fn blank(status: u16, title: &str) -> Response {
    Response::json(status, &json!({"title": title, "detail": title, "type": "about:blank", "status": status}))
}

pub(super) fn unauthorized() -> Response {
    blank(401, "Unauthorized")
}

pub(super) fn not_found() -> Response {
    blank(404, "Not Found")
}

pub(super) fn rate_limited() -> Response {
    blank(429, "Too Many Requests")
}

/// Refuses an app that belongs to no project.
pub(super) fn not_enrolled() -> Response {
    Response::json(
        403,
        &json!({
            "client_id": "12262375",
            "detail": "When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a \
                       Twitter developer App that is attached to a Project. You can create a project via the developer portal.",
            "registration_url": "https://developer.twitter.com/en/docs/projects/overview",
            "title": "Client Forbidden",
            "required_enrollment": "Appropriate Level of API Access",
            "reason": "client-not-enrolled",
            "type": format!("{TYPES}client-forbidden"),
        }),
    )
}

/// Refuses more posts in this month. The limits of requests have nothing to do with it.
pub(super) fn usage_capped() -> Response {
    Response::json(
        429,
        &json!({
            "account_id": 1_234_567_890_123_u64,
            "product_name": "standard-basic",
            "title": "UsageCapExceeded",
            "period": "Monthly",
            "scope": "Product",
            "detail": "Usage cap exceeded: Monthly product cap",
            "type": format!("{TYPES}usage-capped"),
        }),
    )
}

/// Refuses a parameter.
pub(super) fn invalid(name: &str, value: &str, message: &str) -> Response {
    Response::json(
        400,
        &json!({
            "errors": [{"parameters": {name: [value]}, "message": message}],
            "title": "Invalid Request",
            "detail": "One or more parameters to your request was invalid.",
            "type": format!("{TYPES}invalid-request"),
        }),
    )
}

/// Refuses a stream: the second one, or one without rules.
pub(super) fn connection(status: u16, issue: &str, detail: &str) -> Response {
    Response::json(
        status,
        &json!({
            "title": "ConnectionException",
            "detail": detail,
            "connection_issue": issue,
            "type": format!("{TYPES}streaming-connection"),
        }),
    )
}

/// Returns the last line of a stream that ends for reasons of its own.
pub(super) fn operational_disconnect() -> String {
    json!({"errors": [{
        "title": "operational-disconnect",
        "disconnect_type": "UpstreamOperationalDisconnect",
        "detail": "This stream has been disconnected upstream for operational reasons.",
        "type": format!("{TYPES}operational-disconnect"),
    }]})
    .to_string()
}

/// Says that a post does not exist, in an answer that succeeds otherwise.
pub(super) fn missing(id: &str) -> Value {
    json!({
        "value": id,
        "resource_id": id,
        "parameter": "ids",
        "resource_type": "tweet",
        "title": "Not Found Error",
        "detail": format!("Could not find tweet with ids: [{id}]."),
        "type": format!("{TYPES}resource-not-found"),
    })
}

/// Says what is wrong with a rule.
pub(super) fn rule(kind: &str, fields: Value) -> Value {
    let title = match kind {
        "duplicate-rules" => "DuplicateRule",
        "rule-cap" => "RulesCapExceeded",
        _ => "UnprocessableEntity",
    };
    let mut problem = fields;
    problem["title"] = json!(title);
    problem["type"] = json!(format!("{TYPES}{kind}"));
    problem
}

/// Returns the headers that say how many requests are left, and until when.
pub(super) fn limits(n_max: u32, n_left: u32, resets_at: Timestamp) -> Vec<(String, String)> {
    let header = |name: &str, value: String| (format!("x-rate-limit-{name}"), value);
    vec![
        header("limit", n_max.to_string()),
        header("remaining", n_left.to_string()),
        header("reset", resets_at.as_second().to_string()),
    ]
}

/// Refuses a request. A time to come back stands in the header of limits if too much was asked, and otherwise, because
/// the API itself says nothing of the kind, in the header of the proxy before it.
pub(super) fn refusal(status: u16, wait_s: Option<u64>) -> Response {
    let mut refusal = match status {
        400 => invalid("query", "", "Request parameter `query` is not valid"),
        401 => unauthorized(),
        403 => not_enrolled(),
        404 => not_found(),
        429 => rate_limited(),
        503 => blank(503, "Service Unavailable"),
        _ => blank(status, "Internal Server Error"),
    };
    match (status, wait_s) {
        (429, Some(seconds)) => {
            let resets_at = Timestamp::now() + SignedDuration::from_secs(seconds as i64);
            refusal.headers.extend(limits(450, 0, resets_at));
            refusal
        }
        (_, Some(seconds)) => refusal.header("retry-after", seconds),
        _ => refusal,
    }
}
