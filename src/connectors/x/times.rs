//! Delays and timeouts of connections to X.

use std::time::Duration;

use crate::connectors::silence::SilenceLimits;
use crate::egress;

/// Delays and timeouts of connections to X.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// How long after its publication a post may still be missing from recent search.
    pub settle: Duration,
    /// Timeout of a request.
    pub timeout: Duration,
    /// Limits after which a connection counts as broken.
    pub silence: SilenceLimits,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            // By default, a search finds posts that are older than 30 seconds.
            settle: Duration::from_secs(45),
            timeout: egress::TIMEOUT,
            silence: SilenceLimits {
                // X sends an empty line every 20 seconds.
                without_messages: Duration::from_secs(30),
                // A rule may match a few posts a day.
                without_events: Duration::from_secs(900),
                without_events_factor: 100,
            },
        }
    }
}
