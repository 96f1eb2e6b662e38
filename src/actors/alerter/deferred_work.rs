//! What turns leave for later, said where somebody would look for it: in the log, in metrics, and in what every process
//! answers under `/api/v1/system`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};
use uuid::Uuid;

use crate::alerting::plan::Planned;
use crate::models::alert_rule::Rule;
use crate::models::turn_report::{LeftOut, RuleLeftOut, TurnReport};
use crate::telemetry::ALERT_LEFT_OUT;

/// How often it is logged that something is left out, for as long as that lasts.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// How often a report is written that says nothing new but its time.
const WRITE_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// Rules that a report names.
const RULES_NAMED: usize = 10;

/// What one turn left, besides what was planned.
pub(super) struct Left {
    pub n_late: usize,
    pub n_unseen: u64,
    pub n_notices: usize,
    pub n_pushes: usize,
    pub n_open: i64,
    pub took: Duration,
}

/// The work deferred for each rule since its last evaluation.
#[derive(Default)]
pub(super) struct LeftBehind {
    /// Series that are beyond the threshold and have no alert.
    untold: BTreeMap<Uuid, usize>,
    written: Option<TurnReport>,
    logged_at: Option<Instant>,
}

impl LeftBehind {
    /// What to say of this turn. Of rules that it did not judge it says again what was last found.
    pub fn report(
        &mut self,
        rules: &[Rule],
        (planned, left): (&Planned, &Left),
        now: Timestamp,
    ) -> TurnReport {
        self.untold.extend(&planned.untold);
        self.untold.retain(|id, n| *n > 0 && rules.iter().any(|rule| rule.id == *id && rule.what.enabled));
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let mut named: Vec<RuleLeftOut> = rules
            .iter()
            .filter_map(|rule| {
                let series = number(*self.untold.get(&rule.id)?);
                Some(RuleLeftOut { id: rule.id, name: rule.what.name.clone(), series })
            })
            .collect();
        named.sort_by_key(|rule| std::cmp::Reverse(rule.series));
        named.truncate(RULES_NAMED);
        // Rules that were not judged in this turn have what they had: what waited is judged in every turn.
        let n_untold: usize = self.untold.values().sum();
        let (waiting, no_room) = (planned.n_waiting, n_untold.saturating_sub(planned.n_waiting));
        TurnReport {
            at: now,
            turn_ms: u64::try_from(left.took.as_millis()).unwrap_or(u64::MAX),
            series: number(planned.n_judged),
            open_alerts: u64::try_from(left.n_open).unwrap_or_default()
                + number(planned.changes.openings.len()),
            left_out: LeftOut {
                rules: number(left.n_late),
                series: left.n_unseen,
                waiting: number(waiting),
                no_room: number(no_room),
                updates: number(planned.n_updates_left),
                notices: number(left.n_notices),
                pushes: number(left.n_pushes),
            },
            rules: named,
        }
    }

    /// Whether it says anything new; every turn writes enough as it is.
    pub fn is_due(&self, report: &TurnReport) -> bool {
        self.written.as_ref().is_none_or(|written| {
            report.at.duration_since(written.at) >= WRITE_EVERY
                || (written.left_out, &written.rules) != (report.left_out, &report.rules)
        })
    }

    /// Says it in metrics, and in the log when it begins, now and then while it lasts, and when it is over.
    pub fn tell(&mut self, report: &TurnReport) {
        if self.is_due(report) {
            self.written = Some(report.clone());
        }
        for (what, n) in report.left_out.named() {
            metrics::gauge!(ALERT_LEFT_OUT, "what" => what).set(n as f64);
        }
        let LeftOut { rules, series, waiting, no_room, notices, .. } = report.left_out;
        if !report.left_out.delays_alerts() {
            if self.logged_at.take().is_some() {
                info!("alert rules are judged in full again");
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
