use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::models::rollup::{RollupKey, Sums, delta_of};
use crate::models::score::ModelId;
use crate::store::metrics::rollups;
use crate::store::operations::retention;
use crate::store::posts::list;
use crate::store::posts::record::{Counts, counts};
use crate::store::posts::row::{COLUMNS, TABLES, scored_posts_of};
use crate::store::testing::{self, apply, execute, number, record, test_store};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Stores posts that each await a correction.
fn admitted(n: usize, at: Timestamp) -> Vec<ScoredPost> {
    let mut batch = testing::posts(n, at);
    batch.iter_mut().for_each(|scored| scored.awaits_correction = true);
    batch
}

/// Returns a correction for a post, with the score of the `n`-th post in the series.
fn correction(scored: &ScoredPost, n: usize) -> Correction {
    let mut score = testing::post(n, scored.post.created_at).score;
    score.model = ModelId { name: "deep".to_owned(), version: "1".to_owned(), hash: "1".to_owned() }.into();
    Correction { read: Arc::new(scored.clone()), score }
}

fn corrections(batch: &[ScoredPost], shift: usize) -> Vec<Correction> {
    batch.iter().enumerate().map(|(n, scored)| correction(scored, n + shift)).collect()
}

/// Expires every claim, as if the claiming processes had died. Skips locked rows, because two concurrent calls could
/// otherwise deadlock.
async fn let_claims_run_out(store: &Store) {
    let free = "SELECT uuid FROM awaiting_correction FOR UPDATE SKIP LOCKED";
    let sql = format!(
        "UPDATE awaiting_correction SET claimed_until = now() - interval '1 second' WHERE uuid IN ({free})"
    );
    execute(store, &sql).await;
}

fn minutes(rows: impl IntoIterator<Item = (RollupKey, Sums)>) -> Delta {
    let mut sums = Delta::new();
    for (mut key, row) in rows {
        key.bucket = Timestamp::from_second(key.bucket.as_second().div_euclid(60) * 60).unwrap();
        sums.entry(key).or_default().add(&Sums { revision: 0, ..row });
    }
    sums
}

async fn all(store: &Store) -> Vec<ScoredPost> {
    let client = store.client().await.unwrap();
    scored_posts_of(&client.query(&format!("SELECT {COLUMNS} FROM {TABLES}"), &[]).await.unwrap()).unwrap()
}

/// Checks that the rollups equal the sums of the stored posts with their current scores, by minute, and that no count
/// is negative.
async fn assert_exact(store: &Store) {
    let stored = all(store).await;
    let rows = rollups::live(store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap();
    assert_eq!(minutes(rows), minutes(delta_of(&stored)));
    let below_none = "SELECT count(*) FROM sentiment_rollups WHERE least(count, positive, neutral, negative,
        churn_micros, churn_high, toxicity_micros, emotion_anger, emotion_disgust, emotion_fear, emotion_joy,
        emotion_neutral, emotion_sadness, emotion_surprise, late) < 0";
    assert_eq!(number(store, below_none).await, 0);
    let n = i64::try_from(stored.len()).unwrap();
    assert_eq!(counts(store).await.unwrap(), Counts { n_posts: n, n_rolled_up: n, n_keys: n });
}

#[tokio::test]
async fn a_correction_changes_the_score_the_sums_and_the_history_and_only_once() {
    let store = test_store().await;
    let began_at = testing::now_in_micros();
    let batch = admitted(40, began_at);
    record(&store, &batch).await.unwrap();
    assert_eq!(awaiting(&store).await.unwrap(), 40);
    let wanted = corrections(&batch, 7);
    let corrected = apply(&store, &wanted[..30]).await.unwrap();
    assert_eq!(corrected.applied, (0..30).collect::<Vec<_>>());
    assert!(corrected.delta.values().all(|sums| sums.revision == 2 && sums.count == 0));
    assert_exact(&store).await;
    assert_eq!(awaiting(&store).await.unwrap(), 10);

    let other = corrections(&batch, 11);
    assert_eq!(apply(&store, &other[..30]).await.unwrap(), Corrected::default());
    assert_eq!(apply(&store, &wanted).await.unwrap().applied, (30..40).collect::<Vec<_>>());
    assert_exact(&store).await;

    for (scored, correction) in batch.iter().zip(&wanted) {
        let found = list::get_with_history(&store, scored.post.uuid).await.unwrap().unwrap();
        assert_eq!(found.score, correction.score);
        assert_eq!(found.history.iter().map(|past| &past.score).collect::<Vec<_>>(), [&scored.score]);
        let (scored_at, corrected_at) = (found.history[0].scored_at, found.corrected_at.unwrap());
        assert!(began_at <= scored_at && scored_at < corrected_at && corrected_at <= Timestamp::now());
    }
}

#[tokio::test]
async fn only_admitted_posts_await_a_correction_and_are_corrected() {
    let store = test_store().await;
    let mut batch = admitted(20, Timestamp::now());
    batch.iter_mut().step_by(2).for_each(|scored| scored.awaits_correction = false);
    record(&store, &batch).await.unwrap();
    // The same post, sent again with another label.
    batch.iter_mut().for_each(|scored| scored.awaits_correction = true);
    assert_eq!(record(&store, &batch).await.unwrap().n_duplicates, 20);
    assert_eq!(awaiting(&store).await.unwrap(), 10);
    let corrected = apply(&store, &corrections(&batch, 3)).await.unwrap();
    assert_eq!(corrected.applied, (1..20).step_by(2).collect::<Vec<_>>());
    assert_eq!(corrected.posts.len(), 10);
    assert_exact(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_processes_apply_each_correction_once() {
    let store = test_store().await;
    let batch = admitted(90, Timestamp::now());
    record(&store, &batch).await.unwrap();
    let tasks = (0..6).map(|seed| {
        let (store, mut mine) = (store.clone(), corrections(&batch, 1 + seed));
        testing::shuffle(&mut mine, seed);
        tokio::spawn(async move {
            let mut n_applied = 0;
            for some in mine.chunks(9 + seed) {
                n_applied += apply(&store, some).await.unwrap().applied.len();
            }
            n_applied
        })
    });
    assert_eq!(try_join_all(tasks).await.unwrap().into_iter().sum::<usize>(), 90);
    assert_exact(&store).await;
    assert_eq!(number(&store, "SELECT count(*) FROM sentiment_analysis_history").await, 90);
}

#[tokio::test]
async fn posts_of_a_dead_process_are_claimed_by_another() {
    let store = test_store().await;
    let batch = admitted(12, testing::now_in_micros());
    record(&store, &batch).await.unwrap();
    let lease = Duration::from_secs(3_600);
    assert_eq!(claim(&store, 100, lease).await.unwrap(), []);
    let_claims_run_out(&store).await;
    let mut claimed = claim(&store, 5, lease).await.unwrap();
    assert_eq!(claimed.len(), 5);
    claimed.extend(claim(&store, 100, lease).await.unwrap());
    assert_eq!(claim(&store, 100, lease).await.unwrap(), []);
    claimed.sort_by_key(|scored| scored.post.uuid);
    let stored: Vec<_> =
        batch.iter().cloned().map(|scored| ScoredPost { awaits_correction: false, ..scored }).collect();
    assert_eq!(claimed, stored);
    // One process claims the post, and another, which was only slow, corrects it: the post is corrected once.
    assert_eq!(apply(&store, &corrections(&batch, 1)).await.unwrap().applied.len(), 12);
    assert_eq!(apply(&store, &corrections(&claimed, 2)).await.unwrap().applied.len(), 0);
    let_claims_run_out(&store).await;
    assert_eq!(claim(&store, 100, lease).await.unwrap(), []);
    assert_exact(&store).await;
}

#[tokio::test]
async fn a_post_that_crashes_every_claimer_is_not_claimed_forever() {
    let store = test_store().await;
    record(&store, &admitted(2, Timestamp::now())).await.unwrap();
    let mut n_claims = 0;
    while awaiting(&store).await.unwrap() > 0 {
        let_claims_run_out(&store).await;
        n_claims += claim(&store, 10, Duration::ZERO).await.unwrap().len();
        assert!(n_claims <= 40);
    }
    assert_eq!(n_claims, 20);
    assert_exact(&store).await;
}

#[tokio::test]
async fn a_process_that_dies_during_a_correction_leaves_nothing_of_it() {
    let store = test_store().await;
    let batch = admitted(10, Timestamp::now());
    record(&store, &batch).await.unwrap();
    // The correction blocks at its last step.
    let mut blocker = store.client().await.unwrap();
    let blocking = blocker.transaction().await.unwrap();
    blocking.execute("SELECT FROM sentiment_rollups FOR UPDATE", &[]).await.unwrap();
    let task = tokio::spawn({
        let (store, wanted) = (store.clone(), corrections(&batch, 1));
        async move { apply(&store, &wanted).await }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%sentiment_rollups%'";
    let started = std::time::Instant::now();
    while number(&store, waiting).await == 0 {
        assert!(started.elapsed() < Duration::from_secs(60), "the correction never waits");
    }
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    blocking.rollback().await.unwrap();
    assert_eq!(awaiting(&store).await.unwrap(), 10);
    assert_exact(&store).await;
    assert_eq!(apply(&store, &corrections(&batch, 1)).await.unwrap().applied.len(), 10);
    assert_exact(&store).await;
}

#[tokio::test]
async fn a_correction_of_an_old_post_changes_the_row_that_counts_it() {
    let store = test_store().await;
    let now = Timestamp::now();
    let old = Timestamp::from_second((now - HOUR * 5).as_second().div_euclid(60) * 60 + 25).unwrap();
    let batch = admitted(30, old);
    record(&store, &batch[..10]).await.unwrap();
    rollups::compact(&store, now).await.unwrap();
    // Late posts recreate the fine row next to the minute's row, which counts the first post.
    record(&store, &batch[10..]).await.unwrap();
    let corrected = apply(&store, &corrections(&batch[..10], 1)).await.unwrap();
    assert_eq!(corrected.applied.len(), 10);
    assert_exact(&store).await;
    apply(&store, &corrections(&batch[10..], 1)).await.unwrap();
    assert_exact(&store).await;
    assert_eq!(rollups::compact(&store, now).await.unwrap(), 0);
}

#[tokio::test]
async fn corrections_expire_with_their_posts() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut batch = admitted(40, now);
    batch.iter_mut().step_by(2).for_each(|scored| scored.post.created_at = now - HOUR * 24 * 89);
    record(&store, &batch[..20]).await.unwrap();
    retention::ensure_partitions(&store, now).await.unwrap();
    record(&store, &batch[20..]).await.unwrap();
    let done = apply(&store, &corrections(&batch[..30], 5)).await.unwrap();
    assert_eq!(done.applied.len(), 30);
    let later = now + HOUR * 48;
    assert_eq!(retention::expire(&store, later).await.unwrap().n_posts, 20);
    assert_exact(&store).await;
    assert_eq!(awaiting(&store).await.unwrap(), 5);
    assert_eq!(number(&store, "SELECT count(*) FROM sentiment_analysis_history").await, 15);
    // Corrections of expired posts come too late; the others are applied.
    let rest = apply(&store, &corrections(&batch[30..], 5)).await.unwrap();
    assert_eq!(rest.applied, [1, 3, 5, 7, 9]);
    assert_exact(&store).await;
}

#[tokio::test]
async fn a_post_that_is_gone_is_skipped_and_no_longer_awaited() {
    let store = test_store().await;
    let now = Timestamp::now();
    let gone = admitted(6, now);
    let insert = "INSERT INTO awaiting_correction (uuid, created_at, claimed_until) VALUES";
    for scored in &gone {
        let (uuid, at) = (scored.post.uuid, scored.post.created_at);
        execute(&store, &format!("{insert} ('{uuid}', '{at}', now() - interval '1 second')")).await;
    }
    assert_eq!(apply(&store, &corrections(&gone[..3], 1)).await.unwrap(), Corrected::default());
    assert_eq!(awaiting(&store).await.unwrap(), 3);
    assert_eq!(claim(&store, 10, Duration::ZERO).await.unwrap(), []);
    assert_eq!(awaiting(&store).await.unwrap(), 0);
    assert_exact(&store).await;
}

#[tokio::test]
async fn a_day_whose_posts_have_a_partition_gets_one_for_its_history() {
    let store = test_store().await;
    let now = Timestamp::now();
    // Another day may have begun since the database was created.
    retention::ensure_partitions(&store, now).await.unwrap();
    let day = jiff::tz::TimeZone::UTC.to_datetime(now).date().strftime("%Y%m%d").to_string();
    // As on the day of the migration.
    execute(&store, &format!("DROP TABLE sentiment_analysis_history_{day}")).await;
    let batch = admitted(5, now);
    record(&store, &batch).await.unwrap();
    assert_eq!(apply(&store, &corrections(&batch, 1)).await.unwrap().applied.len(), 5);
    assert_eq!(retention::ensure_partitions(&store, now).await.unwrap(), 1);
    assert_eq!(retention::ensure_partitions(&store, now).await.unwrap(), 0);
    let partition = format!("SELECT count(*) FROM sentiment_analysis_history_{day}");
    assert_eq!(number(&store, &partition).await, 5);
    assert_eq!(number(&store, "SELECT count(*) FROM sentiment_analysis_history_default").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_posts_corrections_claims_and_compaction_lose_nothing() {
    let store = test_store().await;
    let now = Timestamp::now();
    let tasks = (0..4_usize).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..8 {
                let age = if n % 2 == 0 { SignedDuration::ZERO } else { HOUR * 6 };
                let at = now - age + SignedDuration::from_secs(((task * 31 + n * 7) % 90) as i64);
                let mut batch = admitted(200, at).split_off((task * 8 + n) * 5);
                batch.truncate(5);
                record(&store, &batch).await.unwrap();
                let_claims_run_out(&store).await;
                let claimed = claim(&store, 7, Duration::ZERO).await.unwrap();
                apply(&store, &corrections(&claimed, n + task)).await.unwrap();
                apply(&store, &corrections(&batch, n)).await.unwrap();
                rollups::compact(&store, now).await.unwrap();
            }
        })
    });
    try_join_all(tasks).await.unwrap();
    assert_exact(&store).await;
    let (n_history, n_awaiting) =
        (number(&store, "SELECT count(*) FROM sentiment_analysis_history").await, awaiting(&store).await);
    assert_eq!((n_history, n_awaiting.unwrap()), (160, 0));
}

#[derive(Debug, Clone)]
enum Step {
    /// Stores posts `from..from + n`, new or repeated.
    Record(usize, usize),
    /// Applies corrections to these posts, with the scores of other posts.
    Apply(usize, usize, usize),
    /// Claims and corrects some unclaimed posts, as another process would.
    Claim(usize, usize),
    Compact,
}

const N_POSTS: usize = 30;

fn step() -> impl Strategy<Value = Step> {
    let (some, n) = (0..N_POSTS, 1..12_usize);
    prop_oneof![
        3 => (some.clone(), n.clone()).prop_map(|(from, n)| Step::Record(from, n)),
        3 => (some, n.clone(), 1..50_usize).prop_map(|(from, n, shift)| Step::Apply(from, n, shift)),
        1 => (n, 1..50_usize).prop_map(|(n, shift)| Step::Claim(n, shift)),
        1 => Just(Step::Compact),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_whatever_order_the_sums_are_those_of_the_posts(
        steps in prop::collection::vec(step(), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(&steps));
    }
}

async fn check(steps: &[Step]) {
    let store = test_store().await;
    let now = testing::now_in_micros();
    let mut posts = admitted(N_POSTS, now);
    for (n, scored) in posts.iter_mut().enumerate() {
        let ages = [SignedDuration::ZERO, HOUR * 2, HOUR * 5, HOUR * 24 * 4];
        scored.post.created_at = now - ages[n % 4] - SignedDuration::from_secs(n as i64 * 7 % 60);
    }
    // The deltas for live windows add up to what is stored.
    let mut published = Delta::new();
    let mut receive = |delta: Delta| {
        for (key, sums) in minutes(delta) {
            published.entry(key).or_default().add(&sums);
        }
    };
    for step in steps {
        match *step {
            Step::Record(from, n) => {
                let batch = &posts[from..(from + n).min(N_POSTS)];
                receive(record(&store, batch).await.unwrap().delta);
            }
            Step::Apply(from, n, shift) => {
                let wanted = corrections(&posts[from..(from + n).min(N_POSTS)], from + shift);
                receive(apply(&store, &wanted).await.unwrap().delta);
            }
            Step::Claim(n, shift) => {
                let_claims_run_out(&store).await;
                let claimed = claim(&store, n, Duration::ZERO).await.unwrap();
                receive(apply(&store, &corrections(&claimed, shift)).await.unwrap().delta);
            }
            Step::Compact => {
                rollups::compact(&store, now).await.unwrap();
            }
        }
        assert_exact(&store).await;
    }
    assert_eq!(published, minutes(delta_of(&all(&store).await)));
    let corrected_twice = "SELECT count(*) FROM sentiment_analysis_history WHERE revision > 1";
    assert_eq!(number(&store, corrected_twice).await, 0);
}
