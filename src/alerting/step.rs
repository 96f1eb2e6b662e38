//! Advances the state of one series by one measurement.

use jiff::Timestamp;

use super::machine::{Transition, Verdict};
use super::measurement::{self, Measurement};
use super::title;
use crate::models::alert::{Alert, AlertPhase};
use crate::models::alert_rule::Rule;
use crate::models::evaluation::{Opening, Phase, Refresh, Series, SeriesId, StoredSeries};
use crate::models::id::AlertId;

/// Series with its current measurement.
pub(super) struct Case<'a> {
    pub rule: &'a Rule,
    pub id: SeriesId,
    /// Stored state of the series, if it is tracked.
    pub kept: Option<&'a StoredSeries>,
    /// Open alert of the series, if there is one.
    pub alert: Option<&'a Alert>,
    pub measurement: Measurement,
    pub now: Timestamp,
}

/// Effects of a measurement on a series.
pub(super) struct Outcome {
    /// How the stored series changes.
    pub write: Write,
    /// New values for the open alert, if they changed.
    pub refresh: Option<Refresh>,
    /// Alert to resolve, if its condition is over.
    pub ending: Option<AlertId>,
    /// Time at which the series entered the phase that it was in before the measurement.
    pub since: Timestamp,
    /// Time at which the alert last changed before the measurement.
    pub updated_at: Timestamp,
}

/// Change to a stored series.
pub(super) enum Write {
    /// The series is unchanged and need not be written.
    Nothing,
    /// The series is stored together with a new alert.
    Opening(Box<Opening>),
    /// The series is stored with a new state.
    StoredSeries(SeriesId, StoredSeries),
    /// The series is no longer needed and is deleted.
    Forgotten(SeriesId),
}

/// Advances a series by one evaluation, based on its current measurement.
pub(super) fn step(case: Case<'_>) -> Outcome {
    let Case { rule, id, kept, alert, measurement, now } = case;
    let timing = measurement::timing(&rule.what);
    let known = kept.map(|kept| kept.series.clone());
    // If a series' alert was ended by other means, for example because its rule was disabled for a while, the series
    // starts from scratch.
    let before = known.filter(|series| !series.phase.is_open() || alert.is_some());
    let before = before.unwrap_or_else(|| Series::at_rest(now));
    let (since, updated_at) = (before.since, alert.map_or(now, |alert| alert.updated_at));
    let verdict = measurement::judge(&rule.what, measurement);
    let (series, transition) = before.step(verdict, timing, now);
    let mut outcome = Outcome { write: Write::Nothing, refresh: None, ending: None, since, updated_at };
    if let Some(Transition::Opened { pending_since }) = transition {
        let value = measurement.value.unwrap_or_default();
        outcome.write = Write::Opening(Box::new(Opening {
            severity: measurement::severity(&rule.what, value),
            title: title::found(&rule.what, &id.scope, measurement),
            id,
            rule: rule.clone(),
            value,
            count: measurement.count,
            pending_since,
            series,
            posts: Vec::new(),
            evidence: None,
        }));
        return outcome;
    }
    if let Some(alert) = alert {
        if transition == Some(Transition::Resolved) {
            outcome.ending = Some(alert.id);
        }
        let refresh = refresh(rule, alert, (&series, transition), (measurement, verdict));
        outcome.refresh = Some(refresh).filter(|refresh| changes_alert(rule, alert, refresh));
    }
    if series.is_forgettable(timing, now) {
        if kept.is_some() {
            outcome.write = Write::Forgotten(id);
        }
        return outcome;
    }
    let next = StoredSeries { alert: alert.map(|alert| alert.id).filter(|_| series.phase.is_open()), series };
    if kept != Some(&next) {
        outcome.write = Write::StoredSeries(id, next);
    }
    outcome
}

/// Returns the new values of an open alert.
fn refresh(
    rule: &Rule,
    alert: &Alert,
    (series, transition): (&Series, Option<Transition>),
    (measurement, verdict): (Measurement, Verdict),
) -> Refresh {
    let value = measurement.value.unwrap_or(alert.value);
    let severity = measurement::severity(&rule.what, value);
    let entered = match transition {
        Some(Transition::Recovering) => Some(AlertPhase::Recovering),
        Some(Transition::Relapsed) => Some(AlertPhase::Firing),
        _ => None,
    };
    let holds = series.phase == Phase::Firing;
    let is_worse = holds && severity > alert.severity;
    Refresh {
        alert: alert.id,
        severity: if is_worse { severity } else { alert.severity },
        // If the condition no longer holds, the alert keeps its previous title.
        title: if holds { title::found(&rule.what, &alert.scope, measurement) } else { alert.title.clone() },
        value,
        count: measurement.count,
        entered,
        escalated: is_worse,
        is_breach: verdict == Verdict::Breach,
    }
}

/// Returns whether the new values differ from those of the alert, given the current rule.
fn changes_alert(rule: &Rule, alert: &Alert, refresh: &Refresh) -> bool {
    refresh.entered.is_some()
        || refresh.escalated
        || rule.updated_at > alert.updated_at
        || (alert.value, alert.count) != (refresh.value, refresh.count)
        || alert.title != refresh.title
}
