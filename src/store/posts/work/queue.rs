//! Lists posts by the work on them, in particular the queue of posts that need an answer.

use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::models::id::PostId;
use crate::models::post::ListedPost;
use crate::models::post_work::WorkStatus;
use crate::store::codec::PgTimestamp;
use crate::store::page::{Cursor, Page, limits};
use crate::store::posts::filter::joined;
use crate::store::posts::list::read_posts;
use crate::store::posts::values::Values;
use crate::store::{Store, StoreError};

/// Order of posts in the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueueOrder {
    /// Oldest first.
    #[default]
    Oldest,
    /// Widest reach first.
    Reach,
}

/// Filter and order for posts that people work on, and the page to return. Absent fields match every post with work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueQuery {
    /// Keeps only posts with this status; `None` for all that are not finished.
    pub status: Option<WorkStatus>,
    /// Keeps only posts that need an answer, or only the others.
    pub needs_answer: Option<bool>,
    /// Keeps only posts that are assigned to this person; `""` for nobody.
    pub assignee: Option<String>,
    /// Keeps only posts with this tag.
    pub tag: Option<String>,
    /// Order of the posts.
    pub order: QueueOrder,
    /// `next_cursor` of the previous page in the same order; `None` for the first page.
    pub cursor: Option<String>,
    /// Maximum number of posts to return, 1 to [`crate::store::page::PAGE_MAX`].
    pub limit: usize,
}

/// Returns one page of posts by the work on them. Fails with `BadCursor`.
pub async fn queue(store: &Store, query: &QueueQuery) -> Result<Page<ListedPost>, StoreError> {
    let (limit, n_rows) = limits(query.limit);
    let mut values = Values::default();
    let conditions = conditions_of(query, &mut values)?;
    let order = match query.order {
        QueueOrder::Oldest => "created_at, uuid",
        QueueOrder::Reach => "reach DESC, uuid DESC",
    };
    // Statements are not cached, so that the plan knows which filters are given and can use the queue's indexes.
    let sql = format!(
        "SELECT uuid, created_at, reach FROM post_work WHERE {} ORDER BY {order} LIMIT {n_rows}",
        joined(&conditions)
    );
    let page = store
        .run(async |client| {
            let mut entries = Vec::new();
            for row in client.query(&sql, &values.as_params()).await? {
                entries.push(Entry { post: row.try_get(0)?, at: row.try_get(1)?, reach: row.try_get(2)? });
            }
            let Page { items, next_cursor } = Page::of(entries, limit, |entry| entry.cursor(query.order));
            let names: Vec<_> = items.iter().map(|entry| (entry.post, entry.at)).collect();
            Ok::<_, StoreError>(Page {
                items: read_posts(client, &names, &mut Vec::new()).await?,
                next_cursor,
            })
        })
        .await?;
    Ok(page)
}

/// Post in the queue, with its sort key.
struct Entry {
    post: PostId,
    at: Timestamp,
    reach: i64,
}

impl Entry {
    fn cursor(&self, order: QueueOrder) -> Cursor {
        let at = match order {
            QueueOrder::Oldest => self.at,
            // The cursor must contain a time, so the reach is converted to one, in microseconds, as `conditions_of`
            // expects.
            QueueOrder::Reach => Timestamp::from_microsecond(self.reach).unwrap_or(Timestamp::MAX),
        };
        Cursor { at, id: self.post.into() }
    }
}

fn conditions_of(query: &QueueQuery, values: &mut Values) -> Result<Vec<String>, StoreError> {
    // Written as literals, because the indexes of the queue are partial.
    let mut conditions = vec![match query.status {
        None => "status IN ('open', 'in_progress')".to_owned(),
        Some(status) => format!("status = '{}'", status.as_str()),
    }];
    match query.needs_answer {
        None => {}
        Some(true) => conditions.push("needs_answer".to_owned()),
        Some(false) => conditions.push("NOT needs_answer".to_owned()),
    }
    match query.assignee.as_deref() {
        None => {}
        Some("") => conditions.push("assignee IS NULL".to_owned()),
        Some(name) => conditions.push(format!("assignee = {}::text", values.bind(name.to_owned()))),
    }
    if let Some(tag) = &query.tag {
        conditions.push(format!("tags @> ARRAY[{}::text]", values.bind(tag.clone())));
    }
    if let Some(Cursor { at, id }) = query.cursor.as_deref().map(Cursor::decode).transpose()? {
        let id = values.bind(PostId::from(id));
        conditions.push(match query.order {
            QueueOrder::Oldest => {
                format!("(created_at, uuid) > ({}::timestamptz, {id}::uuid)", values.bind(PgTimestamp(at)))
            }
            QueueOrder::Reach => {
                format!("(reach, uuid) < ({}::bigint, {id}::uuid)", values.bind(at.as_microsecond()))
            }
        });
    }
    Ok(conditions)
}
