//! Grouping of notifications: decides which alerts to report, and which alert represents each group.
//!
//! Decisions depend on the current state rather than on events: an open alert is reported if no notice has reported it
//! and nothing inhibits it. So it does not matter how an alert came about, and if an alert is still open when its
//! inhibition ends, it is reported then.

use std::collections::{BTreeMap, BTreeSet};

use super::title;
use crate::models::alert::{Alert, AlertState};
use crate::models::evaluation::{DueNotice, NoticeKind, NotifiedAlert, Suppression};
use crate::models::id::{AlertId, RuleId};

/// Returns the notices that are due: for open alerts that are not suppressed, most severe first, and then for resolved
/// alerts whose end has not been reported.
///
/// Alerts of one rule that fire together share one notice, which the most severe of them represents. Alerts that become
/// more severe together share another. When the last alert of a group resolves, a final notice is sent.
pub fn due(alerts: &[NotifiedAlert], suppressions: &[Suppression]) -> Vec<DueNotice> {
    let audible: BTreeSet<AlertId> = suppressions
        .iter()
        .filter(|suppression| suppression.is_none())
        .map(|suppression| suppression.alert)
        .collect();
    let is_uninhibited = |alert: &Alert| audible.contains(&alert.id);
    let mut fired: BTreeMap<(Option<RuleId>, String), Vec<&NotifiedAlert>> = BTreeMap::new();
    let mut escalated: BTreeMap<AlertId, Vec<&NotifiedAlert>> = BTreeMap::new();
    for notified in alerts
        .iter()
        .filter(|notified| notified.alert.state == AlertState::Open && is_uninhibited(&notified.alert))
    {
        match notified.notified_as {
            None => fired.entry(group_of(&notified.alert)).or_default().push(notified),
            Some((name, severity)) if notified.alert.severity > severity => {
                escalated.entry(name).or_default().push(notified);
            }
            Some(_) => {}
        }
    }
    let fired = fired.into_values().filter_map(|group| together(&group, NoticeKind::Fired));
    let escalated = escalated.into_values().filter_map(|group| together(&group, NoticeKind::Escalated));
    let mut due: Vec<DueNotice> = fired.chain(escalated).collect();
    due.sort_by_key(|notice| std::cmp::Reverse(notice.alert.severity));
    due.extend(over(alerts));
    due
}

/// Returns the group of an alert: its rule, or the alert itself if it has no rule.
fn group_of(alert: &Alert) -> (Option<RuleId>, String) {
    let own = if alert.rule_id.is_some() { String::new() } else { alert.id.to_string() };
    (alert.rule_id, own)
}

fn together(group: &[&NotifiedAlert], kind: NoticeKind) -> Option<DueNotice> {
    // The most severe first, so that a channel for critical alerts receives it.
    let first = group
        .iter()
        .max_by_key(|notified| (notified.alert.severity, std::cmp::Reverse(notified.alert.id)))?;
    let others = group.iter().filter(|notified| notified.alert.id != first.alert.id);
    let keys: Vec<&str> = others.map(|notified| notified.alert.scope.key.as_str()).collect();
    let title = title::together(&first.alert.title, &keys);
    Some(DueNotice {
        alert: Alert { title, ..first.alert.clone() },
        channels: first.channels.clone(),
        kind,
        about: group.iter().map(|notified| notified.alert.id).collect(),
    })
}

fn over(alerts: &[NotifiedAlert]) -> Vec<DueNotice> {
    let mut groups: BTreeMap<AlertId, Vec<&NotifiedAlert>> = BTreeMap::new();
    for notified in alerts {
        if let Some((name, _)) = notified.notified_as {
            groups.entry(name).or_default().push(notified);
        }
    }
    let ended = groups
        .into_iter()
        .filter(|(_, group)| group.iter().all(|notified| notified.alert.state == AlertState::Resolved));
    ended
        .filter_map(|(name, group)| {
            let named = group.iter().find(|notified| notified.alert.id == name).or(group.first())?;
            Some(DueNotice {
                alert: named.alert.clone(),
                channels: named.channels.clone(),
                kind: NoticeKind::Over,
                about: group.iter().map(|notified| notified.alert.id).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::inhibition::suppressions;
    use crate::alerting::inhibition::tests::{NOW, alert};
    use crate::models::alert::Severity;
    use crate::models::rollup::Dimension;

    fn product(id: u128, key: &str) -> NotifiedAlert {
        NotifiedAlert {
            alert: alert(id, (Dimension::Product, key), Severity::Warning),
            notified_as: None,
            channels: Vec::new(),
        }
    }

    fn over(notified: NotifiedAlert) -> NotifiedAlert {
        NotifiedAlert { alert: Alert { state: AlertState::Resolved, ..notified.alert }, ..notified }
    }

    fn known(notified: NotifiedAlert, name: u128) -> NotifiedAlert {
        let severity = notified.alert.severity;
        NotifiedAlert { notified_as: Some((AlertId::from_u128(name), severity)), ..notified }
    }

    /// Returns, for each notice, the number that identifies it, its kind and how many alerts it covers.
    fn notified(alerts: &[NotifiedAlert]) -> Vec<(u128, NoticeKind, usize)> {
        let open =
            alerts.iter().map(|notified| &notified.alert).filter(|alert| alert.state == AlertState::Open);
        let open: Vec<&Alert> = open.collect();
        let due = due(alerts, &suppressions(&open, &[], NOW));
        due.into_iter()
            .map(|notice| (uuid::Uuid::from(notice.alert.id).as_u128(), notice.kind, notice.about.len()))
            .collect()
    }

    #[test]
    fn many_that_fire_together_are_one_notice() {
        let many: Vec<_> = (1..=40).map(|id| product(id, &format!("product {id}"))).collect();
        assert_eq!(notified(&many), [(1, NoticeKind::Fired, 40)]);
        let mut other = product(50, "alpha");
        other.alert.rule_id = Some(RuleId::from_u128(78));
        assert_eq!(notified(&[product(1, "a"), product(2, "b"), other]).len(), 2, "one publication per rule");
    }

    #[test]
    fn anomalies_without_a_rule_are_published_individually() {
        let mut signals = [product(1, "a"), product(2, "b")];
        signals.iter_mut().for_each(|notified| notified.alert.rule_id = None);
        assert_eq!(notified(&signals).len(), 2);
    }

    #[test]
    fn a_published_alert_is_not_published_again_unless_it_becomes_more_severe() {
        let mut one = known(product(1, "a"), 1);
        assert_eq!(notified(std::slice::from_ref(&one)), []);
        one.alert.severity = Severity::Critical;
        assert_eq!(notified(&[one]), [(1, NoticeKind::Escalated, 1)]);
    }

    #[test]
    fn alerts_that_become_more_severe_together_are_one_notification() {
        let many: Vec<_> = (1..=40)
            .map(|id| {
                let mut one = known(product(id, &format!("product {id}")), 1);
                one.alert.severity = Severity::Critical;
                one
            })
            .collect();
        assert_eq!(notified(&many), [(1, NoticeKind::Escalated, 40)]);
    }

    #[test]
    fn the_end_of_a_group_is_published_when_its_last_alert_is_over() {
        let (one, two) = (known(product(1, "a"), 1), known(product(2, "b"), 1));
        assert_eq!(notified(&[over(one.clone()), two.clone()]), []);
        assert_eq!(notified(&[over(one), over(two)]), [(1, NoticeKind::Over, 2)]);
    }

    #[test]
    fn the_end_of_an_unpublished_alert_is_not_published() {
        assert_eq!(notified(&[over(product(1, "a"))]), []);
    }

    #[test]
    fn an_inhibited_alert_is_published_when_its_inhibition_ends() {
        let whole = NotifiedAlert {
            alert: alert(9, (Dimension::Overall, ""), Severity::Warning),
            notified_as: Some((AlertId::from_u128(9), Severity::Warning)),
            channels: Vec::new(),
        };
        assert_eq!(notified(&[whole.clone(), product(1, "a")]), []);
        assert_eq!(
            notified(&[over(whole), product(1, "a")]),
            [(1, NoticeKind::Fired, 1), (9, NoticeKind::Over, 1)]
        );
    }
}
