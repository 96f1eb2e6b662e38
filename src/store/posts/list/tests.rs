use futures_util::TryStreamExt;
use jiff::SignedDuration;

use super::*;
use crate::models::post::{Author, Engagement};
use crate::models::score::SentimentLabel;
use crate::store::posts::key_filter::KeyFilter;
use crate::store::testing::record;
use crate::store::testing::{self, test_store};

fn full(at: Timestamp) -> ScoredPost {
    let mut scored = testing::post(5, at);
    let post = &mut scored.post;
    post.author = Some(Author { followers: Some(12), handle: Some("ann".to_owned()), ..Author::default() });
    post.original_created_at = Some("2017-08-26T20:00:00Z".parse().unwrap());
    post.url = Some("https://example.org/5".to_owned());
    post.parent_id = Some("id-4".to_owned());
    post.engagement = Some(Engagement { likes: Some(3), views: Some(0), ..Engagement::default() });
    post.text = "Grüße 👋 \"quoted\", a\tb \\N {} ' -- %".to_owned();
    post.products = vec!["a, b".to_owned(), "c\"d".to_owned(), "{}".to_owned(), "NULL".to_owned()];
    scored
}

#[tokio::test]
async fn a_post_reads_back_as_it_was_stored() {
    let store = test_store().await;
    let at: Timestamp = testing::now_in_micros();
    let batch = [full(at), testing::post(6, at)];
    record(&store, &batch).await.unwrap();
    for scored in &batch {
        let found = get_with_history(&store, scored.post.uuid).await.unwrap().unwrap();
        assert_eq!((&found.post, &found.score), (&scored.post, &scored.score));
        assert_eq!(found.history, []);
    }
    assert_eq!(get_with_history(&store, PostId::now_v7()).await.unwrap(), None);
}

#[tokio::test]
async fn pages_name_each_post_once_newest_first_while_others_arrive() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    // Three posts share each event time, over several days.
    let at = |n: usize| now - SignedDuration::from_hours(n as i64 / 3 * 5);
    let batch: Vec<_> = (0..50).map(|n| testing::post(n, at(n))).collect();
    record(&store, &batch).await.unwrap();
    let mut listed: Vec<ListedPost> = Vec::new();
    let mut query = PostsQuery { limit: 7, ..PostsQuery::default() };
    loop {
        let page = list(&store, &query).await.unwrap();
        listed.extend(page.items);
        record(&store, &[testing::post(1_000 + listed.len(), now)]).await.unwrap();
        let Some(next) = page.next_cursor else {
            break;
        };
        query.cursor = Some(next);
    }
    assert_eq!(listed.len(), 50);
    let names: Vec<_> =
        listed.iter().map(|listed| (listed.scored.post.created_at, listed.scored.post.uuid)).collect();
    assert!(names.windows(2).all(|pair| pair[0] > pair[1]));
    let error = list(&store, &PostsQuery { cursor: Some("1".to_owned()), ..query }).await.unwrap_err();
    assert!(matches!(error, StoreError::BadCursor));
}

#[tokio::test]
async fn filters_and_text_search_find_matching_posts() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    let batch: Vec<_> =
        (0..60).map(|n| testing::post(n, now - SignedDuration::from_secs(n as i64))).collect();
    record(&store, &batch).await.unwrap();
    let check = async |filter: PostFilter, matches: &dyn Fn(&ScoredPost) -> bool| {
        let query = PostsQuery { filter, limit: 100, ..PostsQuery::default() };
        let page = list(&store, &query).await.unwrap();
        let expected: Vec<&ScoredPost> = batch.iter().filter(|scored| matches(scored)).collect();
        assert_eq!(page.items.iter().map(|listed| &listed.scored).collect::<Vec<_>>(), expected, "{query:?}");
        assert_eq!(page.next_cursor, None);
    };
    let name = |name: &str| KeyFilter::only(name);
    let keys = |any: &[&str], none: &[&str]| {
        let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        KeyFilter::new(&owned(any), &owned(none))
    };
    let words = |q: &str| Some(q.to_owned());
    let all = PostFilter::default();
    check(all.clone(), &|_| true).await;
    check(PostFilter { source: name("replay"), ..all.clone() }, &|s| s.post.source.as_str() == "replay")
        .await;
    check(PostFilter { platform: name("bluesky"), ..all.clone() }, &|s| s.post.platform == "bluesky").await;
    check(PostFilter { product: name("beta"), ..all.clone() }, &|s| {
        s.post.products.contains(&"beta".to_owned())
    })
    .await;
    check(PostFilter { product: name(""), ..all.clone() }, &|s| s.post.products.is_empty()).await;
    check(PostFilter { city: name("City 2"), ..all.clone() }, &|s| s.post.city.as_deref() == Some("City 2"))
        .await;
    check(PostFilter { city: name(""), ..all.clone() }, &|s| s.post.city.is_none()).await;
    check(PostFilter { lang: name("en"), ..all.clone() }, &|_| true).await;
    check(PostFilter { author: name("ann"), ..all.clone() }, &|_| false).await;
    check(PostFilter { author: name(""), ..all.clone() }, &|_| true).await;
    check(PostFilter { min_virality: Some(50.0), ..all.clone() }, &|s| s.score.virality >= 50.0).await;
    check(PostFilter { min_churn: Some(0.8), ..all.clone() }, &|s| s.score.churn_risk >= 0.8).await;
    check(PostFilter { emotion: name("joy"), ..all.clone() }, &|s| s.score.emotion.label == "joy").await;
    let label = SentimentLabel::Negative;
    let both = PostFilter { label: KeyFilter::only(label), channel: name("store"), ..all.clone() };
    check(both, &|s| s.score.sentiment.label == label && s.post.channel.as_deref() == Some("store")).await;
    let products = PostFilter { product: keys(&["alpha", "beta", ""], &["gamma"]), ..all.clone() };
    check(products, &|s| {
        let has = |product: &str| s.post.products.iter().any(|known| known == product);
        (has("alpha") || has("beta") || s.post.products.is_empty()) && !has("gamma")
    })
    .await;
    check(PostFilter { product: keys(&[], &["", "beta"]), ..all.clone() }, &|s| {
        !s.post.products.is_empty() && !s.post.products.contains(&"beta".to_owned())
    })
    .await;
    check(PostFilter { city: keys(&["City 1", "City 2"], &[]), ..all.clone() }, &|s| {
        ["City 1", "City 2"].contains(&s.post.city.as_deref().unwrap_or_default())
    })
    .await;
    // A post without a city is not from an excluded city.
    check(PostFilter { city: keys(&[], &["City 1"]), ..all.clone() }, &|s| {
        s.post.city.as_deref() != Some("City 1")
    })
    .await;
    check(PostFilter { city: keys(&["City 1"], &["City 1"]), ..all.clone() }, &|_| false).await;
    let not_negative = KeyFilter::new(&[], &[label]);
    check(PostFilter { label: not_negative, ..all.clone() }, &|s| s.score.sentiment.label != label).await;
    let moods = keys(&["joy", "anger"], &["anger", "fear"]);
    check(PostFilter { emotion: moods, ..all.clone() }, &|s| s.score.emotion.label == "joy").await;
    check(PostFilter { q: words("waited 17 DAYS"), ..all.clone() }, &|s| s.post.text.contains(" 17 ")).await;
    check(PostFilter { q: words("\"17 days\" or \"18 days\" -nonsense"), ..all.clone() }, &|s| {
        s.post.text.contains(" 17 ") || s.post.text.contains(" 18 ")
    })
    .await;
    check(PostFilter { q: words("  "), ..all.clone() }, &|_| true).await;
    check(PostFilter { q: words("' & | ! ( :* <->"), ..all.clone() }, &|_| false).await;
    check(PostFilter { q: words("x'; DROP TABLE post_keys; --"), ..all.clone() }, &|_| false).await;
    check(PostFilter { city: name("x' OR '1'='1"), ..all }, &|_| false).await;
    let (from, to) = (now - SignedDuration::from_secs(20), now - SignedDuration::from_secs(10));
    let between = PostsQuery { from: Some(from), to: Some(to), limit: 100, ..PostsQuery::default() };
    assert_eq!(list(&store, &between).await.unwrap().items.len(), 10);
}

#[tokio::test]
async fn an_export_streams_every_post_in_chunks() {
    let store = test_store().await;
    let now = testing::now_in_micros();
    let batch: Vec<_> =
        (0..2_300).map(|n| testing::post(n, now - SignedDuration::from_millis(n as i64))).collect();
    record(&store, &batch).await.unwrap();
    let filter = PostFilter { platform: KeyFilter::only("twitter"), ..PostFilter::default() };
    let pieces: Vec<Vec<ListedPost>> =
        export(store, PostsQuery { filter, ..PostsQuery::default() }).try_collect().await.unwrap();
    assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 150]);
    let platforms: Vec<_> = batch.iter().filter(|scored| scored.post.platform == "twitter").collect();
    assert_eq!(pieces.iter().flatten().map(|listed| &listed.scored).collect::<Vec<_>>(), platforms);
}
