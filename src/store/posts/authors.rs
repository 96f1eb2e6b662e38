//! Profile of one author in a range.

use std::collections::HashMap;

use deadpool_postgres::Object;
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use tokio_postgres::Row;

use super::filter::AUTHOR;
use super::list::{Name, read_posts};
use super::values::Values;
use crate::models::author::{AuthorPoint, AuthorProduct, AuthorProfile};
use crate::models::metrics::{StepProgress, Summary, Window};
use crate::models::post::{Author, Engagement};
use crate::models::rollup::Sums;
use crate::store::codec::PgTimestamp;
use crate::store::metrics::calendar::{starts_of, step_for};
use crate::store::metrics::sampling;
use crate::store::metrics::sum_columns::{self, Detail};
use crate::store::metrics::time_window::window_of;
use crate::store::{Store, StoreError};

/// Maximum number of posts that a profile reads. If an author has more in the range, the figures are estimated from a
/// sample of about this many.
const POSTS_READ_MAX: i64 = 10_000;

/// Maximum number of posts that are counted to choose a sample. Only programs post more in a season.
const POSTS_COUNTED_MAX: i64 = 300_000;

/// Maximum number of products in a profile.
const PRODUCTS_MAX: i64 = 20;

/// Maximum number of top posts in a profile.
const TOP_POSTS_MAX: i64 = 10;

/// Author and range of a profile.
#[derive(Debug, Clone)]
pub struct AuthorQuery {
    /// Platform on which the author posts.
    pub platform: String,
    /// Handle of the author, or the id if no handle is known, as in lists of posts.
    pub author: String,
    /// Start of the range by event time, inclusive; rounded down to a bucket boundary.
    pub from: Timestamp,
    /// End of the range, exclusive; rounded up to a bucket boundary.
    pub to: Timestamp,
    /// Time zone that determines when days and weeks begin.
    pub zone: TimeZone,
}

/// Returns the profile of an author; `None` if no stored post is by this author.
///
/// An index finds the posts of an author by time, so the cost depends on how much the author has posted and not on the
/// length of the range. Fails with `TooManyPosts` or `BadWindow`.
pub async fn profile(store: &Store, query: &AuthorQuery) -> Result<Option<AuthorProfile>, StoreError> {
    store.run(async |client| profile_on(client, query, LIMITS).await).await
}

/// Limits on the posts of a profile.
#[derive(Debug, Clone, Copy)]
struct Limits {
    n_read: i64,
    n_counted: i64,
}

const LIMITS: Limits = Limits { n_read: POSTS_READ_MAX, n_counted: POSTS_COUNTED_MAX };

async fn profile_on(
    client: &Object,
    query: &AuthorQuery,
    limits: Limits,
) -> Result<Option<AuthorProfile>, StoreError> {
    let now = Timestamp::now();
    let range = window_of(query.from, query.to, now)?;
    let Some((first_seen, last_seen, account)) = seen(client, query).await? else {
        return Ok(None);
    };
    let step = step_for(range);
    let steps = starts_of(range, step, (&query.zone, Weekday::Monday))?;
    let n_posts = n_posts(client, (query, range), limits.n_counted).await?;
    let share = if n_posts > limits.n_read { limits.n_read as f64 / n_posts as f64 } else { 1.0 };
    let slices = (share < 1.0).then(|| sampling::slices(range, &steps, share));
    let reading = Reading { query, range, steps: &steps, slices: slices.as_deref(), share };
    let by_step = by_step(client, &reading).await?;
    let mut total = StepSums::default();
    by_step.values().for_each(|sums| total.add(sums));
    let ends = steps.iter().skip(1).copied().chain([range.to]);
    let items = steps.iter().copied().zip(ends).enumerate().map(|(index, (from, to))| {
        let sums = by_step.get(&index).copied().unwrap_or_default().scaled(share);
        AuthorPoint {
            from,
            to,
            progress: StepProgress::of((from, to), now),
            summary: Summary::from(&sums.sums),
            followers: sums.followers,
            reach: sums.reach,
            engagement: sums.engagement,
        }
    });
    let (items, n_read) = (items.collect(), total.sums.count);
    let total = total.scaled(share);
    Ok(Some(AuthorProfile {
        platform: query.platform.clone(),
        author: query.author.clone(),
        account,
        first_seen,
        last_seen,
        range,
        tz: query.zone.iana_name().unwrap_or("UTC").to_owned(),
        step,
        sample: (share < 1.0).then(|| sampling::sample(share, n_read)),
        summary: Summary::from(&total.sums),
        reach: total.reach,
        engagement: total.engagement,
        items,
        products: products(client, &reading).await?,
        top_posts: read_posts(client, &top_names(client, &reading).await?, &mut Vec::new()).await?,
    }))
}

/// Returns the condition for the posts of the author.
fn by_author(query: &AuthorQuery, values: &mut Values) -> String {
    let author = values.bind(query.author.clone());
    let platform = values.bind(query.platform.clone());
    format!("{AUTHOR} = {author}::text AND post.platform = {platform}::text")
}

/// Number of posts that are searched for the newest id, handle, number of followers and location.
const ACCOUNT_POSTS: i64 = 100;

/// Returns the times of the oldest and the newest post, and the author's account as stated in the newest posts; `None`
/// if there are no posts.
async fn seen(
    client: &Object,
    query: &AuthorQuery,
) -> Result<Option<(Timestamp, Timestamp, Author)>, StoreError> {
    let mut values = Values::default();
    let condition = by_author(query, &mut values);
    let limit = values.bind(ACCOUNT_POSTS);
    let sql = format!(
        "SELECT post.created_at, post.author_id, post.author_handle, post.author_followers, post.author_location
        FROM social_media_posts AS post WHERE {condition} ORDER BY post.created_at DESC LIMIT {limit}"
    );
    let rows = client.query(&sql, &values.as_params()).await?;
    let Some(newest) = rows.first() else { return Ok(None) };
    let mut values = Values::default();
    let condition = by_author(query, &mut values);
    let sql = format!(
        "SELECT post.created_at FROM social_media_posts AS post WHERE {condition} ORDER BY post.created_at LIMIT 1"
    );
    let oldest = client.query_opt(&sql, &values.as_params()).await?;
    let last_seen = newest.try_get(0)?;
    // The only post may have expired in the meantime.
    let first_seen = oldest.map(|row| row.try_get(0)).transpose()?.unwrap_or(last_seen);
    let mut account = Author::default();
    for row in &rows {
        account.id = account.id.or(row.try_get(1)?);
        account.handle = account.handle.or(row.try_get(2)?);
        account.followers = account.followers.or(row.try_get(3)?);
        account.location = account.location.or(row.try_get(4)?);
    }
    Ok(Some((first_seen, last_seen, account)))
}

/// Returns the number of the author's posts in the range. Fails with `TooManyPosts`.
async fn n_posts(
    client: &Object,
    (query, range): (&AuthorQuery, Window),
    n_posts_max: i64,
) -> Result<i64, StoreError> {
    let mut values = Values::default();
    let condition = by_author(query, &mut values);
    let (from, to) = (values.bind(PgTimestamp(range.from)), values.bind(PgTimestamp(range.to)));
    let limit = values.bind(n_posts_max + 1);
    let sql = format!(
        "SELECT count(*) FROM (
            SELECT FROM social_media_posts AS post WHERE {condition}
                AND post.created_at >= {from}::timestamptz AND post.created_at < {to}::timestamptz LIMIT {limit}
        ) AS counted"
    );
    let n_posts = client.query_one(&sql, &values.as_params()).await?.try_get(0)?;
    if n_posts > n_posts_max {
        return Err(StoreError::TooManyPosts { n_posts, n_posts_max });
    }
    Ok(n_posts)
}

/// Posts to read: all posts of the author in a range, or those in slices of it.
struct Reading<'a> {
    query: &'a AuthorQuery,
    range: Window,
    steps: &'a [Timestamp],
    /// Slices of the sample; `None` reads every post.
    slices: Option<&'a [(Timestamp, Timestamp)]>,
    /// Share of the range that the slices cover.
    share: f64,
}

impl Reading<'_> {
    /// Returns a `WITH` clause that names the posts `post`, with their last reported engagement counts, and the
    /// condition that limits the scores joined to them to the range.
    fn hits(&self, values: &mut Values) -> (String, String) {
        let condition = by_author(self.query, values);
        let (from, to) = (values.bind(PgTimestamp(self.range.from)), values.bind(PgTimestamp(self.range.to)));
        let within = |table: &str| {
            format!("{table}.created_at >= {from}::timestamptz AND {table}.created_at < {to}::timestamptz")
        };
        let posts = match self.slices {
            None => "social_media_posts AS post".to_owned(),
            Some(slices) => {
                let (since, before): (Vec<PgTimestamp>, Vec<PgTimestamp>) =
                    slices.iter().map(|(since, before)| (PgTimestamp(*since), PgTimestamp(*before))).unzip();
                format!(
                    "unnest({}::timestamptz[], {}::timestamptz[]) AS slice (since, before)
                    JOIN social_media_posts AS post ON post.created_at >= since AND post.created_at < before",
                    values.bind(since),
                    values.bind(before)
                )
            }
        };
        // A sample of slices in which the author posts in bursts may be larger than intended.
        let limit = values.bind(POSTS_READ_MAX * 4);
        let clause = format!(
            "WITH hits AS MATERIALIZED (
                SELECT post.uuid, post.created_at, post.received_at, post.products, post.author_followers, post.reach,
                    coalesce(last.likes, post.likes) AS likes, coalesce(last.shares, post.shares) AS shares,
                    coalesce(last.comments, post.comments) AS comments, coalesce(last.views, post.views) AS views
                FROM {posts} LEFT JOIN LATERAL (
                    SELECT sample.likes, sample.shares, sample.comments, sample.views
                    FROM engagement_samples AS sample WHERE sample.uuid = post.uuid
                    ORDER BY sample.sampled_at DESC LIMIT 1
                ) AS last ON true
                WHERE {condition} AND {} LIMIT {limit}
            )",
            within("post")
        );
        (clause, within("score"))
    }
}

/// Sums of the posts of one step.
#[derive(Debug, Clone, Copy, Default)]
struct StepSums {
    sums: Sums,
    followers: Option<i64>,
    reach: i64,
    engagement: Engagement,
}

impl StepSums {
    fn add(&mut self, other: &Self) {
        self.sums.add(&other.sums);
        self.reach += other.reach;
        let (mine, theirs) = (&mut self.engagement, other.engagement);
        mine.likes = plus(mine.likes, theirs.likes);
        mine.shares = plus(mine.shares, theirs.shares);
        mine.comments = plus(mine.comments, theirs.comments);
        mine.views = plus(mine.views, theirs.views);
    }

    /// Estimates the sums of all posts from those of a sample that covers this share.
    fn scaled(self, share: f64) -> Self {
        if share >= 1.0 {
            return self;
        }
        let Engagement { likes, shares, comments, views } = self.engagement;
        let scaled = |count: Option<i64>| count.map(|count| sampling::scaled_count(count, share));
        Self {
            sums: sampling::scaled(&self.sums, share),
            followers: self.followers,
            reach: sampling::scaled_count(self.reach, share),
            engagement: Engagement {
                likes: scaled(likes),
                shares: scaled(shares),
                comments: scaled(comments),
                views: scaled(views),
            },
        }
    }
}

fn plus(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

/// Returns the sums by index of the step; steps without posts are absent.
async fn by_step(client: &Object, reading: &Reading<'_>) -> Result<HashMap<usize, StepSums>, StoreError> {
    let mut values = Values::default();
    let (hits, within) = reading.hits(&mut values);
    let starts: Vec<PgTimestamp> = reading.steps.iter().map(|start| PgTimestamp(*start)).collect();
    let starts = values.bind(starts);
    let sql = format!(
        "{hits} SELECT width_bucket(post.created_at, {starts}::timestamptz[]) - 1 AS step,
            (array_agg(post.author_followers ORDER BY post.created_at DESC)
                FILTER (WHERE post.author_followers IS NOT NULL))[1],
            sum(post.reach)::bigint, sum(post.likes)::bigint, sum(post.shares)::bigint, sum(post.comments)::bigint,
            sum(post.views)::bigint, {}
        FROM hits AS post
        JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at
        WHERE {within} GROUP BY step",
        sum_columns::totals_over_posts(Detail::All)
    );
    let rows = client.query(&sql, &values.as_params()).await?;
    rows.iter().map(step_of).collect()
}

fn step_of(row: &Row) -> Result<(usize, StepSums), StoreError> {
    let step = usize::try_from(row.try_get::<_, i32>(0)?).unwrap_or_default();
    let engagement = Engagement {
        likes: row.try_get(3)?,
        shares: row.try_get(4)?,
        comments: row.try_get(5)?,
        views: row.try_get(6)?,
    };
    let sums = sum_columns::read(row)?;
    Ok((step, StepSums { sums, followers: row.try_get(1)?, reach: row.try_get(2)?, engagement }))
}

/// Returns the products that the posts are about, most posts first.
async fn products(client: &Object, reading: &Reading<'_>) -> Result<Vec<AuthorProduct>, StoreError> {
    let mut values = Values::default();
    let (hits, within) = reading.hits(&mut values);
    let limit = values.bind(PRODUCTS_MAX);
    let sql = format!(
        "{hits} SELECT product.name, {}
        FROM hits AS post
        JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at
        CROSS JOIN LATERAL unnest(CASE WHEN post.products = '{{}}' THEN ARRAY[''] ELSE post.products END)
            AS product (name)
        WHERE {within} GROUP BY product.name ORDER BY count(*) DESC, product.name COLLATE \"C\" LIMIT {limit}",
        sum_columns::totals_over_posts(Detail::Sentiment)
    );
    let rows = client.query(&sql, &values.as_params()).await?;
    let product = |row: &Row| {
        let mut sums = sum_columns::read(row)?;
        if reading.share < 1.0 {
            sums = sampling::scaled(&sums, reading.share);
        }
        let Summary { count, sentiment, .. } = Summary::from(&sums);
        Ok(AuthorProduct { key: row.try_get(0)?, count, sentiment })
    };
    rows.iter().map(product).collect()
}

/// Returns the posts with the most engagement.
async fn top_names(client: &Object, reading: &Reading<'_>) -> Result<Vec<Name>, StoreError> {
    let mut values = Values::default();
    let (hits, _) = reading.hits(&mut values);
    let limit = values.bind(TOP_POSTS_MAX);
    let sql = format!(
        "{hits} SELECT uuid, created_at FROM hits
        ORDER BY coalesce(likes, 0) + coalesce(shares, 0) + coalesce(comments, 0) DESC, reach DESC, created_at DESC, uuid
        LIMIT {limit}"
    );
    let rows = client.query(&sql, &values.as_params()).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

#[cfg(test)]
mod tests;
