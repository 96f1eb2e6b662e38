//! Reads alerts from rows.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use super::new_alert::AlertSeries;
use crate::models::alert::{
    Alert, AlertMeasurement, AlertMeasurements, AlertPhase, AlertRule, AlertState, Scope, Severity,
};
use crate::models::id::RuleId;
use crate::models::rollup::Dimension;
use crate::store::StoreError;
use crate::store::codec::enum_at;

/// Columns of an [`Alert`], in the order that [`alert_of`] reads them. `brief` omits posts and evidence, which make up
/// most of an alert. This is a macro, because `concat!` takes only literals.
macro_rules! columns {
    () => {
        columns!("posts", "evidence")
    };
    (brief) => {
        columns!("'[]'::jsonb", "NULL::jsonb")
    };
    ($posts:literal, $evidence:literal) => {
        concat!(
            "id, rule::text, dimension::text, key, state::text, severity::text, title, value, threshold, count, opened_at, \
             updated_at, resolved_at, acknowledged_at, ",
            $posts,
            ", rule_id, rule_name, metric, phase, silenced, inhibited_by, flapping, ",
            $evidence,
            " AS evidence, revision, n_comments, opening_value, opening_count, peak_value, peak_count, peak_at, assignee"
        )
    };
}
pub(super) use columns;

/// Rows for the series in the first five parameters. Their column names occur in no table.
macro_rules! series_rows {
    () => {
        "unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[])"
    };
}
pub(super) use series_rows;

/// Condition that matches the alerts of the series in such a row.
macro_rules! of_series {
    () => {
        "rule = of_rule::alert_rule \
         AND coalesce(rule_id, '00000000-0000-0000-0000-000000000000') = \
             coalesce(of_rule_id, '00000000-0000-0000-0000-000000000000') \
         AND coalesce(metric, '') = coalesce(of_metric, '') \
         AND dimension = of_dimension::rollup_dimension AND key = of_key"
    };
}
pub(super) use of_series;

/// Series as arrays, one per column.
#[derive(Default)]
pub(super) struct SeriesColumns<'a> {
    pub rules: Vec<&'static str>,
    pub rule_ids: Vec<Option<RuleId>>,
    pub metrics: Vec<Option<&'a str>>,
    pub dimensions: Vec<&'static str>,
    pub keys: Vec<&'a str>,
}

impl<'a> SeriesColumns<'a> {
    pub fn of(series: impl IntoIterator<Item = &'a AlertSeries>) -> Self {
        let mut columns = Self::default();
        for AlertSeries { rule, rule_id, metric, scope } in series {
            columns.rules.push(rule.as_str());
            columns.rule_ids.push(*rule_id);
            columns.metrics.push(metric.as_deref());
            columns.dimensions.push(scope.dimension.as_str());
            columns.keys.push(&scope.key);
        }
        columns
    }
}

/// Title of an alert. A churn alert's title begins with the number of posts, which is updated; other titles stay as
/// they are.
macro_rules! counted_title {
    ($title:literal, $count:literal) => {
        concat!(
            "regexp_replace(",
            $title,
            ", '^[0-9,]+ posts? suggests?', to_char(",
            $count,
            ", 'FM999,999,999,999') || CASE WHEN ",
            $count,
            " = 1 THEN ' post suggests' ELSE ' posts suggest' END)"
        )
    };
}
pub(super) use counted_title;

/// Assignments that keep an alert's most extreme measurement. Alerts that opened without one get none. A null value
/// leaves it as it is.
macro_rules! peak_columns {
    ($value:literal, $count:literal, $at:literal, $of:literal) => {
        concat!(
            "(peak_value, peak_count, peak_at) = (SELECT CASE WHEN is_peak THEN ",
            $value,
            " ELSE ",
            $of,
            "peak_value END, CASE WHEN is_peak THEN ",
            $count,
            " ELSE ",
            $of,
            "peak_count END, CASE WHEN is_peak THEN ",
            $at,
            " ELSE ",
            $of,
            "peak_at END FROM (SELECT CASE WHEN ",
            $of,
            "peak_is_low THEN ",
            $value,
            " < ",
            $of,
            "peak_value ELSE ",
            $value,
            " > ",
            $of,
            "peak_value END AS is_peak) AS compared)"
        )
    };
}
pub(super) use peak_columns;

fn measured_of(row: &Row) -> Result<AlertMeasurements, StoreError> {
    let measurement = |at: Option<Timestamp>, value: &str, count: &str| {
        let (value, count): (Option<f64>, Option<i64>) = (row.try_get(value)?, row.try_get(count)?);
        Ok::<_, StoreError>(at.zip(value).zip(count).map(|((at, value), count)| AlertMeasurement {
            at,
            value,
            count,
        }))
    };
    Ok(AlertMeasurements {
        opening: measurement(row.try_get("opened_at")?, "opening_value", "opening_count")?,
        peak: measurement(row.try_get("peak_at")?, "peak_value", "peak_count")?,
        latest: measurement(row.try_get("updated_at")?, "value", "count")?,
    })
}

pub(super) fn alert_of(row: &Row) -> Result<Alert, StoreError> {
    let Json(posts) = row.try_get(14)?;
    let evidence: Option<Json<_>> = row.try_get(22)?;
    Ok(Alert {
        id: row.try_get(0)?,
        rule: enum_at(row, 1, &AlertRule::ALL, AlertRule::as_str)?,
        rule_id: row.try_get(15)?,
        rule_name: row.try_get(16)?,
        metric: row.try_get(17)?,
        scope: scope_of(row, 2)?,
        state: enum_at(row, 4, &[AlertState::Open, AlertState::Resolved], AlertState::as_str)?,
        phase: enum_at(row, 18, &AlertPhase::ALL, AlertPhase::as_str)?,
        silenced: row.try_get(19)?,
        inhibited_by: row.try_get(20)?,
        flapping: row.try_get(21)?,
        severity: enum_at(row, 5, &Severity::ALL, Severity::as_str)?,
        title: row.try_get(6)?,
        value: row.try_get(7)?,
        threshold: row.try_get(8)?,
        count: row.try_get(9)?,
        measured: measured_of(row)?,
        opened_at: row.try_get(10)?,
        updated_at: row.try_get(11)?,
        resolved_at: row.try_get(12)?,
        acknowledged_at: row.try_get(13)?,
        revision: row.try_get("revision")?,
        comments: row.try_get::<_, i32>("n_comments")?.into(),
        assignee: row.try_get("assignee")?,
        evidence: evidence.map(|Json(evidence)| evidence),
        posts,
    })
}

/// Reads a scope from two consecutive columns.
pub(in crate::store) fn scope_of(row: &Row, first: usize) -> Result<Scope, StoreError> {
    let dimension = enum_at(row, first, &Dimension::ALL, Dimension::as_str)?;
    Ok(Scope { dimension, key: row.try_get(first + 1)? })
}
