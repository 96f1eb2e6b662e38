//! What follows every change of alerts: people are told, and every process hears of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tracing::{info, warn};
use uuid::Uuid;

use crate::alerting::{grouping, inhibition};
use crate::models::alert::{Alert, AlertPhase, AlertState};
use crate::models::evaluation::{Mute, Told};
use crate::models::live::{AlertChange, LiveUpdate};
use crate::models::silence::Silence;
use crate::store::StoreError;
use crate::store::alerts::evaluation::{Committed, Lead, Turn};
use crate::stream::Updates;
use crate::telemetry::ALERTS_OPENED_TOTAL;

/// Notices that one turn puts into the outbox. Each is a few statements, and one speaks of all alerts of a rule that fire
/// together, so more than these come up only where very many rules fire at once.
const NOTICES_MAX: usize = 100;

/// Notes what mutes each open alert, and puts what people must be told into the outbox: the last thing in a turn, so that
/// either an alert changes and people will be told of it, or neither. Where a rule is given, only its own alerts, which no
/// others may inhibit. Answers how many notices are left for the next turn.
pub(in crate::actors) async fn announce(
    turn: &mut Turn<'_>,
    (silences, rule): (&[Silence], Option<Uuid>),
    now: Timestamp,
) -> Result<usize, StoreError> {
    let told = turn.told(rule).await?;
    let open = told.iter().map(|told| &told.alert).filter(|alert| alert.state == AlertState::Open);
    let mutes = inhibition::mutes(&open.collect::<Vec<_>>(), silences, now);
    turn.mute(&changed(&told, &mutes), now).await?;
    let due = grouping::due(&told, &mutes);
    let (now, later) = due.split_at(due.len().min(NOTICES_MAX));
    turn.tell(now).await?;
    Ok(later.len())
}

/// Begins to write, if this process still leads.
pub(in crate::actors) async fn turn(lead: &mut Option<Lead>) -> Result<Turn<'_>, StoreError> {
    match lead {
        Some(lead) => lead.turn().await,
        None => Err(StoreError::Internal { reason: "another process leads".to_owned() }),
    }
}

/// Counts what a turn opened, which is certain only now.
pub(in crate::actors) fn count(committed: &Committed) {
    for kind in &committed.opened {
        metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => kind.as_str()).increment(1);
    }
}

/// Tells every process how alerts are now.
pub(in crate::actors) async fn push_all(updates: &Updates, alerts: Vec<Alert>) {
    for alert in alerts {
        push(updates, alert).await;
    }
}

/// Tells every process how an alert is now.
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
        // It is stored, so every list shows it.
        warn!(%error, "an alert was not pushed");
    }
}

/// The mutes that are other than what the alerts say.
fn changed(alerts: &[Told], mutes: &[Mute]) -> Vec<Mute> {
    let said: BTreeMap<Uuid, _> =
        alerts.iter().map(|Told { alert, .. }| (alert.id, (alert.silenced, alert.inhibited_by))).collect();
    let is_new =
        |mute: &&Mute| said.get(&mute.alert).is_some_and(|said| *said != (mute.silenced, mute.inhibited_by));
    mutes.iter().filter(is_new).copied().collect()
}
