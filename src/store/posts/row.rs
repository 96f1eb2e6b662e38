//! Reads posts and scores from rows.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::models::id::PostId;
use crate::models::post::{Author, Engagement, Post, ScoredPost, Source};
use crate::models::score::{Emotion, EmotionScores, ModelId, Score, Sentiment, SentimentLabel};
use crate::store::StoreError;
use crate::store::codec::{PgTimestamp, parse_enum};

/// Columns of a score and its model, in the order they are read. This is a macro, because `concat!` takes only
/// literals.
macro_rules! score_columns {
    () => {
        "
    score.label::text, score.score, score.confidence, score.uncertain, score.emotion::text, score.anger, score.disgust,
    score.fear, score.joy, score.neutral, score.sadness, score.surprise, score.toxicity, score.churn_risk,
    score.virality, model.id, model.name, model.version, model.hash"
    };
}

/// Columns that [`scores_of`] reads, in this order.
pub(in crate::store) const SCORE_COLUMNS: &str = score_columns!();

/// Columns that [`scored_posts_of`] reads, in this order.
pub(in crate::store) const COLUMNS: &str = concat!(
    "
    post.uuid, post.post_id, post.platform, post.text, post.author_id, post.author_handle, post.author_followers,
    post.author_location, post.lang, post.created_at, post.received_at, post.original_created_at, post.source,
    post.connector, post.city, post.country, post.lat, post.lon, post.products, post.topics, post.channel, post.url, post.parent_id, post.reach,
    post.likes, post.shares, post.comments, post.views,",
    score_columns!()
);

/// Tables of posts joined with their scores and models. Posts and scores have the same partitions, and the join uses
/// the partition key of both.
pub(in crate::store) const TABLES: &str = "
    social_media_posts AS post
    JOIN sentiment_analysis AS score ON score.uuid = post.uuid AND score.created_at = post.created_at
    JOIN models AS model ON model.id = score.model";

/// Reads posts from rows that begin with [`COLUMNS`].
pub(in crate::store) fn scored_posts_of(rows: &[Row]) -> Result<Vec<ScoredPost>, StoreError> {
    let mut models = Models::default();
    rows.iter().map(|row| scored_post_of(&mut Columns { row, next: 0 }, &mut models)).collect()
}

/// Reads scores from rows that begin with [`SCORE_COLUMNS`].
pub(in crate::store) fn scores_of(rows: &[Row]) -> Result<Vec<Score>, StoreError> {
    let mut models = Models::default();
    rows.iter().map(|row| score_of(&mut Columns { row, next: 0 }, &mut models)).collect()
}

/// Reads the posts with these ids that are still stored. The event times limit the query to the days concerned.
pub(in crate::store) async fn by_names(
    transaction: &Transaction<'_>,
    names: &[(PostId, Timestamp)],
) -> Result<Vec<ScoredPost>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
        JOIN {TABLES} ON post.uuid = named.uuid AND post.created_at = named.created_at
        ORDER BY post.created_at, post.uuid",
        TABLES = TABLES.trim_start()
    );
    let uuids: Vec<PostId> = names.iter().map(|name| name.0).collect();
    let times: Vec<PgTimestamp> = names.iter().map(|name| PgTimestamp(name.1)).collect();
    let rows = transaction.query(&sql, &[&uuids, &times]).await?;
    scored_posts_of(&rows)
}

/// Models by id, so that all posts on a page share one copy of each.
type Models = HashMap<i16, Arc<ModelId>>;

/// Reads a row column by column, in the order of the `SELECT`, because looking up columns by name takes longer than
/// reading them.
struct Columns<'a> {
    row: &'a Row,
    next: usize,
}

impl<'a> Columns<'a> {
    fn take<T: FromSql<'a>>(&mut self) -> Result<T, StoreError> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }
}

fn scored_post_of(columns: &mut Columns<'_>, models: &mut Models) -> Result<ScoredPost, StoreError> {
    Ok(ScoredPost { post: post_of(columns)?, score: score_of(columns, models)?, awaits_correction: false })
}

// Struct fields are evaluated in the order in which they are written, which is the column order.
fn post_of(columns: &mut Columns<'_>) -> Result<Post, StoreError> {
    Ok(Post {
        uuid: columns.take()?,
        id: columns.take()?,
        platform: columns.take()?,
        text: columns.take()?,
        author: author_of(columns)?,
        lang: columns.take()?,
        created_at: columns.take()?,
        received_at: columns.take()?,
        original_created_at: columns.take()?,
        source: Source::new(columns.take::<String>()?),
        connector: columns.take()?,
        city: columns.take()?,
        country: columns.take()?,
        lat: columns.take()?,
        lon: columns.take()?,
        products: columns.take()?,
        topics: columns.take::<Option<_>>()?.unwrap_or_default(),
        channel: columns.take()?,
        url: columns.take()?,
        parent_id: columns.take()?,
        reach: columns.take()?,
        engagement: engagement_of(columns)?,
    })
}

/// Reads the author; `None` if every column is null.
fn author_of(columns: &mut Columns<'_>) -> Result<Option<Author>, StoreError> {
    let author = Author {
        id: columns.take()?,
        handle: columns.take()?,
        followers: columns.take()?,
        location: columns.take()?,
    };
    Ok((author != Author::default()).then_some(author))
}

fn engagement_of(columns: &mut Columns<'_>) -> Result<Option<Engagement>, StoreError> {
    let counts = Engagement {
        likes: columns.take()?,
        shares: columns.take()?,
        comments: columns.take()?,
        views: columns.take()?,
    };
    Ok((counts != Engagement::default()).then_some(counts))
}

// Struct fields are evaluated in the order in which they are written, which is the column order.
fn score_of(columns: &mut Columns<'_>, models: &mut Models) -> Result<Score, StoreError> {
    let sentiment = Sentiment {
        label: label_of(columns.take()?)?,
        score: columns.take()?,
        confidence: columns.take()?,
        uncertain: columns.take()?,
    };
    let label = columns.take()?;
    let mut emotions = [0.0; 7];
    for value in &mut emotions {
        *value = columns.take()?;
    }
    let emotion = Emotion { label, scores: EmotionScores::from_array(emotions) };
    let (toxicity, churn_risk, virality) = (columns.take()?, columns.take()?, columns.take()?);
    let id = columns.take()?;
    let (name, version, hash) = (columns.take::<&str>()?, columns.take::<&str>()?, columns.take::<&str>()?);
    let model = models.entry(id).or_insert_with(|| {
        Arc::new(ModelId { name: name.to_owned(), version: version.to_owned(), hash: hash.to_owned() })
    });
    Ok(Score { sentiment, emotion, toxicity, churn_risk, virality, model: Arc::clone(model) })
}

pub(in crate::store) fn label_of(label: &str) -> Result<SentimentLabel, StoreError> {
    const KNOWN: [SentimentLabel; 3] =
        [SentimentLabel::Positive, SentimentLabel::Neutral, SentimentLabel::Negative];
    parse_enum(label, &KNOWN, SentimentLabel::as_str)
}
