//! Reads the posts of a period, all of them or an even sample, for an explanation.

use jiff::Timestamp;
use tokio_postgres::Row;

use super::filter::{AUTHOR, Conditions, PostFilter, joined};
use super::search;
use super::values::Values;
use crate::models::explanation::{ExamplePost, SampledPost};
use crate::models::metrics::Window;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::sampling::slices;
use crate::store::metrics::sum_query::{POSTS_READ_MAX, n_posts_of};
use crate::store::{Store, StoreError};

/// Number of posts in a sample. The standard error of a share is then at most 0.9 points, and finding near copies among
/// so many takes a few milliseconds.
const SAMPLE_POSTS: i64 = 3_000;

/// Maximum number of posts in a sample. Slices that contain a burst hold more posts.
const SAMPLE_POSTS_MAX: i64 = 2 * SAMPLE_POSTS;

/// Posts of a period.
#[derive(Debug)]
pub struct PostSample {
    /// Posts by event time.
    pub posts: Vec<SampledPost>,
    /// Whether only some of the matching posts were read.
    pub is_sampled: bool,
}

/// Reads the posts of a period that match the filter, of which there are `n_matching`. Reads all of them if they are
/// few and easily found; otherwise reads slices spread evenly over the period.
pub async fn read(
    store: &Store,
    filter: &PostFilter,
    window: Window,
    n_matching: i64,
) -> Result<PostSample, StoreError> {
    if n_matching == 0 {
        return Ok(PostSample { posts: Vec::new(), is_sampled: false });
    }
    let n_posts = n_posts_of(store, filter, window).await?.max(1);
    let is_found_by_index = filter.words().is_some_and(search::is_indexed);
    let is_whole = n_matching <= SAMPLE_POSTS && (n_posts <= POSTS_READ_MAX || is_found_by_index);
    let share =
        (SAMPLE_POSTS as f64 / n_matching as f64).min(POSTS_READ_MAX as f64 / n_posts as f64).min(1.0);
    let slices =
        if is_whole { vec![(window.from, window.to)] } else { slices(window, &[window.from], share) };
    let mut values = Values::default();
    let sql = select(filter, &slices, &mut values);
    // Not a cached statement: planned with the actual values, it skips the days outside the window.
    let rows = store.query(&sql, &values.as_params()).await?;
    let mut posts = rows.iter().map(post_of).collect::<Result<Vec<_>, _>>()?;
    posts.sort_unstable_by_key(|sampled| (sampled.post.created_at, sampled.post.uuid));
    Ok(PostSample { posts, is_sampled: !is_whole && share < 1.0 })
}

fn select(filter: &PostFilter, slices: &[(Timestamp, Timestamp)], values: &mut Values) -> String {
    let conditions = Conditions::of(filter, values);
    let (since, before): (Vec<PgTimestamp>, Vec<PgTimestamp>) =
        slices.iter().map(|(since, before)| (PgTimestamp(*since), PgTimestamp(*before))).unzip();
    let within = match (since.as_slice(), before.as_slice()) {
        ([since], [before]) => format!(
            "social_media_posts AS post JOIN (VALUES ({}::timestamptz, {}::timestamptz)) AS slice (since, before)
            ON post.created_at >= since AND post.created_at < before",
            values.bind(*since),
            values.bind(*before)
        ),
        _ => format!(
            "unnest({}::timestamptz[], {}::timestamptz[]) AS slice (since, before)
            JOIN social_media_posts AS post ON post.created_at >= since AND post.created_at < before",
            values.bind(since),
            values.bind(before)
        ),
    };
    // Scores are read only if the filter needs them.
    let scores = match conditions.of_score.is_empty() {
        true => "",
        false => {
            "JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at"
        }
    };
    let condition = joined(conditions.of_post.iter().chain(&conditions.of_score));
    format!(
        "SELECT post.uuid, post.created_at, post.platform, post.text, post.lang, {AUTHOR}, post.author_followers,
            post.reach
        FROM {within} {scores} WHERE {condition} LIMIT {}",
        values.bind(SAMPLE_POSTS_MAX)
    )
}

fn post_of(row: &Row) -> Result<SampledPost, StoreError> {
    let post = ExamplePost {
        uuid: row.try_get(0)?,
        created_at: row.try_get(1)?,
        platform: row.try_get(2)?,
        text: row.try_get(3)?,
        lang: row.try_get(4)?,
        author: row.try_get(5)?,
        followers: row.try_get(6)?,
    };
    Ok(SampledPost { post, reach: row.try_get(7)? })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::key_filter::KeyFilter;
    use super::*;
    use crate::models::score::SentimentLabel;
    use crate::store::testing::{self, record, test_store};

    #[tokio::test]
    async fn few_posts_are_read_whole_and_many_in_even_slices() {
        let store = test_store().await;
        let to = Timestamp::from_second(Timestamp::now().as_second() / 60 * 60 - 600).unwrap();
        let window = Window { from: to - SignedDuration::from_mins(10), to, seconds: 600 };
        let batch: Vec<_> = (0..1_000)
            .map(|n| testing::post(n, window.from + SignedDuration::from_millis(n as i64 * 600)))
            .collect();
        record(&store, &batch).await.unwrap();
        let all = read(&store, &PostFilter::default(), window, 1_000).await.unwrap();
        assert_eq!((all.posts.len(), all.is_sampled), (1_000, false));
        assert_eq!(all.posts[7].post.text, batch[7].post.text);
        let negative =
            PostFilter { label: KeyFilter::only(SentimentLabel::Negative), ..PostFilter::default() };
        let n_negative =
            batch.iter().filter(|scored| scored.score.sentiment.label == SentimentLabel::Negative).count();
        let found = read(&store, &negative, window, n_negative as i64).await.unwrap();
        assert_eq!(found.posts.len(), n_negative);
        // As if there were ten times as many posts as fit into a sample.
        let some = read(&store, &PostFilter::default(), window, 30_000).await.unwrap();
        assert!(some.is_sampled && (60..140).contains(&some.posts.len()), "{}", some.posts.len());
        let middle = window.from + SignedDuration::from_mins(5);
        let n_early = some.posts.iter().filter(|sampled| sampled.post.created_at < middle).count();
        assert!(n_early.abs_diff(some.posts.len() / 2) <= 5, "{n_early} of {}", some.posts.len());
        assert!(read(&store, &PostFilter::default(), window, 0).await.unwrap().posts.is_empty());
    }
}
