//! How often the alert of a series opened of late.

use deadpool_postgres::Transaction;
use jiff::Timestamp;

use super::row::of_series;
use crate::models::alert::Alert;
use crate::store::StoreError;
use crate::store::codec::Moment;

/// How often the series of this alert opened since then, this time included. What came before it was last found to flap,
/// and was calm again, counts no more.
pub(in crate::store) async fn n_openings(
    transaction: &Transaction<'_>,
    alert: &Alert,
    since: Timestamp,
) -> Result<usize, StoreError> {
    const SQL: &str = concat!(
        "SELECT count(*) FROM sentiment_alerts WHERE ",
        of_series!(),
        " AND opened_at > greatest($6, (
            SELECT max(resolved_at) FROM sentiment_alerts WHERE state = 'resolved' AND flapping AND ",
        of_series!(),
        "))"
    );
    let statement = transaction.prepare_cached(SQL).await?;
    let Alert { rule, rule_id, metric, scope, .. } = alert;
    let dimension = scope.dimension.as_str();
    let row = transaction
        .query_one(&statement, &[&rule.as_str(), rule_id, metric, &dimension, &scope.key, &Moment(since)])
        .await?;
    let n_openings: i64 = row.try_get(0)?;
    Ok(usize::try_from(n_openings).unwrap_or_default())
}
