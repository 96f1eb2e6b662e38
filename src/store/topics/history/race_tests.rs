//! Applying topics concurrently with everything else that changes the same rows. Each test must end with exact sums and
//! without a deadlock that a retry does not resolve.

use super::tests::{claimed, job, number_of, run, topic, topic_of};
use super::*;
use crate::models::label::NewLabel;
use crate::models::score::SentimentLabel;
use crate::store::operations::retention;
use crate::store::posts::erasure::tests::{assert_exact, corrections, erase_now};
use crate::store::posts::labels;
use crate::store::posts::record::counts;
use crate::store::testing::{self, apply as correct, record, shuffle, test_store};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn topics_are_applied_while_posts_are_stored_corrected_and_erased_and_their_days_move() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut all = testing::posts(360, now);
    for (n, scored) in all.iter_mut().enumerate() {
        scored.awaits_correction = n % 2 == 0;
        scored.score.churn_risk = [0.9, 0.1][n % 2];
        scored.post.created_at -= SignedDuration::from_mins([0, 2, 95, 600, 30_000, 1_500][n % 6]);
    }
    record(&store, &all[..200]).await.unwrap();
    let (late, mut wanted, mut gone) = (all[200..].to_vec(), corrections(&all), all[100..220].to_vec());
    shuffle(&mut wanted, 1);
    shuffle(&mut gone, 2);
    let labelled = all[..100].to_vec();
    let recording = tokio::spawn({
        let store = store.clone();
        async move {
            for batch in late.chunks(9) {
                record(&store, batch).await.unwrap();
            }
        }
    });
    let correcting = tokio::spawn({
        let store = store.clone();
        async move {
            for some in wanted.chunks(7) {
                correct(&store, some).await.unwrap();
            }
        }
    });
    let erasing = tokio::spawn({
        let store = store.clone();
        async move {
            for batch in gone.chunks(6) {
                erase_now(&store, batch).await;
            }
        }
    });
    let labelling = tokio::spawn({
        let store = store.clone();
        async move {
            let label = NewLabel { label: SentimentLabel::Neutral, note: None, by: None };
            for scored in &labelled {
                labels::correct(&store, scored.post.uuid, &label).await.unwrap();
            }
        }
    });
    let maintaining = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..4 {
                retention::ensure_partitions(&store, now).await.unwrap();
                rollups::compact(&store, now).await.unwrap();
            }
        }
    });
    // Repeated with different queries, so that every round changes nearly every post.
    let gamma = topic(&store, "gamma").await;
    let holder = Uuid::now_v7();
    let mut n_changed = 0;
    for round in 0..6 {
        job(&store, gamma.id, 60).await;
        let next = claimed(&store, holder).await.unwrap();
        let matches = topic_of("gamma", |n| (n + round) % 2 == 0);
        n_changed += run(&store, (next, holder), 23 + round * 20, &matches).await.unwrap();
    }
    for task in [recording, correcting, erasing, labelling, maintaining] {
        task.await.unwrap();
    }
    assert!(n_changed > 100);
    // Posts that were stored after the last round has passed them belong to the next one.
    job(&store, gamma.id, 60).await;
    let next = claimed(&store, holder).await.unwrap();
    run(&store, (next, holder), 500, &topic_of("gamma", |n| n % 2 == 0)).await.unwrap();
    let n_posts = counts(&store).await.unwrap().n_posts;
    assert_eq!(n_posts, 240);
    assert_exact(&store, n_posts).await;
    let names: Vec<Name> = all.iter().map(|scored| (scored.post.uuid, scored.post.created_at)).collect();
    let mut client = store.client().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    for scored in named::read(&transaction, &names).await.unwrap() {
        let is_gamma = scored.post.products.contains(&"gamma".to_owned());
        assert_eq!(is_gamma, number_of(&scored.post).is_multiple_of(2), "{}", scored.post.id);
    }
}
