use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::models::alert::{
    Alert, AlertPhase, AlertRule, AlertState, Evidence, EvidenceTerm, Scope, Severity,
};
use crate::models::alert_rule::{NEGATIVITY_OVERALL, Rule};
use crate::models::evaluation::{Changes, DueNotice, NoticeKind, Opening, Refresh, Suppression};
use crate::models::evaluation_report::{LeftOut, RuleLeftOut};
use crate::models::id::AlertId;
use crate::models::person_name::Stamp;
use crate::models::rollup::Dimension;
use crate::store::alerts::{self, rules};
use crate::store::alerts::{AlertSeries, NewAlert, Raise};
use crate::store::testing::{channel, execute, now_in_micros, number, test_store};

async fn lead(store: &Store) -> LeaderLease {
    let mut lead = LeaderLease::connect(store, LeaderRole::Rules).await.unwrap();
    assert!(lead.try_acquire().await.unwrap());
    lead
}

async fn rule(store: &Store) -> Rule {
    rules::get(store, NEGATIVITY_OVERALL).await.unwrap().unwrap()
}

fn opening(rule: &Rule, now: Timestamp) -> Opening {
    let series =
        Series { phase: Phase::Firing, since: now, resolved_at: None, openings: vec![now], flapping: false };
    Opening {
        id: SeriesId { rule_id: rule.id, scope: Scope::overall() },
        rule: rule.clone(),
        severity: Severity::Warning,
        title: "most are negative".to_owned(),
        value: 0.6,
        count: 30,
        pending_since: now - SignedDuration::from_secs(20),
        series,
        posts: Vec::new(),
        evidence: None,
    }
}

async fn apply(store: &Store, lead: &mut LeaderLease, changes: Changes, now: Timestamp) -> Vec<Alert> {
    let mut turn = lead.begin().await.unwrap();
    turn.apply(&changes, now).await.unwrap();
    alerts::whole(store, &turn.commit().await.unwrap().changed).await.unwrap()
}

async fn opened(store: &Store, lead: &mut LeaderLease, now: Timestamp) -> Alert {
    let opening = opening(&rule(store).await, now);
    apply(store, lead, Changes { openings: vec![opening], ..Changes::default() }, now).await.remove(0)
}

async fn history(store: &Store, alert: AlertId) -> Vec<String> {
    let history = alerts::get(store, alert).await.unwrap().unwrap().history;
    history.into_iter().map(|it| it.phase.or(it.action).unwrap()).collect()
}

#[tokio::test]
async fn one_connection_holds_the_lease_until_it_is_dropped() {
    let store = test_store().await;
    for role in [LeaderRole::Rules, LeaderRole::Anomalies] {
        let mut first = LeaderLease::connect(&store, role).await.unwrap();
        assert!(first.try_acquire().await.unwrap());
        let mut second = LeaderLease::connect(&store, role).await.unwrap();
        assert!(!second.try_acquire().await.unwrap());
        assert!(first.try_acquire().await.unwrap(), "asking again does not lose it");
        let gone_at = Instant::now();
        drop(first);
        while !second.try_acquire().await.unwrap() {
            assert!(gone_at.elapsed() < Duration::from_secs(60), "no process takes over");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn each_role_has_its_own_leader_and_their_transactions_are_serialized() {
    let store = test_store().await;
    let mut rules = lead(&store).await;
    let mut signals = LeaderLease::connect(&store, LeaderRole::Anomalies).await.unwrap();
    assert!(signals.try_acquire().await.unwrap());
    let turn = rules.begin().await.unwrap();
    {
        let mut waiting = std::pin::pin!(signals.begin());
        let waited = tokio::time::timeout(Duration::from_millis(200), &mut waiting).await;
        assert!(waited.is_err(), "two transactions at once");
        drop(turn);
        waiting.await.unwrap();
    }
}

#[tokio::test]
async fn a_series_opens_as_often_as_its_alerts_did_since_it_was_last_calm() {
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let at = |minutes: i64| now + SignedDuration::from_mins(minutes);
    let found = |key: &str, minutes: i64| NewAlert {
        series: AlertSeries {
            rule: AlertRule::Churn,
            rule_id: None,
            metric: None,
            scope: Scope { dimension: Dimension::Product, key: key.to_owned() },
        },
        rule_name: None,
        severity: Severity::Warning,
        title: String::new(),
        value: 0.9,
        threshold: 0.8,
        count: 1,
        at: at(minutes),
        cooldown: Duration::ZERO,
        channels: Vec::new(),
        posts: Vec::new(),
        members: Vec::new(),
        evidence: None,
    };
    let mut open_and_resolve = async |key: &str, minutes: i64, flaps: bool| {
        let mut turn = lead.begin().await.unwrap();
        let found = found(key, minutes);
        let Raise::Opened(alert) = turn.raise(&found).await.unwrap() else { panic!("it is open already") };
        let mut n_openings = 0;
        let often = |n| (n, at(minutes - 60));
        while alerts::flapping::opened_often(&turn.transaction, &[alert.id], often(n_openings + 1))
            .await
            .unwrap()
            == [alert.id]
        {
            n_openings += 1;
        }
        if flaps {
            turn.hold_open_what_flaps(&[alert.id], often(1), at(minutes)).await.unwrap();
        }
        turn.resolve(&[found.series], at(minutes + 1)).await.unwrap();
        assert_eq!(turn.commit().await.unwrap().changed, [alert.id]);
        n_openings
    };
    assert_eq!(open_and_resolve("alpha", 0, false).await, 1);
    assert_eq!(open_and_resolve("beta", 1, false).await, 1);
    assert_eq!(open_and_resolve("alpha", 10, false).await, 2);
    assert_eq!(open_and_resolve("alpha", 60, true).await, 2, "the first is an hour ago");
    assert_eq!(open_and_resolve("alpha", 65, false).await, 1, "it was calm since");
}

#[tokio::test]
async fn a_process_that_lost_its_lease_unnoticed_writes_nothing() {
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let opening = opening(&rule(&store).await, now);
    // Simulates a server that drops a connection because its machine was silent for too long.
    execute(
        &store,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database =
            (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .await;
    let outcome = async {
        let mut turn = lead.begin().await?;
        turn.apply(&Changes { openings: vec![opening], ..Changes::default() }, now).await?;
        turn.commit().await
    };
    assert!(outcome.await.is_err());
    assert_eq!(number(&store, "SELECT count(*) FROM sentiment_alerts").await, 0);
    let mut next = LeaderLease::connect(&store, LeaderRole::Rules).await.unwrap();
    let started_at = Instant::now();
    // The server releases the lock shortly after it closes the connection.
    while !next.try_acquire().await.unwrap() {
        assert!(started_at.elapsed() < Duration::from_secs(60), "no process takes over");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_alert_its_history_and_its_series_are_written_together() {
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let alert = opened(&store, &mut lead, now).await;
    assert_eq!((alert.rule_id, alert.metric.as_deref()), (Some(NEGATIVITY_OVERALL), Some("negative_share")));
    assert_eq!((alert.state, alert.phase, alert.opened_at), (AlertState::Open, AlertPhase::Firing, now));
    let kept = series(&store).await.unwrap();
    let id = SeriesId { rule_id: NEGATIVITY_OVERALL, scope: Scope::overall() };
    assert_eq!(kept[&id].alert, Some(alert.id));
    assert_eq!(kept[&id].series, opening(&rule(&store).await, now).series, "it survives a restart");

    let mut what = rule(&store).await.what;
    (what.threshold, what.name) = (0.55, "another name".to_owned());
    rules::update(&store, NEGATIVITY_OVERALL, &what, &Stamp::without_name(now)).await.unwrap().unwrap();
    let recovering = Refresh {
        alert: alert.id,
        severity: Severity::Critical,
        title: "nearly all are negative".to_owned(),
        value: 0.4,
        count: 31,
        entered: Some(AlertPhase::Recovering),
        escalated: true,
        is_breach: false,
    };
    let changed =
        apply(&store, &mut lead, Changes { refreshes: vec![recovering], ..Changes::default() }, now).await;
    assert_eq!(
        (changed[0].phase, changed[0].value, changed[0].severity),
        (AlertPhase::Recovering, 0.4, Severity::Critical)
    );
    let named = (changed[0].threshold, changed[0].rule_name.as_deref());
    assert_eq!(named, (0.55, Some("another name")), "the alert says what its rule says now");
    let end = Changes { endings: vec![alert.id], forgotten: vec![id], ..Changes::default() };
    let changed = apply(&store, &mut lead, end, now).await;
    assert_eq!((changed[0].state, changed[0].resolved_at), (AlertState::Resolved, Some(now)));
    assert_eq!(history(&store, alert.id).await, ["pending", "firing", "recovering", "escalated", "resolved"]);
    assert!(series(&store).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_peak_of_an_alert_ignores_values_that_its_rule_does_not_judge() {
    let (store, now) = (test_store().await, now_in_micros());
    let mut lead = lead(&store).await;
    let alert = opened(&store, &mut lead, now).await;
    for (value, count, is_breach, peak) in
        [(0.7, 40, true, (0.7, 40)), (1.0, 1, false, (0.7, 40)), (0.65, 50, true, (0.7, 40))]
    {
        let refresh = Refresh {
            alert: alert.id,
            severity: Severity::Warning,
            title: "most are negative".to_owned(),
            value,
            count,
            entered: None,
            escalated: false,
            is_breach,
        };
        apply(&store, &mut lead, Changes { refreshes: vec![refresh], ..Changes::default() }, now).await;
        let measured = alerts::get(&store, alert.id).await.unwrap().unwrap().alert.measured;
        let [peak_now, latest] = [measured.peak, measured.latest].map(Option::unwrap);
        assert_eq!((peak_now.value, peak_now.count), peak, "after {value} of {count}");
        assert_eq!((latest.value, latest.count), (value, count));
    }
}

#[tokio::test]
async fn an_uncommitted_evaluation_changes_nothing_and_notifies_nobody() {
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let opening = opening(&rule(&store).await, now);
    let mut turn = lead.begin().await.unwrap();
    turn.apply(&Changes { openings: vec![opening], ..Changes::default() }, now).await.unwrap();
    assert_eq!(turn.notified_alerts(None).await.unwrap().len(), 1);
    drop(turn);
    assert!(lead.try_acquire().await.unwrap());
    for table in ["sentiment_alerts", "alert_history", "alert_series", "notifications"] {
        assert_eq!(number(&store, &format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn each_change_of_silencing_and_inhibition_is_recorded_once() {
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let alert = opened(&store, &mut lead, now).await;
    let other = Some(AlertId::now_v7());
    for (silenced, inhibited_by, n_changed) in
        [(true, None, 1), (true, None, 0), (true, other, 1), (false, None, 1), (false, None, 0)]
    {
        let mut turn = lead.begin().await.unwrap();
        turn.store_suppressions(&[Suppression { alert: alert.id, silenced, inhibited_by }], now)
            .await
            .unwrap();
        assert_eq!(turn.commit().await.unwrap().changed.len(), n_changed);
    }
    let expected = ["pending", "firing", "silenced", "inhibited", "unsilenced", "released"];
    assert_eq!(history(&store, alert.id).await, expected);
}

#[tokio::test]
async fn firing_and_end_are_notified_once_each() {
    let store = test_store().await;
    channel(&store, "webhook", "info").await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let alert = opened(&store, &mut lead, now).await;
    let mut enqueue = async |kind: NoticeKind| {
        let mut turn = lead.begin().await.unwrap();
        let about = vec![alert.id];
        turn.enqueue_notices(&[DueNotice { alert: alert.clone(), channels: Vec::new(), kind, about }])
            .await
            .unwrap();
        let _ = turn.commit().await.unwrap();
        number(&store, "SELECT count(*) FROM notifications").await
    };
    assert_eq!(enqueue(NoticeKind::Fired).await, 1);
    assert_eq!(enqueue(NoticeKind::Fired).await, 1, "a second leader enqueues nothing new");
    assert_eq!(enqueue(NoticeKind::Over).await, 2);
    assert_eq!(enqueue(NoticeKind::Over).await, 2);
}

#[tokio::test]
async fn a_rule_can_be_changed_and_deleted_during_an_evaluation() {
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let made =
        rules::create(&store, &rule(&store).await.what, &Stamp::without_name(now)).await.unwrap().unwrap();
    let opening = opening(&made, now);
    let alert =
        apply(&store, &mut lead, Changes { openings: vec![opening.clone()], ..Changes::default() }, now)
            .await
            .remove(0);
    // An evaluation that read the rules earlier must neither fail nor block anyone.
    let mut turn = lead.begin().await.unwrap();
    let kept = StoredSeries { series: opening.series, alert: Some(alert.id) };
    let changes = Changes { kept: vec![(opening.id.clone(), kept)], ..Changes::default() };
    turn.apply(&changes, now).await.unwrap();
    rules::update(&store, made.id, &made.what, &Stamp::without_name(now)).await.unwrap().unwrap();
    rules::delete(&store, made.id).await.unwrap().unwrap();
    assert_eq!(rules::list(&store).await.unwrap().len(), 3);
    assert_eq!(turn.commit().await.unwrap(), Committed::default());
    let over = Changes { withdrawals: vec![alert.id], forgotten: vec![opening.id], ..Changes::default() };
    let changed = apply(&store, &mut lead, over, now).await;
    assert_eq!(changed[0].state, AlertState::Resolved);
    assert_eq!(history(&store, alert.id).await, ["pending", "firing", "withdrawn", "resolved"]);
    assert!(series(&store).await.unwrap().is_empty());
}

/// Returns the openings of a rule that fires for each of `n_products` products.
fn wave(rule: &Rule, n_products: usize, now: Timestamp) -> Vec<Opening> {
    let of = |i: usize| {
        let scope = Scope { dimension: Dimension::Product, key: format!("product {i}") };
        Opening { id: SeriesId { rule_id: rule.id, scope }, ..opening(rule, now) }
    };
    (0..n_products).map(of).collect()
}

#[tokio::test]
async fn thousands_of_alerts_open_grow_are_silenced_and_end_under_two_locks() {
    const N: usize = 9_000;
    let store = test_store().await;
    let now = now_in_micros();
    let mut lead = lead(&store).await;
    let openings = wave(&rule(&store).await, N, now);
    let mut turn = lead.begin().await.unwrap();
    let opened = turn.apply(&Changes { openings, ..Changes::default() }, now).await.unwrap();
    let suppressions: Vec<Suppression> = opened
        .iter()
        .map(|alert| Suppression { alert: *alert, silenced: true, inhibited_by: None })
        .collect();
    turn.store_suppressions(&suppressions, now).await.unwrap();
    let n_locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database =
        (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(number(&store, n_locks).await, 2, "that of who leads, and that of alerts");
    let committed = turn.commit().await.unwrap();
    assert_eq!((committed.changed.len(), committed.opened.len()), (N, N));

    let refresh = |alert: &AlertId| Refresh {
        alert: *alert,
        severity: Severity::Critical,
        title: "worse".to_owned(),
        value: 0.9,
        count: 40,
        entered: Some(AlertPhase::Recovering),
        escalated: true,
        is_breach: false,
    };
    let refreshes = opened.iter().map(refresh).collect();
    let changed =
        apply(&store, &mut lead, Changes { refreshes, endings: opened.clone(), ..Changes::default() }, now)
            .await;
    let expected = ["pending", "firing", "silenced", "recovering", "escalated", "resolved"];
    for alert in [&changed[0], &changed[N - 1]] {
        assert_eq!((alert.state, alert.value), (AlertState::Resolved, 0.9));
        assert_eq!(history(&store, alert.id).await, expected);
    }
    let kept = series(&store).await.unwrap();
    assert_eq!(kept.len(), N);
    assert!(kept.values().all(|kept| kept.series.openings == [now]));
    let forgotten = kept.into_keys().collect();
    apply(&store, &mut lead, Changes { forgotten, ..Changes::default() }, now).await;
    assert_eq!(number(&store, "SELECT count(*) FROM alert_series").await, 0);
}

#[tokio::test]
async fn every_process_reports_what_an_evaluation_deferred() {
    let store = test_store().await;
    let mut lead = lead(&store).await;
    assert_eq!(last_report(&store).await.unwrap(), None);
    for n in 1..3 {
        let report = TurnReport {
            at: now_in_micros(),
            turn_ms: 12,
            series: 65_000,
            open_alerts: 3,
            left_out: LeftOut { waiting: n, ..LeftOut::default() },
            rules: vec![RuleLeftOut { id: NEGATIVITY_OVERALL, name: "one".to_owned(), series: n }],
        };
        let turn = lead.begin().await.unwrap();
        turn.report(&report).await.unwrap();
        let _ = turn.commit().await.unwrap();
        assert_eq!(last_report(&store).await.unwrap(), Some(report));
    }
}

#[tokio::test]
async fn notifications_contain_posts_and_evidence_that_evaluations_do_not_read() {
    let (store, now) = (test_store().await, now_in_micros());
    let mut lead = lead(&store).await;
    let mut opening = opening(&rule(&store).await, now);
    let evidence = Evidence {
        terms: vec![EvidenceTerm { term: "battery".to_owned(), count: 9, expected: 1.0 }],
        ..Evidence::default()
    };
    opening.evidence = Some(evidence.clone());
    let raised = apply(&store, &mut lead, Changes { openings: vec![opening], ..Changes::default() }, now)
        .await
        .remove(0);
    assert_eq!(raised.evidence, Some(evidence));
    assert_eq!(alerts::open(&store).await.unwrap()[0].evidence, None);
    assert_eq!(alerts::whole(&store, &[raised.id]).await.unwrap(), std::slice::from_ref(&raised));

    channel(&store, "webhook", "info").await;
    let mut turn = lead.begin().await.unwrap();
    let notified = turn.notified_alerts(None).await.unwrap().remove(0);
    assert_eq!(notified.alert.evidence, None);
    let about = vec![raised.id];
    let notice = DueNotice { alert: notified.alert, channels: Vec::new(), kind: NoticeKind::Fired, about };
    turn.enqueue_notices(&[notice]).await.unwrap();
    let _ = turn.commit().await.unwrap();
    let terms = "SELECT count(*) FROM notifications WHERE snapshot #>> '{evidence,terms,0,term}' = 'battery'";
    assert_eq!(number(&store, terms).await, 1);
}
