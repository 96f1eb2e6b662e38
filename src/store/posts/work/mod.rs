//! Work on posts. Rows exist only for posts that somebody has worked on, and expire with their posts.

mod change; // changing the work on posts
mod history; // who did what, and when
mod names; // tags and assignees in use
mod notes; // notes on posts
mod queue; // posts that need an answer, and other lists of work
pub(super) mod row; // reading work from rows
#[cfg(test)]
mod tests;

pub use self::change::change;
pub use self::history::history;
pub use self::names::names;
pub use self::notes::{NOTES_MAX, Noted, note};
pub use self::queue::{QueueOrder, QueueQuery, queue};
use self::row::{WORK, work_of};
use crate::models::id::PostId;
use crate::models::post_work::{PostWork, WorkChanges};
use crate::store::{Store, StoreError};

/// Maximum number of changes returned at once.
const CHANGES_MAX: usize = 500;

/// Returns the work on a post; `None` if the post does not exist.
pub async fn get(store: &Store, post: PostId) -> Result<Option<PostWork>, StoreError> {
    let stored = format!("SELECT {WORK} FROM post_work AS work WHERE work.uuid = $1");
    if let Some(row) = store.query_opt(&stored, &[&post]).await? {
        return work_of(&row);
    }
    const EXISTS: &str = "SELECT EXISTS (SELECT FROM social_media_posts WHERE uuid = $1)";
    let exists: bool = store.query_one(EXISTS, &[&post]).await?.try_get(0)?;
    Ok(exists.then(|| PostWork::untouched(post)))
}

/// Returns the work that has changed after a revision, in the order of the changes. Without a revision, returns only
/// the newest revision, from which to continue.
pub async fn changes(store: &Store, since: Option<i64>) -> Result<WorkChanges, StoreError> {
    const NEWEST: &str = "SELECT coalesce(max(revision), 0) FROM post_work";
    let sql = format!(
        "SELECT {WORK} FROM post_work AS work WHERE work.revision > $1 ORDER BY work.revision LIMIT {CHANGES_MAX}"
    );
    let mut items = Vec::new();
    if let Some(since) = since {
        for row in store.query(&sql, &[&since]).await? {
            items.extend(work_of(&row)?);
        }
    }
    let revision = match items.last() {
        Some(work) => work.revision,
        None => store.query_one(NEWEST, &[]).await?.try_get(0)?,
    };
    Ok(WorkChanges { revision, has_more: items.len() == CHANGES_MAX, items })
}
