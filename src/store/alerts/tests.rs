use deadpool_postgres::Transaction;
use jiff::SignedDuration;

use std::time::Duration;

use jiff::Timestamp;

use super::raise::{Merge, raise};
use super::resolve::resolve;
use super::*;
use crate::models::alert::{
    Alert, AlertMeasurements, AlertMoment, AlertPost, AlertRule, AlertState, Scope, Severity,
};
use crate::models::id::{AlertId, PostId};
use crate::models::person_name::Stamp;
use crate::models::rollup::Dimension;
use crate::store::locks;
use crate::store::testing::{channel, execute, test_store};
use crate::store::{Store, StoreError};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn found(rule: AlertRule, at: Timestamp) -> NewAlert {
    NewAlert {
        series: AlertSeries {
            rule,
            rule_id: None,
            metric: None,
            scope: Scope { dimension: Dimension::Product, key: "alpha".to_owned() },
        },
        rule_name: None,
        severity: Severity::Warning,
        title: "most posts about alpha are negative".to_owned(),
        value: 0.6,
        threshold: 0.5,
        count: 20,
        at,
        cooldown: Duration::from_secs(300),
        posts: Vec::new(),
        members: Vec::new(),
        channels: Vec::new(),
        evidence: None,
    }
}

/// Changes alerts in a transaction of its own.
macro_rules! alone {
    ($store:expr, $work:path, $($argument:expr),*) => {{
        let mut client = $store.client().await.unwrap();
        let transaction = client.transaction().await.unwrap();
        locks::take_alerts(&transaction).await.unwrap();
        let outcome = $work(&transaction, $($argument),*).await.unwrap();
        transaction.commit().await.unwrap();
        outcome
    }};
}

async fn open_or_update(transaction: &Transaction<'_>, found: &NewAlert) -> Result<Raise, StoreError> {
    Ok(raise(transaction, std::slice::from_ref(found), Merge::Replace).await?.remove(0))
}

async fn add_posts(transaction: &Transaction<'_>, found: &NewAlert) -> Result<Raise, StoreError> {
    Ok(raise(transaction, std::slice::from_ref(found), Merge::Add).await?.remove(0))
}

fn alert_post(n: u32) -> AlertPost {
    let (text, platform, source) = (format!("post {n}"), "twitter".to_owned(), "http".to_owned());
    AlertPost { uuid: PostId::now_v7(), text, platform, source, churn_risk: 0.9 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_eight_processes_one_opens_and_one_resolves() {
    let store = test_store().await;
    let now = Timestamp::now();
    for round in 0..5 {
        let at = now + MINUTE * (round * 10);
        let tasks = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { alone!(store, open_or_update, &found(AlertRule::Negativity, at)) })
        });
        let raised = futures_util::future::try_join_all(tasks).await.unwrap();
        assert_eq!(raised.iter().filter(|raise| matches!(raise, Raise::Opened(_))).count(), 1);
        assert_eq!(raised.iter().filter(|raise| matches!(raise, Raise::Updated(_))).count(), 7);
        let tasks = (0..8).map(|_| {
            let store = store.clone();
            let series = found(AlertRule::Negativity, at).series;
            tokio::spawn(async move { alone!(store, resolve, std::slice::from_ref(&series), at + MINUTE) })
        });
        let resolved = futures_util::future::try_join_all(tasks).await.unwrap();
        assert_eq!(resolved.iter().flatten().count(), 1);
    }
    let page = list(&store, &AlertsQuery { limit: 50, ..AlertsQuery::default() }).await.unwrap();
    assert_eq!(page.items.len(), 5);
    assert!(page.items.iter().all(|alert| alert.state == AlertState::Resolved));
}

#[tokio::test]
async fn a_resolved_series_does_not_open_again_during_its_cooldown() {
    let store = test_store().await;
    let now = Timestamp::now();
    let first = found(AlertRule::Negativity, now);
    assert!(matches!(alone!(store, open_or_update, &first), Raise::Opened(_)));
    assert!((alone!(store, resolve, std::slice::from_ref(&first.series), now).len() == 1));
    for (minutes, opens) in [(0, false), (4, false), (6, true)] {
        let again = found(AlertRule::Negativity, now + MINUTE * minutes);
        let raised = alone!(store, open_or_update, &again);
        assert_eq!(matches!(raised, Raise::Opened(_)), opens, "after {minutes} minutes");
    }
    let mut elsewhere = found(AlertRule::Negativity, now);
    elsewhere.series.scope = Scope::overall();
    assert!(matches!(alone!(store, open_or_update, &elsewhere), Raise::Opened(_)));
}

#[tokio::test]
async fn an_update_replaces_the_current_values() {
    let store = test_store().await;
    let now = Timestamp::now();
    alone!(store, open_or_update, &found(AlertRule::Negativity, now));
    let worse = NewAlert {
        value: 0.55,
        count: 31,
        severity: Severity::Critical,
        ..found(AlertRule::Negativity, now + MINUTE)
    };
    let alert = alone!(store, open_or_update, &worse).into_alert().unwrap();
    assert_eq!((alert.value, alert.count, alert.severity), (0.55, 31, Severity::Critical));
    assert_eq!((alert.state, alert.threshold), (AlertState::Open, 0.5));
    assert!(alert.opened_at < alert.updated_at);
}

#[tokio::test]
async fn an_alert_keeps_its_measurements_at_the_opening_at_the_peak_and_now() {
    let store = test_store().await;
    let now = Timestamp::now();
    for (rule, threshold, values, expected) in [
        (AlertRule::Negativity, 0.5, [0.6, 0.9, 0.7], [0.6, 0.9, 0.7]),
        // A fall: its peak is the lowest value.
        (AlertRule::Spike, 100.0, [80.0, 20.0, 60.0], [80.0, 20.0, 60.0]),
        (AlertRule::Threshold, 0.5, [0.6, 0.55, 0.51], [0.6, 0.6, 0.51]),
    ] {
        let mut last = None;
        for (minute, value) in (0..).zip(values) {
            let at = now + MINUTE * minute;
            let measured = NewAlert { value, threshold, count: 30 + i64::from(minute), ..found(rule, at) };
            last = alone!(store, open_or_update, &measured).into_alert();
        }
        let AlertMeasurements { opening, peak, latest } = last.unwrap().measured;
        let measured = [opening, peak, latest].map(Option::unwrap);
        assert_eq!(measured.map(|measured| measured.value), expected, "{rule:?}");
        assert_eq!((measured[0].count, measured[2].count), (30, 32));
        assert!(measured[0].at <= measured[1].at && measured[1].at <= measured[2].at);
    }
}

#[tokio::test]
async fn a_burst_of_churn_is_one_alert_that_shows_the_newest_posts() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut sent = Vec::new();
    for n in 0..6_u32 {
        let posts: Vec<_> = (0..5).map(|k| alert_post(n * 5 + k)).rev().collect();
        sent.splice(0..0, posts.clone());
        let title = "5 posts suggest churn: alpha".to_owned();
        let added = NewAlert {
            title,
            value: 5.0,
            count: 5,
            posts,
            ..found(AlertRule::Churn, now + MINUTE * n as i32)
        };
        alone!(store, add_posts, &added);
    }
    let open = AlertsQuery { state: Some(AlertState::Open), limit: 10, ..AlertsQuery::default() };
    let alerts = list(&store, &open).await.unwrap().items;
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].count, alerts[0].value), (30, 30.0));
    assert_eq!(alerts[0].title, "30 posts suggest churn: alpha");
    let AlertMeasurements { opening, peak, latest } = alerts[0].measured;
    let values = [opening, peak, latest].map(|measured| measured.unwrap().value);
    assert_eq!(values, [5.0, 30.0, 30.0]);
    assert_eq!(alerts[0].posts, sent[..ALERT_POSTS_MAX]);
    let seen = acknowledge(&store, alerts[0].id, &by_ana(now)).await.unwrap().unwrap();
    let again = acknowledge(&store, alerts[0].id, &by_ana(now + MINUTE)).await.unwrap().unwrap();
    assert!(seen.is_changed && seen.alert.acknowledged_at.is_some() && !again.is_changed);
    assert_eq!(seen.alert.acknowledged_at, again.alert.acknowledged_at);
    assert_eq!(acknowledge(&store, AlertId::now_v7(), &by_ana(now)).await.unwrap(), None);
}

#[tokio::test]
async fn pages_of_alerts_name_each_once() {
    let store = test_store().await;
    let now = Timestamp::now();
    for n in 0..7 {
        // Several alerts open at the same time.
        let mut alert = found(AlertRule::Negativity, now + MINUTE * (n / 3));
        alert.series.scope.key = format!("product {n}");
        alone!(store, open_or_update, &alert);
    }
    let mut names = Vec::new();
    let mut query = AlertsQuery { limit: 2, ..AlertsQuery::default() };
    loop {
        let page = list(&store, &query).await.unwrap();
        names.extend(page.items.into_iter().map(|alert| alert.scope.key));
        let Some(next) = page.next_cursor else {
            break;
        };
        query.cursor = Some(next);
    }
    assert_eq!(names.len(), 7);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 7);
}

#[tokio::test]
async fn a_range_lists_the_alerts_that_opened_within_it() {
    let store = test_store().await;
    let now = Timestamp::now();
    for n in 0..4 {
        let mut alert = found(AlertRule::Negativity, now + MINUTE * n);
        alert.series.scope.key = format!("product {n}");
        alone!(store, open_or_update, &alert);
    }
    let (from, to) = (Some(now + MINUTE), Some(now + MINUTE * 3));
    let page = list(&store, &AlertsQuery { from, to, limit: 10, ..AlertsQuery::default() }).await.unwrap();
    let names: Vec<String> = page.items.into_iter().map(|alert| alert.scope.key).collect();
    assert_eq!(names, ["product 2", "product 1"]);
}

fn by_ana(at: Timestamp) -> Stamp {
    Stamp { at, by: "Ana".parse().ok() }
}

/// Opens an alert and returns it.
async fn opened(store: &Store, now: Timestamp) -> Alert {
    alone!(store, open_or_update, &found(AlertRule::Negativity, now)).into_alert().unwrap()
}

#[tokio::test]
async fn an_acknowledgement_can_be_taken_back_and_every_change_has_a_higher_revision() {
    let store = test_store().await;
    let now = Timestamp::now();
    let alert = opened(&store, now).await;
    let taken_back = unacknowledge(&store, alert.id, &by_ana(now)).await.unwrap().unwrap();
    assert!(!taken_back.is_changed, "nothing was acknowledged yet");
    let seen = acknowledge(&store, alert.id, &by_ana(now)).await.unwrap().unwrap();
    let taken_back = unacknowledge(&store, alert.id, &by_ana(now)).await.unwrap().unwrap();
    assert!(taken_back.is_changed && taken_back.alert.acknowledged_at.is_none());
    assert_eq!(unacknowledge(&store, AlertId::now_v7(), &by_ana(now)).await.unwrap(), None);
    let series = found(AlertRule::Negativity, now).series;
    let worse = alone!(store, open_or_update, &found(AlertRule::Negativity, now)).into_alert().unwrap();
    alone!(store, resolve, std::slice::from_ref(&series), now + MINUTE);
    let shown = get(&store, alert.id).await.unwrap().unwrap();
    let revisions = [alert, seen.alert, taken_back.alert, worse, shown.alert].map(|alert| alert.revision);
    assert_eq!(revisions, [0, 1, 2, 3, 4]);
    let names: Vec<_> =
        shown.history.iter().filter_map(|it| it.action.as_deref().or(it.phase.as_deref())).collect();
    assert_eq!(names, ["firing", "acknowledged", "unacknowledged", "resolved"]);
    let actors: Vec<_> = shown.history.iter().map(|it| it.actor.as_deref()).collect();
    assert_eq!(actors, [None, Some("Ana"), Some("Ana"), None]);
}

#[tokio::test]
async fn comments_are_part_of_the_history_up_to_a_limit() {
    let store = test_store().await;
    let now = Timestamp::now();
    let alert = opened(&store, now).await;
    let Commented::Stored { moment, alert: commented } =
        comment(&store, alert.id, "refunds are out", &by_ana(now + MINUTE)).await.unwrap()
    else {
        panic!("the comment was not stored");
    };
    assert_eq!((commented.comments, commented.revision), (1, 1));
    let shown = get(&store, alert.id).await.unwrap().unwrap();
    assert_eq!(shown.history.last(), Some(&moment));
    assert_eq!((moment.comment.as_deref(), moment.actor.as_deref()), (Some("refunds are out"), Some("Ana")));
    assert_eq!(comment(&store, AlertId::now_v7(), "lost", &by_ana(now)).await.unwrap(), Commented::Unknown);
    execute(&store, &format!("UPDATE sentiment_alerts SET n_comments = {COMMENTS_MAX}")).await;
    assert_eq!(comment(&store, alert.id, "too many", &by_ana(now)).await.unwrap(), Commented::Full);
}

#[tokio::test]
async fn a_long_history_ends_with_the_newest_entries_and_keeps_every_comment() {
    let store = test_store().await;
    let now = Timestamp::now();
    let alert = opened(&store, now).await;
    comment(&store, alert.id, "an early comment", &by_ana(now + MINUTE)).await.unwrap();
    let swings = format!(
        "INSERT INTO alert_history (alert, at, phase, value)
        SELECT '{}', '{now}'::timestamptz + n * interval '1 hour', 'recovering', n FROM generate_series(1, 1500) AS n",
        alert.id
    );
    execute(&store, &swings).await;
    let webhook = channel(&store, "webhook", "info").await;
    let sent = format!(
        "INSERT INTO notifications (id, channel, alert, next_attempt_at, event, state, snapshot, attempts)
        SELECT gen_random_uuid(), '{webhook}', '{}', now(), 'fired', 'sent', '{{}}',
            jsonb_build_array(jsonb_build_object('at', '{now}'::timestamptz + n * interval '1 hour'))
        FROM generate_series(1001, 1300) AS n",
        alert.id
    );
    execute(&store, &sent).await;
    let last = now + SignedDuration::from_hours(1_501);
    comment(&store, alert.id, "a late comment", &by_ana(last)).await.unwrap();
    let history = get(&store, alert.id).await.unwrap().unwrap().history;
    assert!(history.is_sorted_by_key(|it| it.at));
    let comments: Vec<_> = history.iter().filter_map(|it| it.comment.as_deref()).collect();
    assert_eq!(comments, ["an early comment", "a late comment"]);
    assert_eq!(history.last().unwrap().comment.as_deref(), Some("a late comment"));
    let values = |is_wanted: fn(&AlertMoment) -> bool| {
        let mut values = history.iter().filter(|it| is_wanted(it)).filter_map(|it| it.value);
        (values.clone().count(), values.next(), values.next_back())
    };
    assert_eq!(values(|it| it.phase.is_some()), (1_000, Some(501.0), Some(1_500.0)));
    assert_eq!(values(|it| it.channel.is_some()), (200, Some(1_101.0), Some(1_300.0)));
}

#[tokio::test]
async fn the_history_says_which_channels_were_notified_and_when() {
    let store = test_store().await;
    let now = Timestamp::now();
    let alert = opened(&store, now).await;
    let (webhook, email) = (channel(&store, "webhook", "info").await, channel(&store, "email", "info").await);
    let sent = |channel, state: &str, seconds: i32| {
        format!(
            "INSERT INTO notifications (id, channel, alert, next_attempt_at, event, state, snapshot, attempts)
            VALUES (gen_random_uuid(), '{channel}', '{}', now(), 'fired', '{state}', '{{}}',
                jsonb_build_array(jsonb_build_object('at', '{}')))",
            alert.id,
            now + SignedDuration::from_secs(seconds.into()),
        )
    };
    execute(&store, &sent(webhook, "sent", 3)).await;
    execute(&store, &sent(email, "dead", 120)).await;
    execute(&store, &sent(email, "pending", 5)).await;
    acknowledge(&store, alert.id, &by_ana(now + MINUTE)).await.unwrap();
    let shown = get(&store, alert.id).await.unwrap().unwrap();
    let told: Vec<_> = shown.history.iter().map(|it| (it.action.as_deref(), it.channel.is_some())).collect();
    let expected = [
        (None, false),
        (Some("notified"), true),
        (Some("acknowledged"), false),
        (Some("notification_failed"), true),
    ];
    assert_eq!(told, expected);
    assert!(shown.history.iter().all(|it| it.value == Some(alert.value)));
}
