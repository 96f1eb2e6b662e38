//! Changes the work on posts.

use std::collections::HashMap;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::types::Json;

use super::history;
use super::row::{WORK, work_of};
use crate::models::id::PostId;
use crate::models::person_name::Stamp;
use crate::models::post_work::{Edit, PostWork, Refusal, WorkChange, WorkOutcome, WorkResult};
use crate::store::codec::{PgTimestamp, truncate};
use crate::store::locks::{self, Lock};
use crate::store::{Store, StoreError};

/// Changes the work on posts in one transaction, and returns one result for each change, in the same order. A rejected
/// change does not affect the others.
pub async fn change(
    store: &Store,
    changes: &[(PostId, WorkChange)],
    stamp: &Stamp,
) -> Result<Vec<WorkResult>, StoreError> {
    store.run(async |client| change_on(client, changes, stamp).await).await
}

async fn change_on(
    client: &mut Object,
    changes: &[(PostId, WorkChange)],
    stamp: &Stamp,
) -> Result<Vec<WorkResult>, StoreError> {
    let transaction = client.transaction().await?;
    let posts: Vec<PostId> = changes.iter().map(|(post, _)| *post).collect();
    let mut known = lock(&transaction, &posts).await?;
    let mut outcomes = Vec::with_capacity(changes.len());
    let mut edits = Vec::new();
    for (post, change) in changes {
        let Some(found) = known.get_mut(post) else {
            outcomes.push(WorkOutcome::UnknownPost);
            continue;
        };
        outcomes.push(match change.apply(&found.work) {
            Err(Refusal::Conflict) => WorkOutcome::Conflict,
            Err(Refusal::TooManyTags) => WorkOutcome::TooManyTags,
            Ok((_, made)) if made.is_empty() => WorkOutcome::Unchanged,
            Ok((next, made)) => {
                found.work = next;
                edits.extend(made.into_iter().map(|edit| (*post, edit)));
                WorkOutcome::Changed
            }
        });
    }
    store_edits(&transaction, &mut known, &edits, stamp).await?;
    transaction.commit().await?;
    let result = |(post, outcome)| WorkResult {
        post,
        outcome,
        work: known.get(&post).map(|found| found.work.clone()),
    };
    Ok(posts.into_iter().zip(outcomes).map(result).collect())
}

/// Work on a post, and the columns that its row copies from the post.
pub(super) struct Found {
    pub work: PostWork,
    created_at: Timestamp,
    reach: i64,
}

/// Returns the work on the posts that exist, and prevents other changes of work until the transaction ends.
///
/// One lock covers all posts. Without it, two requests could create the same row or wait for each other's rows, and
/// revisions could be committed out of order.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    posts: &[PostId],
) -> Result<HashMap<PostId, Found>, StoreError> {
    const NEW: &str = "SELECT uuid, created_at, reach FROM social_media_posts WHERE uuid = ANY ($1)";
    locks::take(transaction, Lock::PostWork).await?;
    let mut known = HashMap::with_capacity(posts.len());
    let stored = format!(
        "SELECT {WORK}, work.created_at, work.reach FROM post_work AS work WHERE work.uuid = ANY ($1)"
    );
    for row in transaction.query(&stored, &[&posts]).await? {
        if let Some(work) = work_of(&row)? {
            let found = Found { created_at: row.try_get("created_at")?, reach: row.try_get("reach")?, work };
            known.insert(found.work.post, found);
        }
    }
    let new: Vec<PostId> = posts.iter().copied().filter(|post| !known.contains_key(post)).collect();
    if !new.is_empty() {
        for row in transaction.query(NEW, &[&new]).await? {
            let work = PostWork::untouched(row.try_get(0)?);
            known.insert(work.post, Found { created_at: row.try_get(1)?, reach: row.try_get(2)?, work });
        }
    }
    Ok(known)
}

/// Writes the work that was edited, with a new revision for each post, and the history of the edits.
pub(super) async fn store_edits(
    transaction: &Transaction<'_>,
    known: &mut HashMap<PostId, Found>,
    edits: &[(PostId, Edit)],
    stamp: &Stamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO post_work (uuid, created_at, updated_at, reach, revision, n_notes, needs_answer, status, assignee,
            updated_by, tags)
        SELECT post, created_at, $2, reach, nextval('post_work_revision'), n_notes, needs_answer, status, assignee, $3, tags
        FROM jsonb_to_recordset($1) AS edited (post uuid, created_at timestamptz, reach bigint, n_notes integer,
            needs_answer boolean, status text, assignee text, tags text[])
        ON CONFLICT (uuid) DO UPDATE SET updated_at = excluded.updated_at, revision = excluded.revision,
            n_notes = excluded.n_notes, needs_answer = excluded.needs_answer, status = excluded.status,
            assignee = excluded.assignee, updated_by = excluded.updated_by, tags = excluded.tags
        RETURNING uuid, revision";
    if edits.is_empty() {
        return Ok(());
    }
    let mut posts: Vec<PostId> = edits.iter().map(|(post, _)| *post).collect();
    posts.sort_unstable();
    posts.dedup();
    let rows = posts.iter().filter_map(|post| known.get(post)).map(row).collect();
    let rows =
        transaction.query(SQL, &[&Json(Value::Array(rows)), &PgTimestamp(stamp.at), &stamp.name()]).await?;
    for row in rows {
        if let Some(found) = known.get_mut(&row.try_get(0)?) {
            found.work.revision = row.try_get(1)?;
            found.work.updated_at = Some(truncate(stamp.at));
            found.work.updated_by = stamp.name().map(str::to_owned);
        }
    }
    history::add(transaction, edits, stamp).await
}

/// Returns a row for `jsonb_to_recordset`, which unlike `unnest` accepts an array per row.
fn row(Found { work, created_at, reach }: &Found) -> Value {
    json!({
        "post": work.post,
        "created_at": created_at,
        "reach": reach,
        "n_notes": work.notes,
        "needs_answer": work.needs_answer,
        "status": work.status,
        "assignee": work.assignee,
        "tags": work.tags,
    })
}
