//! Reads and writes saved views.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::{PgTimestamp, enum_at};
use super::locks::{Lock, insert_under_cap};
use super::page::Page;
use super::{Store, StoreError};
use crate::models::id::ViewId;
use crate::models::person_name::Stamp;
use crate::models::saved_view::{NewView, SavedView, ViewPage};

/// Maximum number of views. A single menu lists all of them.
pub const VIEWS_MAX: i64 = 500;

/// Columns that [`view_of`] reads, in this order. This is a macro, because `concat!` takes only literals.
macro_rules! columns {
    () => {
        "id, name, page, query, created_at, updated_at, created_by, updated_by"
    };
}

/// Returns every view, sorted by name.
pub async fn list(store: &Store) -> Result<Page<SavedView>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM saved_views ORDER BY lower(name), created_at, id");
    let items = store.query(SQL, &[]).await?.iter().map(view_of).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: None })
}

/// Stores a new view. Returns `None` if there are already [`VIEWS_MAX`] views.
pub async fn create(store: &Store, new: &NewView, stamp: &Stamp) -> Result<Option<SavedView>, StoreError> {
    const SQL: &str = concat!(
        "
        INSERT INTO saved_views (id, created_at, updated_at, name, page, query, created_by, updated_by)
        SELECT $1, $2, $2, $3, $4, $5, $6, $6 WHERE (SELECT count(*) FROM saved_views) < $7
        RETURNING ",
        columns!()
    );
    let (id, at) = (ViewId::now_v7(), PgTimestamp(stamp.at));
    let values: [&(dyn ToSql + Sync); 7] =
        [&id, &at, &new.name, &new.page.as_str(), &new.query, &stamp.name(), &VIEWS_MAX];
    insert_under_cap(store, Lock::ViewCount, SQL, &values).await?.as_ref().map(view_of).transpose()
}

/// Replaces a view. Returns `None` if it does not exist.
pub async fn update(
    store: &Store,
    id: ViewId,
    new: &NewView,
    stamp: &Stamp,
) -> Result<Option<SavedView>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE saved_views SET updated_at = $2, name = $3, page = $4, query = $5, updated_by = $6 WHERE id = $1
        RETURNING ",
        columns!()
    );
    let at = PgTimestamp(stamp.at);
    store
        .query_opt(SQL, &[&id, &at, &new.name, &new.page.as_str(), &new.query, &stamp.name()])
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
        created_by: row.try_get(6)?,
        updated_by: row.try_get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::store::testing::{created_at_once, execute, now_in_micros, test_store};

    fn by(name: &str) -> Stamp {
        Stamp { at: now_in_micros(), by: Some(name.parse().unwrap()) }
    }

    #[tokio::test]
    async fn views_are_saved_listed_by_name_changed_and_deleted() {
        let store = test_store().await;
        let new = |name: &str| NewView {
            name: name.to_owned(),
            page: ViewPage::Explore,
            query: "q=parcel&tz=Europe%2FBerlin".to_owned(),
        };
        let second = create(&store, &new("parcels"), &by("Ana")).await.unwrap().unwrap();
        let first = create(&store, &new("Complaints'; --"), &by("Ana")).await.unwrap().unwrap();
        assert_eq!(list(&store).await.unwrap().items, [first.clone(), second.clone()]);
        let changed = NewView { page: ViewPage::Live, ..new("zebra") };
        let changed = update(&store, first.id, &changed, &by("Bob")).await.unwrap().unwrap();
        assert_eq!((changed.id, changed.created_at), (first.id, first.created_at));
        let names = |view: &SavedView| [&view.created_by, &view.updated_by].map(Clone::clone);
        assert_eq!(names(&first), [Some("Ana".to_owned()), Some("Ana".to_owned())]);
        assert_eq!(names(&changed), [Some("Ana".to_owned()), Some("Bob".to_owned())]);
        assert!(changed.updated_at >= first.updated_at && changed.page == ViewPage::Live);
        assert_eq!(list(&store).await.unwrap().items, [second.clone(), changed]);
        assert!(delete(&store, first.id).await.unwrap());
        assert!(!delete(&store, first.id).await.unwrap());
        assert_eq!(update(&store, first.id, &new("gone"), &by("Ana")).await.unwrap(), None);
        assert_eq!(list(&store).await.unwrap().items, [second]);
    }

    #[tokio::test]
    async fn the_cap_on_views_holds_under_concurrent_creation() {
        let store = test_store().await;
        let fill = "INSERT INTO saved_views SELECT gen_random_uuid(), now(), now(), 'n', 'live', ''
            FROM generate_series(1, 497)";
        execute(&store, fill).await;
        let new = NewView { name: "one".to_owned(), page: ViewPage::Live, query: String::new() };
        let stamp = Stamp::without_name(Timestamp::now());
        let make = async || create(&store, &new, &stamp).await.unwrap();
        assert_eq!(created_at_once(&store, "saved_views", make).await, 3);
        assert_eq!(list(&store).await.unwrap().items.len(), 500);
    }
}
