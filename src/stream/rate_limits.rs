//! Quotas that all processes share: a caller's state is one key, which one script reads and changes.

use std::time::Duration;

use fred::types::Value;

use super::StreamError;
use super::client::{Client, Script};
use super::keys::Keys;
use crate::models::rate_limit::{Demand, Grant, Quota};

/// Grants permits of quotas by the generic cell rate algorithm (GCRA), by the clock of Redis.
///
/// A key holds the time in microseconds at which all permits are restored, and expires then. So the keys are those of
/// callers who have used their quota of late, however many callers there are.
#[derive(Clone)]
pub struct RateLimits {
    client: Client,
    keys: Keys,
}

impl RateLimits {
    pub(super) fn new(client: Client, keys: Keys) -> Self {
        Self { client, keys }
    }

    /// Grants permits to `caller`, all in one step. `used_alone` is the time until the caller's permits are restored as
    /// far as this process knows, if it granted some without Redis; zero otherwise.
    ///
    /// # Errors
    /// If Redis is down. The permits may then have been used up.
    pub async fn grant(
        &self,
        caller: &str,
        (quota, demand): (Quota, Demand),
        used_alone: Duration,
    ) -> Result<Grant, StreamError> {
        // The same arithmetic as in `auth::limits::gcra`: doubles represent microseconds since 1970 exactly.
        const LUA: &str = "
            local time = redis.call('TIME')
            local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
            local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
            local least, most = tonumber(ARGV[3]), tonumber(ARGV[4])
            local full_at = now + tonumber(ARGV[5])
            local stored = redis.call('GET', KEYS[1])
            if stored then full_at = math.max(full_at, tonumber(stored)) end
            local left = math.max(0, math.floor((burst * interval - (full_at - now)) / interval))
            local n = math.min(left, most)
            if n < least then n = 0 end
            local wait = 0
            if n == 0 then wait = math.max(0, full_at + least * interval - burst * interval - now) end
            full_at = full_at + n * interval
            if full_at > now then
                redis.call('SET', KEYS[1], string.format('%.0f', full_at),
                    'PX', string.format('%.0f', math.ceil((full_at - now) / 1000)))
            end
            return {n, left - n, wait, full_at - now}";

        let args = [
            quota.interval_us,
            quota.burst.into(),
            demand.least.into(),
            demand.most.into(),
            u64::try_from(used_alone.as_micros()).unwrap_or(u64::MAX),
        ];
        let args = args.map(|number| Value::from(number.to_string())).into();
        let key = format!("{}{caller}", self.keys.rate_limit);
        let answer = self.client.eval(Script { lua: LUA, keys: &[&key] }, args).await?;
        let (n_granted, n_left, wait_us, full_us): (u32, u32, u64, u64) = answer.convert()?;
        Ok(Grant {
            n_granted,
            n_left,
            retry_after: Duration::from_micros(wait_us),
            full_after: Duration::from_micros(full_us),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::tests::redis::Redis;

    const ONE: Demand = Demand { least: 1, most: 1 };

    #[tokio::test]
    async fn a_quota_is_granted_once_whoever_asks() {
        let redis = Redis::start();
        let processes = [redis.connect().await.rate_limits(), redis.connect().await.rate_limits()];
        // Nothing is restored during the test.
        let quota = Quota { interval_us: 3_600_000_000, burst: 100 };
        let asks = (0..150).map(|i| {
            let limits = processes[i % 2].clone();
            async move { limits.grant("someone", (quota, ONE), Duration::ZERO).await.unwrap().n_granted }
        });
        let granted = futures_util::future::join_all(asks).await;
        assert_eq!(granted.into_iter().sum::<u32>(), 100);
        let other = processes[0].grant("someone else", (quota, ONE), Duration::ZERO).await.unwrap();
        assert_eq!((other.n_granted, other.n_left), (1, 99));
    }

    #[tokio::test]
    async fn a_demand_is_met_between_its_least_and_its_most() {
        let redis = Redis::start();
        let limits = redis.connect().await.rate_limits();
        let quota = Quota { interval_us: 3_600_000_000, burst: 10 };
        let grant = async |least, most| {
            let grant =
                limits.grant("someone", (quota, Demand { least, most }), Duration::ZERO).await.unwrap();
            (grant.n_granted, grant.n_left)
        };
        assert_eq!(grant(1, 4).await, (4, 6));
        assert_eq!(grant(7, 20).await, (0, 6));
        assert_eq!(grant(5, 20).await, (6, 0));
        assert_eq!(grant(1, 1).await, (0, 0));
    }

    #[tokio::test]
    async fn what_a_process_granted_alone_counts_afterwards() {
        let redis = Redis::start();
        let limits = redis.connect().await.rate_limits();
        let quota = Quota { interval_us: 60_000_000, burst: 10 };
        let alone = Duration::from_secs(60 * 8);
        let grant = limits.grant("someone", (quota, ONE), alone).await.unwrap();
        assert_eq!((grant.n_granted, grant.n_left), (1, 1));
    }

    #[tokio::test]
    async fn a_key_expires_when_its_quota_is_restored() {
        let redis = Redis::start();
        let limits = redis.connect().await.rate_limits();
        let quota = Quota { interval_us: 60_000_000, burst: 10 };
        let grant =
            limits.grant("someone", (quota, Demand { least: 1, most: 3 }), Duration::ZERO).await.unwrap();
        assert_eq!(grant.full_after, Duration::from_secs(180));
        let left_ms: i64 = redis.run(&["PTTL", "rate_limit:someone"]).parse().unwrap();
        assert!((1..=180_000).contains(&left_ms), "{left_ms}");
        let brief = Quota { interval_us: 1_000, burst: 10 };
        limits.grant("brief", (brief, ONE), Duration::ZERO).await.unwrap();
        while redis.run(&["EXISTS", "rate_limit:brief"]) != "0" {}
    }
}
