//! Rule evaluation: leader leases, series state, and the transaction that writes the changes.

mod series_state; // state of each series between evaluations
mod leader; // leader leases
mod single_alerts; // alerts about single posts or series
mod transaction; // the writes of one evaluation

use std::collections::BTreeMap;

use tokio_postgres::Row;
use tokio_postgres::types::Json;

pub use self::leader::{LeaderLease, LeaderRole};
pub use self::transaction::{Committed, EvaluationTransaction};
use super::row::scope_of;
use crate::models::evaluation::{Phase, Series, SeriesId, StoredSeries};
use crate::models::evaluation_report::TurnReport;
use crate::store::codec::enum_at;
use crate::store::{Store, StoreError};

/// Returns the report on the last evaluation by any process; `None` before the first.
pub async fn last_report(store: &Store) -> Result<Option<TurnReport>, StoreError> {
    const SQL: &str = "SELECT report FROM alert_turns";
    let row = store
        .run(async |client| {
            let statement = client.prepare_cached(SQL).await?;
            client.query_opt(&statement, &[]).await
        })
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    // A report from another version that does not parse is ignored.
    Ok(row
        .try_get::<_, Json<serde_json::Value>>(0)
        .ok()
        .and_then(|Json(report)| serde_json::from_value(report).ok()))
}

/// Returns the stored state of every active series, by series id.
pub async fn series(store: &Store) -> Result<BTreeMap<SeriesId, StoredSeries>, StoreError> {
    const SQL: &str = "
        SELECT rule_id, dimension::text, key, phase, since, resolved_at, openings, flapping, alert FROM alert_series";
    store.query(SQL, &[]).await?.iter().map(kept_of).collect()
}

fn kept_of(row: &Row) -> Result<(SeriesId, StoredSeries), StoreError> {
    let id = SeriesId { rule_id: row.try_get(0)?, scope: scope_of(row, 1)? };
    let series = Series {
        phase: enum_at(row, 3, &Phase::ALL, Phase::as_str)?,
        since: row.try_get(4)?,
        resolved_at: row.try_get(5)?,
        openings: row.try_get(6)?,
        flapping: row.try_get(7)?,
    };
    Ok((id, StoredSeries { series, alert: row.try_get(8)? }))
}

#[cfg(test)]
mod tests;
