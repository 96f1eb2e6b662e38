//! Reads and writes annotations.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::PgTimestamp;
use super::locks::{Lock, insert_under_cap};
use super::page::Page;
use super::{Store, StoreError};
use crate::models::annotation::{Annotation, NewAnnotation};
use crate::models::id::AnnotationId;

/// Maximum number of annotations that are not deleted: one a day for five years.
pub const ANNOTATIONS_MAX: i64 = 2_000;

/// Columns that [`annotation_of`] reads. This is a macro, because `concat!` takes only literals.
macro_rules! columns {
    () => {
        "id, text, starts_at, ends_at, product, created_by, created_at, updated_at, updated_by"
    };
}

/// Returns up to `limit` annotations that overlap the range, in chronological order; the latest ones if there are more.
/// With a product, returns those about this product and those about no product.
pub async fn list(
    store: &Store,
    (from, to): (Timestamp, Timestamp),
    product: Option<&str>,
    limit: i64,
) -> Result<Page<Annotation>, StoreError> {
    const SQL: &str = concat!(
        "SELECT * FROM (
            SELECT ",
        columns!(),
        " FROM annotations
            WHERE deleted_at IS NULL AND starts_at < $2 AND coalesce(ends_at, starts_at) >= $1
                AND ($3::text IS NULL OR product IS NULL OR product = $3)
            ORDER BY starts_at DESC, id DESC LIMIT $4
        ) AS latest ORDER BY starts_at, id"
    );
    let rows = store.query(SQL, &[&PgTimestamp(from), &PgTimestamp(to), &product, &limit]).await?;
    let items = rows.iter().map(annotation_of).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: None })
}

/// Stores a new annotation and removes those that were deleted more than a day ago. Returns `None` if there are already
/// [`ANNOTATIONS_MAX`].
pub async fn create(
    store: &Store,
    new: &NewAnnotation,
    created_by: Option<&str>,
) -> Result<Option<Annotation>, StoreError> {
    const SQL: &str = concat!(
        "WITH expired AS (
            DELETE FROM annotations WHERE deleted_at < $2::timestamptz - interval '1 day'
        )
        INSERT INTO annotations
            (id, created_at, updated_at, text, starts_at, ends_at, product, created_by, updated_by)
        SELECT $1, $2, $2, $3, $4, $5, $6, $7, $7
        WHERE (SELECT count(*) FROM annotations WHERE deleted_at IS NULL) < $8
        RETURNING ",
        columns!()
    );
    let (id, now) = (AnnotationId::now_v7(), PgTimestamp(Timestamp::now()));
    let (starts_at, ends_at) = (PgTimestamp(new.starts_at), new.ends_at.map(PgTimestamp));
    let values: [&(dyn ToSql + Sync); 8] =
        [&id, &now, &new.text, &starts_at, &ends_at, &new.product, &created_by, &ANNOTATIONS_MAX];
    insert_under_cap(store, Lock::AnnotationCount, SQL, &values)
        .await?
        .as_ref()
        .map(annotation_of)
        .transpose()
}

/// Replaces the content of an annotation. Restores it if it has been deleted and its row is still there. Returns `None`
/// if it does not exist.
pub async fn update(
    store: &Store,
    id: AnnotationId,
    new: &NewAnnotation,
    updated_by: Option<&str>,
) -> Result<Option<Annotation>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE annotations
        SET updated_at = $2, text = $3, starts_at = $4, ends_at = $5, product = $6, updated_by = $7, deleted_at = NULL
        WHERE id = $1 RETURNING ",
        columns!()
    );
    let now = PgTimestamp(Timestamp::now());
    let (starts_at, ends_at) = (PgTimestamp(new.starts_at), new.ends_at.map(PgTimestamp));
    let values: [&(dyn ToSql + Sync); 7] =
        [&id, &now, &new.text, &starts_at, &ends_at, &new.product, &updated_by];
    store.query_opt(SQL, &values).await?.as_ref().map(annotation_of).transpose()
}

/// Deletes an annotation, and returns whether it existed. [`update`] restores it for at least a day.
pub async fn delete(store: &Store, id: AnnotationId) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE annotations SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    Ok(store.execute(SQL, &[&id, &PgTimestamp(Timestamp::now())]).await? > 0)
}

fn annotation_of(row: &Row) -> Result<Annotation, StoreError> {
    Ok(Annotation {
        id: row.try_get(0)?,
        text: row.try_get(1)?,
        starts_at: row.try_get(2)?,
        ends_at: row.try_get(3)?,
        product: row.try_get(4)?,
        created_by: row.try_get(5)?,
        created_at: row.try_get(6)?,
        updated_at: row.try_get(7)?,
        updated_by: row.try_get(8)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::testing::{created_at_once, execute, now_in_micros, number, test_store};

    fn new(text: &str, starts_at: Timestamp) -> NewAnnotation {
        NewAnnotation { text: text.to_owned(), starts_at, ends_at: None, product: None }
    }

    #[tokio::test]
    async fn annotations_are_listed_by_range_and_product() {
        let store = test_store().await;
        let now = now_in_micros();
        let hour = SignedDuration::from_hours(1);
        let launch = NewAnnotation { product: Some("alpha".to_owned()), ..new("launch", now - hour) };
        let launch = create(&store, &launch, Some("Ada")).await.unwrap().unwrap();
        assert_eq!(launch.created_by.as_deref(), Some("Ada"));
        let campaign = NewAnnotation { ends_at: Some(now), ..new("campaign", now - hour * 48) };
        let campaign = create(&store, &campaign, None).await.unwrap().unwrap();
        let found = async |from, to, product| list(&store, (from, to), product, 10).await.unwrap().items;
        assert_eq!(found(now - hour * 2, now, None).await, [campaign.clone(), launch.clone()]);
        assert_eq!(found(now - hour * 2, now, Some("alpha")).await, [campaign.clone(), launch.clone()]);
        assert_eq!(found(now - hour * 2, now, Some("beta")).await, std::slice::from_ref(&campaign));
        assert_eq!(found(now - hour * 3, now - hour * 2, None).await, [campaign]);
        assert_eq!(found(now - hour * 72, now - hour * 60, None).await, []);
        assert_eq!(found(now - hour, now, None).await.last(), Some(&launch));
        let latest = list(&store, (now - hour * 72, now), None, 1).await.unwrap().items;
        assert_eq!(latest, [launch]);
    }

    #[tokio::test]
    async fn a_deleted_annotation_can_be_restored_as_it_was() {
        let store = test_store().await;
        let now = now_in_micros();
        let made = create(&store, &new("launch", now), Some("Ada")).await.unwrap().unwrap();
        let changed = update(&store, made.id, &new("relaunch", now), Some("Bob")).await.unwrap().unwrap();
        assert_eq!((changed.text.as_str(), &changed.created_by), ("relaunch", &made.created_by));
        assert_eq!((made.updated_by.as_deref(), changed.updated_by.as_deref()), (Some("Ada"), Some("Bob")));
        assert!(delete(&store, made.id).await.unwrap());
        assert!(!delete(&store, made.id).await.unwrap());
        let second = SignedDuration::from_secs(1);
        let all = async || list(&store, (now - second, now + second), None, 10).await.unwrap().items;
        assert_eq!(all().await, []);
        let restored = update(&store, made.id, &new("launch", now), Some("Ada")).await.unwrap().unwrap();
        assert_eq!(all().await, [Annotation { updated_at: restored.updated_at, ..made.clone() }]);
        delete(&store, made.id).await.unwrap();
        execute(&store, "UPDATE annotations SET deleted_at = now() - interval '25 hours'").await;
        create(&store, &new("another", now), None).await.unwrap().unwrap();
        assert_eq!(number(&store, "SELECT count(*) FROM annotations").await, 1);
        assert_eq!(update(&store, made.id, &new("launch", now), Some("Ada")).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_cap_on_annotations_holds_under_concurrent_creation() {
        let store = test_store().await;
        let fill = "INSERT INTO annotations (id, created_at, updated_at, starts_at, text)
            SELECT gen_random_uuid(), now(), now(), now(), 'n' FROM generate_series(1, 1997)";
        execute(&store, fill).await;
        let new = new("one", Timestamp::now());
        let make = async || create(&store, &new, None).await.unwrap();
        assert_eq!(created_at_once(&store, "annotations", make).await, 3);
    }
}
