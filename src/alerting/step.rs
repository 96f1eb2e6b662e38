//! One series after one more measurement.

use jiff::Timestamp;
use uuid::Uuid;

use super::machine::Transition;
use super::measurement;
use super::measurement::Reading;
use super::title;
use crate::models::alert::{Alert, AlertPhase};
use crate::models::alert_rule::Rule;
use crate::models::evaluation::{Kept, Opening, Phase, Refresh, Series, SeriesId};

/// A series that was measured.
pub(super) struct Case<'a> {
    pub rule: &'a Rule,
    pub id: SeriesId,
    /// What is remembered of it.
    pub kept: Option<&'a Kept>,
    /// Its open alert.
    pub alert: Option<&'a Alert>,
    pub reading: Reading,
    pub now: Timestamp,
}

/// What becomes of it.
pub(super) struct Outcome {
    /// What is kept of it.
    pub write: Write,
    /// What its alert says now, where that is other than before.
    pub refresh: Option<Refresh>,
    /// Its alert, where that is over.
    pub ending: Option<Uuid>,
    /// Since when it stood where it did.
    pub since: Timestamp,
    /// When its alert last changed.
    pub updated_at: Timestamp,
}

/// How a series is written down.
pub(super) enum Write {
    /// As it was.
    Nothing,
    /// With an alert that opens.
    Opening(Box<Opening>),
    /// As it is now.
    Kept(SeriesId, Kept),
    /// Not any more.
    Forgotten(SeriesId),
}

/// Goes one step.
pub(super) fn step(case: Case<'_>) -> Outcome {
    let Case { rule, id, kept, alert, reading, now } = case;
    let patience = measurement::patience(&rule.what);
    let known = kept.map(|kept| kept.series.clone());
    // One whose alert was ended by somebody else, such as a rule that was switched off for a while, starts anew.
    let before = known.filter(|series| !series.phase.is_open() || alert.is_some());
    let before = before.unwrap_or_else(|| Series::at_rest(now));
    let (since, updated_at) = (before.since, alert.map_or(now, |alert| alert.updated_at));
    let (series, transition) = before.step(measurement::judge(&rule.what, reading), patience, now);
    let mut outcome = Outcome { write: Write::Nothing, refresh: None, ending: None, since, updated_at };
    if let Some(Transition::Opened { pending_since }) = transition {
        let value = reading.value.unwrap_or_default();
        outcome.write = Write::Opening(Box::new(Opening {
            severity: measurement::severity(&rule.what, value),
            title: title::found(&rule.what, &id.scope, reading),
            id,
            rule: rule.clone(),
            value,
            count: reading.count,
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
        let refresh = refresh(rule, alert, (&series, transition), reading);
        outcome.refresh = Some(refresh).filter(|refresh| says_more(rule, alert, refresh));
    }
    if series.is_forgettable(patience, now) {
        if kept.is_some() {
            outcome.write = Write::Forgotten(id);
        }
        return outcome;
    }
    let next = Kept { alert: alert.map(|alert| alert.id).filter(|_| series.phase.is_open()), series };
    if kept != Some(&next) {
        outcome.write = Write::Kept(id, next);
    }
    outcome
}

/// What an open alert says now.
fn refresh(
    rule: &Rule,
    alert: &Alert,
    (series, transition): (&Series, Option<Transition>),
    reading: Reading,
) -> Refresh {
    let value = reading.value.unwrap_or(alert.value);
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
        // What it was about, when what it is about no longer holds.
        title: if holds { title::found(&rule.what, &alert.scope, reading) } else { alert.title.clone() },
        value,
        count: reading.count,
        entered,
        escalated: is_worse,
    }
}

/// Whether an alert does not say this already, as its rule is now.
fn says_more(rule: &Rule, alert: &Alert, refresh: &Refresh) -> bool {
    refresh.entered.is_some()
        || refresh.escalated
        || rule.updated_at > alert.updated_at
        || (alert.value, alert.count) != (refresh.value, refresh.count)
        || alert.title != refresh.title
}
