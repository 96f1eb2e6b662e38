//! What one evaluation of the rules changes, and who may evaluate.

mod lead; // exactly one process evaluates
mod raising; // what is raised one by one
mod turn; // what one evaluation writes, in one transaction

use std::collections::BTreeMap;

use tokio::time::timeout;
use tokio_postgres::Row;

pub use self::lead::{Duty, Lead};
pub use self::turn::Turn;
use super::alerts::{named, scope_of};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::evaluation::{Kept, Phase, Series, SeriesId};

/// All series that are not at rest.
pub async fn series(store: &Store) -> Result<BTreeMap<SeriesId, Kept>, StoreError> {
    const SQL: &str = "
        SELECT rule_id, dimension::text, key, phase, since, resolved_at, openings, flapping, alert FROM alert_series";
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(SQL, &[])).await;
    answered(client, outcome)?.iter().map(kept_of).collect()
}

fn kept_of(row: &Row) -> Result<(SeriesId, Kept), StoreError> {
    let id = SeriesId { rule_id: row.try_get(0)?, scope: scope_of(row, 1)? };
    let series = Series {
        phase: named(row, 3, &Phase::ALL, Phase::as_str)?,
        since: row.try_get(4)?,
        resolved_at: row.try_get(5)?,
        openings: row.try_get(6)?,
        flapping: row.try_get(7)?,
    };
    Ok((id, Kept { series, alert: row.try_get(8)? }))
}

#[cfg(test)]
mod tests;
