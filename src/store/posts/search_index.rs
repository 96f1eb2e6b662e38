//! Merges the words of new posts into the full-text index.

use std::sync::atomic::Ordering;

use jiff::{Timestamp, ToSpan};

use crate::store::operations::retention;
use crate::store::{Store, StoreError};

/// Merges the pending lists of the newest days and of the default partition. Runs no query if this process has stored
/// no posts since the last call.
///
/// A GIN index appends new words to a pending list and merges the list once it is full, at the expense of the
/// transaction that filled it (<https://www.postgresql.org/docs/current/gin-implementation.html>). Merging here keeps
/// the list from filling up, so that storing a post never has to wait for it. Only replays write to earlier days, and
/// they can wait.
pub async fn merge(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    if !store.has_new_words.swap(false, Ordering::AcqRel) {
        return Ok(());
    }
    let outcome = merge_newest(store, now).await;
    if outcome.is_err() {
        store.has_new_words.store(true, Ordering::Release);
    }
    outcome
}

async fn merge_newest(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        SELECT gin_clean_pending_list(leaf.inhrelid::regclass)
        FROM pg_inherits AS leaf
        JOIN pg_index ON pg_index.indexrelid = leaf.inhrelid
        JOIN pg_class AS partition ON partition.oid = pg_index.indrelid
        WHERE leaf.inhparent = 'social_media_posts_text'::regclass AND partition.relname = ANY ($1::text[])";
    let today = retention::day_of(now);
    let mut partitions = vec!["social_media_posts_default".to_owned()];
    partitions.extend((-1..=1).map(|ahead| retention::posts_of(today.saturating_add(ahead.days()))));
    store
        .run(async |client| {
            let statement = client.prepare_cached(SQL).await?;
            client.query(&statement, &[&partitions]).await
        })
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{self, execute, number, record, test_store};

    /// Query that counts the pages waiting to be merged, across all partitions.
    const PENDING: &str = "
        SELECT coalesce(sum((pgstatginindex(inhrelid::regclass)).pending_pages), 0)::bigint
        FROM pg_inherits WHERE inhparent = 'social_media_posts_text'::regclass";

    /// Statement that keeps the server from merging pages by itself, which it may do at any time.
    const LEAVE_PENDING: &str = "
        DO $$
        DECLARE leaf regclass;
        BEGIN
            FOR leaf IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'social_media_posts'::regclass
            LOOP
                EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', leaf);
            END LOOP;
        END $$";

    #[tokio::test]
    async fn words_of_new_posts_are_merged_before_a_transaction_must() {
        let store = test_store().await;
        execute(&store, "CREATE EXTENSION pgstattuple").await;
        let now = Timestamp::now();
        retention::ensure_partitions(&store, now).await.unwrap();
        execute(&store, LEAVE_PENDING).await;
        record(&store, &testing::posts(400, now)).await.unwrap();
        assert!(number(&store, PENDING).await > 0);
        merge(&store, now).await.unwrap();
        assert_eq!(number(&store, PENDING).await, 0);
    }

    #[tokio::test]
    async fn every_partition_has_the_longer_pending_list() {
        const SMALL: &str = "
            SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = 'social_media_posts_text'::regclass
                AND NOT coalesce('gin_pending_list_limit=4096' = ANY (reloptions), false)";
        let store = test_store().await;
        retention::ensure_partitions(&store, Timestamp::now()).await.unwrap();
        assert_eq!(number(&store, SMALL).await, 0);
    }
}
