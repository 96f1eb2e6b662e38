//! Publishes alert changes: notices go to the outbox, updates to every process.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tracing::{info, warn};
use uuid::Uuid;

use crate::alerting::{grouping, inhibition};
use crate::models::alert::{Alert, AlertPhase, AlertState};
use crate::models::evaluation::{NotifiedAlert, Suppression};
use crate::models::live::{AlertChange, LiveUpdate};
use crate::models::silence::Silence;
use crate::store::StoreError;
use crate::store::alerts::evaluation::{Committed, EvaluationTransaction, LeaderLease};
use crate::stream::Updates;
use crate::telemetry::ALERTS_OPENED_TOTAL;

/// Maximum number of notices that one turn puts into the outbox. Each takes a few statements and covers all alerts of a rule
/// that fire together, so only a very large number of rules firing at once exceeds it.
const NOTICES_MAX: usize = 100;

/// Stores which alerts are silenced or inhibited, and puts the due notices into the outbox. It is the last step of a turn, so
/// an alert changes together with its notice or not at all. With `rule` it covers only the alerts of that rule, which no other
/// alert may inhibit. Returns the number of notices deferred to the next turn.
pub(in crate::actors) async fn notify(
    turn: &mut EvaluationTransaction<'_>,
    (silences, rule): (&[Silence], Option<Uuid>),
    now: Timestamp,
) -> Result<usize, StoreError> {
    let notified = turn.notified_alerts(rule).await?;
    let open =
        notified.iter().map(|notified| &notified.alert).filter(|alert| alert.state == AlertState::Open);
    let suppressions = inhibition::suppressions(&open.collect::<Vec<_>>(), silences, now);
    turn.store_suppressions(&changed(&notified, &suppressions), now).await?;
    let due = grouping::due(&notified, &suppressions);
    let (now, later) = due.split_at(due.len().min(NOTICES_MAX));
    turn.enqueue_notices(now).await?;
    Ok(later.len())
}

/// Begins a transaction of changes.
///
/// # Errors
/// When this process no longer leads.
pub(in crate::actors) async fn turn(
    lead: &mut Option<LeaderLease>,
) -> Result<EvaluationTransaction<'_>, StoreError> {
    match lead {
        Some(lead) => lead.begin().await,
        None => Err(StoreError::Internal { reason: "another process leads".to_owned() }),
    }
}

/// Records in metrics how many alerts a committed turn opened.
pub(in crate::actors) fn count(committed: &Committed) {
    for kind in &committed.opened {
        metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => kind.as_str()).increment(1);
    }
}

/// Publishes the current state of alerts to every process.
pub(in crate::actors) async fn push_all(updates: &Updates, alerts: Vec<Alert>) {
    for alert in alerts {
        push(updates, alert).await;
    }
}

/// Publishes the current state of an alert to every process.
pub async fn push(updates: &Updates, alert: Alert) {
    let change = match alert.state {
        AlertState::Open => AlertChange::Raised,
        AlertState::Resolved => AlertChange::Resolved,
    };
    if alert.phase != AlertPhase::Recovering {
        let (rule, scope) = (alert.rule.as_str(), &alert.scope.key);
        info!(rule, scope, phase = alert.phase.as_str(), value = alert.value, "alert");
    }
    let update = LiveUpdate::Alert { change, alert: Box::new(alert) };
    if let Err(error) = updates.publish(&update).await {
        // The alert is stored, so every list shows it.
        warn!(%error, "an alert was not pushed");
    }
}

/// Returns the suppressions that differ from the stored ones.
fn changed(alerts: &[NotifiedAlert], suppressions: &[Suppression]) -> Vec<Suppression> {
    let said: BTreeMap<Uuid, _> = alerts
        .iter()
        .map(|NotifiedAlert { alert, .. }| (alert.id, (alert.silenced, alert.inhibited_by)))
        .collect();
    let is_new = |suppression: &&Suppression| {
        said.get(&suppression.alert)
            .is_some_and(|said| *said != (suppression.silenced, suppression.inhibited_by))
    };
    suppressions.iter().filter(is_new).copied().collect()
}
