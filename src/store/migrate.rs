//! Schema migrations, applied once, by the first process that starts.

use std::time::Duration;

use jiff::Timestamp;
use refinery::Runner;
use refinery::error::Kind;
use tracing::info;

use super::connection::within;
use super::locks::Lock;
use super::operations::retention;
use super::{Store, StoreError};

#[cfg(test)]
mod kept_rows_tests;

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Timeout for all migrations combined. It is long because one of them may rewrite a large table while other processes
/// wait.
const MIGRATION_TIMEOUT: Duration = Duration::from_secs(600);

impl Store {
    /// Migrates the schema, creates the partitions for the current days, and returns how many migrations were applied.
    ///
    /// Refinery takes no lock. Without ours, two processes that start together would both find the schema missing, and
    /// one of them would fail.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        let n_applied = self.migrate_with(embedded::migrations::runner()).await?;
        retention::ensure_partitions(self, Timestamp::now()).await?;
        Ok(n_applied)
    }

    async fn migrate_with(&self, runner: Runner) -> Result<usize, StoreError> {
        // A dedicated connection, because its settings and its lock must not return to the pool.
        let mut client = self.dedicated().await?;
        let work = async {
            client.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
            client.execute("SELECT pg_advisory_lock($1)", &[&Lock::Migration.number()]).await?;
            runner.run_async(&mut *client).await.map_err(from_refinery)
        };
        let report = within(MIGRATION_TIMEOUT, "migrating", work).await?;
        for migration in report.applied_migrations() {
            info!(%migration, "migration applied");
        }
        Ok(report.applied_migrations().len())
    }
}

/// Returns the number of the latest migration in this version.
fn newest() -> i64 {
    let migrations = embedded::migrations::runner();
    migrations.get_migrations().iter().map(|migration| migration.version().into()).max().unwrap_or_default()
}

/// Converts a Refinery error. If it wraps a driver error, that error shows whether the server is unavailable.
fn from_refinery(error: refinery::Error) -> StoreError {
    let reason = error.to_string();
    let cause = match error.kind() {
        Kind::Connection(_, cause) => cause,
        Kind::MissingVersion(applied) if i64::from(applied.version()) > newest() => {
            return StoreError::NewerSchema { found: applied.version().into(), known: newest() };
        }
        _ => return StoreError::Internal { reason },
    };
    match cause.downcast_ref::<tokio_postgres::Error>() {
        Some(cause) if cause.is_closed() => StoreError::Unavailable { reason },
        Some(cause) => StoreError::internal(format!("{reason}: {cause:?}")),
        None => StoreError::Internal { reason },
    }
}

#[cfg(test)]
mod tests {
    use refinery::Target;

    use super::*;
    use crate::models::alert::{AlertPhase, AlertRule, AlertState};
    use crate::models::alert_rule;
    use crate::models::rollup::Dimension;
    use crate::store::alerts::{self, evaluation};
    use crate::store::testing::{self, empty_store, number};

    #[tokio::test]
    async fn every_migration_follows_from_the_one_before() {
        let store = empty_store().await;
        let mut versions: Vec<_> =
            embedded::migrations::runner().get_migrations().iter().map(|m| m.version()).collect();
        // When sorted by name, 10 comes before 2.
        versions.sort_unstable();
        for version in &versions {
            let runner = embedded::migrations::runner().set_target(Target::Version(*version));
            assert_eq!(store.migrate_with(runner).await.unwrap(), 1, "{version}");
        }
        assert_eq!(store.migrate().await.unwrap(), 0);
        let batch = testing::posts(3, Timestamp::now());
        assert_eq!(testing::record(&store, &batch).await.unwrap().inserted.len(), 3);
    }

    #[tokio::test]
    async fn alerts_from_before_rules_existed_belong_to_the_built_in_ones() {
        let store = empty_store().await;
        let runner = embedded::migrations::runner().set_target(Target::Version(7));
        store.migrate_with(runner).await.unwrap();
        let columns = "id, value, threshold, count, opened_at, updated_at, resolved_at, rule, dimension, state, \
                       severity, key, title, posts";
        for (rule, dimension, key, ended) in [
            ("negativity", "overall", "", "NULL"),
            ("negativity", "product", "alpha", "NULL"),
            ("negativity", "product", "beta", "now()"),
            ("churn", "product", "alpha", "NULL"),
        ] {
            let state = if ended == "NULL" { "open" } else { "resolved" };
            let sql = format!(
                "INSERT INTO sentiment_alerts ({columns}) VALUES (gen_random_uuid(), 0.6, 0.5, 30, now(), now(), {ended},
                 '{rule}', '{dimension}', '{state}', 'warning', '{key}', 'a title', '[]')"
            );
            testing::execute(&store, &sql).await;
        }
        store.migrate().await.unwrap();
        let query = alerts::AlertsQuery { limit: 10, ..alerts::AlertsQuery::default() };
        let found = alerts::list(&store, &query).await.unwrap().items;
        assert_eq!(found.len(), 4);
        for alert in &found {
            let overall = alert.scope.dimension == Dimension::Overall;
            let rule = match (alert.rule, overall) {
                (AlertRule::Churn, _) => alert_rule::CHURN,
                (_, true) => alert_rule::NEGATIVITY_OVERALL,
                (_, false) => alert_rule::NEGATIVITY_PRODUCTS,
            };
            assert_eq!(alert.rule_id, Some(rule));
            assert_eq!(alert.phase == AlertPhase::Resolved, alert.state == AlertState::Resolved);
        }
        let kept = evaluation::series(&store).await.unwrap();
        assert_eq!(kept.len(), 2, "the rules go on with their open alerts");
        assert!(kept.values().all(|kept| found.iter().any(|alert| kept.alert == Some(alert.id))));
    }

    #[tokio::test]
    async fn the_history_of_churn_alerts_from_before_they_counted_posts_has_no_risks_as_values() {
        let store = empty_store().await;
        let runner = embedded::migrations::runner().set_target(Target::Version(19));
        store.migrate_with(runner).await.unwrap();
        // Only the second alert's opening was measured.
        let old = "
            WITH old AS (
                INSERT INTO sentiment_alerts (id, value, threshold, count, opened_at, updated_at, resolved_at, rule,
                    dimension, state, severity, key, title, posts, rule_id, opening_value, opening_count)
                SELECT gen_random_uuid(), 0.9, 0.8, 5, now() - interval '1 hour', now(), now(), rule::alert_rule,
                    'product', 'resolved', 'warning', key, 'a title', '[]', rule_id, opening, opening_count
                FROM (VALUES ('churn', 'alpha', $1::uuid, NULL::float8, NULL::bigint),
                    ('churn', 'beta', $1, 0.9, 1), ('negativity', 'gamma', $2, NULL, NULL))
                    AS of (rule, key, rule_id, opening, opening_count)
                RETURNING id)
            INSERT INTO alert_history (alert, at, phase, action, value)
            SELECT id, now() - ago::interval, phase, action, 0.9
            FROM old, (VALUES ('1 hour', 'firing', NULL), ('1 minute', NULL, 'acknowledged'), ('0', 'resolved', NULL))
                AS of (ago, phase, action)";
        store.execute(old, &[&alert_rule::CHURN, &alert_rule::NEGATIVITY_PRODUCTS]).await.unwrap();
        store.migrate().await.unwrap();
        let query = alerts::AlertsQuery { limit: 10, ..alerts::AlertsQuery::default() };
        for alert in alerts::list(&store, &query).await.unwrap().items {
            let history = alerts::get(&store, alert.id).await.unwrap().unwrap().history;
            let values: Vec<_> = history.iter().map(|moment| moment.value).collect();
            let (expected, opening) = match alert.scope.key.as_str() {
                "alpha" => ([None, None, Some(5.0)], None),
                "beta" => ([Some(1.0), None, Some(5.0)], Some(1.0)),
                _ => ([Some(0.9); 3], None),
            };
            assert_eq!(values, expected, "{}", alert.scope.key);
            assert_eq!(alert.measured.opening.map(|opening| opening.value), opening);
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_rejected_and_left_unchanged() {
        let store = empty_store().await;
        store.migrate().await.unwrap();
        let known = newest();
        let sql = format!(
            "INSERT INTO refinery_schema_history (version, name, applied_on, checksum)
             VALUES ({}, 'of_tomorrow', '2100-01-01T00:00:00Z', '1')",
            known + 1
        );
        testing::execute(&store, &sql).await;
        let refusal = store.migrate().await.unwrap_err();
        assert_eq!(refusal.code(), "newer_schema");
        let message = refusal.to_string();
        let words = ["written by a newer version", "--data-dir", "DATABASE_URL"];
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        assert!(
            message.contains(&format!("migration {}, and this version ends with {known}", known + 1)),
            "{message}"
        );
    }

    #[tokio::test]
    async fn processes_that_start_together_migrate_once() {
        let store = empty_store().await;
        let starts = (0..4).map(|_| store.migrate());
        let n_applied: usize = futures_util::future::try_join_all(starts).await.unwrap().into_iter().sum();
        let n_recorded = number(&store, "SELECT count(*) FROM refinery_schema_history").await;
        assert_eq!(i64::try_from(n_applied).unwrap(), n_recorded);
        let n_migrations = embedded::migrations::runner().get_migrations().len();
        assert_eq!(usize::try_from(n_recorded).unwrap(), n_migrations);
    }
}
