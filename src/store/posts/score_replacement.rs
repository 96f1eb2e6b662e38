//! Replaces current scores and keeps the replaced ones as history.

use std::collections::HashMap;
use std::sync::Arc;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::awaiting_correction::AwaitedPost;
use crate::models::id::PostId;
use crate::models::post::ScoredPost;
use crate::models::score::{EMOTIONS, ModelId};
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// Score to replace.
pub(in crate::store) struct Superseded<'a> {
    /// Post with the new score.
    pub by: &'a ScoredPost,
    /// Revision of the score to replace, which must still be the current one.
    pub revision: i16,
}

/// Moves current scores to the history and writes the new ones, in one statement.
///
/// The rows must already be locked, because the statement copies them as they were when it began.
pub(in crate::store) async fn scores(
    transaction: &Transaction<'_>,
    superseded: &[Superseded<'_>],
    awaited: &[AwaitedPost],
    models: &HashMap<Arc<ModelId>, i16>,
) -> Result<(), StoreError> {
    const SQL: &str = "
        WITH new AS MATERIALIZED (
            SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::smallint[],
                $6::text[], $7::text[], $8::bool[], $9::real[], $10::real[], $11::real[], $12::real[], $13::real[],
                $14::real[], $15::real[], $16::real[], $17::real[], $18::real[], $19::real[], $20::real[])
            AS new (uuid, created_at, revision, scored_at, model, label, emotion, uncertain, score, confidence, anger,
                disgust, fear, joy, neutral, sadness, surprise, toxicity, churn_risk, virality)
        ), history AS (
            INSERT INTO sentiment_analysis_history (uuid, created_at, scored_at, score, confidence, anger, disgust,
                fear, joy, neutral, sadness, surprise, toxicity, churn_risk, virality, label, emotion, model, revision,
                uncertain)
            SELECT old.uuid, old.created_at, new.scored_at, old.score, old.confidence, old.anger, old.disgust,
                old.fear, old.joy, old.neutral, old.sadness, old.surprise, old.toxicity, old.churn_risk, old.virality,
                old.label, old.emotion, old.model, old.revision, old.uncertain
            FROM new JOIN sentiment_analysis AS old
                ON old.uuid = new.uuid AND old.created_at = new.created_at AND old.revision = new.revision
            WHERE old.created_at >= $21 AND old.created_at <= $22
        )
        UPDATE sentiment_analysis AS current SET
            model = new.model, label = new.label::sentiment_label, emotion = new.emotion::emotion_label,
            uncertain = new.uncertain, score = new.score, confidence = new.confidence, anger = new.anger,
            disgust = new.disgust, fear = new.fear, joy = new.joy, neutral = new.neutral, sadness = new.sadness,
            surprise = new.surprise, toxicity = new.toxicity, churn_risk = new.churn_risk, virality = new.virality,
            revision = current.revision + 1
        FROM new
        WHERE current.uuid = new.uuid AND current.created_at = new.created_at AND current.revision = new.revision
            AND current.created_at >= $21 AND current.created_at <= $22";
    if superseded.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(superseded, awaited, models)?;
    let (from, to) = span_of(awaited);
    let mut params = columns.params();
    params.extend([&from as &(dyn ToSql + Sync), &to]);
    let statement = transaction.prepare_cached(SQL).await?;
    let n_changed = transaction.execute(&statement, &params).await?;
    if usize::try_from(n_changed) != Ok(superseded.len()) {
        let reason = format!("{n_changed} of {} scores could be superseded", superseded.len());
        return Err(StoreError::Conflict { reason });
    }
    Ok(())
}

/// Returns the earliest and latest event time of these posts.
pub(in crate::store) fn span_of(awaited: &[AwaitedPost]) -> (PgTimestamp, PgTimestamp) {
    let times = || awaited.iter().map(|awaited| awaited.created_at);
    (
        PgTimestamp(times().min().unwrap_or(Timestamp::MIN)),
        PgTimestamp(times().max().unwrap_or(Timestamp::MAX)),
    )
}

/// Number of numeric columns in a score.
const N_NUMBERS: usize = 12;

/// New scores as arrays, one per column.
#[derive(Default)]
struct Columns<'a> {
    uuids: Vec<PostId>,
    times: Vec<PgTimestamp>,
    revisions: Vec<i16>,
    scored_at: Vec<PgTimestamp>,
    models: Vec<i16>,
    labels: Vec<&'a str>,
    emotions: Vec<&'a str>,
    uncertain: Vec<bool>,
    numbers: [Vec<f32>; N_NUMBERS],
}

impl<'a> Columns<'a> {
    fn of(
        superseded: &[Superseded<'a>],
        awaited: &[AwaitedPost],
        models: &HashMap<Arc<ModelId>, i16>,
    ) -> Result<Self, StoreError> {
        let awaited: HashMap<PostId, &AwaitedPost> =
            awaited.iter().map(|awaited| (awaited.uuid, awaited)).collect();
        let mut columns = Self::default();
        for Superseded { by: ScoredPost { post, score, .. }, revision } in superseded {
            let internal = |what: String| StoreError::Internal { reason: what };
            let awaited = awaited
                .get(&post.uuid)
                .ok_or_else(|| internal(format!("post {} awaits no correction", post.uuid)))?;
            let model = models.get(&score.model).copied();
            let emotions = &score.emotion.scores;
            columns.uuids.push(post.uuid);
            columns.times.push(PgTimestamp(awaited.created_at));
            columns.revisions.push(*revision);
            columns.scored_at.push(PgTimestamp(awaited.scored_at));
            columns
                .models
                .push(model.ok_or_else(|| internal(format!("model `{}` has no id", score.model.name)))?);
            columns.labels.push(score.sentiment.label.as_str());
            // The emotion is chosen as in the rollups, so that the two always agree.
            columns.emotions.push(EMOTIONS.get(emotions.strongest()).copied().unwrap_or("neutral"));
            columns.uncertain.push(score.sentiment.uncertain);
            let numbers: [f32; N_NUMBERS] = [
                score.sentiment.score,
                score.sentiment.confidence,
                emotions.anger,
                emotions.disgust,
                emotions.fear,
                emotions.joy,
                emotions.neutral,
                emotions.sadness,
                emotions.surprise,
                score.toxicity,
                score.churn_risk,
                score.virality,
            ];
            columns.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        }
        Ok(columns)
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![
            &self.uuids,
            &self.times,
            &self.revisions,
            &self.scored_at,
            &self.models,
            &self.labels,
            &self.emotions,
            &self.uncertain,
        ];
        params.extend(self.numbers.iter().map(|column| column as &(dyn ToSql + Sync)));
        params
    }
}
