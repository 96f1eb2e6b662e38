//! Tags and assignees in use, for completion.

use tokio_postgres::Row;

use crate::models::post_work::{UsedName, UsedNames};
use crate::store::{Store, StoreError};

/// Returns the tags and the assignees in use, most frequent first.
pub async fn names(store: &Store) -> Result<UsedNames, StoreError> {
    const TAGS: &str = "
        SELECT tag, count(*) FROM post_work, unnest(tags) AS tag GROUP BY tag ORDER BY count(*) DESC, tag LIMIT 200";
    const ASSIGNEES: &str = "
        SELECT assignee, count(*) FROM post_work WHERE assignee IS NOT NULL
        GROUP BY assignee ORDER BY count(*) DESC, assignee LIMIT 200";
    let used = |row: &Row| Ok::<_, StoreError>(UsedName { name: row.try_get(0)?, posts: row.try_get(1)? });
    let read = async |sql| store.query(sql, &[]).await?.iter().map(used).collect::<Result<Vec<_>, _>>();
    Ok(UsedNames { tags: read(TAGS).await?, assignees: read(ASSIGNEES).await? })
}
