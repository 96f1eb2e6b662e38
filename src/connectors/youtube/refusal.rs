//! Converts refusals of the API to errors: <https://developers.google.com/youtube/v3/docs/errors>.

use std::time::Duration;

use serde_json::Value;

use super::request::Quota;
use crate::connectors::ConnectorError;
use crate::egress::fetch::Fetched;

/// Error reasons that mean that the key is not accepted.
const KEY_REASONS: [&str; 8] = [
    "keyInvalid",
    "keyExpired",
    "ipRefererBlocked",
    "API_KEY_INVALID",
    "API_KEY_SERVICE_BLOCKED",
    "API_KEY_HTTP_REFERRER_BLOCKED",
    "API_KEY_IP_ADDRESS_BLOCKED",
    "CONSUMER_INVALID",
];

/// Error reasons that mean that the key's project has no access to the API.
const PROJECT_REASONS: [&str; 2] = ["accessNotConfigured", "SERVICE_DISABLED"];

/// Error reasons that mean that the daily quota is used up.
const DAY_REASONS: [&str; 3] = ["quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"];

/// Error reasons that ask for fewer requests, for a while or for the rest of the day.
const RATE_REASONS: [&str; 4] =
    ["rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"];

/// Error reasons that mean that the comments of one video are unavailable.
const VIDEO_REASONS: [&str; 3] = ["processingFailure", "forbidden", "commentThreadNotFound"];

/// Refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Google's daily quota is used up.
    UsedUp,
    /// The token of a page is no longer valid.
    UnknownPage,
    /// Comments are disabled for the video.
    CommentsDisabled,
    /// The video does not exist.
    VideoGone,
    /// The comments of this video cannot be read at present.
    VideoRefused,
    /// The refusal concerns all requests.
    Other(ConnectorError),
}

/// Interprets an unsuccessful response. Only requests for comments concern one video.
pub(super) fn refusal(fetched: &Fetched, quota: Quota) -> Refusal {
    let Fetched { status, retry_after, ref body, .. } = *fetched;
    let error = serde_json::from_slice::<Value>(body).ok();
    let said = Said::read(error.as_ref());
    let words = said.words(status);
    if said.gives(&KEY_REASONS) || said.message.contains("API key not valid") {
        return Refusal::Other(ConnectorError::NeedsKey(format!(
            "YouTube does not accept the API key ({words}); check it, and its restrictions, in the Google Cloud console"
        )));
    }
    if said.gives(&PROJECT_REASONS) {
        return Refusal::Other(ConnectorError::NeedsApproval(format!(
            "the project of the API key may not use YouTube ({words}); enable `YouTube Data API v3` in the Google Cloud \
             console, and wait a few minutes"
        )));
    }
    let is_limit = said.gives(&RATE_REASONS) || status == 429;
    if said.gives(&DAY_REASONS) || is_limit && said.names_a_day() {
        return Refusal::UsedUp;
    }
    if is_limit {
        return Refusal::Other(rate_limited(words, retry_after));
    }
    if said.gives(&["invalidPageToken"]) {
        return Refusal::UnknownPage;
    }
    if quota == Quota::Comments {
        if said.gives(&["commentsDisabled"]) {
            return Refusal::CommentsDisabled;
        }
        if said.gives(&["videoNotFound"]) {
            return Refusal::VideoGone;
        }
        if said.gives(&VIDEO_REASONS) {
            return Refusal::VideoRefused;
        }
    }
    Refusal::Other(match status {
        401 | 403 | 407 => ConnectorError::NeedsKey(words),
        503 if retry_after > Some(Duration::ZERO) => rate_limited(words, retry_after),
        408 | 425 => ConnectorError::Interrupted(words),
        400..=499 => ConnectorError::Refused(words),
        _ => ConnectorError::Interrupted(words),
    })
}

const fn rate_limited(message: String, retry_after: Option<Duration>) -> ConnectorError {
    ConnectorError::RateLimited { message, retry_after }
}

/// Parsed body of an error.
#[derive(Debug, Default)]
struct Said<'a> {
    /// Reasons from both forms of errors, older and newer ones.
    reasons: Vec<&'a str>,
    message: &'a str,
    /// Name of the limit, such as `defaultPerDayPerProject`.
    limit: &'a str,
}

impl<'a> Said<'a> {
    fn read(document: Option<&'a Value>) -> Self {
        let Some(error) = document.and_then(|document| document.get("error")) else {
            return Self::default();
        };
        let list = |name: &str| error.get(name).and_then(Value::as_array).into_iter().flatten();
        let reasons = list("errors").chain(list("details")).filter_map(|it| it.get("reason")?.as_str());
        let mut limits = list("details").filter_map(|it| it.get("metadata")?.get("quota_limit")?.as_str());
        Self {
            reasons: reasons.collect(),
            message: error.get("message").and_then(Value::as_str).unwrap_or_default(),
            limit: limits.next().unwrap_or_default(),
        }
    }

    fn gives(&self, reasons: &[&str]) -> bool {
        self.reasons.iter().any(|reason| reasons.contains(reason))
    }

    /// Returns whether the limit applies per day, such as `Search Queries per day`.
    fn names_a_day(&self) -> bool {
        self.message.to_ascii_lowercase().contains("per day") || self.limit.contains("PerDay")
    }

    /// Describes the error by its status, and by its reason if that is a plain name. Messages may contain anything.
    fn words(&self, status: u16) -> String {
        let is_name =
            |it: &&&str| it.len() <= 64 && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let reason = self.reasons.iter().find(is_name).map_or_else(String::new, |it| format!(": {it}"));
        format!("the host answered with status {status}{reason}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use reqwest::header::HeaderMap;

    use super::*;
    use crate::egress::fetch::Version;

    fn answer_of(quota: Quota, status: u16, body: &Value) -> Refusal {
        let body = body.to_string().into_bytes();
        let (version, content_type) = (Version::default(), None);
        refusal(
            &Fetched { status, retry_after: None, version, content_type, headers: HeaderMap::new(), body },
            quota,
        )
    }

    fn answer(status: u16, body: &Value) -> Refusal {
        answer_of(Quota::Search, status, body)
    }

    /// Returns an error in the older form.
    fn error(status: u16, reason: &str) -> Value {
        json!({"error": {"code": status, "message": "…", "errors": [{"reason": reason, "domain": "youtube"}]}})
    }

    fn state_of(refusal: &Refusal) -> &'static str {
        match refusal {
            Refusal::Other(error) => error.state().as_str(),
            _ => "none",
        }
    }

    #[test]
    fn reasons_say_what_to_do() {
        let check = |status, reason, expected| {
            let refusal = answer(status, &error(status, reason));
            assert_eq!(state_of(&refusal), expected, "{reason}: {refusal:?}");
        };
        check(400, "keyInvalid", "needs_key");
        check(403, "ipRefererBlocked", "needs_key");
        check(403, "accessNotConfigured", "needs_approval");
        check(403, "rateLimitExceeded", "waiting");
        check(403, "userRateLimitExceeded", "waiting");
        check(403, "whatever", "needs_key");
        check(403, "forbidden", "needs_key");
        check(404, "videoNotFound", "refused");
        check(400, "invalidSearchFilter", "refused");
        check(500, "backendError", "waiting");
    }

    #[test]
    fn what_concerns_one_video_or_one_day_is_told_from_the_rest() {
        let check = |status, reason, expected| {
            assert_eq!(answer_of(Quota::Comments, status, &error(status, reason)), expected);
        };
        check(403, "quotaExceeded", Refusal::UsedUp);
        check(403, "dailyLimitExceeded", Refusal::UsedUp);
        check(403, "commentsDisabled", Refusal::CommentsDisabled);
        check(404, "videoNotFound", Refusal::VideoGone);
        check(400, "processingFailure", Refusal::VideoRefused);
        check(403, "forbidden", Refusal::VideoRefused);
        check(400, "invalidPageToken", Refusal::UnknownPage);
    }

    #[test]
    fn newer_errors_are_understood() {
        let new = |status: u16, message: &str, reason: &str| {
            let details = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
            let errors = json!([{"message": message, "domain": "global", "reason": "badRequest"}]);
            json!({"error": {"code": status, "message": message, "errors": errors, "details": details}})
        };
        let key =
            answer(400, &new(400, "API key not valid. Please pass a valid API key.", "API_KEY_INVALID"));
        assert_eq!(state_of(&key), "needs_key");
        assert_eq!(state_of(&answer(403, &new(403, "Disabled.", "SERVICE_DISABLED"))), "needs_approval");
        let day = "Quota exceeded for quota metric 'Search Queries' and limit 'Search Queries per day' of service …";
        assert_eq!(answer(429, &new(429, day, "RATE_LIMIT_EXCEEDED")), Refusal::UsedUp);
        assert_eq!(state_of(&answer(429, &new(429, "Slow down.", "RATE_LIMIT_EXCEEDED"))), "waiting");
    }

    #[test]
    fn words_show_names_only() {
        let Refusal::Other(error) = answer(500, &error(500, "<b>hello</b>")) else { panic!() };
        assert_eq!(error.to_string(), "the host answered with status 500");
        assert_eq!(state_of(&answer(403, &json!("text"))), "needs_key");
        assert_eq!(state_of(&answer(403, &json!({"error": [1, {"errors": 2}]}))), "needs_key");
    }
}
