use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::models::id::AlertId;
use crate::models::label::NewLabel;
use crate::models::person_name::Stamp;
use crate::models::post::{Author, Engagement, ScoredPost};
use crate::models::rollup::{RollupKey, Sums, delta_of};
use crate::models::score::SentimentLabel;
use crate::store::operations::retention;
use crate::store::posts::corrections::{Correction, awaiting};
use crate::store::posts::record::{Counts, counts};
use crate::store::posts::row::{COLUMNS, TABLES, scored_posts_of};
use crate::store::posts::{labels, list, work};
use crate::store::testing::{self, apply, channel, execute, number, record, test_store};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Text that no other row contains.
const SECRET: &str = "nobody may read this any more";

/// Erases posts as a separate process would.
pub(in crate::store) async fn erase_now(store: &Store, batch: &[ScoredPost]) -> Erased {
    let keys: Vec<PostKey> = batch.iter().map(key).collect();
    erase(store, &keys, &mut RollupGuard::of_another_process()).await.unwrap()
}

pub(in crate::store) fn key(scored: &ScoredPost) -> PostKey {
    PostKey { platform: scored.post.platform.clone(), id: scored.post.id.clone() }
}

/// Returns a correction for each post, with the score of another one.
pub(in crate::store) fn corrections(batch: &[ScoredPost]) -> Vec<Correction> {
    let correction = |(n, scored): (usize, &ScoredPost)| Correction {
        read: Arc::new(scored.clone()),
        score: testing::post(n + 7, scored.post.created_at).score,
    };
    batch.iter().enumerate().map(correction).collect()
}

/// Adds up rows by minute, omitting empty rows and revisions.
fn minutes(rows: impl IntoIterator<Item = (RollupKey, Sums)>) -> Delta {
    let mut sums = Delta::new();
    for (mut key, row) in rows {
        key.bucket = Timestamp::from_second(key.bucket.as_second().div_euclid(60) * 60).unwrap();
        sums.entry(key).or_default().add(&Sums { revision: 0, ..row });
    }
    sums.retain(|_, sums| *sums != Sums::default());
    sums
}

/// Checks that the rollups equal the sums of the stored posts, by minute and by hour, and that all three counts equal
/// `n_posts`.
pub(in crate::store) async fn assert_exact(store: &Store, n_posts: i64) {
    // Complete hours that differ from the sum of their minutes.
    const WRONG: &str = "
        SELECT count(*) FROM (
            SELECT date_bin('1 hour', bucket, '2000-01-01 00:00:00+00'::timestamptz) AS bucket, source, dimension, key,
                sum(count)::bigint AS count, sum(negative)::bigint AS negative, sum(churn_micros)::bigint AS micros
            FROM sentiment_rollups GROUP BY 1, 2, 3, 4
        ) AS sums FULL JOIN sentiment_rollup_hours AS hour USING (bucket, source, dimension, key)
        WHERE bucket < (SELECT until FROM rollup_hours_until) AND (sums.count, sums.negative, sums.micros)
            IS DISTINCT FROM (hour.count, hour.negative, hour.churn_micros)";
    const BELOW_NONE: &str = "
        SELECT count(*) FROM sentiment_rollups WHERE least(count, positive, neutral, negative, churn_micros,
            churn_high, toxicity_micros, emotion_anger, emotion_joy, emotion_neutral, late) < 0";
    let expected = Counts { n_posts, n_rolled_up: n_posts, n_keys: n_posts };
    assert_eq!(counts(store).await.unwrap(), expected);
    let client = store.client().await.unwrap();
    let stored = client.query(&format!("SELECT {COLUMNS} FROM {TABLES}"), &[]).await.unwrap();
    let stored = scored_posts_of(&stored).unwrap();
    drop(client);
    let rows = rollups::live(store, Timestamp::UNIX_EPOCH, usize::MAX).await.unwrap();
    assert_eq!(minutes(rows), minutes(delta_of(&stored)));
    assert_eq!((number(store, WRONG).await, number(store, BELOW_NONE).await), (0, 0));
}

/// Returns the tables in which a text occurs anywhere in a row, except in the keys of posts.
async fn tables_with(store: &Store, text: &str) -> Vec<String> {
    const TABLES: &str = "
        SELECT table_name::text FROM information_schema.tables
        WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'post_keys' ORDER BY 1";
    let client = store.client().await.unwrap();
    let mut found = Vec::new();
    for table in client.query(TABLES, &[]).await.unwrap() {
        let table: String = table.get(0);
        let sql = format!("SELECT EXISTS (SELECT FROM {table} AS it WHERE it::text LIKE '%' || $1 || '%')");
        if client.query_one(&sql, &[&text]).await.unwrap().get(0) {
            found.push(table);
        }
    }
    found
}

/// Opens a churn alert about these posts and marks it as notified.
async fn raise(store: &Store, posts: &[ScoredPost]) {
    let alert = AlertId::now_v7();
    let copies = posts.iter().map(|scored| {
        format!("{{\"uuid\": \"{}\", \"text\": \"{}\", \"platform\": \"web\", \"source\": \"http\", \"churn_risk\": 1}}",
            scored.post.uuid, scored.post.text)
    });
    let copies = copies.collect::<Vec<_>>().join(", ");
    let (n_posts, channel) = (posts.len(), channel(store, "slack", "info").await);
    let members =
        posts.iter().map(|scored| format!("('{}', now(), '{alert}')", scored.post.uuid)).collect::<Vec<_>>();
    let sql = format!(
        "INSERT INTO sentiment_alerts (id, rule, dimension, key, severity, title, value, threshold, count, opened_at,
            updated_at, posts, state)
        VALUES ('{alert}', 'churn', 'overall', '', 'warning', '{n_posts} posts suggest churn', {n_posts}, 0, {n_posts},
            now(), now(), '[{copies}]', 'open');
        INSERT INTO churn_alert_posts (uuid, created_at, alert) VALUES {};
        INSERT INTO notifications (id, channel, alert, next_attempt_at, event, snapshot)
        VALUES (gen_random_uuid(), '{channel}', '{alert}', now(), 'fired', '{{\"posts\": [{copies}]}}')",
        members.join(", ")
    );
    execute(store, &sql).await;
}

#[tokio::test]
async fn an_erased_post_leaves_no_row_anywhere_and_its_neighbours_keep_theirs() {
    let store = test_store().await;
    let mut batch = testing::posts(3, testing::now_in_micros());
    for scored in &mut batch {
        scored.post.text = format!("{SECRET} {}", scored.post.id);
        scored.score.churn_risk = 0.9;
        scored.awaits_correction = true;
        scored.post.engagement = Some(Engagement { likes: Some(1), ..Engagement::default() });
    }
    record(&store, &batch).await.unwrap();
    for scored in &mut batch {
        scored.post.engagement = Some(Engagement { likes: Some(7), ..Engagement::default() });
    }
    assert_eq!(record(&store, &batch).await.unwrap().n_engagement_samples, 3);
    let mut wanted = corrections(&batch[..2]);
    wanted.iter_mut().for_each(|correction| correction.score.churn_risk = 0.95);
    assert_eq!(apply(&store, &wanted).await.unwrap().applied.len(), 2);
    raise(&store, &batch).await;
    let stamp = Stamp { at: Timestamp::now(), by: "Ana".parse().ok() };
    for scored in &batch {
        let label = NewLabel { label: SentimentLabel::Neutral, note: None, by: None };
        labels::correct(&store, scored.post.uuid, &label).await.unwrap().unwrap();
        work::note(&store, scored.post.uuid, &format!("{SECRET}, I say"), &stamp).await.unwrap();
    }
    let [first, second, last] = &batch[..] else { panic!() };
    // Checks the check.
    let before = tables_with(&store, &first.post.uuid.to_string()).await.join(" ");
    for table in [
        "social_media_posts_2",
        "sentiment_analysis_2",
        "sentiment_analysis_history_2",
        "engagement_samples",
        "latest_engagement",
        "flagged_posts",
        "churn_alert_posts",
        "label_corrections",
        "post_work ",
        "post_work_history",
        "sentiment_alerts",
        "notifications",
    ] {
        assert!(before.contains(table), "{table} is not in {before}");
    }
    let awaits = tables_with(&store, &last.post.uuid.to_string()).await;
    assert!(awaits.contains(&"awaiting_correction".to_owned()), "{awaits:?}");

    let erased = erase_now(&store, &[first.clone(), last.clone()]).await;
    assert_eq!(erased.posts.len(), 2);
    assert_eq!(erased.resolved, []);
    for gone in [first, last] {
        for trace in [gone.post.uuid.to_string(), gone.post.text.clone()] {
            assert_eq!(tables_with(&store, &trace).await, [""; 0], "{trace}");
        }
        assert_eq!(list::get_with_history(&store, gone.post.uuid).await.unwrap(), None);
    }
    assert_exact(&store, 1).await;
    let kept = tables_with(&store, &second.post.uuid.to_string()).await;
    assert_eq!(kept.len(), before.split(' ').count(), "{kept:?}");
    let open = "SELECT count FROM sentiment_alerts WHERE state = 'open' AND title = '1 post suggests churn'";
    assert_eq!(number(&store, open).await, 1);

    let erased = erase_now(&store, std::slice::from_ref(second)).await;
    assert_eq!(erased.resolved.len(), 1, "the alert has lost its last post");
    assert_eq!(tables_with(&store, SECRET).await, [""; 0]);
    assert_exact(&store, 0).await;
}

#[tokio::test]
async fn sums_stay_exact_with_corrections_late_posts_and_compacted_hours() {
    let store = test_store().await;
    let now = Timestamp::now();
    // A few posts of each of many ages, a third of them about two products.
    let ages = [0, 30, 80, 100, 250, 700, 3_000, 20_000];
    let posts_of = |range: std::ops::Range<usize>| -> Vec<ScoredPost> {
        let aged = |n: usize| {
            let mut scored = testing::post(n, now - SignedDuration::from_mins(ages[n % 8]));
            scored.post.created_at -= SignedDuration::from_secs((n * 13 % 200) as i64);
            scored.awaits_correction = n % 5 < 2;
            scored
        };
        range.map(aged).collect()
    };
    let early = posts_of(0..160);
    record(&store, &early).await.unwrap();
    apply(&store, &corrections(&early[..60])).await.unwrap();
    rollups::compact(&store, now).await.unwrap();
    let late = posts_of(160..240);
    record(&store, &late).await.unwrap();
    apply(&store, &corrections(&late[..30])).await.unwrap();
    assert_exact(&store, 240).await;

    let all: Vec<ScoredPost> = early.into_iter().chain(late).collect();
    let (gone, kept): (Vec<_>, Vec<_>) =
        all.into_iter().enumerate().partition(|(n, _)| n % 3 == 0 || n % 8 == 7);
    let gone: Vec<ScoredPost> = gone.into_iter().map(|(_, scored)| scored).collect();
    let n_kept = i64::try_from(kept.len()).unwrap();
    for part in gone.chunks(17) {
        let erased = erase_now(&store, part).await;
        assert_eq!(erased.posts.len(), part.len());
        let overall = erased.delta.iter().filter(|(key, _)| key.key.is_empty() && key.bucket <= now);
        assert!(overall.clone().all(|(_, sums)| sums.count <= 0 && sums.revision > 0));
    }
    assert_exact(&store, n_kept).await;
    assert!(awaiting(&store).await.unwrap() > 0);
    rollups::compact(&store, now).await.unwrap();
    assert_exact(&store, n_kept).await;
}

#[tokio::test]
async fn erased_twice_is_erased_once_and_a_redelivery_is_a_duplicate() {
    let store = test_store().await;
    let mut batch = testing::posts(10, Timestamp::now());
    record(&store, &batch).await.unwrap();
    let twice = [&batch[..4], &batch[..4]].concat();
    let erased = erase_now(&store, &twice).await;
    assert_eq!(erased.posts.len(), 4);
    let overall: i64 = erased
        .delta
        .iter()
        .filter(|(key, _)| key.dimension.as_str() == "overall")
        .map(|row| row.1.count)
        .sum();
    assert_eq!(overall, -4);
    assert_eq!(erase_now(&store, &batch[..4]).await, Erased::default());
    for scored in &mut batch {
        scored.post.uuid = PostId::now_v7();
        scored.post.engagement = Some(Engagement { likes: Some(7), ..Engagement::default() });
    }
    let again = record(&store, &batch).await.unwrap();
    assert_eq!((again.inserted.len(), again.n_duplicates, again.n_engagement_samples), (0, 10, 6));
    assert_exact(&store, 6).await;
}

#[tokio::test]
async fn a_post_erased_before_it_arrives_is_never_stored() {
    let store = test_store().await;
    let batch = testing::posts(6, Timestamp::now());
    assert_eq!(erase_now(&store, &batch[..2]).await, Erased::default());
    let recorded = record(&store, &batch).await.unwrap();
    assert_eq!((recorded.inserted, recorded.n_duplicates), (vec![2, 3, 4, 5], 2));
    assert_exact(&store, 4).await;
    assert_eq!(key_of(&store, batch[0].post.uuid).await.unwrap(), None);
    assert_eq!(key_of(&store, batch[2].post.uuid).await.unwrap(), Some(key(&batch[2])));
}

#[tokio::test]
async fn keys_of_erased_posts_and_erased_authors_expire_with_the_retention_period() {
    let store = test_store().await;
    let now = Timestamp::now();
    let old = now - HOUR * (24 * 89);
    let batch = testing::posts(4, old);
    record(&store, &batch).await.unwrap();
    assert_eq!(erase_now(&store, &batch[..3]).await.posts.len(), 3);
    remember_author(&store, "twitter", "ann", (old, old)).await.unwrap();
    remember_author(&store, "twitter", "bob", (now, now)).await.unwrap();
    assert_exact(&store, 1).await;
    retention::expire(&store, now + HOUR * (24 * 2)).await.unwrap();
    assert_exact(&store, 0).await;
    assert_eq!(number(&store, "SELECT count(*) FROM post_keys").await, 0);
    assert_eq!(number(&store, "SELECT count(*) FROM erased_authors WHERE author = 'bob'").await, 1);
    assert_eq!(number(&store, "SELECT count(*) FROM erased_authors").await, 1);
}

#[tokio::test]
async fn posts_of_an_author_are_found_by_id_and_by_handle_on_one_platform() {
    let store = test_store().await;
    let mut batch = testing::posts(10, Timestamp::now());
    for (n, scored) in batch.iter_mut().enumerate() {
        let (id, handle) =
            [(Some("7"), Some("ann")), (Some("7"), None), (None, Some("ann")), (None, Some("7"))]
                .get(n % 5)
                .copied()
                .unwrap_or_default();
        let owned = |name: Option<&str>| name.map(str::to_owned);
        scored.post.author = Some(Author { id: owned(id), handle: owned(handle), ..Author::default() });
        scored.post.platform = ["twitter", "bluesky"][n / 5].to_owned();
    }
    record(&store, &batch).await.unwrap();
    let found = async |author: &str, n_max: usize| {
        let mut keys = keys_of_author(&store, ("twitter", author), Timestamp::now(), n_max).await.unwrap();
        keys.sort();
        keys
    };
    let expected = |numbers: &[usize]| numbers.iter().map(|n| key(&batch[*n])).collect::<Vec<_>>();
    assert_eq!(found("ann", 9).await, expected(&[0, 2]));
    assert_eq!(found("7", 9).await, expected(&[0, 1, 3]));
    assert_eq!(found("7", 2).await.len(), 2);
    assert_eq!(found("nobody", 9).await, []);

    assert_eq!(keys_of_erased_authors(&store, Timestamp::UNIX_EPOCH, 9).await.unwrap(), []);
    for author in ["7", "ann", "7"] {
        remember_author(&store, "twitter", author, (Timestamp::now(), Timestamp::now())).await.unwrap();
    }
    // Includes posts that were written before but are stored only now, and excludes those written afterwards.
    for (n, created_at) in [(99, Timestamp::now() - HOUR), (100, Timestamp::now() + HOUR)] {
        let mut late = testing::post(n, created_at);
        late.post.author = batch[0].post.author.clone();
        late.post.platform = "twitter".to_owned();
        record(&store, std::slice::from_ref(&late)).await.unwrap();
    }
    let later = Timestamp::now() + HOUR;
    assert_eq!(keys_of_erased_authors(&store, later, 9).await.unwrap(), []);
    let mut swept = 0;
    loop {
        let keys = keys_of_erased_authors(&store, Timestamp::UNIX_EPOCH, 2).await.unwrap();
        let erased = erase(&store, &keys, &mut RollupGuard::of_another_process()).await.unwrap();
        if erased.posts.is_empty() {
            break;
        }
        swept += erased.posts.len();
    }
    assert_eq!(swept, 5);
    assert_exact(&store, 7).await;
}
