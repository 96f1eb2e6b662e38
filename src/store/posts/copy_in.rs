//! Writes posts and scores with `COPY`.
//!
//! Measurements show that this costs the server no more than `INSERT` from a table, whereas `INSERT` from as many arrays as columns
//! adds the cost of unpacking them. Most of the cost of storing a post is due to its words, which
//! [`super::search_index`] merges into the full-text index.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

use crate::models::post::{Author, Engagement, ScoredPost};
use crate::models::score::{EMOTIONS, ModelId};
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Writes new posts, without their scores.
pub(in crate::store) async fn posts(
    transaction: &Transaction<'_>,
    new: &[&ScoredPost],
) -> Result<(), StoreError> {
    const SQL: &str = "
        COPY social_media_posts (uuid, created_at, received_at, reach, original_created_at, lat, lon,
            author_followers, likes, shares, comments, views, platform, post_id, source, text, products, topics,
            author_id, author_handle, author_location, lang, city, country, channel, url, parent_id, connector)
        FROM STDIN (FORMAT binary)";
    const TYPES: [Type; 28] = [
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::TIMESTAMPTZ,
        Type::FLOAT8,
        Type::FLOAT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT_ARRAY,
        Type::TEXT_ARRAY,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::UUID,
    ];
    let statement = transaction.prepare_cached(SQL).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&statement).await?, &TYPES));
    let (no_author, no_counts) = (Author::default(), Engagement::default());
    for scored in new {
        let post = &scored.post;
        let author = post.author.as_ref().unwrap_or(&no_author);
        let counts = post.engagement.as_ref().unwrap_or(&no_counts);
        writer
            .as_mut()
            .write(&[
                &post.uuid,
                &PgTimestamp(post.created_at),
                &PgTimestamp(post.received_at),
                &post.reach,
                &post.original_created_at.map(PgTimestamp),
                &post.lat,
                &post.lon,
                &author.followers,
                &counts.likes,
                &counts.shares,
                &counts.comments,
                &counts.views,
                &post.platform,
                &post.id,
                &post.source.as_str(),
                &post.text,
                &post.products,
                &Some(&post.topics).filter(|topics| !topics.is_empty()),
                &author.id,
                &author.handle,
                &author.location,
                &post.lang,
                &post.city,
                &post.country,
                &post.channel,
                &post.url,
                &post.parent_id,
                &post.connector,
            ])
            .await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}

/// Revision of a post's first score.
const FIRST: i16 = 1;

/// Writes the first scores of new posts. The two enums are sent as their labels, which are also their binary
/// representation.
pub(in crate::store) async fn scores(
    transaction: &Transaction<'_>,
    new: &[&ScoredPost],
    models: &HashMap<Arc<ModelId>, i16>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        COPY sentiment_analysis (uuid, created_at, score, confidence, anger, disgust, fear, joy, neutral,
            sadness, surprise, toxicity, churn_risk, virality, label, emotion, model, revision, uncertain)
        FROM STDIN (FORMAT binary)";
    const TYPES: [Type; 19] = [
        Type::UUID,
        Type::TIMESTAMPTZ,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::FLOAT4,
        Type::TEXT,
        Type::TEXT,
        Type::INT2,
        Type::INT2,
        Type::BOOL,
    ];
    let statement = transaction.prepare_cached(SQL).await?;
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&statement).await?, &TYPES));
    for scored in new {
        let (post, score) = (&scored.post, &scored.score);
        let model = models
            .get(&score.model)
            .copied()
            .ok_or_else(|| StoreError::internal(format!("model `{}` has no id", score.model.name)))?;
        let emotions = &score.emotion.scores;
        // The emotion is chosen as in the rollups, so that the two always agree.
        let emotion = EMOTIONS.get(emotions.strongest()).copied().unwrap_or("neutral");
        writer
            .as_mut()
            .write(&[
                &post.uuid,
                &PgTimestamp(post.created_at),
                &score.sentiment.score,
                &score.sentiment.confidence,
                &emotions.anger,
                &emotions.disgust,
                &emotions.fear,
                &emotions.joy,
                &emotions.neutral,
                &emotions.sadness,
                &emotions.surprise,
                &score.toxicity,
                &score.churn_risk,
                &score.virality,
                &score.sentiment.label.as_str(),
                &emotion,
                &model,
                &FIRST,
                &score.sentiment.uncertain,
            ])
            .await?;
    }
    writer.as_mut().finish().await?;
    Ok(())
}
