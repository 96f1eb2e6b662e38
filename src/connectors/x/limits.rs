//! Tracks the rate limits of X, so that they are not exceeded. Pure: the time is an argument.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use crate::egress::exchange::ApiResponse;

/// First wait after X asked for fewer requests without a time, as its documentation recommends.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// Longest such wait, which is the length of X's rate limit windows.
const WAIT_MAX: Duration = Duration::from_secs(900);

/// Endpoint with its own rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    Rules,
    RuleChanges,
    Stream,
    Search,
}

impl Endpoint {
    /// Returns a plural noun for the requests to the endpoint.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Rules => "lists of rules",
            Self::RuleChanges => "changes of rules",
            Self::Stream => "connections to the stream",
            Self::Search => "searches",
        }
    }
}

/// Rate limit windows of the endpoints.
#[derive(Debug, Default)]
pub(super) struct Limits(HashMap<Endpoint, Window>);

#[derive(Debug, Default)]
struct Window {
    /// Time until which no requests are left.
    closed_until: Option<Timestamp>,
    /// Number of consecutive refusals that did not say when to try again.
    n_refusals: u32,
}

impl Limits {
    /// Returns how long to wait before a request; `None` if it may be made now.
    pub(super) fn wait(&self, endpoint: Endpoint, now: Timestamp) -> Option<Duration> {
        let until = self.0.get(&endpoint)?.closed_until?;
        Duration::try_from(until.duration_since(now)).ok().filter(|wait| !wait.is_zero())
    }

    /// Notes the limit that a response reports.
    pub(super) fn note(&mut self, endpoint: Endpoint, headers: &HeaderMap, now: Timestamp) {
        let window = self.0.entry(endpoint).or_default();
        window.n_refusals = 0;
        window.closed_until = match number(headers, "x-rate-limit-remaining") {
            Some(0) => reset(headers, now),
            _ => None,
        };
    }

    /// Notes that X asked for fewer requests.
    pub(super) fn note_refusal(&mut self, endpoint: Endpoint, wait: Option<Duration>, now: Timestamp) {
        let window = self.0.entry(endpoint).or_default();
        let doubled = FIRST_WAIT.saturating_mul(1 << window.n_refusals.min(8)).min(WAIT_MAX);
        if wait.is_none() {
            window.n_refusals += 1;
        }
        window.closed_until = now.checked_add(wait.unwrap_or(doubled)).ok();
    }
}

/// Returns the wait that X asks for, if it states one.
pub(super) fn asked_wait(response: &ApiResponse, now: Timestamp) -> Option<Duration> {
    let is_used_up = number(&response.headers, "x-rate-limit-remaining") == Some(0);
    let until_reset = reset(&response.headers, now).filter(|_| is_used_up);
    let wait = || Duration::try_from(until_reset?.duration_since(now)).ok();
    response.retry_after.or_else(wait)
}

/// Returns the end of the window, which is limited to [`WAIT_MAX`] from now.
fn reset(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    let at = Timestamp::from_second(number(headers, "x-rate-limit-reset")?).ok()?;
    Some(at.min(now.checked_add(WAIT_MAX).unwrap_or(at)))
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(remaining: &str, reset: Timestamp) -> HeaderMap {
        let reset = reset.as_second().to_string();
        let pairs = [("x-rate-limit-remaining", remaining), ("x-rate-limit-reset", &reset)];
        pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_last_request_of_a_window_closes_it_until_it_ends() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let in_a_minute = now + Duration::from_secs(60);
        let mut limits = Limits::default();
        let seconds = |limits: &Limits, at| limits.wait(Endpoint::Search, at).map(|wait| wait.as_secs());
        assert_eq!(seconds(&limits, now), None);
        limits.note(Endpoint::Search, &headers("1", in_a_minute), now);
        assert_eq!(seconds(&limits, now), None);
        limits.note(Endpoint::Search, &headers("0", in_a_minute), now);
        assert_eq!(seconds(&limits, now), Some(60));
        assert_eq!(limits.wait(Endpoint::Stream, now), None, "each endpoint has its own");
        assert_eq!(seconds(&limits, in_a_minute), None);
        // Even if the clock is off by a year, requests are delayed by at most one window.
        limits.note(Endpoint::Search, &headers("0", now + Duration::from_secs(31_536_000)), now);
        assert_eq!(seconds(&limits, now), Some(900));
    }

    #[test]
    fn refusals_without_a_time_double_the_wait() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let mut limits = Limits::default();
        let mut refuse = |wait: Option<u64>| {
            limits.note_refusal(Endpoint::Stream, wait.map(Duration::from_secs), now);
            limits.wait(Endpoint::Stream, now).unwrap().as_secs()
        };
        assert_eq!([None, None, None].map(&mut refuse), [60, 120, 240]);
        assert_eq!(refuse(Some(7)), 7);
        assert_eq!([None, None, None].map(&mut refuse), [480, 900, 900]);
        limits.note(Endpoint::Stream, &HeaderMap::new(), now);
        assert_eq!(limits.wait(Endpoint::Stream, now), None);
    }
}
