//! History of the work on posts.

use deadpool_postgres::Transaction;
use serde_json::{Value, json};
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::models::id::PostId;
use crate::models::person_name::Stamp;
use crate::models::post_work::{Edit, WorkField, WorkMoment};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::{Store, StoreError};

/// Adds an entry for each edit, in order.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    edits: &[(PostId, Edit)],
    stamp: &Stamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO post_work_history (post, at, actor, field, before, after)
        SELECT post, $2, $3, field, before, after
        FROM jsonb_to_recordset($1) AS edit (post uuid, field text, before text, after text)";
    let row = |(post, Edit { field, before, after }): &(PostId, Edit)| json!({ "post": post, "field": field, "before": before, "after": after });
    let rows = Value::Array(edits.iter().map(row).collect());
    transaction.execute(SQL, &[&Json(rows), &PgTimestamp(stamp.at), &stamp.name()]).await?;
    Ok(())
}

/// Returns the history of the work on a post, oldest first. A long history is limited to the newest entries and all
/// notes. It is empty if the post does not exist.
pub async fn history(store: &Store, post: PostId) -> Result<Vec<WorkMoment>, StoreError> {
    const SQL: &str = "
        (SELECT at, actor, field, before, after, id FROM post_work_history
        WHERE post = $1 AND field <> 'note' ORDER BY id DESC LIMIT 500)
        UNION ALL
        (SELECT at, actor, field, before, after, id FROM post_work_history
        WHERE post = $1 AND field = 'note' ORDER BY id DESC LIMIT 200)
        ORDER BY id";
    store.query(SQL, &[&post]).await?.iter().map(moment_of).collect()
}

fn moment_of(row: &Row) -> Result<WorkMoment, StoreError> {
    Ok(WorkMoment {
        at: row.try_get(0)?,
        actor: row.try_get(1)?,
        field: enum_at(row, 2, &WorkField::ALL, WorkField::as_str)?,
        before: row.try_get(3)?,
        after: row.try_get(4)?,
    })
}
