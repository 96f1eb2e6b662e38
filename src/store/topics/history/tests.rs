use std::time::Duration;

use super::super::jobs::{self, Cancelled, Created, claim};
use super::super::{Stored, create, replace};
use super::*;
use crate::models::id::TopicId;
use crate::models::person_name::Stamp;
use crate::models::rollup::Dimension;
use crate::models::topic::{NewTopic, Topic, TopicKind};
use crate::models::topic_history::{TopicJob, TopicJobState};
use crate::store::metrics::rollups::compact;
use crate::store::posts::erasure::tests::{assert_exact, corrections};
use crate::store::testing::{self, apply as correct, execute, now_in_micros, number, record, test_store};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Returns the number that [`testing::post`] gave a post.
pub(super) fn number_of(post: &Post) -> usize {
    post.id.trim_start_matches("id-").parse().unwrap()
}

/// Returns a topic that matches posts by their number, as in `enrich`.
pub(super) fn topic_of(
    name: &str,
    is_match: impl Fn(usize) -> bool + Send + Sync,
) -> impl Fn(&Post) -> Option<Regrouped> + Send + Sync {
    let name = name.to_owned();
    move |post| {
        let (mut products, mut topics) = (post.products.clone(), post.topics.clone());
        match is_match(number_of(post)) {
            true if !products.contains(&name) => {
                products.push(name.clone());
                topics.push(name.clone());
            }
            false if topics.contains(&name) => {
                products.retain(|product| *product != name);
                topics.retain(|topic| *topic != name);
            }
            _ => return None,
        }
        products.sort_unstable();
        Some(Regrouped { products, topics })
    }
}

fn new(name: &str) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        kind: TopicKind::Product,
        is_ours: None,
        query: "any".to_owned(),
        tracks_churn: None,
        enabled: true,
    }
}

fn stamp() -> Stamp {
    Stamp { at: now_in_micros(), by: Some("Ana".parse().unwrap()) }
}

pub(super) async fn topic(store: &Store, name: &str) -> Topic {
    match create(store, &new(name), &stamp()).await.unwrap() {
        Stored::Topic(topic) => *topic,
        other => panic!("{other:?}"),
    }
}

/// Creates a job over the last `days` days.
pub(super) async fn job(store: &Store, topic: TopicId, days: u32) -> TopicJob {
    match jobs::create(store, topic, days, &stamp()).await.unwrap() {
        Created::Job(job) => *job,
        other => panic!("{other:?}"),
    }
}

async fn listed(store: &Store, topic: TopicId) -> TopicJob {
    jobs::list(store, topic).await.unwrap().unwrap().remove(0)
}

/// Runs a claimed job until it ends or another process continues it, and returns the number of posts that it changed.
pub(super) async fn run(
    store: &Store,
    (mut claimed, holder): (ClaimedJob, Uuid),
    n_posts_max: usize,
    regroup: Regroup<'_>,
) -> Option<usize> {
    let mut n_changed = 0;
    loop {
        let params = BatchParams { job: &claimed, holder, n_posts_max, regroup };
        let applied = apply(store, params, &mut RollupGuard::of_another_process()).await.unwrap()?;
        n_changed += applied.n_changed;
        if applied.next.is_none() {
            return Some(n_changed);
        }
        claimed.position = applied.next;
    }
}

pub(super) async fn claimed(store: &Store, holder: Uuid) -> Option<ClaimedJob> {
    claim(store, holder, Duration::ZERO).await.unwrap()
}

/// Returns posts of many ages, a third of them without products, and a third with two.
fn posts_of(range: std::ops::Range<usize>, now: Timestamp) -> Vec<ScoredPost> {
    let ages = [0, 30, 80, 100, 250, 700, 3_000, 20_000];
    let aged = |n: usize| {
        let mut scored = testing::post(n, now - SignedDuration::from_mins(ages[n % 8]));
        scored.post.created_at -= SignedDuration::from_secs((n * 13 % 200) as i64);
        scored.awaits_correction = n % 5 < 2;
        scored
    };
    range.map(aged).collect()
}

/// Counts the posts of a product in the rollups of minutes and in the table of posts.
async fn counted(store: &Store, product: &str) -> (i64, i64) {
    let sums = format!(
        "SELECT coalesce(sum(count), 0)::bigint FROM sentiment_rollups WHERE dimension = 'product' AND key = '{product}'"
    );
    let posts = match product {
        "" => "SELECT count(*) FROM social_media_posts WHERE products = '{}'".to_owned(),
        _ => format!("SELECT count(*) FROM social_media_posts WHERE '{product}' = ANY (products)"),
    };
    (number(store, &sums).await, number(store, &posts).await)
}

#[tokio::test]
async fn sums_stay_exact_when_a_topic_is_applied_to_fine_and_merged_rows_and_taken_back() {
    let store = test_store().await;
    let (now, holder) = (Timestamp::now(), Uuid::now_v7());
    let early = posts_of(0..160, now);
    record(&store, &early).await.unwrap();
    compact(&store, now).await.unwrap();
    record(&store, &posts_of(160..240, now)).await.unwrap();
    let topic = topic(&store, "gamma").await;
    job(&store, topic.id, 30).await;
    let next = claimed(&store, holder).await.unwrap();
    let matches = topic_of("gamma", |n| n % 2 == 0);
    assert_eq!(run(&store, (next, holder), 37, &matches).await, Some(120));
    assert_exact(&store, 240).await;
    assert_eq!(counted(&store, "gamma").await, (120, 120));
    // Half of the posts without a product now have one.
    assert_eq!(counted(&store, "").await, (40, 40));
    assert_eq!(counted(&store, "alpha").await, (160, 160));
    let done = listed(&store, topic.id).await;
    assert_eq!((done.state, done.posts_read, done.posts_changed), (TopicJobState::Done, 240, 120));
    assert!(done.finished_at.is_some() && claimed(&store, holder).await.is_none());

    // Corrections that are based on the old products are applied nevertheless.
    assert_eq!(correct(&store, &corrections(&early)).await.unwrap().applied.len(), 64);
    assert_exact(&store, 240).await;
    compact(&store, now).await.unwrap();

    // Applied again with another query, it removes the name from posts of these days that no longer match.
    job(&store, topic.id, 1).await;
    let next = claimed(&store, holder).await.unwrap();
    let matches = topic_of("gamma", |n| n % 3 == 0);
    let n_changed = run(&store, (next, holder), 500, &matches).await.unwrap();
    assert_eq!(n_changed, (0..240).filter(|n| n % 8 < 6 && (n % 2 == 0) != (n % 3 == 0)).count());
    assert_exact(&store, 240).await;
    compact(&store, now).await.unwrap();
    assert_exact(&store, 240).await;
}

#[tokio::test]
async fn a_delta_changes_only_the_rows_of_products_and_has_their_revisions() {
    let store = test_store().await;
    let (now, holder) = (now_in_micros(), Uuid::now_v7());
    record(&store, &[testing::post(0, now), testing::post(6, now)]).await.unwrap();
    let topic = topic(&store, "gamma").await;
    let total = job(&store, topic.id, 1).await.posts_total;
    assert_eq!(total, 2);
    let next = claimed(&store, holder).await.unwrap();
    let params = BatchParams { job: &next, holder, n_posts_max: 9, regroup: &topic_of("gamma", |_| true) };
    let mut guard = RollupGuard::of_another_process();
    let applied = apply(&store, params, &mut guard).await.unwrap().unwrap();
    let rows: Vec<_> = applied.delta.iter().collect();
    assert!(rows.iter().all(|(key, _)| key.dimension == Dimension::Product));
    let found = rows.iter().map(|(key, sums)| (key.key.as_str(), sums.count, sums.revision));
    assert_eq!(found.collect::<Vec<_>>(), [("", -2, 2), ("gamma", 2, 1)]);
}

#[tokio::test]
async fn a_job_that_its_process_left_in_the_middle_is_resumed_and_does_nothing_twice() {
    let store = test_store().await;
    let now = Timestamp::now();
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    record(&store, &testing::posts(90, now - HOUR)).await.unwrap();
    let gamma = topic(&store, "gamma").await;
    job(&store, gamma.id, 7).await;
    let matches = topic_of("gamma", |n| n % 2 == 0);
    assert!(claim(&store, first, Duration::from_secs(3_600)).await.unwrap().is_none(), "it has not settled");
    let begun = claimed(&store, first).await.unwrap();
    let params = BatchParams { job: &begun, holder: first, n_posts_max: 40, regroup: &matches };
    let mut guard = RollupGuard::of_another_process();
    let last = apply(&store, params, &mut guard).await.unwrap().unwrap();
    assert_eq!(last.n_read, 40);
    // The commit of this batch was not acknowledged, so the batch is attempted again.
    assert_eq!(apply(&store, params, &mut guard).await.unwrap(), None);
    assert!(claimed(&store, second).await.is_none(), "it is held");
    execute(&store, "UPDATE topic_jobs SET leased_until = now() - interval '1 second'").await;
    let resumed = claimed(&store, second).await.unwrap();
    assert_eq!(resumed.position, last.next);
    let half = ClaimedJob { position: last.next, ..begun };
    assert_eq!(run(&store, (half, first), 40, &matches).await, None, "another process goes on with it");
    assert_eq!(run(&store, (resumed, second), 40, &matches).await, Some(45 - last.n_changed));
    assert_exact(&store, 90).await;
    let done = listed(&store, gamma.id).await;
    assert_eq!((done.state, done.posts_read, done.posts_changed), (TopicJobState::Done, 90, 45));
}

#[tokio::test]
async fn a_replaced_topic_is_applied_from_the_start_and_its_former_names_are_known() {
    let store = test_store().await;
    let holder = Uuid::now_v7();
    record(&store, &testing::posts(30, Timestamp::now() - HOUR)).await.unwrap();
    let gamma = topic(&store, "gamma").await;
    job(&store, gamma.id, 7).await;
    let begun = claimed(&store, holder).await.unwrap();
    assert_eq!(begun.former_names, [""; 0]);
    for name in ["delta", "epsilon", "delta", "zeta"] {
        replace(&store, gamma.id, &new(name), &stamp()).await.unwrap();
    }
    assert_eq!(run(&store, (begun.clone(), holder), 9, &topic_of("gamma", |_| true)).await, None);
    let again = claimed(&store, holder).await.unwrap();
    assert_eq!((again.id, again.name.as_str(), again.position), (begun.id, "zeta", None));
    assert_eq!(again.former_names, ["gamma", "epsilon", "delta"]);
    // A former name that now belongs to another topic is left alone.
    topic(&store, "Epsilon").await;
    assert_eq!(claimed(&store, holder).await.unwrap().former_names, ["gamma", "delta"]);
    assert_eq!(run(&store, (again, holder), 9, &topic_of("zeta", |_| true)).await, Some(30));
    assert_exact(&store, 30).await;
    assert_eq!(counted(&store, "gamma").await, (0, 0));
}

#[tokio::test]
async fn a_topic_has_one_unfinished_job_and_a_cancelled_one_changes_nothing_more() {
    let store = test_store().await;
    let holder = Uuid::now_v7();
    record(&store, &testing::posts(10, Timestamp::now() - HOUR)).await.unwrap();
    let (gamma, other) = (topic(&store, "gamma").await, topic(&store, "other").await);
    let first = job(&store, gamma.id, 7).await;
    assert_eq!(jobs::create(&store, gamma.id, 7, &stamp()).await.unwrap(), Created::Unfinished);
    assert_eq!(jobs::create(&store, TopicId::now_v7(), 7, &stamp()).await.unwrap(), Created::Unknown);
    job(&store, other.id, 7).await;
    let begun = claimed(&store, holder).await.unwrap();
    assert_eq!(begun.id, first.id, "the oldest job comes first");
    assert!(claimed(&store, Uuid::now_v7()).await.is_none(), "one job at a time");
    assert_eq!(jobs::cancel(&store, other.id, first.id).await.unwrap(), Cancelled::Unknown);
    assert_eq!(jobs::cancel(&store, gamma.id, first.id).await.unwrap(), Cancelled::Now);
    assert_eq!(jobs::cancel(&store, gamma.id, first.id).await.unwrap(), Cancelled::Ended);
    assert_eq!(run(&store, (begun, holder), 9, &topic_of("gamma", |_| true)).await, None);
    assert_eq!(counted(&store, "gamma").await, (0, 0));
    let second = job(&store, gamma.id, 7).await;
    let all: Vec<_> = jobs::list(&store, gamma.id).await.unwrap().unwrap();
    let found: Vec<_> = all.iter().map(|job| (job.id, job.state)).collect();
    assert_eq!(found, [(second.id, TopicJobState::Queued), (first.id, TopicJobState::Cancelled)]);
    assert_eq!(all[0].created_by.as_deref(), Some("Ana"));
    assert_eq!(jobs::list(&store, TopicId::now_v7()).await.unwrap(), None);

    // A job that fails, and one that is released.
    let begun = claimed(&store, holder).await.unwrap();
    jobs::fail(&store, begun.id, holder, "broken").await.unwrap();
    let begun = claimed(&store, holder).await.unwrap();
    jobs::release(&store, begun.id, holder).await.unwrap();
    assert!(claimed(&store, Uuid::now_v7()).await.is_some());
    assert!(super::super::delete(&store, gamma.id).await.unwrap());
}
