//! Posts at high churn risk, on their way into an alert.

use deadpool_postgres::{Object, Transaction};
use tokio::time::timeout;
use uuid::Uuid;

use super::alerts::{self, NewAlert, Raise};
use super::codec::Moment;
use super::{ANSWER_TIMEOUT, Store, StoreError, answered, post_list};
use crate::models::post::ScoredPost;
use crate::models::score::CHURN_HIGH;

/// Posts taken at a time.
const FLAGGED_MAX: i64 = 500;

/// Notes which of the new posts carry a high churn risk, in the transaction that stores them.
pub(super) async fn note(transaction: &Transaction<'_>, new: &[&ScoredPost]) -> Result<(), StoreError> {
    const SQL: &str =
        "INSERT INTO flagged_posts (uuid, created_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])";
    let flagged = new.iter().filter(|scored| scored.score.churn_risk >= CHURN_HIGH);
    let (uuids, times): (Vec<Uuid>, Vec<Moment>) =
        flagged.map(|scored| (scored.post.uuid, Moment(scored.post.created_at))).unzip();
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&uuids, &times]).await?;
    Ok(())
}

/// Takes flagged posts and adds them to the alerts that `judge` makes of them, all in one transaction: a post is in an
/// alert exactly once, whatever dies. Answers nothing when none were flagged.
pub async fn raise(
    store: &Store,
    judge: impl Fn(&[ScoredPost]) -> Vec<NewAlert>,
) -> Result<Vec<Raise>, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, raise_on(&mut client, judge)).await;
    answered(client, outcome)
}

async fn raise_on(
    client: &mut Object,
    judge: impl Fn(&[ScoredPost]) -> Vec<NewAlert>,
) -> Result<Vec<Raise>, StoreError> {
    // Several processes may take at the same time; each post goes to one of them.
    const SQL: &str = "
        DELETE FROM flagged_posts WHERE uuid IN
            (SELECT uuid FROM flagged_posts ORDER BY uuid LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING uuid, created_at";
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&FLAGGED_MAX]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = Vec::with_capacity(rows.len());
    for row in &rows {
        names.push((row.try_get(0)?, row.try_get(1)?));
    }
    let posts = post_list::by_names(&transaction, &names).await?;
    let mut raised = Vec::new();
    // In the order of scopes, which is that in which every process takes their locks.
    for found in judge(&posts) {
        raised.push(alerts::add_posts_on(&transaction, &found).await?);
    }
    transaction.commit().await?;
    Ok(raised)
}
