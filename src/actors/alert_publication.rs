//! Publication of alert changes: notices go to the outbox, updates go to every process.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::alerting::{grouping, inhibition};
use crate::models::alert::{Alert, AlertPhase, AlertState};
use crate::models::evaluation::{NotifiedAlert, Suppression};
use crate::models::id::{AlertId, RuleId};
use crate::models::live::{AlertChange, LiveUpdate};
use crate::models::silence::Silence;
use crate::store::StoreError;
use crate::store::alerts::evaluation::{Committed, EvaluationTransaction, LeaderLease};
use crate::stream::Updates;
use crate::telemetry::ALERTS_OPENED_TOTAL;

/// Maximum number of notices that one turn adds to the outbox. Each notice takes a few statements and covers all of a
/// rule's alerts that fire together, so this is exceeded only when very many rules fire at once.
const NOTICES_MAX: usize = 100;

/// Stores which alerts are silenced or inhibited, and adds the due notices to the outbox. This is the last step of a
/// turn, so an alert and its notice change together or not at all. If `rule` is given, it covers only that rule's
/// alerts, which no other alert may inhibit. Returns the number of notices left for the next turn.
pub(in crate::actors) async fn notify(
    turn: &mut EvaluationTransaction<'_>,
    (silences, rule): (&[Silence], Option<RuleId>),
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

/// Begins the transaction for one turn.
///
/// # Errors
/// If this process is no longer the leader.
pub(in crate::actors) async fn turn(
    lead: &mut Option<LeaderLease>,
) -> Result<EvaluationTransaction<'_>, StoreError> {
    match lead {
        Some(lead) => lead.begin().await,
        None => Err(StoreError::Internal { reason: "another process leads".to_owned() }),
    }
}

/// Updates the metrics with the alerts that a committed turn opened.
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

/// Returns the suppressions that differ from those stored with the alerts.
fn changed(alerts: &[NotifiedAlert], suppressions: &[Suppression]) -> Vec<Suppression> {
    let said: BTreeMap<AlertId, _> = alerts
        .iter()
        .map(|NotifiedAlert { alert, .. }| (alert.id, (alert.silenced, alert.inhibited_by)))
        .collect();
    let is_new = |suppression: &&Suppression| {
        said.get(&suppression.alert)
            .is_some_and(|said| *said != (suppression.silenced, suppression.inhibited_by))
    };
    suppressions.iter().filter(is_new).copied().collect()
}
