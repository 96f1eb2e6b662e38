//! Background activity of PostgreSQL: checkpoints and vacuums, which may delay responses.

use std::time::Duration;

use crate::store::{Store, StoreError};

/// Cumulative counts since the server began collecting statistics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Activity {
    /// Number of checkpoints started, for any reason.
    pub n_checkpoints: i64,
    /// Number of tables vacuumed by autovacuum.
    pub n_autovacuums: i64,
    /// Number of tables analyzed by autovacuum.
    pub n_autoanalyzes: i64,
}

/// Returns the server's activity counters, for comparison with a later reading.
pub async fn activity(store: &Store) -> Result<Activity, StoreError> {
    const VERSION: &str = "SELECT current_setting('server_version_num')::int";
    const TABLES: &str = "
        SELECT coalesce(sum(autovacuum_count), 0)::bigint, coalesce(sum(autoanalyze_count), 0)::bigint
        FROM pg_stat_all_tables";
    const UNTIL_16: &str = "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter";
    const FROM_17: &str = "SELECT num_timed + num_requested FROM pg_stat_checkpointer";
    store
        .run(async |client| {
            let version: i32 = client.query_one(VERSION, &[]).await?.try_get(0)?;
            let checkpoints = if version < 170_000 { UNTIL_16 } else { FROM_17 };
            let n_checkpoints = client.query_one(checkpoints, &[]).await?.try_get(0)?;
            let tables = client.query_one(TABLES, &[]).await?;
            let (n_autovacuums, n_autoanalyzes) = (tables.try_get(0)?, tables.try_get(1)?);
            Ok::<_, tokio_postgres::Error>(Activity { n_checkpoints, n_autovacuums, n_autoanalyzes })
        })
        .await
}

/// Sets the interval between checkpoints, so that a short measurement includes some of them. They happen even with few
/// writes.
///
/// Requires a superuser on a dedicated server.
pub async fn checkpoint_every(store: &Store, interval: Duration) -> Result<(), StoreError> {
    let seconds = interval.as_secs().clamp(30, 86_400);
    store
        .run(async |client| {
            client.batch_execute(&format!("ALTER SYSTEM SET checkpoint_timeout = '{seconds}s'")).await?;
            client.batch_execute("SELECT pg_reload_conf()").await
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::test_store;

    #[tokio::test]
    async fn checkpoints_are_counted() {
        let store = test_store().await;
        let before = activity(&store).await.unwrap();
        let client = store.client().await.unwrap();
        client.batch_execute("CHECKPOINT").await.unwrap();
        drop(client);
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        // The checkpointer reports a checkpoint shortly after it is done.
        while activity(&store).await.unwrap().n_checkpoints == before.n_checkpoints {
            assert!(std::time::Instant::now() < deadline, "no checkpoint was counted");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
