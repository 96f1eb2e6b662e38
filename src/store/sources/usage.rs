//! Usage of the quotas and budgets of networks. Statements are atomic, so processes together never exceed an allowance.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use crate::models::source::usage::{Unit, Usage};
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::{Store, StoreError};

/// Amount to draw from an allowance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw<'a> {
    /// Account, or source with its own allowance.
    pub holder: &'a str,
    /// Name of the allowance.
    pub name: &'a str,
    /// Unit of the amounts.
    pub unit: Unit,
    /// Start and end of the period.
    pub period: (Timestamp, Timestamp),
    /// Amount to use.
    pub amount: u64,
    /// Maximum amount in the period.
    pub limit: u64,
}

/// Uses an amount, provided that the limit allows it. Returns whether it did.
pub async fn reserve(store: &Store, draw: &Draw<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO source_usage AS usage (holder, name, unit, period_start, period_end, used, allowed)
        SELECT $1, $2, $3, $4::timestamptz, $5::timestamptz, $6::bigint, $7::bigint WHERE $6 <= $7
        ON CONFLICT (holder, name, period_start) DO UPDATE SET
            used = usage.used + excluded.used, allowed = excluded.allowed
        WHERE usage.used + excluded.used <= excluded.allowed
        RETURNING used";
    if add(store, SQL, draw).await?.is_some() {
        return Ok(true);
    }
    // The displayed limit is the one that applies now.
    charge(store, &Draw { amount: 0, ..*draw }).await?;
    Ok(false)
}

/// Counts an amount that was already used. Returns the total for the period.
pub async fn charge(store: &Store, draw: &Draw<'_>) -> Result<u64, StoreError> {
    const SQL: &str = "
        INSERT INTO source_usage AS usage (holder, name, unit, period_start, period_end, used, allowed)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (holder, name, period_start) DO UPDATE SET
            used = usage.used + excluded.used, allowed = excluded.allowed
        RETURNING used";
    let used = add(store, SQL, draw).await?;
    used.ok_or_else(|| StoreError::internal("use of an allowance was not counted"))
}

async fn add(store: &Store, sql: &str, draw: &Draw<'_>) -> Result<Option<u64>, StoreError> {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (start, end) = draw.period;
    let (amount, limit) = (signed(draw.amount), signed(draw.limit));
    let values: [&(dyn ToSql + Sync); 7] = [
        &draw.holder,
        &draw.name,
        &draw.unit.as_str(),
        &PgTimestamp(start),
        &PgTimestamp(end),
        &amount,
        &limit,
    ];
    let row = store.query_opt(sql, &values).await?;
    row.map(|row| Ok(row.try_get::<_, i64>(0)?.unsigned_abs())).transpose()
}

/// Returns the usage of these holders in their current periods, by holder and name.
pub(super) async fn current(store: &Store, holders: &[String]) -> Result<Vec<(String, Usage)>, StoreError> {
    const SQL: &str = "
        SELECT holder, name, unit, period_start, period_end, used, allowed FROM source_usage
        WHERE holder = ANY($1) AND period_start <= now() AND period_end > now() ORDER BY holder, name";
    let rows = store.query(SQL, &[&holders]).await?;
    rows.iter()
        .map(|row| {
            let usage = Usage {
                name: row.try_get(1)?,
                unit: enum_at(row, 2, &Unit::ALL, Unit::as_str)?,
                period: (row.try_get::<_, Timestamp>(3)?, row.try_get::<_, Timestamp>(4)?),
                used: row.try_get::<_, i64>(5)?.unsigned_abs(),
                limit: row.try_get::<_, i64>(6)?.unsigned_abs(),
            };
            Ok((row.try_get(0)?, usage))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::testing::{now_in_micros, test_store};

    #[tokio::test]
    async fn an_allowance_is_not_exceeded_by_concurrent_reservations() {
        let store = test_store().await;
        let now = now_in_micros();
        let period = (now - SignedDuration::from_hours(1), now + SignedDuration::from_hours(1));
        let draw = Draw { holder: "a", name: "units", unit: Unit::Count, period, amount: 30, limit: 100 };
        let all = futures_util::future::join_all((0..10).map(|_| reserve(&store, &draw))).await;
        assert_eq!(all.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count(), 3);
        assert!(reserve(&store, &Draw { amount: 10, ..draw }).await.unwrap());
        assert!(!reserve(&store, &Draw { amount: 1, ..draw }).await.unwrap());
        assert!(!reserve(&store, &Draw { holder: "b", amount: 101, ..draw }).await.unwrap());
        // An amount that was already used is counted even if it exceeds the limit.
        assert_eq!(charge(&store, &Draw { amount: 5, ..draw }).await.unwrap(), 105);
        let [(holder, usage), ..] = &current(&store, &["a".to_owned(), "b".to_owned()]).await.unwrap()[..]
        else {
            panic!()
        };
        assert_eq!((holder.as_str(), usage.used, usage.limit), ("a", 105, 100));
        // Each period starts at zero.
        let next = (period.1, period.1 + SignedDuration::from_hours(2));
        assert_eq!(charge(&store, &Draw { period: next, amount: 7, ..draw }).await.unwrap(), 7);
    }
}
