//! Inhibition of open alerts: an alert covered by a silence or by a more important alert is shown but sends no
//! notifications.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::models::alert::{Alert, AlertRule, Scope, Severity};
use crate::models::alert_rule::CHURN;
use crate::models::evaluation::Suppression;
use crate::models::id::{AlertId, RuleId};
use crate::models::rollup::Dimension;
use crate::models::silence::{NewSilence, Silence};

/// Returns whether each open alert is suppressed, in the same order. Takes linear time, since thousands of alerts are
/// checked every few seconds.
///
/// Even an inhibited alert inhibits others: silencing the overall alert must not release the alerts about its parts.
pub fn suppressions(open: &[&Alert], silences: &[Silence], now: Timestamp) -> Vec<Suppression> {
    let (silent, loud) = (SilenceIndex::of(silences, now), InhibitorIndex::of(open));
    let suppression = |alert: &&Alert| Suppression {
        alert: alert.id,
        silenced: silent.covers(alert, now),
        inhibited_by: loud.inhibitor_of(alert),
    };
    open.iter().map(suppression).collect()
}

/// Active silences, indexed by the field that most of them set.
#[derive(Default)]
struct SilenceIndex<'a> {
    of_keys: HashMap<&'a str, Vec<&'a NewSilence>>,
    of_rules: HashMap<RuleId, Vec<&'a NewSilence>>,
    /// Silences that set neither a rule nor a key; they have only a few distinct combinations of fields.
    others: HashMap<(Option<Dimension>, Option<Severity>), &'a NewSilence>,
}

impl<'a> SilenceIndex<'a> {
    fn of(silences: &'a [Silence], now: Timestamp) -> Self {
        let mut silent = Self::default();
        for what in silences.iter().map(|silence| &silence.what) {
            if what.starts_at > now || now >= what.ends_at {
                continue;
            }
            match (&what.key, what.rule_id) {
                (Some(key), _) => silent.of_keys.entry(key).or_default().push(what),
                (None, Some(rule)) => silent.of_rules.entry(rule).or_default().push(what),
                (None, None) => {
                    silent.others.insert((what.dimension, what.severity), what);
                }
            }
        }
        silent
    }

    fn covers(&self, alert: &Alert, now: Timestamp) -> bool {
        let of_key = self.of_keys.get(alert.scope.key.as_str()).into_iter().flatten();
        let of_rule = alert.rule_id.and_then(|rule| self.of_rules.get(&rule)).into_iter().flatten();
        of_key.chain(of_rule).chain(self.others.values()).any(|what| what.covers(alert, now))
    }
}

/// Opening time and id of an alert. If several alerts inhibit another, the one that opened first counts.
type Opened = (Timestamp, AlertId);

/// Alerts that can inhibit others.
#[derive(Default)]
struct InhibitorIndex<'a> {
    /// First overall alert that is at least as severe, by metric and severity.
    wholes: HashMap<(AlertRule, Option<&'a str>, Severity), Opened>,
    /// First critical alert for each scope.
    criticals: HashMap<&'a Scope, Opened>,
}

impl<'a> InhibitorIndex<'a> {
    fn of(open: &[&'a Alert]) -> Self {
        let mut loud = Self::default();
        for alert in open.iter().filter(|alert| alert.rule_id != Some(CHURN)) {
            let opened = (alert.opened_at, alert.id);
            let first = |known: &mut Opened| *known = opened.min(*known);
            if alert.scope.dimension == Dimension::Overall {
                for severity in Severity::ALL.into_iter().filter(|severity| *severity <= alert.severity) {
                    let of = (alert.rule, alert.metric.as_deref(), severity);
                    loud.wholes.entry(of).and_modify(first).or_insert(opened);
                }
            }
            if alert.severity == Severity::Critical {
                loud.criticals.entry(&alert.scope).and_modify(first).or_insert(opened);
            }
        }
        loud
    }

    /// Returns the first alert that inhibits this one: an overall alert on the same metric or a critical alert on the
    /// same scope. No two alerts inhibit each other.
    ///
    /// Alerts about individual posts neither inhibit nor are inhibited: each concerns different people, and the overall
    /// one covers posts without a product rather than all posts.
    fn inhibitor_of(&self, quiet: &Alert) -> Option<AlertId> {
        if quiet.rule_id == Some(CHURN) {
            return None;
        }
        let is_part = quiet.scope.dimension != Dimension::Overall;
        let of = (quiet.rule, quiet.metric.as_deref(), quiet.severity);
        let whole = is_part.then(|| self.wholes.get(&of)).flatten();
        let is_lesser = quiet.severity < Severity::Critical;
        let critical = is_lesser.then(|| self.criticals.get(&quiet.scope)).flatten();
        whole.into_iter().chain(critical).min().map(|(_, id)| *id)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::alert::{AlertMeasurements, AlertPhase, AlertState};
    use crate::models::id::SilenceId;

    pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    pub(crate) fn alert(id: u128, scope: (Dimension, &str), severity: Severity) -> Alert {
        Alert {
            id: AlertId::from_u128(id),
            rule: AlertRule::Negativity,
            rule_id: Some(RuleId::from_u128(77)),
            rule_name: None,
            metric: Some("negative_share".to_owned()),
            scope: Scope { dimension: scope.0, key: scope.1.to_owned() },
            state: AlertState::Open,
            phase: AlertPhase::Firing,
            silenced: false,
            inhibited_by: None,
            flapping: false,
            severity,
            title: format!("alert {id}"),
            value: 0.6,
            threshold: 0.5,
            count: 30,
            opened_at: NOW,
            updated_at: NOW,
            resolved_at: None,
            acknowledged_at: None,
            revision: 0,
            comments: 0,
            assignee: None,
            measured: AlertMeasurements::default(),
            evidence: None,
            posts: Vec::new(),
        }
    }

    fn inhibitors(open: &[Alert]) -> Vec<Option<u128>> {
        suppressions(&open.iter().collect::<Vec<_>>(), &[], NOW)
            .iter()
            .map(|suppression| suppression.inhibited_by.map(|id| uuid::Uuid::from(id).as_u128()))
            .collect()
    }

    const ALL: (Dimension, &str) = (Dimension::Overall, "");
    const ALPHA: (Dimension, &str) = (Dimension::Product, "alpha");

    #[test]
    fn an_overall_alert_inhibits_its_parts_on_the_same_metric() {
        let mut other = alert(3, (Dimension::City, "Ulm"), Severity::Warning);
        other.metric = Some("sentiment_average".to_owned());
        let open = [alert(1, ALPHA, Severity::Warning), alert(2, ALL, Severity::Warning), other];
        assert_eq!(inhibitors(&open), [Some(2), None, None]);
    }

    #[test]
    fn an_overall_alert_does_not_inhibit_a_more_severe_part() {
        let open = [alert(1, ALPHA, Severity::Critical), alert(2, ALL, Severity::Warning)];
        assert_eq!(inhibitors(&open), [None, None]);
    }

    #[test]
    fn a_critical_alert_inhibits_lesser_ones_on_the_same_scope() {
        let mut info = alert(3, ALPHA, Severity::Info);
        info.rule = AlertRule::Threshold;
        let elsewhere = alert(4, (Dimension::Product, "beta"), Severity::Warning);
        let open = [alert(1, ALPHA, Severity::Warning), alert(2, ALPHA, Severity::Critical), info, elsewhere];
        assert_eq!(inhibitors(&open), [Some(2), None, Some(2), None]);
    }

    #[test]
    fn churn_alerts_are_never_inhibited() {
        let mut churn = alert(1, ALPHA, Severity::Warning);
        (churn.rule, churn.rule_id) = (AlertRule::Churn, Some(CHURN));
        let mut nowhere = alert(2, ALL, Severity::Critical);
        (nowhere.rule, nowhere.rule_id) = (AlertRule::Churn, Some(CHURN));
        assert_eq!(inhibitors(&[churn, nowhere, alert(3, ALPHA, Severity::Critical)]), [None, None, None]);
    }

    #[test]
    fn no_two_alerts_inhibit_each_other() {
        let scopes = [ALL, ALPHA, (Dimension::Product, "beta"), (Dimension::City, "Ulm")];
        let mut open = Vec::new();
        for (i, scope) in scopes.into_iter().enumerate() {
            for (k, severity) in Severity::ALL.into_iter().enumerate() {
                open.push(alert((i * 10 + k) as u128, scope, severity));
            }
        }
        let inhibits =
            |loud: &Alert, quiet: &Alert| suppressions(&[loud, quiet], &[], NOW)[1].inhibited_by.is_some();
        for one in &open {
            for other in open.iter().filter(|other| other.id != one.id) {
                assert!(!(inhibits(one, other) && inhibits(other, one)), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_silence_covers_its_matches_while_it_lasts() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let silence = |change: fn(&mut NewSilence)| {
            let mut what = NewSilence {
                rule_id: None,
                dimension: None,
                key: None,
                severity: None,
                everything: false,
                starts_at: at(10),
                ends_at: at(20),
                comment: String::new(),
            };
            change(&mut what);
            Silence {
                id: SilenceId::from_u128(1),
                what,
                created_at: NOW,
                created_by: None,
                updated_at: None,
                updated_by: None,
            }
        };
        let is_silenced = |change: fn(&mut NewSilence), second: i64| {
            suppressions(&[&alert(1, ALPHA, Severity::Warning)], &[silence(change)], at(second))[0].silenced
        };
        assert_eq!([9, 10, 19, 20].map(|second| is_silenced(|_| {}, second)), [false, true, true, false]);
        assert!(is_silenced(|what| what.rule_id = Some(RuleId::from_u128(77)), 15));
        assert!(!is_silenced(|what| what.rule_id = Some(RuleId::from_u128(78)), 15));
        assert!(is_silenced(|what| what.dimension = Some(Dimension::Product), 15));
        assert!(!is_silenced(|what| what.key = Some("beta".to_owned()), 15));
        assert!(!is_silenced(|what| what.severity = Some(Severity::Critical), 15));
    }
}
