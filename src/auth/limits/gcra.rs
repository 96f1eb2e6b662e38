//! Generic cell rate algorithm (GCRA): the decision that [`crate::stream::RateLimits`] makes in Redis, for a process alone.
//! Pure: the time is an argument.
//!
//! The state of a caller is one time in microseconds: when all permits are restored. Each permit granted moves it by
//! [`Quota::interval_us`], and no permit is granted that would move it further than a whole burst from now.

use std::time::Duration;

use crate::models::rate_limit::{Demand, Grant, Quota};

/// Decides a demand of a caller whose permits are restored at `full_at`. Returns the grant, and when they are restored
/// afterwards.
pub fn decide(quota: Quota, (full_at, now): (u64, u64), demand: Demand) -> (Grant, u64) {
    let full_at = full_at.max(now);
    let n_left = left(quota, (full_at, now));
    let n_possible = n_left.min(demand.most);
    let n_granted = if n_possible < demand.least { 0 } else { n_possible };
    let missing = full_at.saturating_add(span(quota, demand.least)).saturating_sub(span(quota, quota.burst));
    let wait = if n_granted == 0 { missing.saturating_sub(now) } else { 0 };
    let full_at = full_at.saturating_add(span(quota, n_granted));
    let grant = Grant {
        n_granted,
        n_left: n_left.saturating_sub(n_granted),
        retry_after: Duration::from_micros(wait),
        full_after: Duration::from_micros(full_at.saturating_sub(now)),
    };
    (grant, full_at)
}

/// Returns how many permits are left of a quota that is restored at `full_at`.
pub fn left(quota: Quota, (full_at, now): (u64, u64)) -> u32 {
    let used = full_at.saturating_sub(now);
    let free = span(quota, quota.burst).saturating_sub(used);
    u32::try_from(free.checked_div(quota.interval_us).unwrap_or(0)).unwrap_or(u32::MAX)
}

/// Returns the microseconds in which `n` permits are restored.
pub fn span(quota: Quota, n: u32) -> u64 {
    quota.interval_us.saturating_mul(n.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stream::tests::redis::Redis;

    #[test]
    fn a_burst_is_granted_and_then_one_permit_per_interval() {
        let quota = Quota { interval_us: 100, burst: 3 };
        let mut full_at = 0;
        let mut check = |now: u64, n_granted: u32, n_left: u32, wait_us: u64| {
            let (grant, after) = decide(quota, (full_at, now), Demand { least: 1, most: 1 });
            full_at = after;
            let found = (grant.n_granted, grant.n_left, grant.retry_after.as_micros());
            assert_eq!(found, (n_granted, n_left, u128::from(wait_us)), "at {now}");
        };
        check(1_000, 1, 2, 0);
        check(1_000, 1, 1, 0);
        check(1_000, 1, 0, 0);
        check(1_000, 0, 0, 100);
        check(1_060, 0, 0, 40);
        check(1_100, 1, 0, 0);
        check(1_100, 0, 0, 100);
        check(9_000, 1, 2, 0);
    }

    #[test]
    fn a_demand_beyond_the_burst_is_never_met() {
        let quota = Quota { interval_us: 100, burst: 3 };
        let (grant, _) = decide(quota, (0, 1_000_000), Demand { least: 4, most: 4 });
        assert_eq!((grant.n_granted, grant.n_left), (0, 3));
    }

    proptest! {
        #[test]
        fn never_more_than_a_burst_and_what_was_restored_since(
            interval_us in 1_u64..5_000,
            burst in 1_u32..50,
            steps in prop::collection::vec((0_u64..20_000, 1_u32..5, 0_u32..20), 1..200),
        ) {
            let quota = Quota { interval_us, burst };
            let (mut now, mut full_at) = (1_000_000, 0);
            let mut granted: Vec<(u64, u64)> = Vec::new();
            for (pause, least, more) in steps {
                now += pause;
                let (grant, after) = decide(quota, (full_at, now), Demand { least, most: least + more });
                prop_assert!(grant.n_granted == 0 || (least..=least + more).contains(&grant.n_granted));
                // Exactly the demands that wait as long as they are told are met.
                if grant.n_granted == 0 && least <= burst {
                    let wait = u64::try_from(grant.retry_after.as_micros()).unwrap();
                    let demand = Demand { least, most: least };
                    prop_assert_eq!(decide(quota, (after, now + wait), demand).0.n_granted, least);
                    prop_assert_eq!(decide(quota, (after, now + wait - 1), demand).0.n_granted, 0);
                }
                full_at = after;
                granted.push((now, grant.n_granted.into()));
            }
            for first in 0..granted.len() {
                let mut sum = 0;
                for (at, n) in &granted[first..] {
                    sum += n;
                    let restored = (at - granted[first].0) / interval_us;
                    prop_assert!(sum <= u64::from(burst) + restored, "{} in {}", sum, at - granted[first].0);
                }
            }
        }
    }

    #[tokio::test]
    async fn redis_and_a_process_alone_decide_in_the_same_way() {
        let redis = Redis::start();
        let limits = redis.connect().await.rate_limits();
        let quota = Quota { interval_us: 5_000, burst: 20 };
        let (mut full_at, mut n_compared) = (0, 0);
        for i in 0..150_u32 {
            let demand = Demand { least: 1 + i % 3, most: 1 + i % 7 };
            let demand = Demand { most: demand.most.max(demand.least), ..demand };
            let grant = limits.grant("someone", (quota, demand), Duration::ZERO).await.unwrap();
            // The time of the decision follows from when the quota is restored, which Redis keeps until then.
            let Ok(stored) = redis.run(&["GET", "rate_limit:someone"]).parse::<u64>() else { continue };
            let now = stored - u64::try_from(grant.full_after.as_micros()).unwrap();
            let (expected, after) = decide(quota, (full_at, now), demand);
            assert_eq!(grant, expected, "{i}");
            (full_at, n_compared) = (after, n_compared + 1);
        }
        assert!(n_compared > 0);
    }
}
