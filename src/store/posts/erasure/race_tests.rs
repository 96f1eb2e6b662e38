//! Erasure concurrent with everything else that changes the same rows. Each test must end with exact sums and without a
//! deadlock that a retry does not resolve.

use futures_util::future::try_join_all;
use jiff::SignedDuration;

use super::tests::{assert_exact, corrections, erase_now, key};
use super::*;
use crate::models::label::NewLabel;
use crate::models::person_name::Stamp;
use crate::models::post::Engagement;
use crate::models::score::SentimentLabel;
use crate::store::operations::retention;
use crate::store::posts::record::counts;
use crate::store::posts::{labels, work};
use crate::store::testing::{self, apply, number, record, shuffle, test_store};

/// Query for rows that refer to a post that is no longer stored.
const LEFT_OVER: &str = "
    SELECT count(*) FROM (
        SELECT uuid FROM sentiment_analysis UNION ALL SELECT uuid FROM sentiment_analysis_history
        UNION ALL SELECT uuid FROM awaiting_correction UNION ALL SELECT uuid FROM flagged_posts
        UNION ALL SELECT uuid FROM engagement_samples UNION ALL SELECT uuid FROM latest_engagement
        UNION ALL SELECT uuid FROM label_corrections UNION ALL SELECT uuid FROM post_work
        UNION ALL SELECT uuid FROM churn_alert_posts
    ) AS left_over WHERE uuid NOT IN (SELECT uuid FROM social_media_posts)";

async fn kept(store: &Store) -> i64 {
    assert_eq!(number(store, LEFT_OVER).await, 0);
    let kept = counts(store).await.unwrap();
    assert_exact(store, kept.n_keys).await;
    kept.n_posts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn posts_that_are_stored_and_erased_at_once_are_erased() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut all = testing::posts(240, now);
    for (n, scored) in all.iter_mut().enumerate() {
        scored.awaits_correction = n % 2 == 0;
        scored.post.created_at -= SignedDuration::from_mins([0, 0, 95, 600][n % 4]);
    }
    let recording = (0..4).map(|seed| {
        let (store, mut mine) = (store.clone(), all.clone());
        shuffle(&mut mine, seed);
        tokio::spawn(async move {
            for round in 0..2 {
                for scored in &mut mine {
                    let likes = Some((seed + round) as i64);
                    scored.post.engagement = Some(Engagement { likes, ..Engagement::default() });
                    scored.post.received_at = Timestamp::now();
                }
                for batch in mine.chunks(13 + seed) {
                    record(&store, batch).await.unwrap();
                }
            }
        })
    });
    let erasing = (0..3).map(|seed| {
        let (store, mut mine) = (store.clone(), all[..120].to_vec());
        shuffle(&mut mine, seed + 10);
        tokio::spawn(async move {
            for batch in mine.chunks(11 + seed) {
                erase_now(&store, batch).await;
            }
        })
    });
    try_join_all(recording.chain(erasing).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(kept(&store).await, 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn posts_that_people_and_models_work_on_while_they_are_erased_leave_nothing() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut all = testing::posts(120, now);
    for (n, scored) in all.iter_mut().enumerate() {
        scored.awaits_correction = true;
        scored.score.churn_risk = [0.9, 0.1][n % 2];
        scored.post.created_at -= SignedDuration::from_mins([0, 100, 300][n % 3]);
    }
    record(&store, &all).await.unwrap();
    let correcting = (0..2).map(|seed| {
        let (store, mut wanted) = (store.clone(), corrections(&all));
        shuffle(&mut wanted, seed);
        tokio::spawn(async move {
            for some in wanted.chunks(9 + seed) {
                apply(&store, some).await.unwrap();
            }
        })
    });
    let working = (0..2).map(|seed| {
        let (store, mut mine) = (store.clone(), all.clone());
        shuffle(&mut mine, seed + 20);
        tokio::spawn(async move {
            let label = NewLabel { label: SentimentLabel::Neutral, note: None, by: None };
            let stamp = Stamp { at: Timestamp::now(), by: None };
            for scored in &mine {
                labels::correct(&store, scored.post.uuid, &label).await.unwrap();
                work::note(&store, scored.post.uuid, "call them", &stamp).await.unwrap();
            }
        })
    });
    let erasing = (0..2).map(|seed| {
        let (store, mut mine) = (store.clone(), all[..80].to_vec());
        shuffle(&mut mine, seed + 10);
        tokio::spawn(async move {
            for batch in mine.chunks(7 + seed) {
                erase_now(&store, batch).await;
            }
        })
    });
    try_join_all(correcting.chain(working).chain(erasing).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(kept(&store).await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn posts_are_erased_while_their_day_moves_is_compacted_or_expires() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut all = testing::posts(180, now);
    for (n, scored) in all.iter_mut().enumerate() {
        scored.awaits_correction = n % 2 == 0;
        scored.post.created_at -= SignedDuration::from_hours([24 * 91, 24 * 20, 24 * 30, 7, 2, 0][n % 6]);
    }
    record(&store, &all[..90]).await.unwrap();
    let recording = async {
        for batch in all[90..].chunks(8) {
            record(&store, batch).await.unwrap();
        }
    };
    let maintaining = async {
        for _ in 0..4 {
            retention::ensure_partitions(&store, now).await.unwrap();
            rollups::compact(&store, now).await.unwrap();
            retention::expire(&store, now).await.unwrap();
        }
    };
    let erasing = async |seed: usize| {
        let mut mine: Vec<PostKey> = all.iter().skip(seed).step_by(2).map(key).collect();
        shuffle(&mut mine, seed);
        for keys in mine.chunks(10) {
            erase(&store, keys, &mut store.rollup_guard()).await.unwrap();
        }
    };
    tokio::join!(recording, maintaining, erasing(0), erasing(0), async {
        apply(&store, &corrections(&all)).await.unwrap();
    });
    retention::ensure_partitions(&store, now).await.unwrap();
    retention::expire(&store, now).await.unwrap();
    assert!(kept(&store).await <= 90);
    let stray =
        "SELECT count(*) FROM post_keys AS key JOIN social_media_posts AS post USING (platform, post_id)
        WHERE key.erased";
    assert_eq!(number(&store, stray).await, 0);
}
