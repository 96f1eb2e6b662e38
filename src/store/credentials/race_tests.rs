//! Many uses of refresh tokens at once.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::refresh_tokens::{Family, Redeemed, redeem, start};
use super::testing::{self, GRACE};
use crate::store::Store;
use crate::store::testing::{now_in_micros, number, test_store};

async fn started(store: &Store, now: Timestamp) -> Family {
    let family = testing::family(testing::user(store, "viewer").await, now);
    start(store, &family, (&[0; 32], now)).await.unwrap();
    family
}

/// Presents a token `n` times at once, each time for a different next token.
async fn at_once(store: &Store, presented: [u8; 32], n: u8, at: Timestamp) -> Vec<Redeemed> {
    let uses = (1..=n).map(|next| async move {
        let next = [next; 32];
        redeem(store, (&presented, &next), (at, GRACE)).await.unwrap()
    });
    join_all(uses).await
}

fn count(outcomes: &[Redeemed], expected: impl Fn(&Redeemed) -> bool) -> usize {
    outcomes.iter().filter(|outcome| expected(outcome)).count()
}

#[tokio::test]
async fn a_token_used_many_times_at_once_has_one_first_use() {
    let store = test_store().await;
    let now = now_in_micros();
    let family = started(&store, now).await;
    // Without any grace, all but the first use are reuse, and the first reuse ends the family.
    let uses = (1..=20_u8).map(|next| {
        let store = &store;
        async move {
            let next = [next; 32];
            redeem(store, (&[0; 32], &next), (now, SignedDuration::ZERO)).await.unwrap()
        }
    });
    let outcomes = join_all(uses).await;
    assert_eq!(count(&outcomes, |one| *one == Redeemed::Renewed(family)), 1, "{outcomes:?}");
    assert_eq!(count(&outcomes, |one| *one == Redeemed::Reused(family)), 1, "{outcomes:?}");
    assert_eq!(count(&outcomes, |one| *one == Redeemed::Revoked), 18, "{outcomes:?}");
    assert_eq!(number(&store, "SELECT count(*) FROM refresh_tokens").await, 2);
}

#[tokio::test]
async fn within_the_grace_period_every_use_at_once_gets_a_token_of_the_family() {
    let store = test_store().await;
    let now = now_in_micros();
    let family = started(&store, now).await;
    let outcomes = at_once(&store, [0; 32], 20, now).await;
    assert_eq!(count(&outcomes, |one| *one == Redeemed::Renewed(family)), 20, "{outcomes:?}");
    let n_first = "SELECT count(*) FROM refresh_tokens WHERE used_at IS NOT NULL";
    assert_eq!(number(&store, n_first).await, 1);
    // Outside of it, one use finds the reuse, and no token of the family is renewed any more.
    let late = now + GRACE;
    let reused = at_once(&store, [0; 32], 20, late).await;
    assert_eq!(count(&reused, |one| *one == Redeemed::Reused(family)), 1, "{reused:?}");
    assert_eq!(count(&reused, |one| *one == Redeemed::Revoked), 19, "{reused:?}");
    let after = join_all((1..=20_u8).map(|n| {
        let store = &store;
        async move {
            let (presented, next) = ([n; 32], [n + 100; 32]);
            redeem(store, (&presented, &next), (late, GRACE)).await.unwrap()
        }
    }));
    assert_eq!(count(&after.await, |one| *one == Redeemed::Revoked), 20);
}

#[tokio::test]
async fn a_reuse_and_renewals_at_once_leave_no_token_of_the_family_usable() {
    let store = test_store().await;
    let now = now_in_micros();
    started(&store, now).await;
    let first = redeem(&store, (&[0; 32], &[1; 32]), (now, GRACE)).await.unwrap();
    assert!(matches!(first, Redeemed::Renewed(_)));
    // A thief replays the first token while its holder renews the second one.
    let late = now + GRACE;
    let (store, mut next) = (&store, 2_u8);
    let uses = (0..20_u8).map(|n| {
        next += 1;
        let (presented, next) = ([n % 2; 32], [next; 32]);
        async move { redeem(store, (&presented, &next), (late, GRACE)).await.unwrap() }
    });
    let outcomes = join_all(uses).await;
    assert_eq!(count(&outcomes, |one| matches!(one, Redeemed::Reused(_))), 1, "{outcomes:?}");
    for n in 0..=next {
        let (presented, next) = ([n; 32], [n.wrapping_add(200); 32]);
        let outcome = redeem(store, (&presented, &next), (late, GRACE)).await.unwrap();
        assert!(matches!(outcome, Redeemed::Revoked | Redeemed::Unknown), "{n}: {outcome:?}");
    }
}
