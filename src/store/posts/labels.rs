//! Sentiment labels that people assign to posts.

use futures_util::stream::{self, Stream};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::row::label_of;
use crate::models::id::PostId;
use crate::models::label::{LabelCorrection, LabelledPost, ModelLabel, NewLabel};
use crate::models::score::ModelId;
use crate::store::codec::PgTimestamp;
use crate::store::page::PAGE_MAX;
use crate::store::{Store, StoreError};

/// Columns that [`correction_of`] reads, in this order.
const COLUMNS: &str = "corrected.uuid, corrected.label::text, corrected.note, corrected.corrected_by,
    corrected.corrected_at, corrected.was_label::text, model.name, model.version, model.hash";

/// Stores a person's label for a post, replacing any earlier one. Returns `None` if the post does not exist.
///
/// Scores, rollups and counts do not change. Labels from people and from the model are kept apart, and later scores do
/// not affect people's labels.
///
/// Locks the score, because otherwise the label of a post that is being erased could outlive it.
pub async fn correct(
    store: &Store,
    post: PostId,
    new: &NewLabel,
) -> Result<Option<LabelCorrection>, StoreError> {
    let sql = format!(
        "WITH corrected AS (
            INSERT INTO label_corrections (uuid, created_at, corrected_at, was_model, label, was_label, corrected_by, note)
            SELECT score.uuid, score.created_at, $2, score.model, $3::text::sentiment_label, score.label, $4, $5
            FROM sentiment_analysis AS score WHERE score.uuid = $1 FOR KEY SHARE
            ON CONFLICT (uuid) DO UPDATE SET corrected_at = excluded.corrected_at, was_model = excluded.was_model,
                label = excluded.label, was_label = excluded.was_label, corrected_by = excluded.corrected_by,
                note = excluded.note
            RETURNING *
        )
        SELECT {COLUMNS} FROM corrected JOIN models AS model ON model.id = corrected.was_model"
    );
    let now = PgTimestamp(Timestamp::now());
    store
        .query_opt(&sql, &[&post, &now, &new.label.as_str(), &new.by, &new.note])
        .await?
        .as_ref()
        .map(|row| correction_of(row, 0))
        .transpose()
}

/// Deletes the label that a person gave a post, and returns whether there was one.
pub async fn take_back(store: &Store, post: PostId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM label_corrections WHERE uuid = $1", &[&post]).await? > 0)
}

/// Streams all posts with labels assigned by people, in chunks, earliest label first.
///
/// Each chunk is a separate query, so a slow client occupies neither a connection nor a snapshot. Posts that are
/// labelled in the meantime come last.
pub fn export(store: Store) -> impl Stream<Item = Result<Vec<LabelledPost>, StoreError>> + Send {
    let first = (Timestamp::UNIX_EPOCH, PostId::from_u128(0));
    stream::try_unfold((store, Some(first)), |(store, after)| async move {
        let Some(after) = after else {
            return Ok(None);
        };
        let piece = after_this(&store, after).await?;
        let next = piece.last().filter(|_| piece.len() == PAGE_MAX);
        let next = next.map(|last| (last.correction.corrected_at, last.correction.post));
        Ok(Some((piece, (store, next))))
    })
}

async fn after_this(store: &Store, (at, uuid): (Timestamp, PostId)) -> Result<Vec<LabelledPost>, StoreError> {
    let sql = format!(
        "SELECT post.text, post.lang, score.label::text, {COLUMNS}
        FROM (
            SELECT * FROM label_corrections WHERE (corrected_at, uuid) > ($1, $2)
            ORDER BY corrected_at, uuid LIMIT $3
        ) AS corrected
        JOIN models AS model ON model.id = corrected.was_model
        JOIN social_media_posts AS post
            ON post.uuid = corrected.uuid AND post.created_at = corrected.created_at
        JOIN sentiment_analysis AS score
            ON score.uuid = corrected.uuid AND score.created_at = corrected.created_at
        ORDER BY corrected.corrected_at, corrected.uuid"
    );
    let limit = i64::try_from(PAGE_MAX).unwrap_or(i64::MAX);
    store
        .query(&sql, &[&PgTimestamp(at), &uuid, &limit])
        .await?
        .iter()
        .map(|row| {
            Ok(LabelledPost {
                text: row.try_get(0)?,
                lang: row.try_get(1)?,
                model_label: label_of(row.try_get(2)?)?,
                correction: correction_of(row, 3)?,
            })
        })
        .collect()
}

fn correction_of(row: &Row, first: usize) -> Result<LabelCorrection, StoreError> {
    Ok(LabelCorrection {
        post: row.try_get(first)?,
        label: label_of(row.try_get(first + 1)?)?,
        note: row.try_get(first + 2)?,
        by: row.try_get(first + 3)?,
        corrected_at: row.try_get(first + 4)?,
        was: ModelLabel {
            label: label_of(row.try_get(first + 5)?)?,
            model: ModelId {
                name: row.try_get(first + 6)?,
                version: row.try_get(first + 7)?,
                hash: row.try_get(first + 8)?,
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::TryStreamExt;

    use super::*;
    use crate::models::score::SentimentLabel;
    use crate::store::posts::corrections::Correction;
    use crate::store::posts::list::{PostsQuery, get_with_history, list};
    use crate::store::testing::apply;
    use crate::store::testing::record;
    use crate::store::testing::{self, number, test_store};

    const SUMS: &str = "SELECT sum(positive * 3 + neutral * 5 + negative * 7 + revision * 11)::bigint
        FROM sentiment_rollups";

    fn new(label: SentimentLabel) -> NewLabel {
        NewLabel { label, note: Some("it is irony".to_owned()), by: Some("ann".to_owned()) }
    }

    #[tokio::test]
    async fn a_persons_label_is_shown_beside_the_models_and_changes_no_count() {
        let store = test_store().await;
        let batch = testing::posts(3, testing::now_in_micros());
        record(&store, &batch).await.unwrap();
        let before = number(&store, SUMS).await;
        let post = batch[0].post.uuid;
        let made = correct(&store, post, &new(SentimentLabel::Negative)).await.unwrap().unwrap();
        assert_eq!((made.post, made.label), (post, SentimentLabel::Negative));
        assert_eq!((made.was.label, &made.was.model), (SentimentLabel::Positive, &*batch[0].score.model));
        assert_eq!(correct(&store, PostId::now_v7(), &new(SentimentLabel::Neutral)).await.unwrap(), None);
        let shown = get_with_history(&store, post).await.unwrap().unwrap();
        assert_eq!(shown.corrected_label, Some(SentimentLabel::Negative));
        assert_eq!(shown.score, batch[0].score);
        let listed = list(&store, &PostsQuery { limit: 10, ..PostsQuery::default() }).await.unwrap().items;
        let labels = listed.iter().filter(|listed| listed.corrected_label.is_some()).count();
        assert_eq!((listed.len(), labels), (3, 1));
        assert_eq!(number(&store, SUMS).await, before);
        assert!(take_back(&store, post).await.unwrap() && !take_back(&store, post).await.unwrap());
        assert_eq!(get_with_history(&store, post).await.unwrap().unwrap().corrected_label, None);
    }

    #[tokio::test]
    async fn a_later_correction_keeps_a_persons_label() {
        let store = test_store().await;
        let mut scored = testing::post(0, testing::now_in_micros());
        scored.awaits_correction = true;
        record(&store, std::slice::from_ref(&scored)).await.unwrap();
        correct(&store, scored.post.uuid, &new(SentimentLabel::Neutral)).await.unwrap().unwrap();
        let mut score = scored.score.clone();
        score.sentiment.label = SentimentLabel::Negative;
        let correction = Correction { read: std::sync::Arc::new(scored.clone()), score };
        assert_eq!(apply(&store, &[correction]).await.unwrap().applied, [0]);
        let shown = get_with_history(&store, scored.post.uuid).await.unwrap().unwrap();
        assert_eq!(shown.score.sentiment.label, SentimentLabel::Negative);
        assert_eq!(shown.corrected_label, Some(SentimentLabel::Neutral));
        let exported: Vec<_> = export(store).try_concat().await.unwrap();
        assert_eq!(exported[0].model_label, SentimentLabel::Negative);
        assert_eq!(exported[0].correction.was.label, SentimentLabel::Positive);
        assert_eq!(exported[0].text, scored.post.text);
    }

    #[tokio::test]
    async fn an_export_holds_every_correction_once() {
        let store = test_store().await;
        let batch = testing::posts(1_050, testing::now_in_micros());
        record(&store, &batch).await.unwrap();
        // All have the same time, so pages must not be based on time alone.
        testing::execute(
            &store,
            "INSERT INTO label_corrections (uuid, created_at, corrected_at, was_model, label, was_label)
            SELECT uuid, created_at, now(), model, 'neutral', label FROM sentiment_analysis",
        )
        .await;
        let pieces: Vec<Vec<LabelledPost>> =
            tokio::time::timeout(Duration::from_secs(60), export(store).try_collect())
                .await
                .unwrap()
                .unwrap();
        assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), [1_000, 50]);
        let mut names: Vec<_> = pieces.iter().flatten().map(|post| post.correction.post).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 1_050);
    }
}
