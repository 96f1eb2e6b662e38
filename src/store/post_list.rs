//! History: posts listed, found, exported.

use deadpool_postgres::Object;
use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::codec::Moment;
use super::page::{Cursor, PAGE_MAX, Page, limits};
use super::scored_rows::{COLUMNS, SCORE_COLUMNS, TABLES, scored_posts_of, scores_of};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::post::{PastScore, PostWithHistory, ScoredPost};
use crate::models::score::SentimentLabel;

/// Which posts to list. Filters that are absent let everything pass.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PostsQuery {
    /// Words to find, as typed into a web search: `"a phrase"`, `or`, `-without`.
    pub q: Option<String>,
    /// Where they came in.
    pub source: Option<String>,
    /// Their platform.
    pub platform: Option<String>,
    /// A product they speak of.
    pub product: Option<String>,
    /// Their channel.
    pub channel: Option<String>,
    /// Their city.
    pub city: Option<String>,
    /// Their sentiment.
    pub label: Option<SentimentLabel>,
    /// Written at this time or later.
    pub from: Option<Timestamp>,
    /// Written before this time.
    pub to: Option<Timestamp>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Most posts to answer, 1 to [`PAGE_MAX`].
    pub limit: usize,
}

/// One page of posts, newest first.
///
/// Not a cached statement: planned with the values at hand, filters that are absent vanish, days outside the window
/// are not looked at, and a rare word is looked up while a frequent one is filtered. Fails with `BadCursor`.
pub async fn list(store: &Store, query: &PostsQuery) -> Result<Page<ScoredPost>, StoreError> {
    let sql = list_sql();
    let (limit, n_rows) = limits(query.limit);
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let params: [&(dyn ToSql + Sync); 12] = [
        &query.q.as_deref().filter(|q| !q.trim().is_empty()),
        &query.source,
        &query.platform,
        &query.product,
        &query.channel,
        &query.city,
        &query.label.map(SentimentLabel::as_str),
        &query.from.map(Moment),
        &query.to.map(Moment),
        &cursor.map(|cursor| Moment(cursor.at)),
        &cursor.map(|cursor| cursor.id),
        &n_rows,
    ];
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(&sql, &params)).await;
    let rows = answered(client, outcome)?;
    let posts = scored_posts_of(&rows)?;
    Ok(Page::of(posts, limit, |scored| Cursor { at: scored.post.created_at, id: scored.post.uuid }))
}

fn list_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM {TABLES}
        WHERE ($1::text IS NULL OR to_tsvector('simple', post.text) @@ websearch_to_tsquery('simple', $1))
            AND ($2::text IS NULL OR post.source = $2)
            AND ($3::text IS NULL OR post.platform = $3)
            AND ($4::text IS NULL OR $4 = ANY (post.products))
            AND ($5::text IS NULL OR post.channel = $5)
            AND ($6::text IS NULL OR post.city = $6)
            AND ($7::text IS NULL OR score.label = $7::sentiment_label)
            AND ($8::timestamptz IS NULL OR post.created_at >= $8)
            AND ($9::timestamptz IS NULL OR post.created_at < $9)
            AND ($10::timestamptz IS NULL
                OR (post.created_at <= $10 AND (post.created_at, post.uuid) < ($10, $11::uuid)))
        ORDER BY post.created_at DESC, post.uuid DESC
        LIMIT $12"
    )
}

/// The post with this name and the scores it had before, as they were at one moment.
pub async fn get_with_history(store: &Store, uuid: Uuid) -> Result<Option<PostWithHistory>, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, get_with_history_on(&mut client, uuid)).await;
    answered(client, outcome)
}

async fn get_with_history_on(client: &mut Object, uuid: Uuid) -> Result<Option<PostWithHistory>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE post.uuid = $1");
    let past = format!(
        "SELECT {SCORE_COLUMNS}, scored_at, superseded_at
        FROM sentiment_analysis_history AS score JOIN models AS model ON model.id = score.model
        WHERE score.uuid = $1 AND score.created_at = $2 ORDER BY score.revision"
    );
    // A correction between the two reads would be missing from both, or be in both.
    let moment = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let transaction = moment.start().await?;
    let rows = transaction.query(&sql, &[&uuid]).await?;
    let Some(ScoredPost { post, score, .. }) = scored_posts_of(&rows)?.pop() else {
        return Ok(None);
    };
    let rows = transaction.query(&past, &[&uuid, &Moment(post.created_at)]).await?;
    let mut history = Vec::with_capacity(rows.len());
    let mut corrected_at = None;
    for (score, row) in scores_of(&rows)?.into_iter().zip(&rows) {
        history.push(PastScore { score, scored_at: row.try_get("scored_at")? });
        corrected_at = Some(row.try_get("superseded_at")?);
    }
    Ok(Some(PostWithHistory { post, score, corrected_at, history }))
}

/// Every post that matches, newest first, in pieces of up to [`PAGE_MAX`]. `limit` is not used.
///
/// Each piece is a query of its own, so that a client that reads slowly holds neither a connection nor a snapshot.
pub fn export(
    store: Store,
    query: PostsQuery,
) -> impl Stream<Item = Result<Vec<ScoredPost>, StoreError>> + Send {
    let first = PostsQuery { limit: PAGE_MAX, ..query };
    stream::try_unfold((store, Some(first)), |(store, next)| async move {
        let Some(query) = next else {
            return Ok(None);
        };
        let page = list(&store, &query).await?;
        let next = page.next_cursor.map(|cursor| PostsQuery { cursor: Some(cursor), ..query });
        Ok(Some((page.items, (store, next))))
    })
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use jiff::SignedDuration;

    use super::*;
    use crate::models::post::{Author, Engagement};
    use crate::store::posts::record;
    use crate::store::testing::{self, execute, test_store};

    fn full(at: Timestamp) -> ScoredPost {
        let mut scored = testing::post(5, at);
        let post = &mut scored.post;
        post.author =
            Some(Author { followers: Some(12), handle: Some("ann".to_owned()), ..Author::default() });
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
        assert_eq!(get_with_history(&store, Uuid::now_v7()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn pages_name_each_post_once_newest_first_while_others_arrive() {
        let store = test_store().await;
        let now = testing::now_in_micros();
        // Three to a moment, over several days.
        let at = |n: usize| now - SignedDuration::from_hours(n as i64 / 3 * 5);
        let batch: Vec<_> = (0..50).map(|n| testing::post(n, at(n))).collect();
        record(&store, &batch).await.unwrap();
        let mut listed: Vec<ScoredPost> = Vec::new();
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
        assert!(listed.windows(2).all(|pair| {
            (pair[0].post.created_at, pair[0].post.uuid) > (pair[1].post.created_at, pair[1].post.uuid)
        }));
        let error = list(&store, &PostsQuery { cursor: Some("1".to_owned()), ..query }).await.unwrap_err();
        assert!(matches!(error, StoreError::BadCursor));
    }

    #[tokio::test]
    async fn filters_and_words_find_what_they_say() {
        let store = test_store().await;
        let now = testing::now_in_micros();
        let batch: Vec<_> =
            (0..60).map(|n| testing::post(n, now - SignedDuration::from_secs(n as i64))).collect();
        record(&store, &batch).await.unwrap();
        let check = async |query: PostsQuery, matches: &dyn Fn(&ScoredPost) -> bool| {
            let page = list(&store, &PostsQuery { limit: 100, ..query.clone() }).await.unwrap();
            let expected: Vec<&ScoredPost> = batch.iter().filter(|scored| matches(scored)).collect();
            assert_eq!(page.items.iter().collect::<Vec<_>>(), expected, "{query:?}");
            assert_eq!(page.next_cursor, None);
        };
        let name = |name: &str| Some(name.to_owned());
        let all = PostsQuery::default();
        check(all.clone(), &|_| true).await;
        check(PostsQuery { source: name("replay"), ..all.clone() }, &|s| s.post.source.as_str() == "replay")
            .await;
        check(PostsQuery { platform: name("bluesky"), ..all.clone() }, &|s| s.post.platform == "bluesky")
            .await;
        check(PostsQuery { product: name("beta"), ..all.clone() }, &|s| {
            s.post.products.contains(&"beta".to_owned())
        })
        .await;
        check(PostsQuery { city: name("City 2"), ..all.clone() }, &|s| s.post.city == name("City 2")).await;
        let (label, channel) = (SentimentLabel::Negative, name("store"));
        let both = PostsQuery { label: Some(label), channel: channel.clone(), ..all.clone() };
        check(both, &|s| s.score.sentiment.label == label && s.post.channel == channel).await;
        let (from, to) = (now - SignedDuration::from_secs(20), now - SignedDuration::from_secs(10));
        let between = PostsQuery { from: Some(from), to: Some(to), ..all.clone() };
        check(between, &|s| s.post.created_at >= from && s.post.created_at < to).await;
        check(PostsQuery { q: name("waited 17 DAYS"), ..all.clone() }, &|s| s.post.text.contains(" 17 "))
            .await;
        check(PostsQuery { q: name("\"17 days\" or \"18 days\" -nonsense"), ..all.clone() }, &|s| {
            s.post.text.contains(" 17 ") || s.post.text.contains(" 18 ")
        })
        .await;
        check(PostsQuery { q: name("  "), ..all.clone() }, &|_| true).await;
        check(PostsQuery { q: name("' & | ! ( :* <->"), ..all.clone() }, &|_| false).await;
        check(PostsQuery { city: name("x' OR '1'='1"), ..all }, &|_| false).await;
    }

    #[tokio::test]
    async fn an_export_holds_every_post_in_pieces() {
        let store = test_store().await;
        let now = testing::now_in_micros();
        let batch: Vec<_> =
            (0..2_300).map(|n| testing::post(n, now - SignedDuration::from_millis(n as i64))).collect();
        record(&store, &batch).await.unwrap();
        let pieces: Vec<Vec<ScoredPost>> =
            export(store, PostsQuery { platform: Some("twitter".to_owned()), ..PostsQuery::default() })
                .try_collect()
                .await
                .unwrap();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 150]);
        let platforms: Vec<_> = batch.iter().filter(|scored| scored.post.platform == "twitter").collect();
        assert_eq!(pieces.iter().flatten().collect::<Vec<_>>(), platforms);
    }

    #[tokio::test]
    async fn the_main_reads_use_an_index() {
        let store = test_store().await;
        let now = Timestamp::now();
        for part in testing::posts(3_000, now).chunks(1_000) {
            record(&store, part).await.unwrap();
        }
        execute(&store, "ANALYZE").await;
        let plan = async |sql: &str, values: &[(&str, &str)]| {
            let mut sql = sql.to_owned();
            for (parameter, value) in values {
                sql = sql.replace(parameter, value);
            }
            for n in (1..=12).rev() {
                sql = sql.replace(&format!("${n}"), "NULL");
            }
            testing::explain(&store, &sql).await
        };
        let newest = plan(&list_sql(), &[("$12", "51")]).await;
        assert!(
            newest.contains("Index Scan Backward using social_media_posts_")
                && !newest.contains("Seq Scan on social"),
            "{newest}"
        );
        let word =
            plan(&list_sql(), &[("$12", "51"), ("$1::text", "'2718'::text"), ("$1)", "'2718')")]).await;
        assert!(word.contains("Bitmap Index Scan") && word.contains("to_tsvector"), "{word}");
    }
}
