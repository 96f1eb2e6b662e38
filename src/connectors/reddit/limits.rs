//! Reddit's rate limit, kept before it is hit: 100 requests a minute for each app, over ten minutes
//! (<https://support.reddithelp.com/hc/en-us/articles/16160319875092-Reddit-Data-API-Wiki>). Pure: the time is an argument.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::schedule;

/// Longest time until the limit is reset that is believed, which is the length of Reddit's windows.
const RESET_MAX: Duration = Duration::from_secs(600);

/// Number of requests that a round takes: one for posts, and one for comments.
const ROUND_REQUESTS: f64 = 2.0;

/// What is left of the window, as Reddit said last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    /// Number of requests, which has a fraction.
    remaining: f64,
    resets_at: Timestamp,
}

impl Window {
    /// Reads the headers of a response; `None` if they say nothing, as on some errors.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Option<Self> {
        let remaining = number(headers, "x-ratelimit-remaining")?;
        Some(Self { remaining, resets_at: schedule::after(now, until_reset(headers)?) })
    }

    /// Returns how long to wait before the next request; `None` if it may be made now.
    pub(super) fn wait(&self, now: Timestamp) -> Option<Duration> {
        let left = self.left(now);
        (self.remaining < 1.0 && !left.is_zero()).then_some(left)
    }

    /// Returns the time from one round to the next: the wanted one, or as much longer as is needed to make the rest of the
    /// window last.
    pub(super) fn spread(&self, wanted: Duration, now: Timestamp) -> Duration {
        let left = self.left(now);
        wanted.max(left.mul_f64((ROUND_REQUESTS / self.remaining.max(1.0)).min(1.0)))
    }

    fn left(&self, now: Timestamp) -> Duration {
        Duration::try_from(self.resets_at.duration_since(now)).unwrap_or_default()
    }
}

/// Returns how long it is until the limit is reset, if a response says so.
pub(super) fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    Duration::try_from_secs_f64(number(headers, "x-ratelimit-reset")?).ok().map(|wait| wait.min(RESET_MAX))
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    let number: f64 = headers.get(name)?.to_str().ok()?.trim().parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_796_000_000, 0);

    fn window(remaining: &str, reset: &str) -> Option<Window> {
        let pairs = [("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)];
        let headers = pairs.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Window::read(&headers.collect(), NOW)
    }

    #[test]
    fn the_last_request_of_a_window_closes_it_until_it_is_reset() {
        let check = |remaining, reset, seconds: Option<u64>| {
            let wait = window(remaining, reset).unwrap().wait(NOW);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{remaining}, {reset}");
        };
        check("999.0", "600", None);
        check("1.0", "60", None);
        check("0.0", "60", Some(60));
        check("0.9", "60", Some(60));
        check("0", "0", None);
        check("0", "1e9", Some(600));
        assert_eq!(window("0", "60").unwrap().wait(NOW + Duration::from_secs(60)), None);
        for (remaining, reset) in [("", "60"), ("many", "60"), ("NaN", "60"), ("-1", "60"), ("5", "")] {
            assert_eq!(window(remaining, reset), None, "{remaining}, {reset}");
        }
    }

    #[test]
    fn a_window_that_is_nearly_used_up_slows_rounds_down() {
        let check = |remaining, reset, seconds: u64| {
            let spread = window(remaining, reset).unwrap().spread(Duration::from_secs(10), NOW);
            assert_eq!(spread.as_secs(), seconds, "{remaining}, {reset}");
        };
        check("999.0", "600", 10);
        check("20.0", "500", 50);
        check("0.0", "60", 60);
        check("1", "0", 10);
    }
}
