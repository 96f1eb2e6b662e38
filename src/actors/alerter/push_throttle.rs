//! Throttle for pushes of churn alerts, which grow with every post.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::models::alert::Alert;
use crate::models::id::AlertId;

/// Minimum interval between two pushes of a growing alert. Lists always show its current count.
const PUSH_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// When each open churn alert was last pushed, and its count at that time.
#[derive(Default)]
pub(super) struct PushThrottle {
    alerts: BTreeMap<AlertId, Pushed>,
}

struct Pushed {
    count: i64,
    /// When the alert was last pushed because it had grown; `None` if it was pushed only for other reasons.
    grew_at: Option<Timestamp>,
}

impl PushThrottle {
    /// Records that an alert was pushed because it opened.
    pub fn opened(&mut self, alert: &Alert) {
        self.alerts.insert(alert.id, Pushed { count: alert.count, grew_at: None });
    }

    /// Returns whether to push an alert that has just grown; if so, records the push. [`Self::outdated`] returns the
    /// alerts that were held back.
    pub fn is_due(&mut self, alert: &Alert, now: Timestamp) -> bool {
        let last = self.alerts.get(&alert.id).and_then(|pushed| pushed.grew_at);
        let is_due = last.is_none_or(|at| now.duration_since(at) >= PUSH_EVERY);
        if is_due {
            self.alerts.insert(alert.id, Pushed { count: alert.count, grew_at: Some(now) });
        }
        is_due
    }

    /// Returns the open alerts whose count differs from the one last pushed; it may be lower, because corrections
    /// remove posts. Alerts without a record were pushed by the process that opened them.
    pub fn outdated(&mut self, open: &[Alert]) -> Vec<AlertId> {
        let known: HashSet<AlertId> = open.iter().map(|alert| alert.id).collect();
        self.alerts.retain(|id, _| known.contains(id));
        let mut is_outdated = |alert: &Alert| {
            let (count, grew_at) = (alert.count, None);
            self.alerts.entry(alert.id).or_insert(Pushed { count, grew_at }).count != count
        };
        open.iter().filter(|alert| is_outdated(alert)).map(|alert| alert.id).collect()
    }

    /// Records that an alert was pushed because its count was outdated.
    pub fn corrected(&mut self, alert: &Alert) {
        if let Some(pushed) = self.alerts.get_mut(&alert.id) {
            pushed.count = alert.count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::alert::{AlertMeasurements, AlertPhase, AlertRule, AlertState, Scope, Severity};

    fn alert(id: u128, count: i64) -> Alert {
        let at = Timestamp::UNIX_EPOCH;
        Alert {
            id: AlertId::from_u128(id),
            rule: AlertRule::Churn,
            rule_id: None,
            rule_name: None,
            metric: None,
            scope: Scope::overall(),
            state: AlertState::Open,
            phase: AlertPhase::Firing,
            silenced: false,
            inhibited_by: None,
            flapping: false,
            severity: Severity::Warning,
            title: "people are about to leave".to_owned(),
            value: 0.9,
            threshold: 0.8,
            count,
            opened_at: at,
            updated_at: at,
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

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Returns the ids of the outdated alerts, after recording them as pushed.
    fn outdated(throttle: &mut PushThrottle, open: &[Alert]) -> Vec<u128> {
        let outdated = throttle.outdated(open);
        assert_eq!(throttle.outdated(open), outdated, "outdated until pushed");
        open.iter().for_each(|alert| throttle.corrected(alert));
        outdated.into_iter().map(|id| uuid::Uuid::from(id).as_u128()).collect()
    }

    #[test]
    fn an_alert_is_pushed_once_when_corrections_remove_posts() {
        let mut throttle = PushThrottle::default();
        throttle.opened(&alert(1, 50));
        assert_eq!(outdated(&mut throttle, &[alert(1, 50)]), [0; 0]);
        assert_eq!(outdated(&mut throttle, &[alert(1, 10)]), [1]);
        assert_eq!(outdated(&mut throttle, &[alert(1, 10)]), [0; 0]);
    }

    #[test]
    fn a_growing_alert_is_pushed_at_intervals_and_after_its_last_growth() {
        let mut throttle = PushThrottle::default();
        throttle.opened(&alert(1, 1));
        assert!(throttle.is_due(&alert(1, 2), at(10)), "the first growth is pushed at once");
        assert!(!throttle.is_due(&alert(1, 3), at(14)));
        assert_eq!(outdated(&mut throttle, &[alert(1, 3)]), [1]);
        assert!(!throttle.is_due(&alert(1, 4), at(14)));
        assert!(throttle.is_due(&alert(1, 5), at(15)));
        assert_eq!(outdated(&mut throttle, &[alert(1, 5)]), [0; 0]);
    }

    #[test]
    fn an_alert_that_another_process_opened_is_pushed_again_only_when_it_changes() {
        let mut throttle = PushThrottle::default();
        assert_eq!(outdated(&mut throttle, &[alert(1, 7), alert(2, 7)]), [0; 0]);
        assert_eq!(outdated(&mut throttle, &[alert(1, 6), alert(2, 7)]), [1]);
        assert_eq!(outdated(&mut throttle, &[]), [0; 0]);
        assert!(throttle.alerts.is_empty(), "resolved alerts are forgotten");
    }
}
