use jiff::SignedDuration;

use super::*;
use crate::models::rollup::{Sums, delta_of};
use crate::models::score::ModelId;
use crate::store::posts::{Counts, counts, record};
use crate::store::testing::{self, number, test_store};
use crate::store::{post_list, rollups};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Posts of which each awaits a correction.
fn admitted(n: usize, at: Timestamp) -> Vec<ScoredPost> {
    let mut batch = testing::posts(n, at);
    batch.iter_mut().for_each(|scored| scored.awaits_correction = true);
    batch
}

/// A post's score replaced by that of the `n`-th of the series.
fn correction(scored: &ScoredPost, n: usize) -> Correction {
    let mut score = testing::post(n, scored.post.created_at).score;
    score.model = ModelId { name: "deep".to_owned(), version: "1".to_owned(), hash: "1".to_owned() }.into();
    Correction { uuid: scored.post.uuid, created_at: scored.post.created_at, score }
}

fn corrections(batch: &[ScoredPost], shift: usize) -> Vec<Correction> {
    batch.iter().enumerate().map(|(n, scored)| correction(scored, n + shift)).collect()
}

/// The rollups, added up by minute, without revisions.
async fn by_minute(store: &Store) -> Delta {
    let rows = rollups::live(store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap();
    minutes(rows.into_iter())
}

fn minutes(rows: impl Iterator<Item = (crate::models::rollup::RollupKey, Sums)>) -> Delta {
    let mut sums = Delta::new();
    for (mut key, row) in rows {
        key.bucket = Timestamp::from_second(key.bucket.as_second().div_euclid(60) * 60).unwrap();
        sums.entry(key).or_default().add(&Sums { revision: 0, ..row });
    }
    sums
}

/// The rollups are what the stored posts and their current scores add up to, and no row counts fewer than none.
async fn assert_exact(store: &Store) {
    let stored = all(store).await;
    assert_eq!(by_minute(store).await, minutes(delta_of(&stored).into_iter()));
    let n_negative = "SELECT count(*) FROM sentiment_rollups WHERE least(count, positive, neutral, negative,
        churn_micros, churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear, emotion_joy,
        emotion_neutral, emotion_sadness, emotion_surprise, late) < 0";
    assert_eq!(number(store, n_negative).await, 0);
    let n = i64::try_from(stored.len()).unwrap();
    assert_eq!(counts(store).await.unwrap(), Counts { n_posts: n, n_rolled_up: n, n_keys: n });
}

async fn all(store: &Store) -> Vec<ScoredPost> {
    let client = store.client().await.unwrap();
    scored_posts_of(&client.query(&format!("SELECT {COLUMNS} FROM {TABLES}"), &[]).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_correction_changes_the_score_the_sums_and_the_history_and_only_once() {
    let store = test_store().await;
    let batch = admitted(40, testing::now_in_micros());
    record(&store, &batch).await.unwrap();
    assert_eq!(awaiting(&store).await.unwrap(), 40);
    let wanted = corrections(&batch, 7);
    let corrected = apply(&store, &wanted[..30]).await.unwrap();
    assert_eq!(corrected.applied, (0..30).collect::<Vec<_>>());
    assert!(corrected.delta.values().all(|sums| sums.revision == 2 && sums.count == 0));
    assert_exact(&store).await;
    assert_eq!(awaiting(&store).await.unwrap(), 10);

    let again = apply(&store, &wanted[..30]).await.unwrap();
    assert_eq!(again, Corrected::default());
    assert_eq!(apply(&store, &wanted).await.unwrap().applied, (30..40).collect::<Vec<_>>());
    assert_exact(&store).await;

    for (scored, correction) in batch.iter().zip(&wanted) {
        let found = post_list::get_with_history(&store, scored.post.uuid).await.unwrap().unwrap();
        assert_eq!(found.score, correction.score);
        assert_eq!(found.history.iter().map(|past| &past.score).collect::<Vec<_>>(), [&scored.score]);
        assert!(Timestamp::now().duration_since(found.history[0].scored_at) < MINUTE);
    }
}
