//! Reads and writes share links.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::codec::{PgTimestamp, enum_at};
use super::locks::{Lock, insert_under_cap};
use super::page::Page;
use super::{Store, StoreError};
use crate::models::id::ShareLinkId;
use crate::models::saved_view::ViewPage;
use crate::models::share_link::ShareLink;

/// Maximum number of links that have not expired. A single list shows all of them.
pub const LINKS_MAX: i64 = 200;

/// Maximum number of links deleted per call of [`expire`].
const EXPIRED_MAX: i64 = 1_000;

/// SHA-256 digest of a link's secret. The secret itself is never stored.
pub type SecretDigest = [u8; 32];

/// Returns every link that has not expired, newest first.
pub async fn list(store: &Store, now: Timestamp) -> Result<Page<ShareLink>, StoreError> {
    const SQL: &str = "
        SELECT id, name, page, query, created_at, created_by, expires_at FROM share_links
        WHERE expires_at > $1 ORDER BY created_at DESC, id LIMIT $2";
    let rows = store.query(SQL, &[&PgTimestamp(now), &LINKS_MAX]).await?;
    let items = rows.iter().map(link_of).collect::<Result<_, _>>()?;
    Ok(Page { items, next_cursor: None })
}

/// Stores a new link. Returns `false` if there are already [`LINKS_MAX`] links.
pub async fn create(store: &Store, link: &ShareLink, digest: &SecretDigest) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO share_links (id, name, page, query, created_at, created_by, expires_at, digest)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8
        WHERE (SELECT count(*) FROM share_links WHERE expires_at > $5) < $9
        RETURNING id";
    let values: [&(dyn ToSql + Sync); 9] = [
        &link.id,
        &link.name,
        &link.page.as_str(),
        &link.query,
        &PgTimestamp(link.created_at),
        &link.created_by,
        &PgTimestamp(link.expires_at),
        &digest.as_slice(),
        &LINKS_MAX,
    ];
    Ok(insert_under_cap(store, Lock::ShareLinkCount, SQL, &values).await?.is_some())
}

/// Returns a link with the digest of its secret; `None` if it has expired or been revoked.
pub async fn find(
    store: &Store,
    id: ShareLinkId,
    now: Timestamp,
) -> Result<Option<(ShareLink, SecretDigest)>, StoreError> {
    const SQL: &str = "
        SELECT id, name, page, query, created_at, created_by, expires_at, digest FROM share_links
        WHERE id = $1 AND expires_at > $2";
    let Some(row) = store.query_opt(SQL, &[&id, &PgTimestamp(now)]).await? else { return Ok(None) };
    let digest: &[u8] = row.try_get(7)?;
    let digest = digest.try_into().map_err(|_| StoreError::internal("a digest has another length"))?;
    Ok(Some((link_of(&row)?, digest)))
}

/// Deletes a link, and returns whether it existed.
pub async fn revoke(store: &Store, id: ShareLinkId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM share_links WHERE id = $1", &[&id]).await? > 0)
}

/// Deletes links that have expired, and returns their number. One call may leave some for the next.
pub async fn expire(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "
        DELETE FROM share_links WHERE id IN (
            SELECT id FROM share_links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    store.execute(SQL, &[&PgTimestamp(now), &EXPIRED_MAX]).await
}

fn link_of(row: &Row) -> Result<ShareLink, StoreError> {
    Ok(ShareLink {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        page: enum_at(row, 2, &[ViewPage::Explore, ViewPage::Live], ViewPage::as_str)?,
        query: row.try_get(3)?,
        created_at: row.try_get(4)?,
        created_by: row.try_get(5)?,
        expires_at: row.try_get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::testing::{created_at_once, execute, now_in_micros, number, test_store};

    fn link(name: &str, now: Timestamp) -> ShareLink {
        ShareLink {
            id: ShareLinkId::now_v7(),
            name: name.to_owned(),
            page: ViewPage::Explore,
            query: "window=7d&city=Oslo".to_owned(),
            created_at: now,
            created_by: Some("Ana".to_owned()),
            expires_at: now + SignedDuration::from_hours(1),
        }
    }

    #[tokio::test]
    async fn a_link_is_found_until_it_expires_or_is_revoked() {
        let store = test_store().await;
        let now = now_in_micros();
        let (one, other) = (link("one", now), link("other'; --", now - SignedDuration::from_secs(1)));
        assert!(create(&store, &one, &[1; 32]).await.unwrap());
        assert!(create(&store, &other, &[2; 32]).await.unwrap());
        assert_eq!(list(&store, now).await.unwrap().items, [one.clone(), other.clone()]);
        assert_eq!(find(&store, one.id, now).await.unwrap(), Some((one.clone(), [1; 32])));
        assert_eq!(find(&store, one.id, one.expires_at).await.unwrap(), None);
        assert!(revoke(&store, other.id).await.unwrap());
        assert!(!revoke(&store, other.id).await.unwrap());
        assert_eq!(find(&store, other.id, now).await.unwrap(), None);
        assert_eq!(expire(&store, now).await.unwrap(), 0);
        assert_eq!(expire(&store, one.expires_at).await.unwrap(), 1);
        assert_eq!(number(&store, "SELECT count(*) FROM share_links").await, 0);
    }

    #[tokio::test]
    async fn the_cap_on_links_holds_under_concurrent_creation_and_counts_no_expired_ones() {
        let store = test_store().await;
        let fill = |n: i64, expires: &str| {
            format!(
                "INSERT INTO share_links (id, name, page, query, created_at, expires_at, digest)
                SELECT gen_random_uuid(), 'n', 'live', '', now(), {expires}, '' FROM generate_series(1, {n})"
            )
        };
        execute(&store, &fill(50, "now() - interval '1 minute'")).await;
        execute(&store, &fill(LINKS_MAX - 3, "now() + interval '1 hour'")).await;
        let make = async || {
            let link = link("one", Timestamp::now());
            create(&store, &link, &[1; 32]).await.unwrap().then_some(())
        };
        assert_eq!(created_at_once(&store, "share_links", make).await, 3);
        assert_eq!(list(&store, Timestamp::now()).await.unwrap().items.len(), 200);
    }
}
