//! The transaction that gives stored posts better scores.

use std::collections::BTreeMap;
use std::iter::zip;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

pub use super::awaiting::{FIRST_CLAIM, awaiting, claim, give_up};

use super::awaiting::Taken;
use super::codec::Moment;
use super::posts::ATTEMPTS;
use super::scored_rows::{COLUMNS, TABLES, scored_posts_of};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered, copy, flagged, housekeeping, rollups};
use crate::models::alert::Alert;
use crate::models::post::ScoredPost;
use crate::models::rollup::{Delta, delta_between};
use crate::models::score::{CHURN_HIGH, Score};

/// What a better model says about a stored post.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// Which post.
    pub uuid: Uuid,
    /// Its event time, which tells whether it lies where old rows are merged or expire.
    pub created_at: Timestamp,
    /// What it says.
    pub score: Score,
}

/// What became of corrections.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Corrected {
    /// Which were applied, as indices into them, ascending. The others were applied before, or their post has expired.
    pub applied: Vec<usize>,
    /// The posts of those, in the same order, with their new scores.
    pub posts: Vec<ScoredPost>,
    /// What that changed in the rollups, which may be less than nothing; `revision` is each row's after it.
    pub delta: Delta,
    /// How many of the posts are at high churn risk. They may be taken into an alert now, unless they are in one.
    pub n_high: usize,
    /// Churn alerts of which no post is left, and which are resolved by that.
    pub resolved: Vec<Alert>,
}

/// Applies corrections in one transaction that is durable when this returns.
///
/// A correction is applied once, however often and by however many processes it is tried: only posts whose row in
/// `awaiting_correction` this very transaction deleted get another score. The old score is read, locked, in the same
/// transaction, so exactly what the post contributed is taken from the rollups. Applying again after any error is always
/// right.
///
/// Locks are taken in the order of [`super::posts::record`], rollups last; those of alerts come before, and after the notes
/// of flagged posts, as where alerts are raised.
pub async fn apply(store: &Store, corrections: &[Correction]) -> Result<Corrected, StoreError> {
    if corrections.is_empty() {
        return Ok(Corrected::default());
    }
    let mut attempt = 1;
    loop {
        let mut client = store.client().await?;
        let outcome = timeout(ANSWER_TIMEOUT, apply_once(store, &mut client, corrections)).await;
        match answered(client, outcome) {
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
            settled => return settled,
        }
    }
}

async fn apply_once(
    store: &Store,
    client: &mut Object,
    corrections: &[Correction],
) -> Result<Corrected, StoreError> {
    let scores: Vec<&Score> = corrections.iter().map(|correction| &correction.score).collect();
    let models = store.model_ids(client, &scores).await?;
    let now = Timestamp::now();
    let transaction = client.transaction().await?;
    let oldest = corrections.iter().map(|correction| correction.created_at).min();
    housekeeping::take_the_place_of_compaction(store, &transaction, oldest).await?;

    let mut wanted: BTreeMap<Uuid, usize> = BTreeMap::new();
    for (index, correction) in corrections.iter().enumerate() {
        // Of several for one post the first counts; the others find it corrected.
        wanted.entry(correction.uuid).or_insert(index);
    }
    let uuids: Vec<Uuid> = wanted.keys().copied().collect();
    let taken = super::awaiting::take(&transaction, &uuids).await?;
    if taken.is_empty() {
        return Ok(Corrected::default());
    }
    let mut changes = Vec::with_capacity(taken.len());
    for (before, revision) in lock_scores(&transaction, &taken).await? {
        let Some(index) = wanted.get(&before.post.uuid).copied() else { continue };
        let Some(correction) = corrections.get(index) else { continue };
        let after = ScoredPost { score: correction.score.clone(), ..before.clone() };
        changes.push(Change { index, before, after, revision });
    }
    changes.sort_unstable_by_key(|change| change.index);

    supersede(&transaction, &changes, &taken).await?;
    let revised: Vec<_> = changes.iter().map(|change| (&change.after, change.revision + 1)).collect();
    copy::scores(&transaction, &revised, &models).await?;

    let (is_high, was_high): (Vec<&Change>, Vec<&Change>) = changes
        .iter()
        .filter(|change| change.is_high() != change.was_high())
        .partition(|change| change.is_high());
    let newly_high: Vec<&ScoredPost> = is_high.iter().map(|change| &change.after).collect();
    let no_longer: Vec<Uuid> = was_high.iter().map(|change| change.after.post.uuid).collect();
    flagged::note(&transaction, &newly_high).await?;
    let n_high = changes.iter().filter(|change| change.is_high()).count();
    let resolved = flagged::withdraw(&transaction, &no_longer, now).await?;

    let delta = delta_between(changes.iter().map(|change| (&change.before, &change.after.score)));
    let delta = rollups::change(&transaction, delta, now).await?;
    transaction.commit().await?;
    let (applied, posts) = changes.into_iter().map(|change| (change.index, change.after)).unzip();
    Ok(Corrected { applied, posts, delta, n_high, resolved })
}

/// A post before and after.
struct Change {
    index: usize,
    before: ScoredPost,
    after: ScoredPost,
    /// That of the score before.
    revision: i16,
}

impl Change {
    fn was_high(&self) -> bool {
        self.before.score.churn_risk >= CHURN_HIGH
    }

    fn is_high(&self) -> bool {
        self.after.score.churn_risk >= CHURN_HIGH
    }
}

/// The posts with their current scores and revisions, which nobody changes until the transaction ends. Those that have
/// expired are not among them.
async fn lock_scores(
    transaction: &Transaction<'_>,
    taken: &[Taken],
) -> Result<Vec<(ScoredPost, i16)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, score.revision FROM unnest($1::uuid[], $2::timestamptz[]) AS named (uuid, created_at)
        JOIN {TABLES} ON post.uuid = named.uuid AND post.created_at = named.created_at
        ORDER BY post.uuid FOR UPDATE OF score",
        TABLES = TABLES.trim_start()
    );
    let (uuids, times): (Vec<Uuid>, Vec<Moment>) =
        taken.iter().map(|taken| (taken.uuid, Moment(taken.created_at))).unzip();
    let statement = transaction.prepare_cached(&sql).await?;
    let rows = transaction.query(&statement, &[&uuids, &times]).await?;
    let posts = scored_posts_of(&rows)?;
    zip(posts, &rows).map(|(scored, row)| Ok((scored, row.try_get(row.len().saturating_sub(1))?))).collect()
}

/// Moves the current scores into the history. The revision read must be the one that leaves.
async fn supersede(
    transaction: &Transaction<'_>,
    changes: &[Change],
    taken: &[Taken],
) -> Result<(), StoreError> {
    const SQL: &str = "
        WITH superseded AS (
            DELETE FROM sentiment_analysis AS score
            USING unnest($1::uuid[], $2::timestamptz[], $3::smallint[]) AS read (uuid, created_at, revision)
            WHERE score.uuid = read.uuid AND score.created_at = read.created_at AND score.revision = read.revision
            RETURNING score.*
        )
        INSERT INTO sentiment_analysis_history (uuid, created_at, scored_at, score, confidence, anger, disgust, fear,
            joy, neutral, sadness, surprise, toxicity, churn_risk, virality, label, emotion, model, revision, uncertain)
        SELECT uuid, created_at, scored_at, score, confidence, anger, disgust, fear, joy, neutral, sadness, surprise,
            toxicity, churn_risk, virality, label, emotion, model, revision, uncertain
        FROM superseded JOIN unnest($4::uuid[], $5::timestamptz[]) AS taken (uuid, scored_at) USING (uuid)";
    let uuids: Vec<Uuid> = changes.iter().map(|change| change.before.post.uuid).collect();
    let times: Vec<Moment> = changes.iter().map(|change| Moment(change.before.post.created_at)).collect();
    let revisions: Vec<i16> = changes.iter().map(|change| change.revision).collect();
    let (names, scored_at): (Vec<Uuid>, Vec<Moment>) =
        taken.iter().map(|taken| (taken.uuid, Moment(taken.scored_at))).unzip();
    let statement = transaction.prepare_cached(SQL).await?;
    let n_moved = transaction.execute(&statement, &[&uuids, &times, &revisions, &names, &scored_at]).await?;
    if usize::try_from(n_moved) != Ok(changes.len()) {
        let reason = format!("{n_moved} of {} scores could be superseded", changes.len());
        return Err(StoreError::Conflict { reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
