//! Reads and writes alert rules.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::models::alert::Severity;
use crate::models::alert_rule::{Comparison, Metric, NewRule, Rule, RuleScope};
use crate::models::id::RuleId;
use crate::models::person_name::Stamp;
use crate::models::rollup::Dimension;
use crate::store::codec::{PgTimestamp, enum_at};
use crate::store::locks::{self, Lock};
use crate::store::notifications::channels;
use crate::store::{Store, StoreError};

/// Columns of a [`Rule`], in the order that [`rule_of`] reads them. This is a macro, because `concat!` takes only
/// literals.
macro_rules! columns {
    () => {
        "id, builtin, created_at, updated_at, name, enabled, metric, dimension::text, key, window_seconds, comparison, \
         threshold, clear_threshold, minimum_volume, for_seconds, keep_firing_seconds, cooldown_seconds, \
         severity::text, channels, created_by, updated_by"
    };
}

/// Returns all rules: built-in ones first, then the others in order of creation.
pub async fn list(store: &Store) -> Result<Vec<Rule>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM alert_rules ORDER BY builtin DESC, created_at, id");
    rules(store, SQL, &[]).await
}

/// Returns a rule; `None` if it does not exist.
pub async fn get(store: &Store, id: RuleId) -> Result<Option<Rule>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM alert_rules WHERE id = $1");
    Ok(rules(store, SQL, &[&id]).await?.pop())
}

/// Maximum number of rules. All of them are evaluated continuously, and people could not keep track of more.
pub const RULES_MAX: i64 = 200;

/// Stores a validated rule, which is evaluated within seconds. Returns `None` if there are already [`RULES_MAX`] rules.
/// Fails with `UnknownChannel`.
pub async fn create(store: &Store, rule: &NewRule, stamp: &Stamp) -> Result<Option<Rule>, StoreError> {
    const SQL: &str = concat!(
        "
        INSERT INTO alert_rules (id, name, enabled, metric, dimension, key, window_seconds, comparison, threshold,
            clear_threshold, minimum_volume, for_seconds, keep_firing_seconds, cooldown_seconds, severity, channels,
            created_at, updated_at, created_by, updated_by)
        SELECT $1, $2, $3, $4, $5::text::rollup_dimension, $6, $7, $8, $9, $10, $11, $12, $13, $14,
            $15::text::alert_severity, $16, $17, $17, $18, $18
        WHERE (SELECT count(*) FROM alert_rules) < $19
        RETURNING ",
        columns!()
    );
    write(store, SQL, Written { id: RuleId::now_v7(), rule, stamp, under_cap: true }).await
}

/// Replaces a rule with a validated one. The next evaluation resolves open alerts that the new rule would not open.
/// Returns `None` if the rule does not exist. Fails with `UnknownChannel`.
pub async fn update(
    store: &Store,
    id: RuleId,
    rule: &NewRule,
    stamp: &Stamp,
) -> Result<Option<Rule>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE alert_rules SET name = $2, enabled = $3, metric = $4, dimension = $5::text::rollup_dimension, key = $6,
            window_seconds = $7, comparison = $8, threshold = $9, clear_threshold = $10, minimum_volume = $11,
            for_seconds = $12, keep_firing_seconds = $13, cooldown_seconds = $14,
            severity = $15::text::alert_severity, channels = $16, updated_at = $17,
            updated_by = $18
        WHERE id = $1 RETURNING ",
        columns!()
    );
    write(store, SQL, Written { id, rule, stamp, under_cap: false }).await
}

/// Deletes a rule and returns it; `None` if it does not exist or is built in. The next evaluation resolves its open
/// alerts.
pub async fn delete(store: &Store, id: RuleId) -> Result<Option<Rule>, StoreError> {
    const SQL: &str = concat!("DELETE FROM alert_rules WHERE id = $1 AND NOT builtin RETURNING ", columns!());
    Ok(rules(store, SQL, &[&id]).await?.pop())
}

struct Written<'a> {
    id: RuleId,
    rule: &'a NewRule,
    stamp: &'a Stamp,
    /// Whether the statement adds a rule and therefore takes the maximum number of rules as its last parameter.
    under_cap: bool,
}

async fn write(store: &Store, sql: &str, written: Written<'_>) -> Result<Option<Rule>, StoreError> {
    let Written { id, rule, stamp, under_cap } = written;
    let values: [&(dyn ToSql + Sync); 19] = [
        &id,
        &rule.name,
        &rule.enabled,
        &rule.metric.name(),
        &rule.scope.dimension.as_str(),
        &rule.scope.key.as_ref().filter(|key| !key.is_empty()),
        &rule.window_seconds,
        &rule.comparison.as_str(),
        &rule.threshold,
        &rule.clear_threshold(),
        &rule.minimum_volume,
        &rule.for_seconds,
        &rule.keep_firing_seconds,
        &rule.cooldown_seconds,
        &rule.severity.as_str(),
        &rule.channels,
        &PgTimestamp(stamp.at),
        &stamp.name(),
        &RULES_MAX,
    ];
    let values = if under_cap { &values[..] } else { values.split_last().map_or(&[][..], |(_, rest)| rest) };
    store
        .run(async |client| {
            let transaction = client.transaction().await?;
            if under_cap {
                locks::take(&transaction, Lock::RuleCount).await?;
            }
            channels::hold(&transaction, &rule.channels).await?;
            let row = transaction.query_opt(sql, values).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(row)
        })
        .await?
        .as_ref()
        .map(rule_of)
        .transpose()
}

async fn rules(store: &Store, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Rule>, StoreError> {
    store.query(sql, values).await?.iter().map(rule_of).collect()
}

fn rule_of(row: &Row) -> Result<Rule, StoreError> {
    let metric: &str = row.try_get(6)?;
    let metric = Metric::from_name(metric)
        .ok_or_else(|| StoreError::internal(format!("unknown metric `{metric}`")))?;
    Ok(Rule {
        id: row.try_get(0)?,
        builtin: row.try_get(1)?,
        created_at: row.try_get(2)?,
        updated_at: row.try_get(3)?,
        created_by: row.try_get(19)?,
        updated_by: row.try_get(20)?,
        what: NewRule {
            name: row.try_get(4)?,
            enabled: row.try_get(5)?,
            metric,
            scope: RuleScope {
                dimension: enum_at(row, 7, &Dimension::ALL, Dimension::as_str)?,
                key: row.try_get(8)?,
            },
            window_seconds: row.try_get(9)?,
            comparison: enum_at(row, 10, &[Comparison::Above, Comparison::Below], Comparison::as_str)?,
            threshold: row.try_get(11)?,
            clear_threshold: row.try_get(12)?,
            minimum_volume: row.try_get(13)?,
            for_seconds: row.try_get(14)?,
            keep_firing_seconds: row.try_get(15)?,
            cooldown_seconds: row.try_get(16)?,
            severity: enum_at(row, 17, &Severity::ALL, Severity::as_str)?,
            channels: row.try_get(18)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::alert_rule::{CHURN, NEGATIVITY_OVERALL, NEGATIVITY_PRODUCTS};
    use crate::store::testing::{channel, created_at_once, now_in_micros, test_store};

    #[tokio::test]
    async fn built_in_rules_exist_from_the_start_and_cannot_be_deleted() {
        let store = test_store().await;
        let rules = list(&store).await.unwrap();
        let mut ids: Vec<_> = rules.iter().map(|rule| rule.id).collect();
        ids.sort();
        assert_eq!(ids, [NEGATIVITY_OVERALL, NEGATIVITY_PRODUCTS, CHURN]);
        for rule in rules {
            assert_eq!(rule.what.check_in_place_of(rule.id), Ok(()));
            assert!(rule.builtin && rule.what.enabled);
            assert_eq!(delete(&store, rule.id).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_rule_reads_back_as_written_until_changed_or_deleted() {
        let store = test_store().await;
        let now = now_in_micros();
        let mut what = list(&store).await.unwrap().remove(0).what;
        (what.metric, what.scope.dimension) = (Metric::Emotion(2), Dimension::City);
        (what.scope.key, what.severity) = (Some("Ulm".to_owned()), Severity::Info);
        (what.clear_threshold, what.channels) =
            (Some(0.4), vec![channel(&store, "webhook", "warning").await]);
        let by = |name: &str| Stamp { at: now, by: Some(name.parse().unwrap()) };
        let made = create(&store, &what, &by("Ana")).await.unwrap().unwrap();
        assert_eq!((&made.what, made.builtin, made.created_at), (&what, false, now));
        assert_eq!([made.created_by.as_deref(), made.updated_by.as_deref()], [Some("Ana"); 2]);
        assert_eq!(get(&store, made.id).await.unwrap(), Some(made.clone()));
        what.enabled = false;
        let changed = update(&store, made.id, &what, &by("Bob")).await.unwrap().unwrap();
        assert_eq!((&changed.what, changed.id), (&what, made.id));
        let names = (changed.created_by.as_deref(), changed.updated_by.as_deref());
        assert_eq!(names, (Some("Ana"), Some("Bob")));
        assert_eq!(delete(&store, made.id).await.unwrap(), Some(changed));
        assert_eq!(update(&store, made.id, &what, &by("Bob")).await.unwrap(), None);
        assert_eq!(get(&store, made.id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn the_cap_on_rules_holds_under_concurrent_creation() {
        let store = test_store().await;
        let stamp = Stamp::without_name(now_in_micros());
        let what = list(&store).await.unwrap().remove(0).what;
        while list(&store).await.unwrap().len() < 197 {
            create(&store, &what, &stamp).await.unwrap().unwrap();
        }
        let make = async || create(&store, &what, &stamp).await.unwrap();
        assert_eq!(created_at_once(&store, "alert_rules", make).await, 3);
        assert_eq!(list(&store).await.unwrap().len(), 200);
    }
}
