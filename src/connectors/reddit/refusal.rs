//! What it means that Reddit refuses something, in words.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::limits;
use crate::connectors::ConnectorError;

/// How to get an app that Reddit has approved.
pub(super) const HOW_TO_GET_APPROVAL: &str = "ask for access under Reddit's Responsible Builder Policy \
     (https://support.reddithelp.com/hc/en-us/articles/42728983564564-Responsible-Builder-Policy); once approved, create \
     an app of the type `script` at https://www.reddit.com/prefs/apps, and enter its id and secret";

/// Answer without what was asked for.
pub(super) struct Refused<'a> {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

impl Refused<'_> {
    /// Returns what it means that Reddit issues no token.
    pub(super) fn token(&self) -> ConnectorError {
        let status = self.status;
        match status {
            401 => ConnectorError::NeedsKey(format!(
                "Reddit does not accept the id and secret of the app (status {status}); check them at \
                 https://www.reddit.com/prefs/apps, or {HOW_TO_GET_APPROVAL}"
            )),
            403 => self.not_approved(),
            _ => self.other(),
        }
    }

    /// Returns what it means that Reddit does not list subreddits, whose names are joined by `+`. Nothing else is refused
    /// because of them.
    pub(super) fn listing(&self, subreddits: &str) -> ConnectorError {
        let (status, which) = (self.status, which(subreddits));
        let refused = |what: &str| ConnectorError::Refused(format!("{which} {what} (status {status})"));
        match (status, self.reason().as_deref()) {
            (_, Some("private")) => refused("is private, and shows its posts only to whom it has let in"),
            (_, Some("quarantined")) => {
                refused("is quarantined, and shows its posts only to accounts that have agreed to see them")
            }
            (_, Some("gold_only")) => refused("shows its posts only to subscribers of Reddit Premium"),
            (403 | 404, Some("banned")) => refused("was banned by Reddit"),
            (302 | 404, _) => refused("does not exist"),
            _ => self.request(),
        }
    }

    /// Returns what it means that Reddit refuses a request with a token.
    pub(super) fn request(&self) -> ConnectorError {
        match self.status {
            401 => ConnectorError::NeedsKey(
                "Reddit does not accept the token that it has just issued (status 401); check the app at \
                 https://www.reddit.com/prefs/apps"
                    .to_owned(),
            ),
            403 => self.not_approved(),
            _ => self.other(),
        }
    }

    fn not_approved(&self) -> ConnectorError {
        let status = self.status;
        ConnectorError::NeedsApproval(format!(
            "Reddit refuses the app (status {status}); {HOW_TO_GET_APPROVAL}"
        ))
    }

    fn other(&self) -> ConnectorError {
        let message = format!("Reddit answered with status {}", self.status);
        match self.status {
            429 => {
                let retry_after = self.retry_after.or_else(|| limits::until_reset(self.headers));
                ConnectorError::RateLimited { message, retry_after }
            }
            503 if self.retry_after > Some(Duration::ZERO) => {
                ConnectorError::RateLimited { message, retry_after: self.retry_after }
            }
            408 | 425 => ConnectorError::Interrupted(message),
            300..=499 => ConnectorError::Refused(message),
            _ => ConnectorError::Interrupted(message),
        }
    }

    /// Returns why a subreddit is not shown, as Reddit calls it.
    fn reason(&self) -> Option<String> {
        let said: Value = serde_json::from_slice(self.body).ok()?;
        said.get("reason")?.as_str().map(str::to_owned)
    }
}

/// Returns which subreddits a sentence is about.
fn which(subreddits: &str) -> String {
    match subreddits.contains('+') {
        true => format!("one of r/{} (a test of the source says which)", subreddits.replace('+', ", r/")),
        false => format!("r/{subreddits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(status: u16, body: &str, read: impl Fn(&Refused<'_>) -> T) -> T {
        let headers = HeaderMap::new();
        read(&Refused { status, retry_after: None, headers: &headers, body: body.as_bytes() })
    }

    #[test]
    fn a_subreddit_that_cannot_be_heard_is_named_with_the_reason() {
        let check = |status, body: &str, state, words: &str| {
            let error = refused(status, body, |refused| refused.listing("nimbrel"));
            assert_eq!(error.state().as_str(), state, "{error}");
            let text = error.to_string();
            assert!(text.contains(words) && text.contains(&status.to_string()), "{text}");
        };
        check(
            403,
            r#"{"reason":"private","message":"Forbidden","error":403}"#,
            "refused",
            "r/nimbrel is private",
        );
        check(403, r#"{"reason":"quarantined"}"#, "refused", "r/nimbrel is quarantined");
        check(404, r#"{"reason":"banned","error":404}"#, "refused", "r/nimbrel was banned");
        check(404, r#"{"message":"Not Found","error":404}"#, "refused", "r/nimbrel does not exist");
        check(302, "", "refused", "r/nimbrel does not exist");
        check(403, r#"{"message":"Forbidden","error":403}"#, "needs_approval", "Responsible Builder Policy");
        check(403, "<html>", "needs_approval", "refuses the app");
        check(401, "{}", "needs_key", "token");
        check(429, "<html>", "waiting", "429");
        check(400, "{}", "refused", "400");
        check(502, "<html>", "waiting", "502");
        let several = refused(404, "{}", |refused| refused.listing("a+b")).to_string();
        assert!(
            several.starts_with("one of r/a, r/b (a test of the source says which) does not exist"),
            "{several}"
        );
    }

    #[test]
    fn an_app_without_approval_is_told_how_to_ask() {
        let check = |status, state, words: &str| {
            let error = refused(status, "{}", |refused| refused.token());
            assert_eq!(error.state().as_str(), state, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        };
        check(401, "needs_key", "id and secret");
        check(403, "needs_approval", "https://support.reddithelp.com");
        check(429, "waiting", "429");
        check(500, "waiting", "500");
    }
}
