//! Reads and writes saved views.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::{PgTimestamp, enum_at};
use super::locks::{Lock, insert_under_cap};
use super::page::Page;
use super::{Store, StoreError};
use crate::models::id::ViewId;
use crate::models::saved_view::{NewView, SavedView, ViewPage};

/// Maximum number of views. A single menu lists all of them.
pub const VIEWS_MAX: i64 = 500;

/// Returns every view, sorted by name.
pub async fn list(store: &Store) -> Result<Page<SavedView>, StoreError> {
    const SQL: &str = "
        SELECT id, name, page, query, created_at, updated_at FROM saved_views ORDER BY lower(name), created_at, id";
    let items = store.query(SQL, &[]).await?.iter().map(view_of).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: None })
}

/// Stores a new view. Returns `None` if there are already [`VIEWS_MAX`] views.
pub async fn create(store: &Store, new: &NewView) -> Result<Option<SavedView>, StoreError> {
    const SQL: &str = "
        INSERT INTO saved_views (id, created_at, updated_at, name, page, query)
        SELECT $1, $2, $2, $3, $4, $5 WHERE (SELECT count(*) FROM saved_views) < $6
        RETURNING id, name, page, query, created_at, updated_at";
    let (id, now) = (ViewId::now_v7(), PgTimestamp(Timestamp::now()));
    let values: [&(dyn ToSql + Sync); 6] = [&id, &now, &new.name, &new.page.as_str(), &new.query, &VIEWS_MAX];
    insert_under_cap(store, Lock::ViewCount, SQL, &values).await?.as_ref().map(view_of).transpose()
}

/// Replaces a view. Returns `None` if it does not exist.
pub async fn update(store: &Store, id: ViewId, new: &NewView) -> Result<Option<SavedView>, StoreError> {
    const SQL: &str = "
        UPDATE saved_views SET updated_at = $2, name = $3, page = $4, query = $5 WHERE id = $1
        RETURNING id, name, page, query, created_at, updated_at";
    let now = PgTimestamp(Timestamp::now());
    store
        .query_opt(SQL, &[&id, &now, &new.name, &new.page.as_str(), &new.query])
        .await?
        .as_ref()
        .map(view_of)
        .transpose()
}

/// Deletes a view, and returns whether it existed.
pub async fn delete(store: &Store, id: ViewId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM saved_views WHERE id = $1", &[&id]).await? > 0)
}

fn view_of(row: &Row) -> Result<SavedView, StoreError> {
    Ok(SavedView {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        page: enum_at(row, 2, &[ViewPage::Explore, ViewPage::Live], ViewPage::as_str)?,
        query: row.try_get(3)?,
        created_at: row.try_get(4)?,
        updated_at: row.try_get(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{created_at_once, execute, test_store};

    #[tokio::test]
    async fn views_are_saved_listed_by_name_changed_and_deleted() {
        let store = test_store().await;
        let new = |name: &str| NewView {
            name: name.to_owned(),
            page: ViewPage::Explore,
            query: "q=parcel&tz=Europe%2FBerlin".to_owned(),
        };
        let second = create(&store, &new("parcels")).await.unwrap().unwrap();
        let first = create(&store, &new("Complaints'; --")).await.unwrap().unwrap();
        assert_eq!(list(&store).await.unwrap().items, [first.clone(), second.clone()]);
        let changed = NewView { page: ViewPage::Live, ..new("zebra") };
        let changed = update(&store, first.id, &changed).await.unwrap().unwrap();
        assert_eq!((changed.id, changed.created_at), (first.id, first.created_at));
        assert!(changed.updated_at >= first.updated_at && changed.page == ViewPage::Live);
        assert_eq!(list(&store).await.unwrap().items, [second.clone(), changed]);
        assert!(delete(&store, first.id).await.unwrap());
        assert!(!delete(&store, first.id).await.unwrap());
        assert_eq!(update(&store, first.id, &new("gone")).await.unwrap(), None);
        assert_eq!(list(&store).await.unwrap().items, [second]);
    }

    #[tokio::test]
    async fn the_cap_on_views_holds_under_concurrent_creation() {
        let store = test_store().await;
        let fill = "INSERT INTO saved_views SELECT gen_random_uuid(), now(), now(), 'n', 'live', ''
            FROM generate_series(1, 497)";
        execute(&store, fill).await;
        let new = NewView { name: "one".to_owned(), page: ViewPage::Live, query: String::new() };
        let make = async || create(&store, &new).await.unwrap();
        assert_eq!(created_at_once(&store, "saved_views", make).await, 3);
        assert_eq!(list(&store).await.unwrap().items.len(), 500);
    }
}
