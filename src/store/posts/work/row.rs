//! Reads the work on posts from rows.

use tokio_postgres::Row;

use crate::models::post_work::{PostWork, WorkStatus};
use crate::store::StoreError;
use crate::store::codec::parse_enum;

/// Columns that [`work_of`] reads, by name, from the table `work`.
pub(in crate::store::posts) const WORK: &str = "
    work.uuid AS work_post, work.status AS work_status, work.needs_answer AS work_needs_answer,
    work.assignee AS work_assignee, work.tags AS work_tags, work.n_notes AS work_notes, work.revision AS work_revision,
    work.updated_at AS work_updated_at, work.updated_by AS work_updated_by";

/// Join that provides the columns in [`WORK`].
pub(in crate::store::posts) const JOIN: &str = "LEFT JOIN post_work AS work ON work.uuid = post.uuid";

/// Reads the work on a post; `None` if a left join found none.
pub(in crate::store::posts) fn work_of(row: &Row) -> Result<Option<PostWork>, StoreError> {
    let Some(post) = row.try_get("work_post")? else {
        return Ok(None);
    };
    Ok(Some(PostWork {
        post,
        status: parse_enum(row.try_get("work_status")?, &WorkStatus::ALL, WorkStatus::as_str)?,
        needs_answer: row.try_get("work_needs_answer")?,
        assignee: row.try_get("work_assignee")?,
        tags: row.try_get("work_tags")?,
        notes: row.try_get::<_, i32>("work_notes")?.into(),
        revision: row.try_get("work_revision")?,
        updated_at: row.try_get("work_updated_at")?,
        updated_by: row.try_get("work_updated_by")?,
    }))
}
