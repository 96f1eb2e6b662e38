//! Work that is deferred because turns are bounded. It is logged, exported as metrics, and shown by every process under
//! `/api/v1/system`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use crate::alerting::change_plan::Planned;
use crate::models::alert_rule::Rule;
use crate::models::evaluation_report::{LeftOut, RuleLeftOut, TurnReport};
use crate::models::id::RuleId;
use crate::telemetry::ALERT_LEFT_OUT;

/// Interval between log messages while work is deferred.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Interval between stored reports that differ only in their timestamp.
const WRITE_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Maximum number of rules named in a report.
const RULES_NAMED: usize = 10;

/// Work that one turn deferred, apart from what its plan deferred.
pub(super) struct Deferred {
    pub n_late: usize,
    pub n_unseen: u64,
    pub n_notices: usize,
    pub n_pushes: usize,
    pub n_open: i64,
    pub took: Duration,
}

/// Latest known deferred work, and when it was last reported.
#[derive(Default)]
pub(super) struct DeferredWork {
    /// Number of series that exceed their threshold but have no alert, by rule.
    without_alert: BTreeMap<RuleId, usize>,
    written: Option<TurnReport>,
    logged_at: Option<Instant>,
}

impl DeferredWork {
    /// Returns the report of a turn. Rules that the turn did not evaluate keep their previous figures.
    pub fn report(
        &mut self,
        rules: &[Rule],
        (planned, deferred): (&Planned, &Deferred),
        now: Timestamp,
    ) -> TurnReport {
        self.without_alert.extend(&planned.untold);
        self.without_alert
            .retain(|id, n| *n > 0 && rules.iter().any(|rule| rule.id == *id && rule.what.enabled));
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let mut named: Vec<RuleLeftOut> = rules
            .iter()
            .filter_map(|rule| {
                let series = number(*self.without_alert.get(&rule.id)?);
                Some(RuleLeftOut { id: rule.id, name: rule.what.name.clone(), series })
            })
            .collect();
        named.sort_by_key(|rule| std::cmp::Reverse(rule.series));
        named.truncate(RULES_NAMED);
        // Rules that this turn did not evaluate keep their figures; waiting series are evaluated in every turn.
        let n_without_alert: usize = self.without_alert.values().sum();
        let (waiting, no_room) = (planned.n_waiting, n_without_alert.saturating_sub(planned.n_waiting));
        TurnReport {
            at: now,
            turn_ms: u64::try_from(deferred.took.as_millis()).unwrap_or(u64::MAX),
            series: number(planned.n_judged),
            open_alerts: u64::try_from(deferred.n_open).unwrap_or_default()
                + number(planned.changes.openings.len()),
            left_out: LeftOut {
                rules: number(deferred.n_late),
                series: deferred.n_unseen,
                waiting: number(waiting),
                no_room: number(no_room),
                updates: number(planned.n_updates_left),
                notices: number(deferred.n_notices),
                pushes: number(deferred.n_pushes),
            },
            rules: named,
        }
    }

    /// Returns whether a report should be stored: it differs from the last one stored, or that one is old.
    pub fn is_due(&self, report: &TurnReport) -> bool {
        self.written.as_ref().is_none_or(|written| {
            report.at.duration_since(written.at) >= WRITE_EVERY
                || (written.left_out, &written.rules) != (report.left_out, &report.rules)
        })
    }

    /// Exports a report as metrics. Logs it when deferral begins, at intervals while it lasts, and when it ends.
    pub fn log(&mut self, report: &TurnReport) {
        if self.is_due(report) {
            self.written = Some(report.clone());
        }
        for (what, n) in report.left_out.named() {
            metrics::gauge!(ALERT_LEFT_OUT, "what" => what).set(n as f64);
        }
        let LeftOut { rules, series, waiting, no_room, notices, .. } = report.left_out;
        if !report.left_out.delays_alerts() {
            if self.logged_at.take().is_some() {
                info!("alert rules are evaluated in full again");
            }
        } else if self.logged_at.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            self.logged_at = Some(Instant::now());
            let most = report.rules.first().map(|rule| rule.name.as_str());
            warn!(
                rules,
                series,
                waiting,
                no_room,
                notices,
                most,
                open = report.open_alerts,
                "alert evaluation reached its limits: the rest is deferred to the next turns"
            );
        }
    }
}
