//! What people were told of open churn alerts, so that they hear of what changed, and not with every post.

use std::collections::{BTreeMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::models::alert::Alert;

/// How often an alert that keeps growing is pushed again, at most. Its count in the list is always the newest.
const PUSH_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// What was last pushed of each open churn alert.
#[derive(Default)]
pub(super) struct PushThrottle {
    alerts: BTreeMap<Uuid, Told>,
}

struct Told {
    count: i64,
    /// When it was last pushed because it had grown.
    grew_at: Option<Timestamp>,
}

impl PushThrottle {
    /// Notes that an alert was pushed as it opened.
    pub fn opened(&mut self, alert: &Alert) {
        self.alerts.insert(alert.id, Told { count: alert.count, grew_at: None });
    }

    /// Whether to push an alert that has just grown; if so, notes that it is. What is held back is [`Self::outdated`].
    pub fn is_due(&mut self, alert: &Alert, now: Timestamp) -> bool {
        let last = self.alerts.get(&alert.id).and_then(|told| told.grew_at);
        let is_due = last.is_none_or(|at| now.duration_since(at) >= PUSH_EVERY);
        if is_due {
            self.alerts.insert(alert.id, Told { count: alert.count, grew_at: Some(now) });
        }
        is_due
    }

    /// Which of all open alerts count other posts than people were told, for corrections take posts out. One that is new
    /// here was told of by the process that opened it.
    pub fn outdated(&mut self, open: &[Alert]) -> Vec<Uuid> {
        let known: HashSet<Uuid> = open.iter().map(|alert| alert.id).collect();
        self.alerts.retain(|id, _| known.contains(id));
        let mut is_outdated = |alert: &Alert| {
            let (count, grew_at) = (alert.count, None);
            self.alerts.entry(alert.id).or_insert(Told { count, grew_at }).count != count
        };
        open.iter().filter(|alert| is_outdated(alert)).map(|alert| alert.id).collect()
    }

    /// Notes that an outdated alert was pushed as it is now.
    pub fn corrected(&mut self, alert: &Alert) {
        if let Some(told) = self.alerts.get_mut(&alert.id) {
            told.count = alert.count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::alert::{AlertPhase, AlertRule, AlertState, Scope, Severity};

    fn alert(id: u128, count: i64) -> Alert {
        let at = Timestamp::UNIX_EPOCH;
        Alert {
            id: Uuid::from_u128(id),
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
            evidence: None,
            posts: Vec::new(),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Which are outdated; they are pushed.
    fn outdated(told: &mut PushThrottle, open: &[Alert]) -> Vec<u128> {
        let outdated = told.outdated(open);
        assert_eq!(told.outdated(open), outdated, "until they were pushed");
        open.iter().for_each(|alert| told.corrected(alert));
        outdated.iter().map(Uuid::as_u128).collect()
    }

    #[test]
    fn people_are_told_once_when_corrections_take_posts_out_of_an_alert() {
        let mut told = PushThrottle::default();
        told.opened(&alert(1, 50));
        assert_eq!(outdated(&mut told, &[alert(1, 50)]), [0; 0]);
        assert_eq!(outdated(&mut told, &[alert(1, 10)]), [1]);
        assert_eq!(outdated(&mut told, &[alert(1, 10)]), [0; 0]);
    }

    #[test]
    fn an_alert_that_keeps_growing_is_pushed_now_and_then_and_its_last_growth_too() {
        let mut told = PushThrottle::default();
        told.opened(&alert(1, 1));
        assert!(told.is_due(&alert(1, 2), at(10)), "the first growth is news at once");
        assert!(!told.is_due(&alert(1, 3), at(14)));
        assert_eq!(outdated(&mut told, &[alert(1, 3)]), [1]);
        assert!(!told.is_due(&alert(1, 4), at(14)));
        assert!(told.is_due(&alert(1, 5), at(15)));
        assert_eq!(outdated(&mut told, &[alert(1, 5)]), [0; 0]);
    }

    #[test]
    fn an_alert_that_another_process_opened_is_not_told_of_again_until_it_changes() {
        let mut told = PushThrottle::default();
        assert_eq!(outdated(&mut told, &[alert(1, 7), alert(2, 7)]), [0; 0]);
        assert_eq!(outdated(&mut told, &[alert(1, 6), alert(2, 7)]), [1]);
        assert_eq!(outdated(&mut told, &[]), [0; 0]);
        assert!(told.alerts.is_empty(), "those that are over are forgotten");
    }
}
