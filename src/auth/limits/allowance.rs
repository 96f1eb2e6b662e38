//! What a process knows about one caller's quota: permits leased from Redis, and when the quota is restored.
//! Pure: times are arguments, in microseconds of the process's own clock.

use std::time::Duration;

use super::gcra;
use crate::models::rate_limit::{Demand, Grant, Quota};

/// Time after which leased permits lapse. A caller who pauses for longer than this starts with a small lease again.
const LEASE_LIFETIME_US: u64 = 1_000_000;

/// One caller's quota for one class of routes, in one process.
#[derive(Debug, Default)]
pub struct Allowance {
    /// When the quota is restored, as far as this process knows. Other processes can only have used more since.
    full_at: u64,
    /// Leased permits that are left.
    n_spare: u32,
    /// When they lapse.
    lapses_at: u64,
    /// Size of the last lease.
    n_leased: u32,
    /// Whether `full_at` contains permits that Redis does not know about.
    is_ahead: bool,
}

impl Allowance {
    /// Decides a call that costs `cost` permits without Redis if the answer is certain: if enough leased permits are left,
    /// or if the caller is known to have used up the quota. Otherwise returns `None`.
    pub fn known(&mut self, quota: Quota, now: u64, cost: u32) -> Option<Grant> {
        if now >= self.lapses_at {
            (self.n_spare, self.n_leased) = (0, 0);
        }
        if self.n_spare >= cost {
            self.n_spare -= cost;
            return Some(self.granted(quota, now, cost));
        }
        let needed = Demand { least: cost - self.n_spare, most: cost };
        let (refusal, _) = gcra::decide(quota, (self.full_at, now), needed);
        (refusal.n_granted == 0).then_some(refusal)
    }

    /// Returns what to ask Redis for if a call that costs `cost` is not [`Self::known`].
    ///
    /// Each lease is twice as large as the previous one if that was used before it lapsed. A lease is never larger than
    /// what half its lifetime restores, so what lapses of it is restored before it is missed.
    pub fn demand(&self, quota: Quota, cost: u32) -> Demand {
        let n_max = LEASE_LIFETIME_US / 2 / quota.interval_us.max(1);
        let n_max = u32::try_from(n_max).unwrap_or(u32::MAX).min(quota.burst / 2);
        let least = cost.saturating_sub(self.n_spare);
        Demand { least, most: self.n_leased.saturating_mul(2).min(n_max).max(least) }
    }

    /// Returns the time that Redis must add because this process granted permits without it.
    pub fn ahead(&self, now: u64) -> Duration {
        let ahead = if self.is_ahead { self.full_at.saturating_sub(now) } else { 0 };
        Duration::from_micros(ahead)
    }

    /// Decides a call by the grant of Redis for [`Self::demand`].
    pub fn leased(&mut self, quota: Quota, now: u64, (cost, grant): (u32, Grant)) -> Grant {
        self.is_ahead = false;
        let full_after = u64::try_from(grant.full_after.as_micros()).unwrap_or(u64::MAX);
        self.full_at = now.saturating_add(full_after);
        if grant.n_granted == 0 {
            return grant;
        }
        self.n_leased = grant.n_granted;
        self.lapses_at = now.saturating_add(LEASE_LIFETIME_US);
        self.n_spare = self.n_spare.saturating_add(grant.n_granted).saturating_sub(cost);
        self.granted(quota, now, cost)
    }

    /// Decides a call without Redis, although the answer is not certain: as if this process were the only one.
    pub fn alone(&mut self, quota: Quota, now: u64, cost: u32) -> Grant {
        let (grant, full_at) = gcra::decide(quota, (self.full_at, now), Demand { least: cost, most: cost });
        self.is_ahead |= grant.n_granted > 0;
        self.full_at = full_at;
        grant
    }

    fn granted(&self, quota: Quota, now: u64, cost: u32) -> Grant {
        Grant {
            n_granted: cost,
            n_left: gcra::left(quota, (self.full_at, now)).saturating_add(self.n_spare).min(quota.burst),
            retry_after: Duration::ZERO,
            full_after: Duration::from_micros(self.full_at.saturating_sub(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Stand-in for Redis, with the clock of the test.
    #[derive(Default)]
    struct Shared {
        full_at: u64,
        n_asked: u32,
    }

    impl Shared {
        /// Returns whether `allowance` admits a call.
        fn admits(&mut self, allowance: &mut Allowance, quota: Quota, now: u64) -> bool {
            if let Some(grant) = allowance.known(quota, now, 1) {
                return grant.n_granted > 0;
            }
            self.n_asked += 1;
            let ahead = u64::try_from(allowance.ahead(now).as_micros()).unwrap();
            let full_at = self.full_at.max(now + ahead);
            let (grant, after) = gcra::decide(quota, (full_at, now), allowance.demand(quota, 1));
            self.full_at = after;
            allowance.leased(quota, now, (1, grant)).n_granted > 0
        }
    }

    #[test]
    fn a_busy_caller_seldom_needs_redis() {
        let quota = Quota { interval_us: 1_000, burst: 1_000 };
        let (mut shared, mut allowance) = (Shared::default(), Allowance::default());
        let n_admitted = (0..10_000).filter(|i| shared.admits(&mut allowance, quota, i * 1_000)).count();
        assert_eq!(n_admitted, 10_000);
        assert!(shared.n_asked < 50, "{}", shared.n_asked);
    }

    #[test]
    fn a_caller_who_has_used_the_quota_is_refused_without_redis_until_it_is_restored() {
        let quota = Quota { interval_us: 60_000_000, burst: 3 };
        let (mut shared, mut allowance) = (Shared::default(), Allowance::default());
        assert_eq!((0..100).filter(|_| shared.admits(&mut allowance, quota, 5)).count(), 3);
        assert_eq!(shared.n_asked, 3);
        let refusal = allowance.known(quota, 1_000_005, 1).unwrap();
        assert_eq!((refusal.n_granted, refusal.retry_after), (0, Duration::from_secs(59)));
        assert!(shared.admits(&mut allowance, quota, 60_000_005));
    }

    #[test]
    fn what_is_left_counts_the_leased_permits() {
        let quota = Quota { interval_us: 10_000, burst: 100 };
        let (mut shared, mut allowance) = (Shared::default(), Allowance::default());
        for _ in 0..20 {
            assert!(shared.admits(&mut allowance, quota, 0));
        }
        assert!(allowance.n_spare > 0);
        assert_eq!(allowance.known(quota, 0, 1).unwrap().n_left, 79);
    }

    #[test]
    fn without_redis_the_quota_is_what_was_left_and_redis_learns_of_it_afterwards() {
        let quota = Quota { interval_us: 60_000_000, burst: 10 };
        let (mut shared, mut allowance) = (Shared::default(), Allowance::default());
        assert!((0..4).all(|_| shared.admits(&mut allowance, quota, 0)));
        assert_eq!((0..100).filter(|_| allowance.alone(quota, 0, 1).n_granted > 0).count(), 6);
        // Redis comes back without data.
        shared.full_at = 0;
        assert!(!shared.admits(&mut allowance, quota, 0));
        assert!(shared.admits(&mut allowance, quota, 60_000_000));
        assert!(!shared.admits(&mut Allowance::default(), quota, 60_000_000));
    }

    proptest! {
        /// Each process may be a lease ahead, because it may hand out permits that it leased before.
        #[test]
        fn processes_together_admit_a_quota_and_no_more_than_a_lease_each(
            interval_us in 100_u64..50_000,
            burst in 1_u32..200,
            calls in prop::collection::vec((0_usize..3, 0_u64..30_000), 1..600),
        ) {
            let quota = Quota { interval_us, burst };
            let mut shared = Shared::default();
            let mut processes: [Allowance; 3] = Default::default();
            let (mut now, mut admitted) = (0, Vec::new());
            for (i, pause) in calls {
                now += pause;
                if shared.admits(&mut processes[i], quota, now) {
                    admitted.push(now);
                }
            }
            let n_leased_max = u64::from(burst / 2).min(LEASE_LIFETIME_US / 2 / interval_us).max(1);
            for (i, first) in admitted.iter().enumerate() {
                for (n, at) in (1_u64..).zip(&admitted[i..]) {
                    let restored = (at - first) / interval_us;
                    prop_assert!(n <= u64::from(burst) + restored + 3 * n_leased_max, "{} in {}", n, at - first);
                }
            }
        }

        /// What lapses is restored before it is missed.
        #[test]
        fn a_caller_below_the_rate_is_never_refused(
            interval_us in 100_u64..200_000,
            burst in 1_u32..200,
            pauses in prop::collection::vec(0_u64..400_000, 1..600),
        ) {
            let quota = Quota { interval_us, burst };
            let (mut shared, mut allowance) = (Shared::default(), Allowance::default());
            let mut now = 0;
            for pause in pauses {
                now += pause + interval_us;
                prop_assert!(shared.admits(&mut allowance, quota, now), "at {}", now);
            }
        }
    }
}
