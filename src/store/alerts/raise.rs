//! Opens and updates many alerts at once, in a constant number of statements.
//!
//! The caller holds [`crate::store::locks::Lock::Alerts`]. Without the lock, one process could see an open alert,
//! another could resolve it, and the first, still with the old view of the cooldown, could reopen it at once.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::types::{Json, ToSql};

use super::history::{self, Event};
use super::new_alert::{ALERT_POSTS_MAX, NewAlert, Raise};
use super::row::{SeriesColumns, alert_of, columns, counted_title, of_series, peak_columns};
use crate::models::alert::{AlertPost, Evidence};
use crate::models::id::{AlertId, ChannelId};
use crate::store::StoreError;
use crate::store::codec::PgTimestamp;

/// How findings are merged into open alerts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Merge {
    /// The finding replaces the value, count, severity, posts and evidence.
    Replace,
    /// The finding is added, so that a burst becomes one alert: counts are summed, the value and the number in the
    /// title follow them, and the newest [`ALERT_POSTS_MAX`] posts are kept.
    Add,
}

/// Opens alerts, or updates the open alerts of their series. Returns the outcome of each finding, in order. No two
/// findings may share a series.
pub(in crate::store) async fn raise(
    transaction: &Transaction<'_>,
    found: &[NewAlert],
    merge: Merge,
) -> Result<Vec<Raise>, StoreError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut raised = vec![Raise::Quiet; found.len()];
    update_open(transaction, found, merge, &mut raised).await?;
    let new: Vec<usize> = (0..).zip(&raised).filter(|(_, it)| **it == Raise::Quiet).map(|(i, _)| i).collect();
    insert_open(transaction, found, &new, &mut raised).await?;
    let opened = |(raise, found): (&Raise, &NewAlert)| match raise {
        Raise::Opened(alert) => Some((alert.id, found.at)),
        Raise::Updated(_) | Raise::Quiet => None,
    };
    let opened: Vec<_> = raised.iter().zip(found).filter_map(opened).collect();
    history::note_each(transaction, &opened, Event::Phase("firing")).await?;
    Ok(raised)
}

/// Findings as arrays, one per column.
struct Columns<'a> {
    series: SeriesColumns<'a>,
    severities: Vec<&'static str>,
    titles: Vec<&'a str>,
    values: Vec<f64>,
    counts: Vec<i64>,
    times: Vec<PgTimestamp>,
    posts: Vec<Json<&'a [AlertPost]>>,
    rule_names: Vec<Option<&'a str>>,
    thresholds: Vec<f64>,
    /// Channels for each finding as an array literal, because PostgreSQL's nested arrays must be rectangular.
    channels: Vec<String>,
    evidence: Vec<Option<Json<&'a Evidence>>>,
}

impl<'a> Columns<'a> {
    fn of(found: &[&'a NewAlert]) -> Self {
        Self {
            series: SeriesColumns::of(found.iter().map(|found| &found.series)),
            severities: found.iter().map(|found| found.severity.as_str()).collect(),
            titles: found.iter().map(|found| found.title.as_str()).collect(),
            values: found.iter().map(|found| found.value).collect(),
            counts: found.iter().map(|found| found.count).collect(),
            times: found.iter().map(|found| PgTimestamp(found.at)).collect(),
            posts: found.iter().map(|found| Json(newest(&found.posts))).collect(),
            rule_names: found.iter().map(|found| found.rule_name.as_deref()).collect(),
            thresholds: found.iter().map(|found| found.threshold).collect(),
            channels: found.iter().map(|found| array_of(&found.channels)).collect(),
            evidence: found.iter().map(|found| found.evidence.as_ref().map(Json)).collect(),
        }
    }

    /// Returns the values of the placeholders `$1` to `$15`.
    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        let SeriesColumns { rules, rule_ids, metrics, dimensions, keys } = &self.series;
        vec![
            rules,
            rule_ids,
            metrics,
            dimensions,
            keys,
            &self.severities,
            &self.titles,
            &self.values,
            &self.counts,
            &self.times,
            &self.posts,
            &self.rule_names,
            &self.thresholds,
            &self.channels,
            &self.evidence,
        ]
    }
}

async fn update_open(
    transaction: &Transaction<'_>,
    found: &[NewAlert],
    merge: Merge,
    raised: &mut [Raise],
) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET
            severity = CASE WHEN $16 THEN greatest(severity, new_severity::alert_severity)
                ELSE new_severity::alert_severity END,
            title = ",
        counted_title!("new_title", "(CASE WHEN $16::bool THEN count ELSE 0 END + new_count)"),
        ",
            value = CASE WHEN $16 THEN count + new_count ELSE new_value END,
            count = CASE WHEN $16 THEN count ELSE 0 END + new_count,
            ",
        peak_columns!(
            "(CASE WHEN $16 THEN count + new_count ELSE new_value END)",
            "(CASE WHEN $16 THEN count ELSE 0 END + new_count)",
            "new_at",
            ""
        ),
        ",
            updated_at = greatest(updated_at, new_at),
            posts = CASE WHEN $16 THEN (
                SELECT coalesce(jsonb_agg(post ORDER BY place), '[]') FROM (
                    SELECT post, place FROM jsonb_array_elements(new_posts || posts) WITH ORDINALITY AS of (post, place)
                    ORDER BY place LIMIT $17
                ) AS newest
            ) ELSE new_posts END,
            rule_name = new_rule_name,
            threshold = new_threshold,
            channels = new_channels::uuid[],
            evidence = coalesce(new_evidence, evidence),
            phase = 'firing',
            revision = revision + 1
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[],
            $9::bigint[], $10::timestamptz[], $11::jsonb[], $12::text[], $13::float8[], $14::text[], $15::jsonb[])
            WITH ORDINALITY AS new (of_rule, of_rule_id, of_metric, of_dimension, of_key, new_severity, new_title,
                new_value, new_count, new_at, new_posts, new_rule_name, new_threshold, new_channels, new_evidence,
                new_place)
        WHERE state = 'open' AND ",
        of_series!(),
        " RETURNING ",
        columns!(),
        ", new_place"
    );
    let all: Vec<&NewAlert> = found.iter().collect();
    let columns = Columns::of(&all);
    let mut params = columns.params();
    let (adds, limit) = (merge == Merge::Add, i64::try_from(ALERT_POSTS_MAX).unwrap_or(i64::MAX));
    params.extend([&adds as &(dyn ToSql + Sync), &limit]);
    let statement = transaction.prepare_cached(SQL).await?;
    for row in transaction.query(&statement, &params).await? {
        let place: i64 = row.try_get("new_place")?;
        let raise = usize::try_from(place - 1).ok().and_then(|place| raised.get_mut(place));
        if let Some(raise) = raise {
            *raise = Raise::Updated(alert_of(&row)?);
        }
    }
    Ok(())
}

/// Opens alerts for the findings at these indices, except for series in their cooldown.
async fn insert_open(
    transaction: &Transaction<'_>,
    found: &[NewAlert],
    places: &[usize],
    raised: &mut [Raise],
) -> Result<(), StoreError> {
    const SQL: &str = concat!(
        "
        INSERT INTO sentiment_alerts
            (id, rule, rule_id, metric, dimension, key, state, severity, title, value, threshold, count, opened_at,
            updated_at, posts, rule_name, channels, evidence, opening_value, opening_count, peak_value, peak_count, peak_at,
            peak_is_low)
        SELECT new_id, of_rule::alert_rule, of_rule_id, of_metric, of_dimension::rollup_dimension, of_key, 'open',
            new_severity::alert_severity, new_title, new_value, new_threshold, new_count, new_at, new_at, new_posts,
            new_rule_name, new_channels::uuid[], new_evidence, new_value, new_count, new_value, new_count, new_at,
            new_value < new_threshold
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[],
            $9::bigint[], $10::timestamptz[], $11::jsonb[], $12::text[], $13::float8[], $14::text[], $15::jsonb[],
            $16::uuid[], $17::timestamptz[])
            AS new (of_rule, of_rule_id, of_metric, of_dimension, of_key, new_severity, new_title, new_value, new_count,
                new_at, new_posts, new_rule_name, new_threshold, new_channels, new_evidence, new_id, new_quiet_since)
        WHERE NOT EXISTS (
            SELECT FROM sentiment_alerts
            WHERE state = 'resolved' AND resolved_at > new_quiet_since AND ",
        of_series!(),
        ")
        ON CONFLICT DO NOTHING
        RETURNING ",
        columns!()
    );
    let new: Vec<&NewAlert> = places.iter().filter_map(|place| found.get(*place)).collect();
    if new.is_empty() {
        return Ok(());
    }
    let columns = Columns::of(&new);
    let ids: Vec<AlertId> = new.iter().map(|_| AlertId::now_v7()).collect();
    let quiet_since: Vec<PgTimestamp> = new.iter().map(|found| PgTimestamp(quiet_since(found))).collect();
    let mut params = columns.params();
    params.extend([&ids as &(dyn ToSql + Sync), &quiet_since]);
    let place_of: HashMap<AlertId, usize> = ids.iter().copied().zip(places.iter().copied()).collect();
    let statement = transaction.prepare_cached(SQL).await?;
    for row in transaction.query(&statement, &params).await? {
        let alert = alert_of(&row)?;
        if let Some(raise) = place_of.get(&alert.id).and_then(|place| raised.get_mut(*place)) {
            *raise = Raise::Opened(alert);
        }
    }
    Ok(())
}

fn quiet_since(found: &NewAlert) -> Timestamp {
    let cooldown = SignedDuration::try_from(found.cooldown).unwrap_or(SignedDuration::MAX);
    found.at.checked_sub(cooldown).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn newest(posts: &[AlertPost]) -> &[AlertPost] {
    posts.get(..ALERT_POSTS_MAX).unwrap_or(posts)
}

fn array_of(ids: &[ChannelId]) -> String {
    let ids: Vec<String> = ids.iter().map(ChannelId::to_string).collect();
    format!("{{{}}}", ids.join(","))
}
