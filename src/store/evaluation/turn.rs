//! What one evaluation writes, in one transaction: alerts, their history, how far each series has come, and the notices
//! people get of it.

use std::collections::BTreeSet;
use std::time::Duration;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use uuid::Uuid;

use crate::models::alert::{Alert, Severity};
use crate::models::evaluation::{Changes, Kept, Mute, News, Opening, Refresh, SeriesId, Telling, Told};
use crate::store::StoreError;
use crate::store::alerts::{self, AlertSeries, Event, NewAlert, Raise};
use crate::store::codec::Moment;
use crate::store::outbox::{self, Notice, NoticeEvent};

/// A transaction of whoever leads. Dropped without [`Turn::commit`], it changes nothing.
pub struct Turn<'a> {
    pub(super) transaction: Transaction<'a>,
    /// The alerts of which something changed that people see.
    pub(super) changed: BTreeSet<Uuid>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(transaction: Transaction<'a>) -> Self {
        Self { transaction, changed: BTreeSet::new() }
    }

    /// Opens, refreshes and ends alerts, each with a line of its history, and keeps how far the series have come.
    pub async fn apply(&mut self, changes: &Changes, now: Timestamp) -> Result<(), StoreError> {
        self.withdraw(&changes.withdrawals, now).await?;
        for opening in &changes.openings {
            let alert = self.open(opening, now).await?;
            let kept = Kept { series: opening.series.clone(), alert: Some(alert) };
            self.keep(&opening.id, &kept).await?;
        }
        self.refresh(&changes.refreshes, now).await?;
        self.end(&changes.endings, now).await?;
        for (id, kept) in &changes.kept {
            self.keep(id, kept).await?;
        }
        for id in &changes.forgotten {
            self.forget(id).await?;
        }
        Ok(())
    }

    /// Every open alert, and those that are over though people know only that they fired. Without posts and evidence.
    pub async fn told(&self) -> Result<Vec<Told>, StoreError> {
        alerts::told(&self.transaction).await
    }

    /// Notes what mutes alerts now, where that is other than before.
    pub async fn mute(&mut self, mutes: &[Mute], now: Timestamp) -> Result<(), StoreError> {
        // It counts as no change of what the alert is about, or a burst of churn that is over would never be.
        const SQL: &str = "
            UPDATE sentiment_alerts AS alert SET silenced = $2, inhibited_by = $3
            FROM (SELECT id, silenced, inhibited_by FROM sentiment_alerts WHERE id = $1 FOR UPDATE) AS before
            WHERE alert.id = before.id AND alert.state = 'open'
                AND (before.silenced, before.inhibited_by) IS DISTINCT FROM ($2, $3::uuid)
            RETURNING before.silenced, before.inhibited_by";
        let statement = self.transaction.prepare_cached(SQL).await?;
        for mute in mutes {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&mute.alert, &mute.silenced, &mute.inhibited_by];
            let Some(row) = self.transaction.query_opt(&statement, &values).await? else {
                continue;
            };
            let (was_silenced, was_inhibited): (bool, Option<Uuid>) = (row.try_get(0)?, row.try_get(1)?);
            if was_silenced != mute.silenced {
                self.note(mute.alert, if mute.silenced { "silenced" } else { "unsilenced" }, now).await?;
            }
            if was_inhibited.is_some() != mute.inhibited_by.is_some() {
                self.note(
                    mute.alert,
                    if mute.inhibited_by.is_some() { "inhibited" } else { "released" },
                    now,
                )
                .await?;
            }
        }
        Ok(())
    }

    /// Notes what people are told, and hands it to whoever sends it.
    pub async fn tell(&mut self, tellings: &[Telling]) -> Result<(), StoreError> {
        const FIRED: &str = "
            UPDATE sentiment_alerts SET told_as = $2, told_severity = severity
            WHERE id = ANY ($1) AND told_as IS NULL AND state = 'open'";
        const ESCALATED: &str = "
            UPDATE sentiment_alerts SET told_severity = severity WHERE id = ANY ($1) AND told_severity < severity";
        const OVER: &str =
            "UPDATE sentiment_alerts SET told_over = true WHERE id = ANY ($1) AND NOT told_over";
        for telling in tellings {
            let about = &telling.about;
            let n_settled = match telling.news {
                News::Fired => self.transaction.execute(FIRED, &[about, &telling.alert.id]).await?,
                News::Escalated => self.transaction.execute(ESCALATED, &[about]).await?,
                News::Over => self.transaction.execute(OVER, &[about]).await?,
            };
            if n_settled == 0 {
                continue;
            }
            let event = match telling.news {
                News::Fired | News::Escalated => NoticeEvent::Fired,
                News::Over => NoticeEvent::Resolved,
            };
            let alert = self.with_what_belongs_to_it(&telling.alert).await?;
            let notice = Notice { event, alert: &alert, channels: &telling.channels };
            outbox::enqueue(&self.transaction, &notice).await?;
        }
        Ok(())
    }

    /// An alert from [`Self::told`] with its posts and evidence.
    async fn with_what_belongs_to_it(&self, alert: &Alert) -> Result<Alert, StoreError> {
        let whole = alerts::by_ids(&self.transaction, &[alert.id]).await?.pop();
        let (posts, evidence) = whole.map(|whole| (whole.posts, whole.evidence)).unwrap_or_default();
        Ok(Alert { posts, evidence, ..alert.clone() })
    }

    /// Makes it so, and answers the alerts of which something changed that people see, as they are now.
    pub async fn commit(self) -> Result<Vec<Alert>, StoreError> {
        let changed: Vec<Uuid> = self.changed.into_iter().collect();
        let alerts = match changed.is_empty() {
            true => Vec::new(),
            false => alerts::by_ids(&self.transaction, &changed).await?,
        };
        self.transaction.commit().await?;
        Ok(alerts)
    }

    async fn open(&mut self, opening: &Opening, now: Timestamp) -> Result<Uuid, StoreError> {
        let rule = &opening.rule.what;
        let found = NewAlert {
            series: AlertSeries {
                rule: rule.metric.kind(),
                rule_id: Some(opening.rule.id),
                metric: Some(rule.metric.name()),
                scope: opening.id.scope.clone(),
            },
            rule_name: Some(rule.name.clone()),
            severity: opening.severity,
            title: opening.title.clone(),
            value: opening.value,
            threshold: rule.threshold,
            count: opening.count,
            at: now,
            // The series has waited for its cooldown already.
            cooldown: Duration::ZERO,
            channels: rule.channels.clone(),
            posts: opening.posts.clone(),
            members: Vec::new(),
            evidence: opening.evidence.clone(),
        };
        let alert = match alerts::open_or_update(&self.transaction, &found).await? {
            Raise::Opened(alert) => {
                if opening.pending_since < now {
                    let since = opening.pending_since;
                    alerts::note(&self.transaction, &[alert.id], Event::Phase("pending"), since).await?;
                }
                alert
            }
            // One that an older version left open: it is this one from here on.
            Raise::Updated(alert) => alert,
            Raise::Quiet => {
                return Err(StoreError::Internal { reason: "an alert did not open".to_owned() });
            }
        };
        if opening.series.flapping {
            self.hold_open(alert.id, now).await?;
        }
        self.changed.insert(alert.id);
        Ok(alert.id)
    }

    async fn refresh(&mut self, refreshes: &[Refresh], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE sentiment_alerts AS alert SET
                severity = new.severity::alert_severity, title = new.title, value = new.value, count = new.count,
                phase = coalesce(new.entered, alert.phase), updated_at = greatest(alert.updated_at, $7),
                threshold = coalesce(rule.threshold, alert.threshold), rule_name = coalesce(rule.name, alert.rule_name),
                channels = coalesce(rule.channels, alert.channels)
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[], $5::bigint[], $6::text[])
                AS new (id, severity, title, value, count, entered)
            JOIN sentiment_alerts AS before USING (id)
            LEFT JOIN alert_rules AS rule ON rule.id = before.rule_id
            WHERE alert.id = new.id AND alert.state = 'open'";
        if refreshes.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = refreshes.iter().map(|it| it.alert).collect();
        let severities: Vec<&str> = refreshes.iter().map(|it| Severity::as_str(it.severity)).collect();
        let titles: Vec<&str> = refreshes.iter().map(|it| it.title.as_str()).collect();
        let values: Vec<f64> = refreshes.iter().map(|it| it.value).collect();
        let counts: Vec<i64> = refreshes.iter().map(|it| it.count).collect();
        let entered: Vec<Option<&str>> =
            refreshes.iter().map(|it| it.entered.map(|phase| phase.as_str())).collect();
        let statement = self.transaction.prepare_cached(SQL).await?;
        self.transaction
            .execute(&statement, &[&ids, &severities, &titles, &values, &counts, &entered, &Moment(now)])
            .await?;
        for refresh in refreshes {
            if let Some(phase) = refresh.entered {
                alerts::note(&self.transaction, &[refresh.alert], Event::Phase(phase.as_str()), now).await?;
                self.changed.insert(refresh.alert);
            }
            if refresh.escalated {
                self.note(refresh.alert, "escalated", now).await?;
            }
        }
        Ok(())
    }

    async fn end(&mut self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE sentiment_alerts SET
                state = 'resolved', phase = 'resolved', resolved_at = $2, updated_at = greatest(updated_at, $2)
            WHERE id = ANY ($1) AND state = 'open' RETURNING id";
        if ids.is_empty() {
            return Ok(());
        }
        let rows = self.transaction.query(SQL, &[&ids, &Moment(now)]).await?;
        let ended = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
        alerts::note(&self.transaction, &ended, Event::Phase("resolved"), now).await?;
        self.changed.extend(ended);
        Ok(())
    }

    async fn withdraw(&mut self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM alert_series WHERE alert = ANY ($1)";
        if ids.is_empty() {
            return Ok(());
        }
        self.transaction.execute(SQL, &[&ids]).await?;
        alerts::note(&self.transaction, ids, Event::Action("withdrawn"), now).await?;
        self.end(ids, now).await
    }

    async fn keep(&self, id: &SeriesId, kept: &Kept) -> Result<(), StoreError> {
        // A rule that was deleted meanwhile keeps nothing.
        const SQL: &str = "
            INSERT INTO alert_series
                (rule_id, dimension, key, phase, since, resolved_at, openings, flapping, alert)
            SELECT id, $2::text::rollup_dimension, $3, $4, $5, $6, $7, $8, $9 FROM alert_rules WHERE id = $1 FOR KEY SHARE
            ON CONFLICT (rule_id, dimension, key) DO UPDATE SET
                phase = excluded.phase, since = excluded.since, resolved_at = excluded.resolved_at,
                openings = excluded.openings, flapping = excluded.flapping, alert = excluded.alert";
        let Kept { series, alert } = kept;
        let openings: Vec<Moment> = series.openings.iter().copied().map(Moment).collect();
        let statement = self.transaction.prepare_cached(SQL).await?;
        self.transaction
            .execute(
                &statement,
                &[
                    &id.rule_id,
                    &id.scope.dimension.as_str(),
                    &id.scope.key,
                    &series.phase.as_str(),
                    &Moment(series.since),
                    &series.resolved_at.map(Moment),
                    &openings,
                    &series.flapping,
                    alert,
                ],
            )
            .await?;
        Ok(())
    }

    async fn forget(&self, id: &SeriesId) -> Result<(), StoreError> {
        const SQL: &str = "
            DELETE FROM alert_series WHERE rule_id = $1 AND dimension = $2::text::rollup_dimension AND key = $3";
        let statement = self.transaction.prepare_cached(SQL).await?;
        let dimension = id.scope.dimension.as_str();
        self.transaction.execute(&statement, &[&id.rule_id, &dimension, &id.scope.key]).await?;
        Ok(())
    }

    pub(super) async fn note(
        &mut self,
        alert: Uuid,
        action: &'static str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        alerts::note(&self.transaction, &[alert], Event::Action(action), now).await?;
        self.changed.insert(alert);
        Ok(())
    }
}
