//! Grouping of notifications: which alerts are published, and under which alert's name.
//!
//! Decisions follow from the current state instead of from events: an open alert that was never published and that
//! nothing inhibits is published now. So it makes no difference how it came up, and an alert whose inhibition ends is
//! published then, if it still holds.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::title;
use crate::models::alert::{Alert, AlertState};
use crate::models::evaluation::{Mute, News, Telling, Told};

/// Returns the publications that are due for the open alerts, given their inhibitions in the same order, and for
/// resolved alerts whose end was never published; the most severe first.
///
/// Alerts of one rule that fire together are one notification, in the name of the first; those that become more
/// severe together are one again; the end is published when the last of them is over.
pub fn due(alerts: &[Told], mutes: &[Mute]) -> Vec<Telling> {
    let audible: BTreeSet<Uuid> = mutes.iter().filter(|mute| mute.is_none()).map(|mute| mute.alert).collect();
    let is_uninhibited = |alert: &Alert| audible.contains(&alert.id);
    let mut fired: BTreeMap<(Option<Uuid>, String), Vec<&Told>> = BTreeMap::new();
    let mut escalated: BTreeMap<Uuid, Vec<&Told>> = BTreeMap::new();
    for told in
        alerts.iter().filter(|told| told.alert.state == AlertState::Open && is_uninhibited(&told.alert))
    {
        match told.told {
            None => fired.entry(group_of(&told.alert)).or_default().push(told),
            Some((name, severity)) if told.alert.severity > severity => {
                escalated.entry(name).or_default().push(told);
            }
            Some(_) => {}
        }
    }
    let fired = fired.into_values().filter_map(|group| together(&group, News::Fired));
    let escalated = escalated.into_values().filter_map(|group| together(&group, News::Escalated));
    let mut due: Vec<Telling> = fired.chain(escalated).collect();
    due.sort_by_key(|telling| std::cmp::Reverse(telling.alert.severity));
    due.extend(over(alerts));
    due
}

/// Groups alerts by rule; an alert without a rule is a group of its own.
fn group_of(alert: &Alert) -> (Option<Uuid>, String) {
    let own = if alert.rule_id.is_some() { String::new() } else { alert.id.to_string() };
    (alert.rule_id, own)
}

fn together(group: &[&Told], news: News) -> Option<Telling> {
    // The most severe first, so that a channel for critical alerts receives it.
    let first = group.iter().max_by_key(|told| (told.alert.severity, std::cmp::Reverse(told.alert.id)))?;
    let others = group.iter().filter(|told| told.alert.id != first.alert.id);
    let keys: Vec<&str> = others.map(|told| told.alert.scope.key.as_str()).collect();
    let title = title::together(&first.alert.title, &keys);
    Some(Telling {
        alert: Alert { title, ..first.alert.clone() },
        channels: first.channels.clone(),
        news,
        about: group.iter().map(|told| told.alert.id).collect(),
    })
}

fn over(alerts: &[Told]) -> Vec<Telling> {
    let mut groups: BTreeMap<Uuid, Vec<&Told>> = BTreeMap::new();
    for told in alerts {
        if let Some((name, _)) = told.told {
            groups.entry(name).or_default().push(told);
        }
    }
    let ended = groups
        .into_iter()
        .filter(|(_, group)| group.iter().all(|told| told.alert.state == AlertState::Resolved));
    ended
        .filter_map(|(name, group)| {
            let named = group.iter().find(|told| told.alert.id == name).or(group.first())?;
            Some(Telling {
                alert: named.alert.clone(),
                channels: named.channels.clone(),
                news: News::Over,
                about: group.iter().map(|told| told.alert.id).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerting::inhibition::mutes;
    use crate::alerting::inhibition::tests::{NOW, alert};
    use crate::models::alert::Severity;
    use crate::models::rollup::Dimension;

    fn product(id: u128, key: &str) -> Told {
        Told {
            alert: alert(id, (Dimension::Product, key), Severity::Warning),
            told: None,
            channels: Vec::new(),
        }
    }

    fn over(told: Told) -> Told {
        Told { alert: Alert { state: AlertState::Resolved, ..told.alert }, ..told }
    }

    fn known(told: Told, name: u128) -> Told {
        let severity = told.alert.severity;
        Told { told: Some((Uuid::from_u128(name), severity)), ..told }
    }

    /// Returns the publications: the alert that names each, its event, and the number of alerts it covers.
    fn told(alerts: &[Told]) -> Vec<(u128, News, usize)> {
        let open = alerts.iter().map(|told| &told.alert).filter(|alert| alert.state == AlertState::Open);
        let open: Vec<&Alert> = open.collect();
        let due = due(alerts, &mutes(&open, &[], NOW));
        due.into_iter()
            .map(|telling| (telling.alert.id.as_u128(), telling.news, telling.about.len()))
            .collect()
    }

    #[test]
    fn many_that_fire_together_are_one_notice() {
        let many: Vec<_> = (1..=40).map(|id| product(id, &format!("product {id}"))).collect();
        assert_eq!(told(&many), [(1, News::Fired, 40)]);
        let mut other = product(50, "alpha");
        other.alert.rule_id = Some(Uuid::from_u128(78));
        assert_eq!(told(&[product(1, "a"), product(2, "b"), other]).len(), 2, "one publication per rule");
    }

    #[test]
    fn anomalies_without_a_rule_are_published_individually() {
        let mut signals = [product(1, "a"), product(2, "b")];
        signals.iter_mut().for_each(|told| told.alert.rule_id = None);
        assert_eq!(told(&signals).len(), 2);
    }

    #[test]
    fn a_published_alert_is_not_published_again_unless_it_becomes_more_severe() {
        let mut one = known(product(1, "a"), 1);
        assert_eq!(told(std::slice::from_ref(&one)), []);
        one.alert.severity = Severity::Critical;
        assert_eq!(told(&[one]), [(1, News::Escalated, 1)]);
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
        assert_eq!(told(&many), [(1, News::Escalated, 40)]);
    }

    #[test]
    fn the_end_of_a_group_is_published_when_its_last_alert_is_over() {
        let (one, two) = (known(product(1, "a"), 1), known(product(2, "b"), 1));
        assert_eq!(told(&[over(one.clone()), two.clone()]), []);
        assert_eq!(told(&[over(one), over(two)]), [(1, News::Over, 2)]);
    }

    #[test]
    fn the_end_of_an_unpublished_alert_is_not_published() {
        assert_eq!(told(&[over(product(1, "a"))]), []);
    }

    #[test]
    fn an_inhibited_alert_is_published_when_its_inhibition_ends() {
        let whole = Told {
            alert: alert(9, (Dimension::Overall, ""), Severity::Warning),
            told: Some((Uuid::from_u128(9), Severity::Warning)),
            channels: Vec::new(),
        };
        assert_eq!(told(&[whole.clone(), product(1, "a")]), []);
        assert_eq!(told(&[over(whole), product(1, "a")]), [(1, News::Fired, 1), (9, News::Over, 1)]);
    }
}
