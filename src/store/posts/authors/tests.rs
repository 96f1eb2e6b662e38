use jiff::SignedDuration;

use super::*;
use crate::models::post::ScoredPost;
use crate::store::testing::{self, record, test_store};

fn query(author: &str, now: Timestamp) -> AuthorQuery {
    AuthorQuery {
        platform: "twitter".to_owned(),
        author: author.to_owned(),
        from: now - SignedDuration::from_hours(24),
        to: now + SignedDuration::from_mins(1),
        zone: TimeZone::UTC,
    }
}

/// Returns the `n`-th post of an author with this number of followers.
fn by(author: &str, n: usize, (at, followers): (Timestamp, i64)) -> ScoredPost {
    let mut scored = testing::post(2 * n, at);
    scored.post.id = format!("{author}-{n}");
    scored.post.author =
        Some(Author { handle: Some(author.to_owned()), followers: Some(followers), ..Author::default() });
    scored.post.engagement = Some(Engagement { likes: Some(n as i64), ..Engagement::default() });
    scored
}

#[tokio::test]
async fn a_profile_sums_up_the_posts_of_one_author_on_one_platform() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    let ago = |hours: i64| now - SignedDuration::from_hours(hours);
    let mine = [
        by("ann", 1, (ago(60), 10)),
        by("ann", 2, (ago(20), 20)),
        by("ann", 3, (ago(5), 30)),
        by("ann", 4, (ago(5), 31)),
    ];
    let mut elsewhere = by("ann", 9, (ago(1), 99));
    elsewhere.post.platform = "bluesky".to_owned();
    let others = [elsewhere, by("bob", 8, (ago(1), 99)), testing::post(100, ago(1))];
    record(&store, &mine).await.unwrap();
    record(&store, &others).await.unwrap();
    let mut again = mine[1].clone();
    again.post.received_at = ago(1);
    again.post.engagement = Some(Engagement { likes: Some(50), shares: Some(2), ..Engagement::default() });
    record(&store, &[again]).await.unwrap();

    let profile = profile(&store, &query("ann", now)).await.unwrap().unwrap();
    assert_eq!((profile.first_seen, profile.last_seen), (ago(60), ago(5)));
    assert!(matches!(profile.account.followers, Some(30 | 31)), "{:?}", profile.account);
    let mut sums = Sums::default();
    mine[1..].iter().for_each(|scored| sums.add(&Sums::of(scored)));
    let expected = Summary { revision: profile.summary.revision, ..Summary::from(&sums) };
    assert_eq!(profile.summary, expected);
    assert_eq!((profile.engagement.likes, profile.engagement.shares), (Some(57), Some(2)));
    assert_eq!(profile.engagement.views, None);
    assert_eq!(profile.reach, mine[1..].iter().map(|scored| scored.post.reach).sum::<i64>());
    assert_eq!(profile.sample, None);
    let counted: Vec<(i64, Option<i64>)> = profile
        .items
        .iter()
        .filter(|step| step.summary.count > 0)
        .map(|step| (step.summary.count, step.followers))
        .collect();
    assert_eq!(counted[0], (1, Some(20)));
    assert_eq!(counted.iter().map(|(count, _)| count).sum::<i64>(), 3);
    let top: Vec<&str> = profile.top_posts.iter().map(|listed| listed.scored.post.id.as_str()).collect();
    assert_eq!(top, ["ann-2", "ann-4", "ann-3"]);
    let products: Vec<(&str, i64)> =
        profile.products.iter().map(|product| (product.key.as_str(), product.count)).collect();
    let named = |name: &str| mine[1..].iter().filter(|s| s.post.products.iter().any(|p| p == name)).count();
    for (name, count) in products {
        let expected = if name.is_empty() {
            mine[1..].iter().filter(|s| s.post.products.is_empty()).count()
        } else {
            named(name)
        };
        assert_eq!(count, expected as i64, "{name}");
    }
}

#[tokio::test]
async fn an_author_without_posts_has_no_profile_and_one_without_recent_posts_an_empty_one() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    record(&store, &[by("ann", 1, (now - SignedDuration::from_hours(60), 10))]).await.unwrap();
    assert_eq!(profile(&store, &query("ann'; --", now)).await.unwrap(), None);
    let old = profile(&store, &query("ann", now)).await.unwrap().unwrap();
    assert_eq!((old.summary.count, old.top_posts.len(), old.products.len()), (0, 0, 0));
    assert_eq!(old.account.followers, Some(10));
}

#[tokio::test]
async fn the_figures_of_a_busy_author_are_estimated_from_a_sample_that_says_so() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    // One post every 30 seconds.
    let batch: Vec<_> =
        (1..=2_000).map(|n| by("bot", n, (now - SignedDuration::from_secs(n as i64 * 30), 10))).collect();
    record(&store, &batch).await.unwrap();
    let client = store.client().await.unwrap();
    let limits = Limits { n_read: 500, n_counted: 2_000 };
    let profile = profile_on(&client, &query("bot", now), limits).await.unwrap().unwrap();
    let sample = profile.sample.unwrap();
    assert!((sample.share - 0.25).abs() < 1e-9 && (300..=900).contains(&sample.posts), "{sample:?}");
    let off = (profile.summary.count - 2_000).abs() as f64 / 2_000.0;
    assert!(off < 0.4, "{} posts", profile.summary.count);
    let exact = Summary::from(&batch.iter().fold(Sums::default(), |mut sums, scored| {
        sums.add(&Sums::of(scored));
        sums
    }));
    let averages = (profile.summary.sentiment.average.unwrap(), exact.sentiment.average.unwrap());
    assert!((averages.0 - averages.1).abs() < 0.15, "{averages:?}");
    assert_eq!(profile.top_posts.len(), 10);
    let limits = Limits { n_read: 500, n_counted: 1_999 };
    let refusal = profile_on(&client, &query("bot", now), limits).await.unwrap_err();
    assert!(matches!(refusal, StoreError::TooManyPosts { n_posts_max: 1_999, .. }), "{refusal:?}");
}

#[tokio::test]
async fn the_posts_of_an_author_are_found_by_an_index() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    record(&store, &[by("ann", 1, (now, 10))]).await.unwrap();
    let mut values = Values::default();
    let condition = by_author(&query("ann", now), &mut values);
    let client = store.client().await.unwrap();
    client.batch_execute("SET enable_seqscan = off").await.unwrap();
    let sql = format!(
        "EXPLAIN SELECT post.created_at FROM social_media_posts AS post WHERE {condition}
        ORDER BY post.created_at DESC LIMIT 1"
    );
    let rows = client.query(&sql, &values.as_params()).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert!(plan.iter().any(|line| line.contains("Index Scan") && line.contains("coalesce")), "{plan:#?}");
    assert!(plan.iter().all(|line| !line.contains("Sort  ")), "{plan:#?}");
}
