use deadpool_postgres::Transaction;
use jiff::SignedDuration;

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use super::raise::{Merge, raise};
use super::resolve::resolve;
use super::*;
use crate::models::alert::{AlertPost, AlertRule, AlertState, Scope, Severity};
use crate::models::rollup::Dimension;
use crate::store::StoreError;
use crate::store::locks;
use crate::store::testing::test_store;

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

/// Changes alerts in a separate transaction.
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
    AlertPost { uuid: Uuid::now_v7(), text, platform, source, churn_risk: 0.9 }
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
async fn a_burst_of_churn_is_one_alert_that_shows_the_newest_posts() {
    let store = test_store().await;
    let now = Timestamp::now();
    let mut sent = Vec::new();
    for n in 0..6_u32 {
        let posts: Vec<_> = (0..5).map(|k| alert_post(n * 5 + k)).rev().collect();
        sent.splice(0..0, posts.clone());
        let value = if n == 2 { 0.99 } else { 0.85 };
        let added = NewAlert { value, count: 5, posts, ..found(AlertRule::Churn, now + MINUTE * n as i32) };
        alone!(store, add_posts, &added);
    }
    let open = AlertsQuery { state: Some(AlertState::Open), limit: 10, ..AlertsQuery::default() };
    let alerts = list(&store, &open).await.unwrap().items;
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].count, alerts[0].value), (30, 0.99));
    assert_eq!(alerts[0].posts, sent[..ALERT_POSTS_MAX]);
    let seen = acknowledge(&store, alerts[0].id, now).await.unwrap().unwrap();
    let again = acknowledge(&store, alerts[0].id, now + MINUTE).await.unwrap().unwrap();
    assert!(seen.is_first && seen.alert.acknowledged_at.is_some() && !again.is_first);
    assert_eq!(seen.alert.acknowledged_at, again.alert.acknowledged_at);
    assert_eq!(acknowledge(&store, Uuid::now_v7(), now).await.unwrap(), None);
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
