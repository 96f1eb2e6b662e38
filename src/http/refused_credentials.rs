//! Counts and logs refused credentials, so that an operator sees somebody guessing.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::client_address::ClientAddress;
use crate::telemetry::HTTP_REFUSED_CREDENTIALS_TOTAL;

/// Interval in which each address is logged at most once.
const INTERVAL: Duration = Duration::from_secs(60);

/// Maximum number of lines per interval. An attacker may have more addresses than the log has room for.
const LINES_MAX: usize = 16;

static REFUSALS: Mutex<Refusals> = Mutex::new(Refusals::new());

/// Counts a refused credential and, if its sender has not been logged lately, logs the address. The credential itself is
/// never logged, because it may be a mistyped or an expired one.
pub fn note(client: Option<ClientAddress>) {
    metrics::counter!(HTTP_REFUSED_CREDENTIALS_TOTAL).increment(1);
    let client = client.map(|client| client.0);
    let due = REFUSALS.lock().unwrap_or_else(PoisonError::into_inner).note(client, Instant::now());
    let Some(n_refused) = due else {
        return;
    };
    let client = client.map_or_else(|| "unknown".to_owned(), |client| client.to_string());
    tracing::warn!(%client, n_refused, "a credential was refused");
}

/// Addresses logged in the current interval, and the number of refusals since the last line.
#[derive(Debug)]
struct Refusals {
    began_at: Option<Instant>,
    logged: Vec<Option<IpAddr>>,
    n_unlogged: u64,
}

impl Refusals {
    const fn new() -> Self {
        Self { began_at: None, logged: Vec::new(), n_unlogged: 0 }
    }

    /// Returns the number of refusals since the last line if one is due for this address.
    fn note(&mut self, client: Option<IpAddr>, now: Instant) -> Option<u64> {
        if self.began_at.is_none_or(|began_at| now.saturating_duration_since(began_at) >= INTERVAL) {
            self.began_at = Some(now);
            self.logged.clear();
        }
        self.n_unlogged = self.n_unlogged.saturating_add(1);
        if self.logged.len() >= LINES_MAX || self.logged.contains(&client) {
            return None;
        }
        self.logged.push(client);
        Some(std::mem::take(&mut self.n_unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_logged_once_a_minute_and_a_flood_of_them_does_not_fill_the_log() {
        let mut refusals = Refusals::new();
        let began_at = Instant::now();
        let mut note = |last: u8, seconds| {
            let client = Some(IpAddr::from([192, 0, 2, last]));
            refusals.note(client, began_at + Duration::from_secs(seconds))
        };
        assert_eq!(note(1, 0), Some(1));
        assert!((0..100).all(|_| note(1, 30).is_none()));
        assert_eq!(note(2, 31), Some(101));
        let n_lines = (3..=255).filter(|last| note(*last, 32).is_some()).count();
        assert_eq!(n_lines, LINES_MAX - 2);
        assert_eq!(note(1, 60), Some(253 - 14 + 1));
    }
}
