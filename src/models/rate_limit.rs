//! Quotas of callers, and what is granted of them.

use std::time::Duration;

/// How many calls a caller may make: [`Quota::burst`] at once, and one more per [`Quota::interval_us`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Microseconds after which one used permit is restored.
    pub interval_us: u64,
    /// Number of permits of a caller who has not made any call for a while.
    pub burst: u32,
}

/// Microseconds per minute.
const MINUTE_US: u64 = 60_000_000;

impl Quota {
    /// Creates a quota from the number of calls per minute and the number of calls at once. Both are at least 1.
    pub const fn per_minute(n_calls: u32, burst: u32) -> Self {
        // Rounded up, so the rate is never exceeded.
        let n_calls = if n_calls == 0 { 1 } else { n_calls as u64 };
        Self { interval_us: MINUTE_US.div_ceil(n_calls), burst: if burst == 0 { 1 } else { burst } }
    }
}

/// Number of permits that a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Minimum number of permits; fewer are of no use.
    pub least: u32,
    /// Maximum number of permits.
    pub most: u32,
}

/// Response to a [`Demand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// Number of permits granted; 0 if fewer than [`Demand::least`] were left.
    pub n_granted: u32,
    /// Number of permits left.
    pub n_left: u32,
    /// Time until the demand can be met; zero if it was.
    pub retry_after: Duration,
    /// Time until all permits are restored if none is used.
    pub full_after: Duration,
}
