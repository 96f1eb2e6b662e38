//! Errors that X reports: <https://docs.x.com/x-api/fundamentals/response-codes-and-errors>.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::limits;
use crate::connectors::ConnectorError;
use crate::connectors::excerpt::excerpt;
use crate::connectors::meter::Period;
use crate::egress::exchange::ApiResponse;

/// Instructions for obtaining a bearer token.
pub(super) const HOW_TO_GET_A_TOKEN: &str = "create a project with an app in X's developer console \
                                             (https://console.x.com), buy credits, and enter the bearer token of \
                                             the app";

/// Problem that X reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problem {
    /// Last part of the URI of its type, such as `usage-capped`.
    pub kind: String,
    /// Title, with any properties that distinguish it from others of its type.
    pub title: String,
    /// Description of the problem.
    pub words: String,
    /// Messages about individual parameters.
    pub messages: Vec<String>,
}

impl Problem {
    /// Parses a body. Values that cannot be read are empty.
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice::<Value>(body).map(|value| Self::of(&value)).unwrap_or_default()
    }

    /// Returns the problem in a value, or in its first error.
    pub(super) fn of(value: &Value) -> Self {
        let errors = value.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let message = |error: &Value| Some(error.get("message")?.as_str()?.to_owned());
        let messages: Vec<String> = errors.iter().filter_map(message).collect();
        let described = match (value.get("title").or(value.get("type")), errors) {
            (None, [first, ..]) => first,
            _ => value,
        };
        let text = |name: &str| described.get(name).and_then(Value::as_str).unwrap_or_default();
        let marks = [text("title"), text("reason"), text("connection_issue"), text("disconnect_type")];
        let said = match text("detail") {
            "" => text("message"),
            detail => detail,
        };
        let said = messages.first().map_or(said, String::as_str);
        Self {
            kind: text("type").rsplit('/').next().unwrap_or_default().to_owned(),
            title: excerpt(&marks.join(" ")),
            words: excerpt(if said.is_empty() { text("title") } else { said }),
            messages,
        }
    }

    /// Returns whether the problem is that another connection to the stream is open.
    pub(super) fn is_too_many_connections(&self) -> bool {
        self.title.contains("TooManyConnections")
    }
}

/// Returns the error for another connection to the stream being open.
pub(super) fn too_many_connections(retry_after: Option<Duration>) -> ConnectorError {
    ConnectorError::RateLimited {
        message: "X allows each app one connection to the stream, and another one is open; give each source, and each \
                  program, an app of its own (status 429)"
            .to_owned(),
        retry_after,
    }
}

/// Converts an unsuccessful response to an error.
pub(super) fn refusal(response: &ApiResponse, problem: &Problem, now: Timestamp) -> ConnectorError {
    let status = response.status;
    let said = match problem.words.is_empty() {
        true => format!("X answered with status {status}"),
        false => format!("X answered with status {status}: {}", problem.words),
    };
    let retry_after = limits::asked_wait(response, now);
    match status {
        401 | 407 => ConnectorError::NeedsKey(format!(
            "X does not accept the bearer token (status {status}); {HOW_TO_GET_A_TOKEN}"
        )),
        402 => ConnectorError::Refused(
            "the credits of the X account are used up (status 402); buy credits in X's developer console"
                .to_owned(),
        ),
        403 if problem.kind == "usage-capped" => usage_capped(status, problem, now),
        403 => ConnectorError::NeedsApproval(format!(
            "{said}; attach the app to a project in X's developer console (https://console.x.com), and enrol it in a \
             plan with access to the filtered stream and recent search"
        )),
        429 if problem.kind == "usage-capped" => usage_capped(status, problem, now),
        429 if problem.is_too_many_connections() => too_many_connections(retry_after),
        429 => ConnectorError::RateLimited { message: said, retry_after },
        503 if response.retry_after > Some(Duration::ZERO) => {
            ConnectorError::RateLimited { message: said, retry_after: response.retry_after }
        }
        // The rules of the stream are gone, or a proxy asks for a retry.
        408 | 409 | 421 | 425 => ConnectorError::Interrupted(said),
        400..=499 => ConnectorError::Refused(said),
        _ => ConnectorError::Interrupted(said),
    }
}

fn usage_capped(status: u16, problem: &Problem, now: Timestamp) -> ConnectorError {
    let (_, until) = Period::Month.around(now);
    ConnectorError::RateLimited {
        message: format!(
            "the usage cap of the X account is reached (status {status}: {}); raise it in X's developer console, or \
             wait until it is renewed",
            problem.words
        ),
        retry_after: Some(until.duration_since(now).unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn refused(status: u16, body: &str) -> ConnectorError {
        let now = "2026-11-23T12:00:00Z".parse().unwrap();
        let response =
            ApiResponse { status, retry_after: None, headers: HeaderMap::new(), body: body.into() };
        refusal(&response, &Problem::read(body.as_bytes()), now)
    }

    #[test]
    fn refusals_say_what_to_do() {
        let check = |status: u16, body: &str, state: &str, words: &str| {
            let error = refused(status, body);
            assert_eq!(error.state().as_str(), state, "{error}");
            let text = error.to_string();
            assert!(text.contains(words) && text.contains(&status.to_string()), "{text}");
        };
        check(401, r#"{"title":"Unauthorized","status":401}"#, "needs_key", "bearer token of the app");
        let not_enrolled = r#"{"client_id":"1","title":"Client Forbidden","reason":"client-not-enrolled",
            "detail":"use keys from an app that is attached to a Project",
            "type":"https://api.twitter.com/2/problems/client-forbidden"}"#;
        check(403, not_enrolled, "needs_approval", "attached to a Project");
        let capped = r#"{"title":"UsageCapExceeded","detail":"Usage cap exceeded: Monthly product cap",
            "type":"https://api.x.com/2/problems/usage-capped"}"#;
        check(429, capped, "waiting", "Monthly product cap");
        let second = r#"{"title":"ConnectionException","connection_issue":"TooManyConnections",
            "type":"https://api.x.com/2/problems/streaming-connection"}"#;
        check(429, second, "waiting", "one connection");
        check(402, r#"{"title":"CreditsDepleted"}"#, "refused", "buy credits");
        check(400, r#"{"errors":[{"message":"no viable alternative"}]}"#, "refused", "no viable alternative");
        check(503, "<html>", "waiting", "503");
        check(409, "{}", "waiting", "409");
    }
}
