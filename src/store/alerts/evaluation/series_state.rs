//! Series state, stored between evaluations.

use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::transaction::EvaluationTransaction;
use crate::models::evaluation::{Series, SeriesId};
use crate::models::id::{AlertId, RuleId};
use crate::store::StoreError;
use crate::store::codec::{PgTimestamp, truncate};

impl EvaluationTransaction<'_> {
    /// Stores the state of each series together with its open alert. Deleting a rule need not wait for an evaluation:
    /// if the rule of a series has been deleted in the meantime, the next evaluation removes the series.
    pub(super) async fn keep(
        &self,
        kept: Vec<(&SeriesId, &Series, Option<AlertId>)>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO alert_series
                (rule_id, dimension, key, phase, since, resolved_at, openings, flapping, alert)
            SELECT rule_id, dimension::rollup_dimension, key, phase, since, resolved_at, openings::timestamptz[], flapping,
                alert
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[],
                $8::bool[], $9::uuid[])
                AS new (rule_id, dimension, key, phase, since, resolved_at, openings, flapping, alert)
            ON CONFLICT (rule_id, dimension, key) DO UPDATE SET
                phase = excluded.phase, since = excluded.since, resolved_at = excluded.resolved_at,
                openings = excluded.openings, flapping = excluded.flapping, alert = excluded.alert";
        if kept.is_empty() {
            return Ok(());
        }
        let rules: Vec<RuleId> = kept.iter().map(|(id, ..)| id.rule_id).collect();
        let dimensions: Vec<&str> = kept.iter().map(|(id, ..)| id.scope.dimension.as_str()).collect();
        let keys: Vec<&str> = kept.iter().map(|(id, ..)| id.scope.key.as_str()).collect();
        let phases: Vec<&str> = kept.iter().map(|(_, series, _)| series.phase.as_str()).collect();
        let since: Vec<PgTimestamp> = kept.iter().map(|(_, series, _)| PgTimestamp(series.since)).collect();
        let resolved: Vec<Option<PgTimestamp>> =
            kept.iter().map(|(_, series, _)| series.resolved_at.map(PgTimestamp)).collect();
        let openings: Vec<String> = kept.iter().map(|(_, series, _)| array_of(&series.openings)).collect();
        let flapping: Vec<bool> = kept.iter().map(|(_, series, _)| series.flapping).collect();
        let alerts: Vec<Option<AlertId>> = kept.iter().map(|(.., alert)| *alert).collect();
        let params: [&(dyn ToSql + Sync); 9] =
            [&rules, &dimensions, &keys, &phases, &since, &resolved, &openings, &flapping, &alerts];
        let statement = self.transaction.prepare_cached(SQL).await?;
        self.transaction.execute(&statement, &params).await?;
        Ok(())
    }

    /// Deletes the stored state of series that are no longer active.
    pub(super) async fn forget(&self, forgotten: &[SeriesId]) -> Result<(), StoreError> {
        const SQL: &str = "
            DELETE FROM alert_series USING unnest($1::uuid[], $2::text[], $3::text[]) AS gone (rule, of_dimension, of_key)
            WHERE rule_id = rule AND dimension = of_dimension::rollup_dimension AND key = of_key";
        if forgotten.is_empty() {
            return Ok(());
        }
        let rules: Vec<RuleId> = forgotten.iter().map(|id| id.rule_id).collect();
        let dimensions: Vec<&str> = forgotten.iter().map(|id| id.scope.dimension.as_str()).collect();
        let keys: Vec<&str> = forgotten.iter().map(|id| id.scope.key.as_str()).collect();
        let statement = self.transaction.prepare_cached(SQL).await?;
        self.transaction.execute(&statement, &[&rules, &dimensions, &keys]).await?;
        Ok(())
    }
}

/// Formats timestamps as an array literal, because PostgreSQL's nested arrays must be rectangular.
fn array_of(moments: &[Timestamp]) -> String {
    let moments: Vec<String> = moments.iter().map(|at| truncate(*at).to_string()).collect();
    format!("{{{}}}", moments.join(","))
}
