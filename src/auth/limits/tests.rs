//! Limits of one and of several processes, with a real Redis, which some tests stop.

use super::*;
use crate::stream::tests::redis::Redis;

/// Timeout for what must happen, far longer than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Quotas in which signing in has this burst, of which nothing is restored during a test.
fn quotas(burst: u32) -> Quotas {
    let quota = Quota { interval_us: 86_400_000_000, burst };
    Quotas::new(&[QuotaOverride { tier: Tier::Stranger, class: RouteClass::SignIn, quota }])
}

/// Returns the limits of one process, which waits for Redis for as long as a busy machine needs.
async fn process(redis: &Redis, quotas: Quotas) -> RateLimits {
    let limits = RateLimits::new(redis.connect().await.rate_limits(), quotas);
    RateLimits { timeout: PATIENCE, ..limits }
}

/// Returns how often Redis was asked.
fn n_asked(redis: &Redis) -> u64 {
    let commands = redis.run(&["INFO", "commandstats"]);
    let asked = commands.lines().find_map(|line| line.strip_prefix("cmdstat_eval:calls="));
    asked.map_or(0, |asked| asked.split(',').next().unwrap().parse().unwrap())
}

async fn admits(limits: &RateLimits, name: &str) -> bool {
    limits.admit(&Caller::account(name), RouteClass::SignIn, 1).await.is_admitted
}

async fn n_admitted(limits: &RateLimits, name: &str, n_calls: usize) -> usize {
    let mut n_admitted = 0;
    for _ in 0..n_calls {
        n_admitted += usize::from(admits(limits, name).await);
    }
    n_admitted
}

/// Waits until the process asks Redis again.
async fn until_connected(limits: &RateLimits) {
    let deadline = Instant::now() + PATIENCE;
    for i in 0.. {
        if limits.circuit.permits(0) {
            return;
        }
        assert!(Instant::now() < deadline, "redis is not asked again");
        // Each time somebody whose quota is unknown, because the answer to others may be certain without Redis.
        admits(limits, &format!("visitor {i}")).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn two_processes_share_a_quota() {
    let redis = Redis::start();
    let (one, other) = (process(&redis, quotas(20)).await, process(&redis, quotas(20)).await);
    assert_eq!(n_admitted(&one, "ana", 8).await, 8);
    assert_eq!(n_admitted(&other, "ana", 100).await, 12);
    assert_eq!(n_admitted(&one, "ana", 100).await, 0);
    assert_eq!(n_admitted(&other, "ben", 100).await, 20);
}

#[tokio::test]
async fn concurrent_calls_of_one_caller_share_leases() {
    let redis = Redis::start();
    let quota = Quota { interval_us: 1_000, burst: 400 };
    let quotas = Quotas::new(&[QuotaOverride { tier: Tier::Stranger, class: RouteClass::SignIn, quota }]);
    let limits = process(&redis, quotas).await;
    let calls = (0..200).map(|_| admits(&limits, "ana"));
    let admitted = futures_util::future::join_all(calls).await;
    assert!(admitted.into_iter().all(|is_admitted| is_admitted));
    // 1 + 2 + 4 + … + 64, then 200 at most, unless the machine is so slow that a lease lapses.
    assert!(n_asked(&redis) < 100, "{}", n_asked(&redis));
}

#[tokio::test]
async fn a_refusal_says_when_to_retry() {
    let redis = Redis::start();
    let limits = process(&redis, quotas(2)).await;
    let day = Duration::from_secs(86_400);
    let first = limits.admit(&Caller::account("ana"), RouteClass::SignIn, 1).await;
    assert_eq!((first.is_admitted, first.n_limit, first.n_left), (true, 2, 1));
    assert!(first.full_after <= day && first.retry_after.is_zero());
    assert!(admits(&limits, "ana").await);
    let refused = limits.admit(&Caller::account("ana"), RouteClass::SignIn, 1).await;
    assert_eq!((refused.is_admitted, refused.n_left), (false, 0));
    assert!(refused.retry_after > Duration::ZERO && refused.retry_after <= day);
    assert!(refused.full_after > refused.retry_after);
}

#[tokio::test]
async fn a_call_can_cost_more_than_one_permit_and_no_more_than_the_quota() {
    let redis = Redis::start();
    let limits = process(&redis, quotas(10)).await;
    let admits = async |name: &str, cost| {
        limits.admit(&Caller::account(name), RouteClass::SignIn, cost).await.is_admitted
    };
    assert!(admits("ana", 6).await && !admits("ana", 5).await && admits("ana", 4).await);
    assert!(!admits("ana", 1).await);
    assert!(admits("ben", 1_000).await && !admits("ben", 1).await);
}

#[tokio::test]
async fn while_redis_is_away_each_process_limits_alone_and_no_quota_starts_again() {
    let mut redis = Redis::start();
    let (one, other) = (process(&redis, quotas(20)).await, process(&redis, quotas(20)).await);
    assert_eq!(n_admitted(&one, "ana", 15).await, 15);
    redis.stop();
    assert_eq!(n_admitted(&one, "ana", 100).await, 5);
    // This process has not seen her before.
    assert_eq!(n_admitted(&other, "ana", 100).await, 20);
    assert_eq!(n_admitted(&one, "ben", 8).await, 8);
    redis.restart();
    redis.run(&["FLUSHALL"]);
    assert_eq!(n_admitted(&one, "ana", 20).await + n_admitted(&other, "ana", 20).await, 0);
    // Redis learns from one process what it granted alone, and the other process from Redis.
    until_connected(&one).await;
    until_connected(&other).await;
    assert!(admits(&one, "ben").await);
    assert_eq!(n_admitted(&other, "ben", 100).await + n_admitted(&one, "ben", 100).await, 11);
}

#[tokio::test]
async fn a_redis_that_hangs_delays_one_call_per_second_and_is_asked_again() {
    let redis = Redis::start();
    let limits = RateLimits::new(redis.connect().await.rate_limits(), quotas(100_000));
    redis.freeze();
    let started = Instant::now();
    assert_eq!(n_admitted(&limits, "ana", 100).await, 100);
    let n_seconds = started.elapsed().as_secs();
    redis.thaw();
    assert!(n_asked(&redis) <= n_seconds + 2, "{} times in {n_seconds} s", n_asked(&redis));
    until_connected(&limits).await;
}

#[tokio::test]
async fn the_number_of_remembered_callers_is_bounded() {
    let mut redis = Redis::start();
    let limits = process(&redis, quotas(1)).await;
    redis.stop();
    for i in 0..CALLERS_MAX + 1_000 {
        assert!(admits(&limits, &i.to_string()).await);
    }
    assert!(limits.allowances.len() <= CALLERS_MAX, "{}", limits.allowances.len());
}
