//! Transaction of an evaluation, which writes alerts, their history, series state and notifications. The number of
//! statements does not depend on the number of alerts.

use std::collections::BTreeSet;
use std::time::Duration;

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::types::{Json, ToSql};

use crate::models::alert::{Alert, AlertPhase, AlertRule, Severity};
use crate::models::evaluation::{
    Changes, DueNotice, NoticeKind, NotifiedAlert, Opening, Refresh, Suppression,
};
use crate::models::evaluation_report::TurnReport;
use crate::models::id::{AlertId, RuleId};
use crate::store::StoreError;
use crate::store::alerts::history::{self, Event};
use crate::store::alerts::list;
use crate::store::alerts::new_alert::{AlertSeries, NewAlert, Raise};
use crate::store::alerts::raise::{Merge, raise};
use crate::store::alerts::row::peak_columns;
use crate::store::codec::PgTimestamp;
use crate::store::notifications::outbox::{self, Notice, NoticeEvent};

/// Transaction of the leader's evaluation. It changes nothing unless [`EvaluationTransaction::commit`] is called.
pub struct EvaluationTransaction<'a> {
    pub(super) transaction: Transaction<'a>,
    /// Ids of the alerts with visible changes so far.
    pub(super) changed: BTreeSet<AlertId>,
    /// Kinds of the alerts opened so far, one item per alert.
    pub(super) opened: Vec<AlertRule>,
}

/// Changes made by a committed evaluation. Base metrics on these, because they are known to have taken effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Committed {
    /// Ids of the alerts with visible changes, in the order the alerts opened.
    pub changed: Vec<AlertId>,
    /// Kinds of the alerts that opened, one item per alert.
    pub opened: Vec<AlertRule>,
}

impl<'a> EvaluationTransaction<'a> {
    pub(super) fn new(transaction: Transaction<'a>) -> Self {
        Self { transaction, changed: BTreeSet::new(), opened: Vec::new() }
    }

    /// Opens, refreshes and ends alerts, each with a history entry, and stores the series state. Returns the ids of the
    /// opened alerts, in the order they opened.
    pub async fn apply(&mut self, changes: &Changes, now: Timestamp) -> Result<Vec<AlertId>, StoreError> {
        self.withdraw(&changes.withdrawals, now).await?;
        let opened = self.open(&changes.openings, now).await?;
        self.refresh(&changes.refreshes, now).await?;
        self.end(&changes.endings, now).await?;
        let with_alerts = changes.openings.iter().zip(&opened);
        let kept_open = with_alerts.map(|(opening, alert)| (&opening.id, &opening.series, Some(*alert)));
        let kept = changes.kept.iter().map(|(id, kept)| (id, &kept.series, kept.alert));
        self.keep(kept_open.chain(kept).collect()).await?;
        self.forget(&changes.forgotten).await?;
        Ok(opened)
    }

    /// Returns every open alert, and every resolved alert whose end has not been published yet; if a rule is given,
    /// only that rule's alerts. Posts and evidence are omitted.
    pub async fn notified_alerts(&self, rule: Option<RuleId>) -> Result<Vec<NotifiedAlert>, StoreError> {
        list::notified(&self.transaction, rule).await
    }

    /// Stores whether alerts are silenced or inhibited, and adds a history entry to each alert whose suppression
    /// changed.
    pub async fn store_suppressions(
        &mut self,
        suppressions: &[Suppression],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // This does not count as an update of the alert; otherwise a burst of churn would never end.
        const SQL: &str = "
            UPDATE sentiment_alerts AS alert SET
                silenced = suppression.silenced, inhibited_by = suppression.inhibited_by, revision = alert.revision + 1
            FROM unnest($1::uuid[], $2::bool[], $3::uuid[]) AS suppression (id, silenced, inhibited_by)
            JOIN sentiment_alerts AS before USING (id)
            WHERE alert.id = suppression.id AND alert.state = 'open'
                AND (before.silenced, before.inhibited_by) IS DISTINCT FROM (suppression.silenced, suppression.inhibited_by)
            RETURNING alert.id, before.silenced, alert.silenced,
                before.inhibited_by IS NOT NULL, alert.inhibited_by IS NOT NULL";
        if suppressions.is_empty() {
            return Ok(());
        }
        let ids: Vec<AlertId> = suppressions.iter().map(|suppression| suppression.alert).collect();
        let silenced: Vec<bool> = suppressions.iter().map(|suppression| suppression.silenced).collect();
        let inhibited_by: Vec<Option<AlertId>> =
            suppressions.iter().map(|suppression| suppression.inhibited_by).collect();
        let statement = self.transaction.prepare_cached(SQL).await?;
        let rows = self.transaction.query(&statement, &[&ids, &silenced, &inhibited_by]).await?;
        for (before, [begins, ceases]) in [(1, ["silenced", "unsilenced"]), (3, ["inhibited", "released"])] {
            let (mut begun, mut ceased) = (Vec::new(), Vec::new());
            for row in &rows {
                match (row.try_get(before)?, row.try_get(before + 1)?) {
                    (false, true) => begun.push(row.try_get(0)?),
                    (true, false) => ceased.push(row.try_get(0)?),
                    _ => {}
                }
            }
            self.note(&begun, begins, now).await?;
            self.note(&ceased, ceases, now).await?;
        }
        Ok(())
    }

    /// Marks alerts as published and enqueues their notifications.
    pub async fn enqueue_notices(&mut self, notices: &[DueNotice]) -> Result<(), StoreError> {
        const FIRED: &str = "
            UPDATE sentiment_alerts SET told_as = $2, told_severity = severity
            WHERE id = ANY ($1) AND told_as IS NULL AND state = 'open'";
        const ESCALATED: &str = "
            UPDATE sentiment_alerts SET told_severity = severity WHERE id = ANY ($1) AND told_severity < severity";
        const OVER: &str =
            "UPDATE sentiment_alerts SET told_over = true WHERE id = ANY ($1) AND NOT told_over";
        for due in notices {
            let about = &due.about;
            let n_settled = match due.kind {
                NoticeKind::Fired => self.transaction.execute(FIRED, &[about, &due.alert.id]).await?,
                NoticeKind::Escalated => self.transaction.execute(ESCALATED, &[about]).await?,
                NoticeKind::Over => self.transaction.execute(OVER, &[about]).await?,
            };
            if n_settled == 0 {
                continue;
            }
            let event = match due.kind {
                NoticeKind::Fired | NoticeKind::Escalated => NoticeEvent::Fired,
                NoticeKind::Over => NoticeEvent::Resolved,
            };
            let alert = self.with_what_belongs_to_it(&due.alert).await?;
            let notice = Notice { event, alert: &alert, channels: &due.channels };
            outbox::enqueue(&self.transaction, &notice).await?;
        }
        Ok(())
    }

    /// Returns an alert from [`Self::notified_alerts`] together with its posts and evidence.
    async fn with_what_belongs_to_it(&self, alert: &Alert) -> Result<Alert, StoreError> {
        let whole = list::by_ids(&self.transaction, &[alert.id]).await?.pop();
        let (posts, evidence) = whole.map(|whole| (whole.posts, whole.evidence)).unwrap_or_default();
        Ok(Alert { posts, evidence, ..alert.clone() })
    }

    /// Stores the report on this evaluation for every process to show.
    pub async fn report(&self, report: &TurnReport) -> Result<(), StoreError> {
        const SQL: &str = "
            INSERT INTO alert_turns (report) VALUES ($1)
            ON CONFLICT (only_one) DO UPDATE SET report = excluded.report";
        let statement = self.transaction.prepare_cached(SQL).await?;
        self.transaction.execute(&statement, &[&Json(report)]).await?;
        Ok(())
    }

    /// Commits the transaction and returns what it changed.
    pub async fn commit(self) -> Result<Committed, StoreError> {
        self.transaction.commit().await?;
        Ok(Committed { changed: self.changed.into_iter().collect(), opened: self.opened })
    }

    async fn open(&mut self, openings: &[Opening], now: Timestamp) -> Result<Vec<AlertId>, StoreError> {
        let found: Vec<NewAlert> = openings.iter().map(|opening| found(opening, now)).collect();
        let raised = raise(&self.transaction, &found, Merge::Replace).await?;
        let (mut ids, mut pending, mut flapping) = (Vec::new(), Vec::new(), Vec::new());
        for (raise, opening) in raised.into_iter().zip(openings) {
            let alert = match raise {
                Raise::Opened(alert) => {
                    if opening.pending_since < now {
                        pending.push((alert.id, opening.pending_since));
                    }
                    self.opened.push(alert.rule);
                    alert
                }
                // An alert that an older version left open is reused.
                Raise::Updated(alert) => alert,
                Raise::Quiet => {
                    return Err(StoreError::internal("an alert did not open"));
                }
            };
            if opening.series.flapping {
                flapping.push(alert.id);
            }
            ids.push(alert.id);
        }
        history::note_each(&self.transaction, &pending, Event::Phase("pending")).await?;
        self.hold_open(&flapping, now).await?;
        self.changed.extend(&ids);
        Ok(ids)
    }

    async fn refresh(&mut self, refreshes: &[Refresh], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = concat!(
            "
            UPDATE sentiment_alerts AS alert SET
                ",
            peak_columns!("CASE WHEN new.is_breach THEN new.value END", "new.count", "$7", "alert."),
            ",
                severity = new.severity::alert_severity, title = new.title, value = new.value, count = new.count,
                phase = coalesce(new.entered, alert.phase), updated_at = greatest(alert.updated_at, $7),
                threshold = coalesce(rule.threshold, alert.threshold), rule_name = coalesce(rule.name, alert.rule_name),
                channels = coalesce(rule.channels, alert.channels), revision = alert.revision + 1
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[], $5::bigint[], $6::text[],
                $8::bool[]) AS new (id, severity, title, value, count, entered, is_breach)
            JOIN sentiment_alerts AS before USING (id)
            LEFT JOIN alert_rules AS rule ON rule.id = before.rule_id
            WHERE alert.id = new.id AND alert.state = 'open'"
        );
        if refreshes.is_empty() {
            return Ok(());
        }
        let ids: Vec<AlertId> = refreshes.iter().map(|it| it.alert).collect();
        let severities: Vec<&str> = refreshes.iter().map(|it| Severity::as_str(it.severity)).collect();
        let titles: Vec<&str> = refreshes.iter().map(|it| it.title.as_str()).collect();
        let values: Vec<f64> = refreshes.iter().map(|it| it.value).collect();
        let counts: Vec<i64> = refreshes.iter().map(|it| it.count).collect();
        let entered: Vec<Option<&str>> =
            refreshes.iter().map(|it| it.entered.map(|phase| phase.as_str())).collect();
        let breaches: Vec<bool> = refreshes.iter().map(|it| it.is_breach).collect();
        let statement = self.transaction.prepare_cached(SQL).await?;
        let params: [&(dyn ToSql + Sync); 8] =
            [&ids, &severities, &titles, &values, &counts, &entered, &PgTimestamp(now), &breaches];
        self.transaction.execute(&statement, &params).await?;
        for phase in [AlertPhase::Firing, AlertPhase::Recovering] {
            let ids: Vec<AlertId> =
                refreshes.iter().filter(|it| it.entered == Some(phase)).map(|it| it.alert).collect();
            history::note(&self.transaction, &ids, Event::Phase(phase.as_str()), now).await?;
            self.changed.extend(&ids);
        }
        let escalated: Vec<AlertId> = refreshes.iter().filter(|it| it.escalated).map(|it| it.alert).collect();
        self.note(&escalated, "escalated", now).await
    }

    async fn end(&mut self, ids: &[AlertId], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "
            UPDATE sentiment_alerts SET
                state = 'resolved', phase = 'resolved', resolved_at = $2, updated_at = greatest(updated_at, $2),
                revision = revision + 1
            WHERE id = ANY ($1) AND state = 'open' RETURNING id";
        if ids.is_empty() {
            return Ok(());
        }
        let rows = self.transaction.query(SQL, &[&ids, &PgTimestamp(now)]).await?;
        let ended = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<AlertId>, _>>()?;
        history::note(&self.transaction, &ended, Event::Phase("resolved"), now).await?;
        self.changed.extend(ended);
        Ok(())
    }

    async fn withdraw(&mut self, ids: &[AlertId], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "DELETE FROM alert_series WHERE alert = ANY ($1)";
        if ids.is_empty() {
            return Ok(());
        }
        self.transaction.execute(SQL, &[&ids]).await?;
        history::note(&self.transaction, ids, Event::Action("withdrawn"), now).await?;
        self.end(ids, now).await
    }

    /// Marks alerts as flapping, because they opened too often, and holds them open until their series calm down.
    pub(super) async fn hold_open(&mut self, alerts: &[AlertId], now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str =
            "UPDATE sentiment_alerts SET flapping = true, revision = revision + 1 WHERE id = ANY ($1)";
        if alerts.is_empty() {
            return Ok(());
        }
        self.transaction.execute(SQL, &[&alerts]).await?;
        self.note(alerts, "flapping", now).await
    }

    async fn note(
        &mut self,
        alerts: &[AlertId],
        action: &'static str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        history::note(&self.transaction, alerts, Event::Action(action), now).await?;
        self.changed.extend(alerts);
        Ok(())
    }
}

fn found(opening: &Opening, now: Timestamp) -> NewAlert {
    let rule = &opening.rule.what;
    NewAlert {
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
        // The series has already waited for its cooldown.
        cooldown: Duration::ZERO,
        channels: rule.channels.clone(),
        posts: opening.posts.clone(),
        members: Vec::new(),
        evidence: opening.evidence.clone(),
    }
}
