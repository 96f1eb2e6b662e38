//! Requests to a Jetstream host, and how to respond to its refusals.

use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Url;
use serde::Deserialize;

use super::POSTS;
use crate::connectors::ConnectorError;
use crate::connectors::excerpt::excerpt;
use crate::egress::websocket::OpenError;
use crate::models::source::Checkpoint;

/// Smallest cursor that is a time in microseconds since 1970. Smaller ones are sequence numbers.
const FIRST_TIME_CURSOR: u64 = 1_000_000_000_000_000;

/// Number of events to read again, because a host may reorder neighbouring events.
const OVERLAP_EVENTS: u64 = 20;

/// How far to go back if only the time is known, because each host receives an event at a slightly different time.
const OVERLAP_TIME: SignedDuration = SignedDuration::from_secs(5);

/// Version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V2,
    V1,
}

/// Starting point of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Starts at the present time.
    Now,
    /// Starts at this sequence number of the host.
    Seq(u64),
    /// Starts at this time, in microseconds since 1970.
    Time(u64),
}

impl Start {
    /// Returns the starting point after which nothing that follows the position is missing.
    pub(super) fn at(host: &Url, version: Version, position: &Checkpoint) -> Self {
        match position.cursor {
            Some(seq) if version == Version::V2 && position.host.as_deref() == Some(host.as_str()) => {
                Self::Seq(seq.saturating_sub(OVERLAP_EVENTS))
            }
            _ => {
                let from = position.at.checked_sub(OVERLAP_TIME).unwrap_or(position.at);
                Self::Time(from.as_microsecond().unsigned_abs().max(FIRST_TIME_CURSOR))
            }
        }
    }
}

/// Returns the URL of a subscription to posts and to changes of accounts.
pub(super) fn url(host: &Url, version: Version, start: Start) -> Result<Url, ConnectorError> {
    let mut url = host.clone();
    let scheme = if host.scheme() == "http" { "ws" } else { "wss" };
    let path = match version {
        Version::V2 => "xrpc/network.bsky.jetstream.subscribeEvents",
        Version::V1 => "subscribe",
    };
    let unusable = || ConnectorError::Refused("the URL is not valid".to_owned());
    url.set_scheme(scheme).map_err(|()| unusable())?;
    url.path_segments_mut().map_err(|()| unusable())?.pop_if_empty().extend(path.split('/'));
    let mut query = url.query_pairs_mut();
    match version {
        Version::V2 => {
            // Identity events do not concern posts.
            query.extend_pairs([("kinds", "commit"), ("kinds", "account"), ("kinds", "sync")]);
            query.append_pair("collections", POSTS);
        }
        Version::V1 => {
            query.append_pair("wantedCollections", POSTS);
        }
    }
    match start {
        Start::Now => {}
        Start::Seq(cursor) | Start::Time(cursor) => {
            query.append_pair("cursor", &cursor.to_string());
        }
    }
    drop(query);
    Ok(url)
}

/// Refusal after which a different request may succeed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The host does not support the version.
    UnknownVersion,
    /// The host no longer has the events that follow the cursor.
    CursorTooOld {
        /// Oldest position that the host has, if the host names it.
        floor: Option<u64>,
        /// Message from the host.
        message: String,
    },
}

/// Converts an error from opening a connection to a refusal, or to an error of the connector.
pub(super) fn refusal(error: OpenError, version: Version, start: Start) -> Result<Refusal, ConnectorError> {
    let refusal = match error {
        OpenError::Unreached(error) => return Err(error.into()),
        OpenError::Refused(refusal) => *refusal,
    };
    let (name, message) = words(&refusal.body);
    let said = match message.is_empty() {
        true => format!("the host answered with status {}", refusal.status),
        false => format!("the host answered with status {}: {message}", refusal.status),
    };
    match (refusal.status, version) {
        (404 | 405 | 501, Version::V2) => Ok(Refusal::UnknownVersion),
        (400, Version::V2) if name == "CursorTooOld" => {
            Ok(Refusal::CursorTooOld { floor: floor_in(&message, start), message: said })
        }
        (401 | 403, _) => Err(ConnectorError::NeedsKey(said)),
        (404 | 405 | 501, Version::V1) => {
            Err(ConnectorError::Refused("there is no Jetstream host at this address".to_owned()))
        }
        (429, _) => Err(ConnectorError::RateLimited { message: said, retry_after: refusal.retry_after }),
        (503, _) if refusal.retry_after > Some(Duration::ZERO) => {
            Err(ConnectorError::RateLimited { message: said, retry_after: refusal.retry_after })
        }
        // The response of a proxy in front of the host.
        (408 | 421 | 425, _) => Err(ConnectorError::Interrupted(said)),
        (400..=499, _) => Err(ConnectorError::Refused(said)),
        _ => Err(ConnectorError::Interrupted(said)),
    }
}

/// Returns the name and message of an error, from a body of version 2 (`{"error", "message"}`) or 1 (text).
fn words(body: &str) -> (String, String) {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        error: String,
        #[serde(default)]
        message: String,
    }
    match serde_json::from_str::<Body>(body) {
        Ok(Body { error, message }) if message.is_empty() => (error.clone(), excerpt(&error)),
        Ok(Body { error, message }) => (error, excerpt(&message)),
        Err(_) => (String::new(), excerpt(body)),
    }
}

/// Returns the oldest position that a host has, which its message gives next to the rejected cursor.
fn floor_in(message: &str, start: Start) -> Option<u64> {
    let asked = match start {
        Start::Seq(seq) => seq,
        Start::Now | Start::Time(_) => return None,
    };
    let numbers =
        message.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok());
    numbers.filter(|number| (asked + 1..FIRST_TIME_CURSOR).contains(number)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::websocket;

    fn host() -> Url {
        "https://jetstream.example/".parse().unwrap()
    }

    fn position() -> Checkpoint {
        Checkpoint {
            host: Some(host().to_string()),
            cursor: Some(1_000),
            ..Checkpoint::at("2026-11-23T08:00:00Z".parse().unwrap())
        }
    }

    #[test]
    fn a_position_holds_on_its_host_and_its_time_on_every_other() {
        assert_eq!(Start::at(&host(), Version::V2, &position()), Start::Seq(980));
        let elsewhere: Url = "https://elsewhere.example/".parse().unwrap();
        let micros = u64::try_from(position().at.as_microsecond()).unwrap() - 5_000_000;
        assert_eq!(Start::at(&elsewhere, Version::V2, &position()), Start::Time(micros));
        assert_eq!(Start::at(&host(), Version::V1, &position()), Start::Time(micros));
    }

    #[test]
    fn both_versions_are_asked_for_posts_in_their_own_words() {
        let v2 = url(&host(), Version::V2, Start::Seq(7)).unwrap();
        assert_eq!(
            v2.as_str(),
            "wss://jetstream.example/xrpc/network.bsky.jetstream.subscribeEvents?kinds=commit&kinds=account&kinds=sync\
             &collections=app.bsky.feed.post&cursor=7"
        );
        let behind_a_path = "http://127.0.0.1:9/proxy/".parse().unwrap();
        let v1 = url(&behind_a_path, Version::V1, Start::Now).unwrap();
        let expected = "ws://127.0.0.1:9/proxy/subscribe?wantedCollections=app.bsky.feed.post";
        assert_eq!(v1.as_str(), expected);
    }

    #[test]
    fn refusals_are_told_apart() {
        let refused = |status: u16, retry_after: Option<u64>, body: &str, version| {
            let retry_after = retry_after.map(Duration::from_secs);
            let response = websocket::Refusal { status, retry_after, body: body.to_owned() };
            refusal(OpenError::Refused(Box::new(response)), version, Start::Seq(100))
        };
        assert_eq!(refused(404, None, "", Version::V2), Ok(Refusal::UnknownVersion));
        let body = r#"{"error":"CursorTooOld","message":"seq 100 is below 5000 (72h0m0s)"}"#;
        let floor = match refused(400, None, body, Version::V2) {
            Ok(Refusal::CursorTooOld { floor, .. }) => floor,
            other => panic!("{other:?}"),
        };
        assert_eq!(floor, Some(5_000));
        let state = |outcome: Result<Refusal, ConnectorError>| outcome.unwrap_err().state().as_str();
        assert_eq!(state(refused(404, None, "", Version::V1)), "refused");
        assert_eq!(state(refused(401, None, "", Version::V2)), "needs_key");
        assert_eq!(state(refused(400, None, "{}", Version::V2)), "refused");
        assert_eq!(state(refused(500, None, "<html>", Version::V2)), "waiting");
        let limited = refused(429, Some(7), "slow\n\tdown", Version::V1).unwrap_err();
        assert_eq!(
            limited,
            ConnectorError::RateLimited {
                message: "the host answered with status 429: slow down".to_owned(),
                retry_after: Some(Duration::from_secs(7))
            }
        );
    }
}
