//! Rate limits: how many calls of each class of routes a caller may make, by plan.
//!
//! Redis holds the state that counts, so the processes of an installation share each quota (`stream::RateLimits`). A call
//! seldom waits for Redis, though:
//!
//! - A process leases several permits of a busy caller at once and hands them out itself. Leases grow while they are used
//!   and lapse after a second (`allowance`). So all processes together admit at most the quota and, for each process,
//!   one lease: half of what is restored in a second, and at most half a burst.
//! - A process remembers until when a caller's quota is used up, so a flood of calls is refused without Redis.
//! - If Redis fails or does not respond in 0.3 seconds, it is not asked for a second (`circuit`). Meanwhile each
//!   process limits alone, starting from what it last knew of each caller, and tells Redis afterwards.
//!
//! Memory is bounded: keys in Redis expire when their quota is restored, and a process remembers at most
//! 50,000 callers. The crate `governor` does not fit: its keyed state grows until it is swept, and it cannot
//! grant a part of a demand, which leases need; and both sides must use the same arithmetic, which is a few lines
//! (`gcra`).

mod allowance; // what a process knows about one caller's quota
mod caller; // who uses up a quota
mod circuit; // no call waits for a dead Redis
mod gcra; // the decision, for a process alone
mod quotas; // the table of quotas

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tracing::warn;

use self::allowance::Allowance;
use self::caller::CallerKey;
use self::circuit::Circuit;
use crate::models::rate_limit::{Demand, Grant, Quota};
use crate::stream;
use crate::telemetry::{RATE_LIMIT_FALLBACKS_TOTAL, RATE_LIMITED_TOTAL};

pub use caller::Caller;
pub use quotas::{QuotaOverride, Quotas, RouteClass, Tier};

/// Maximum number of callers and classes that a process remembers: about 10 MB. Those that it forgets first are those
/// seen once, as in a flood from many addresses; Redis still knows them.
const CALLERS_MAX: usize = 50_000;

/// Maximum time to wait for Redis, which usually responds in less than a millisecond. Only a Redis that hangs makes a
/// call wait for so long, and only one call per second.
const TIMEOUT: Duration = Duration::from_millis(300);

/// Limits the calls of one process. Share it by reference.
pub struct RateLimits {
    shared: stream::RateLimits,
    quotas: Quotas,
    timeout: Duration,
    started_at: Instant,
    circuit: Circuit,
    allowances: Cache<CallerKey, Arc<Mutex<Allowance>>>,
}

/// Response to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the call may be made.
    pub is_admitted: bool,
    /// Number of calls that the caller may make at once after a pause.
    pub n_limit: u32,
    /// Number of further calls that the caller may make now.
    pub n_left: u32,
    /// Time after which the call may be made; zero if it is admitted.
    pub retry_after: Duration,
    /// Time after which [`Self::n_limit`] calls may be made if none is made before.
    pub full_after: Duration,
}

impl RateLimits {
    /// Creates the limits of a process.
    pub fn new(shared: stream::RateLimits, quotas: Quotas) -> Self {
        Self {
            shared,
            quotas,
            timeout: TIMEOUT,
            started_at: Instant::now(),
            circuit: Circuit::default(),
            allowances: Cache::new(CALLERS_MAX),
        }
    }

    /// Decides a call of this class and counts it. A call that costs more than the whole quota is decided as if it cost
    /// exactly that.
    pub async fn admit(&self, caller: &Caller, class: RouteClass, cost: u32) -> Verdict {
        let quota = self.quotas.of(caller.tier, class);
        let cost = cost.clamp(1, quota.burst);
        let grant = self.grant(caller.key(class), quota, cost).await;
        let is_admitted = grant.n_granted > 0;
        if !is_admitted {
            metrics::counter!(RATE_LIMITED_TOTAL, "class" => class.as_str()).increment(1);
        }
        Verdict {
            is_admitted,
            n_limit: quota.burst,
            n_left: grant.n_left,
            retry_after: grant.retry_after,
            full_after: grant.full_after,
        }
    }

    async fn grant(&self, key: CallerKey, quota: Quota, cost: u32) -> Grant {
        let new = || Ok::<_, Infallible>(Arc::default());
        let Ok(allowance) = self.allowances.get_or_insert_with(&key, new);
        // Held while Redis is asked, so that a caller's concurrent calls share one lease.
        let mut allowance = allowance.lock().await;
        let now = self.now();
        if let Some(grant) = allowance.known(quota, now, cost) {
            return grant;
        }
        let demand = allowance.demand(quota, cost);
        match self.lease(key, (quota, demand), allowance.ahead(now)).await {
            Some(grant) => allowance.leased(quota, self.now(), (cost, grant)),
            None => {
                metrics::counter!(RATE_LIMIT_FALLBACKS_TOTAL).increment(1);
                allowance.alone(quota, self.now(), cost)
            }
        }
    }

    /// Leases permits from Redis; returns `None` if it is away.
    async fn lease(&self, key: CallerKey, asked: (Quota, Demand), ahead: Duration) -> Option<Grant> {
        if !self.circuit.permits(self.now()) {
            return None;
        }
        let key = key.in_redis();
        let asking = self.shared.grant(&key, asked, ahead);
        let error = match tokio::time::timeout(self.timeout, asking).await {
            Ok(Ok(grant)) => {
                self.circuit.succeeded();
                return Some(grant);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "redis did not respond in time".to_owned(),
        };
        if self.circuit.failed(self.now()) {
            warn!(error, "this process limits callers alone until redis responds");
        }
        None
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
