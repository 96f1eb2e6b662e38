use std::time::Duration;

use super::*;
use crate::models::alert::{AlertMeasurements, AlertPost, AlertRule, AlertState, Scope, Severity};
use crate::store::alerts::resolve::resolve;
use crate::store::alerts::{AlertSeries, AlertsQuery, list};
use crate::store::posts::corrections::{Corrected, Correction, give_up};
use crate::store::testing::apply;
use crate::store::testing::record;
use crate::store::testing::{self, execute, number, test_store};

/// Returns `n` posts about one product with this churn risk, each awaiting a correction.
fn at_risk(n: usize, risk: f32) -> Vec<ScoredPost> {
    let mut batch = testing::posts(n, Timestamp::now());
    for (i, scored) in batch.iter_mut().enumerate() {
        scored.post.products = vec!["alpha".to_owned()];
        scored.score.churn_risk = risk + i as f32 / 1_000.0;
        scored.awaits_correction = true;
    }
    batch
}

async fn correct(store: &Store, posts: &[ScoredPost], risk: f32) -> Corrected {
    let correction = |scored: &ScoredPost| Correction {
        read: std::sync::Arc::new(scored.clone()),
        score: crate::models::score::Score { churn_risk: risk, ..scored.score.clone() },
    };
    apply(store, &posts.iter().map(correction).collect::<Vec<_>>()).await.unwrap()
}

/// Takes the flagged posts in a separate transaction.
async fn raise_now<J: Into<Triage>>(
    store: &Store,
    judge: impl Fn(&[ScoredPost]) -> J,
) -> Result<Vec<Raise>, StoreError> {
    let mut client = store.client().await?;
    let transaction = client.transaction().await?;
    locks::take_alerts(&transaction).await?;
    let raised = raise(&transaction, |posts| judge(posts).into()).await?;
    transaction.commit().await?;
    Ok(raised)
}

/// Takes the flagged posts as if they had been stored long ago.
async fn raise_late<J: Into<Triage>>(
    store: &Store,
    judge: impl Fn(&[ScoredPost]) -> J,
) -> Result<Vec<Raise>, StoreError> {
    const LATER: &str = "
        UPDATE awaiting_correction SET scored_at = now() - interval '1 minute'
        WHERE uuid IN (SELECT uuid FROM awaiting_correction ORDER BY uuid FOR UPDATE)";
    execute(store, LATER).await;
    raise_now(store, judge).await
}

impl From<Vec<NewAlert>> for Triage {
    fn from(alerts: Vec<NewAlert>) -> Self {
        Self { alerts, waiting: HashSet::new() }
    }
}

fn one_alert(posts: &[ScoredPost]) -> Vec<NewAlert> {
    vec![NewAlert {
        series: AlertSeries {
            rule: AlertRule::Churn,
            rule_id: None,
            metric: None,
            scope: Scope { dimension: crate::models::rollup::Dimension::Product, key: "alpha".to_owned() },
        },
        rule_name: None,
        severity: Severity::Warning,
        title: format!("{} posts suggest churn: alpha", posts.len()),
        value: posts.len() as f64,
        threshold: 2.0,
        count: posts.len() as i64,
        at: Timestamp::now(),
        cooldown: Duration::ZERO,
        posts: posts.iter().map(AlertPost::from).collect(),
        members: posts.iter().map(|scored| (scored.post.uuid, scored.post.created_at)).collect(),
        channels: Vec::new(),
        evidence: None,
    }]
}

async fn alerts(store: &Store) -> Vec<Alert> {
    list(store, &AlertsQuery { limit: 10, ..AlertsQuery::default() }).await.unwrap().items
}

#[tokio::test]
async fn a_post_whose_risk_turns_out_low_before_anyone_looked_raises_no_alert() {
    let store = test_store().await;
    let batch = at_risk(3, 0.9);
    record(&store, &batch).await.unwrap();
    let corrected = correct(&store, &batch[..2], 0.1).await;
    assert_eq!((corrected.n_high, corrected.resolved), (0, Vec::new()));
    let raised = raise_late(&store, one_alert).await.unwrap();
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].clone().into_alert().unwrap().count, 1);
}

#[tokio::test]
async fn a_post_awaiting_correction_waits_for_it_briefly() {
    let store = test_store().await;
    let batch = at_risk(4, 0.9);
    record(&store, &batch).await.unwrap();
    // As if no time passed during the steps below.
    execute(&store, "UPDATE awaiting_correction SET scored_at = now() + interval '1 hour'").await;
    assert_eq!(raise_now(&store, one_alert).await.unwrap(), []);
    assert_eq!(number(&store, "SELECT count(*) FROM flagged_posts").await, 4);

    assert_eq!(correct(&store, &batch[..1], 0.1).await.n_high, 0);
    assert_eq!(raise_now(&store, one_alert).await.unwrap(), [], "a false alarm is never raised");
    assert_eq!(correct(&store, &batch[1..2], 0.9).await.n_high, 1);
    assert!(matches!(raise_now(&store, one_alert).await.unwrap()[..], [Raise::Opened(_)]));
    give_up(&store, &[batch[2].post.uuid]).await.unwrap();
    assert!(matches!(raise_now(&store, one_alert).await.unwrap()[..], [Raise::Updated(_)]));
    // The process that should have corrected the last post is dead or overloaded.
    assert!(matches!(raise_late(&store, one_alert).await.unwrap()[..], [Raise::Updated(_)]));
    assert_eq!(alerts(&store).await[0].count, 3);
    assert_eq!(number(&store, "SELECT count(*) FROM flagged_posts").await, 0);
    assert_eq!(correct(&store, &batch[3..], 0.1).await.resolved, []);
    assert_eq!(alerts(&store).await[0].count, 2, "a correction that comes late is heeded all the same");
}

#[tokio::test]
async fn flags_that_remain_are_neither_rewritten_nor_locked() {
    let store = test_store().await;
    let batch = at_risk(4, 0.9);
    record(&store, &batch).await.unwrap();
    let waiting: HashSet<PostId> = batch[1..].iter().map(|scored| scored.post.uuid).collect();
    const BEFORE: &str =
        "CREATE TABLE before AS SELECT uuid, xmin::text AS written, xmax::text AS locked FROM flagged_posts";
    execute(&store, BEFORE).await;
    for _ in 0..2 {
        raise_late(&store, |_| Triage { alerts: Vec::new(), waiting: waiting.clone() }).await.unwrap();
        let n_untouched = "SELECT count(*) FROM flagged_posts AS flag JOIN before USING (uuid)
            WHERE flag.xmin::text = before.written AND flag.xmax::text = before.locked";
        assert_eq!(number(&store, n_untouched).await, 3);
        assert_eq!(number(&store, "SELECT count(*) FROM flagged_posts").await, 3, "one has lost its flag");
    }
}

#[tokio::test]
async fn a_flapping_alert_stays_open_when_its_last_post_is_withdrawn() {
    let store = test_store().await;
    let batch = at_risk(2, 0.9);
    record(&store, &batch).await.unwrap();
    raise_late(&store, one_alert).await.unwrap();
    execute(&store, "UPDATE sentiment_alerts SET flapping = true").await;
    assert_eq!(correct(&store, &batch, 0.1).await.resolved, []);
    let open = alerts(&store).await.remove(0);
    assert_eq!((open.state, open.count), (AlertState::Open, 0));
}

#[tokio::test]
async fn a_post_whose_risk_turns_out_high_raises_an_alert_and_one_that_stays_so_does_not_again() {
    let store = test_store().await;
    let (low, high) = (at_risk(2, 0.3), at_risk(5, 0.85).split_off(2));
    record(&store, &low).await.unwrap();
    assert_eq!(raise_late(&store, one_alert).await.unwrap(), []);
    assert_eq!(correct(&store, &low, 0.8).await.n_high, 2);
    assert_eq!(raise_late(&store, one_alert).await.unwrap().len(), 1);
    record(&store, &high).await.unwrap();
    assert_eq!(raise_late(&store, one_alert).await.unwrap().len(), 1);
    assert_eq!(correct(&store, &high, 0.95).await.n_high, 3);
    assert_eq!(raise_late(&store, one_alert).await.unwrap(), []);
    assert_eq!(alerts(&store).await[0].count, 5);
}

#[tokio::test]
async fn an_alert_loses_the_posts_that_are_withdrawn_and_is_resolved_with_the_last() {
    let store = test_store().await;
    let batch = at_risk(4, 0.9);
    record(&store, &batch).await.unwrap();
    raise_late(&store, one_alert).await.unwrap();
    assert_eq!(correct(&store, &batch[2..], 0.2).await.resolved, []);
    let open = alerts(&store).await.remove(0);
    assert_eq!((open.state, open.count, open.value), (AlertState::Open, 2, 2.0));
    assert_eq!(open.title, "2 posts suggest churn: alpha");
    let AlertMeasurements { opening, peak, latest } = open.measured;
    let counts = [opening, peak, latest].map(|measured| measured.unwrap().count);
    assert_eq!(counts, [4, 4, 2]);
    let shown: Vec<_> = open.posts.iter().map(|post| post.uuid).collect();
    assert_eq!(shown, [batch[0].post.uuid, batch[1].post.uuid]);

    let resolved = correct(&store, &batch[..2], 0.2).await.resolved;
    assert_eq!(resolved, alerts(&store).await);
    assert_eq!((resolved[0].id, resolved[0].state, resolved[0].count), (open.id, AlertState::Resolved, 0));
    assert!(resolved[0].resolved_at.is_some());
    // It is resolved, and the next alert is a new one.
    record(&store, &at_risk(6, 0.9)[4..]).await.unwrap();
    assert!(matches!(raise_late(&store, one_alert).await.unwrap()[..], [Raise::Opened(_)]));
    assert_eq!(alerts(&store).await.len(), 2);
}

#[tokio::test]
async fn a_post_of_an_earlier_alert_is_not_removed_from_a_later_one() {
    let store = test_store().await;
    let batch = at_risk(6, 0.9);
    record(&store, &batch[..3]).await.unwrap();
    raise_late(&store, one_alert).await.unwrap();
    let series = one_alert(&batch)[0].series.clone();
    let mut client = store.client().await.unwrap();
    let transaction = client.transaction().await.unwrap();
    assert_eq!(resolve(&transaction, &[series], Timestamp::now()).await.unwrap().len(), 1);
    transaction.commit().await.unwrap();
    drop(client);
    record(&store, &batch[3..]).await.unwrap();
    raise_late(&store, one_alert).await.unwrap();
    let before = alerts(&store).await;
    assert_eq!(correct(&store, &batch[..3], 0.1).await.resolved, []);
    assert_eq!(alerts(&store).await, before);
    assert_eq!(correct(&store, &batch[3..5], 0.1).await.resolved, []);
    assert_eq!(alerts(&store).await[0].count, 1);
}

#[tokio::test]
async fn waiting_posts_join_an_alert_with_later_ones_exactly_once() {
    let store = test_store().await;
    let judge = |posts: &[ScoredPost]| match posts.len() {
        0..=3 => {
            Triage { alerts: Vec::new(), waiting: posts.iter().map(|scored| scored.post.uuid).collect() }
        }
        _ => Triage::from(one_alert(posts)),
    };
    let batch = at_risk(5, 0.9);
    record(&store, &batch[..3]).await.unwrap();
    assert_eq!(raise_late(&store, judge).await.unwrap(), []);
    correct(&store, &batch[..1], 0.1).await;
    record(&store, &batch[3..]).await.unwrap();
    assert_eq!(raise_late(&store, judge).await.unwrap().len(), 1);
    assert_eq!(alerts(&store).await[0].count, 4);
    assert_eq!(number(&store, "SELECT count(*) FROM flagged_posts").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_alert_counts_who_is_at_risk_whoever_comes_first() {
    let store = test_store().await;
    let batch = at_risk(80, 0.81);
    record(&store, &batch).await.unwrap();
    let raising = async {
        for _ in 0..10 {
            raise_late(&store, one_alert).await.unwrap();
        }
    };
    let correcting = async {
        for some in batch[..60].chunks(4) {
            correct(&store, some, 0.5).await;
        }
    };
    tokio::join!(raising, correcting);
    raise_late(&store, one_alert).await.unwrap();
    let n_open: i64 = alerts(&store)
        .await
        .iter()
        .filter(|alert| alert.state == AlertState::Open)
        .map(|alert| alert.count)
        .sum();
    assert_eq!(n_open, 20);
    assert_eq!(number(&store, "SELECT count(*) FROM churn_alert_posts").await, 20);
}
