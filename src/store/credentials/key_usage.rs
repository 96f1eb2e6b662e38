//! Calls per API key: added in batches, read by day.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::models::credential::{ApiKeyUsage, DayOfUsage};
use crate::models::id::ApiKeyId;
use crate::store::codec::PgTimestamp;
use crate::store::{Store, StoreError};

/// Maximum number of days in a response.
const DAYS_MAX: i64 = 90;

/// Calls with one key since the previous batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// Key that was presented.
    pub key: ApiKeyId,
    /// Number of calls.
    pub n_calls: i64,
    /// Time of the last one, which also decides the day that they count for.
    pub last_at: Timestamp,
}

/// Adds the calls of a batch, in one statement: all of them are counted, or none. Calls with keys that no longer exist
/// are dropped.
pub async fn add(store: &Store, batch: &[Calls]) -> Result<(), StoreError> {
    const SQL: &str = "
        WITH batch AS (
            SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) AS batch (key_id, n_calls, last_at)
        ), known AS (
            UPDATE api_keys SET last_used_at = greatest(last_used_at, batch.last_at)
            FROM batch WHERE api_keys.id = batch.key_id
            RETURNING batch.key_id, batch.n_calls, batch.last_at
        )
        INSERT INTO api_key_usage (key_id, day, n_calls)
        SELECT key_id, (last_at AT TIME ZONE 'UTC')::date, n_calls FROM known
        ON CONFLICT (key_id, day) DO UPDATE SET n_calls = api_key_usage.n_calls + excluded.n_calls";
    if batch.is_empty() {
        return Ok(());
    }
    let keys: Vec<ApiKeyId> = batch.iter().map(|calls| calls.key).collect();
    let n_calls: Vec<i64> = batch.iter().map(|calls| calls.n_calls).collect();
    let last_at: Vec<PgTimestamp> = batch.iter().map(|calls| PgTimestamp(calls.last_at)).collect();
    store.execute(SQL, &[&keys, &n_calls, &last_at]).await?;
    Ok(())
}

/// Returns the calls with a key on its last 90 days with calls.
pub async fn of(store: &Store, key: ApiKeyId) -> Result<ApiKeyUsage, StoreError> {
    const DAYS: &str = "SELECT day, n_calls FROM api_key_usage WHERE key_id = $1 ORDER BY day DESC LIMIT $2";
    const LAST: &str = "SELECT last_used_at FROM api_keys WHERE id = $1";
    let days = store.query(DAYS, &[&key, &DAYS_MAX]).await?;
    let last = store.query_opt(LAST, &[&key]).await?;
    let last_used_at = last.as_ref().map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(ApiKeyUsage { last_used_at, days: days.iter().map(day_of).collect::<Result<_, _>>()? })
}

fn day_of(row: &Row) -> Result<DayOfUsage, StoreError> {
    Ok(DayOfUsage { day: row.try_get(0)?, n_calls: row.try_get(1)? })
}

#[cfg(test)]
mod tests {
    use super::super::api_keys;
    use super::super::testing::{SECRET, key};
    use super::*;
    use crate::store::testing::{number, test_store};
    use jiff::civil::date;

    #[tokio::test]
    async fn calls_add_up_by_day_and_the_latest_is_kept() {
        let store = test_store().await;
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let evening = at("2026-03-28T23:59:59Z");
        let morning = at("2026-03-29T00:00:01Z");
        let (one, other) = (key(None, evening), key(None, evening));
        for key in [&one, &other] {
            assert!(api_keys::create(&store, key, &SECRET).await.unwrap());
        }
        let calls = |key: ApiKeyId, n_calls, last_at| Calls { key, n_calls, last_at };
        add(&store, &[]).await.unwrap();
        add(&store, &[calls(one.id, 3, morning), calls(other.id, 1, evening)]).await.unwrap();
        // Of another process, which is late; and of a key that no longer exists.
        let gone = ApiKeyId::now_v7();
        add(&store, &[calls(gone, 9, morning), calls(one.id, 2, evening)]).await.unwrap();
        add(&store, &[calls(one.id, 4, morning)]).await.unwrap();
        let day = |day: i8, n_calls| DayOfUsage { day: date(2026, 3, day), n_calls };
        let usage = of(&store, one.id).await.unwrap();
        assert_eq!(usage, ApiKeyUsage { last_used_at: Some(morning), days: vec![day(29, 7), day(28, 2)] });
        assert_eq!(of(&store, other.id).await.unwrap().days, [day(28, 1)]);
        assert_eq!(of(&store, gone).await.unwrap(), ApiKeyUsage { last_used_at: None, days: vec![] });
        assert_eq!(number(&store, "SELECT count(*) FROM api_key_usage").await, 3);
    }
}
