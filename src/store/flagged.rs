//! Posts at high churn risk, on their way into an alert.

use std::collections::HashSet;

use deadpool_postgres::{Object, Transaction};
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::alerts::{self, AlertSeries, Loss, NewAlert, Raise};
use super::codec::Moment;
use super::{ANSWER_TIMEOUT, Store, StoreError, answered, scored_rows};
use crate::models::alert::{Alert, AlertRule};
use crate::models::post::ScoredPost;
use crate::models::score::CHURN_HIGH;

/// Posts taken at a time. Those that wait for company are among them each time.
const FLAGGED_MAX: i64 = 2_000;

const NOTE_SQL: &str =
    "INSERT INTO flagged_posts (uuid, created_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[])";

/// What becomes of flagged posts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// Alerts to which they are added.
    pub alerts: Vec<NewAlert>,
    /// Those that stay flagged, for there may yet be more of them. At most half of those taken at a time wait: the others
    /// could not be seen otherwise.
    pub waiting: HashSet<Uuid>,
}

impl From<Vec<NewAlert>> for Judged {
    fn from(alerts: Vec<NewAlert>) -> Self {
        Self { alerts, waiting: HashSet::new() }
    }
}

/// Notes which of these posts carry a high churn risk, in the transaction that stores their scores.
pub(super) async fn note(transaction: &Transaction<'_>, posts: &[&ScoredPost]) -> Result<(), StoreError> {
    let flagged = posts.iter().filter(|scored| scored.score.churn_risk >= CHURN_HIGH);
    let (uuids, times): (Vec<Uuid>, Vec<Moment>) =
        flagged.map(|scored| (scored.post.uuid, Moment(scored.post.created_at))).unzip();
    if uuids.is_empty() {
        return Ok(());
    }
    let statement = transaction.prepare_cached(NOTE_SQL).await?;
    transaction.execute(&statement, &[&uuids, &times]).await?;
    Ok(())
}

/// Takes flagged posts and adds them to the alerts that `judge` makes of them, all in one transaction: a post is in an
/// alert exactly once, whatever dies. Answers nothing when none were flagged.
pub async fn raise<J: Into<Judged>>(
    store: &Store,
    judge: impl Fn(&[ScoredPost]) -> J,
) -> Result<Vec<Raise>, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, raise_on(&mut client, judge)).await;
    answered(client, outcome)
}

async fn raise_on<J: Into<Judged>>(
    client: &mut Object,
    judge: impl Fn(&[ScoredPost]) -> J,
) -> Result<Vec<Raise>, StoreError> {
    // Several processes may take at the same time; each post goes to one of them.
    const SQL: &str = "
        DELETE FROM flagged_posts WHERE uuid IN
            (SELECT uuid FROM flagged_posts ORDER BY uuid LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING uuid, created_at";
    let transaction = client.transaction().await?;
    let statement = transaction.prepare_cached(SQL).await?;
    let rows = transaction.query(&statement, &[&FLAGGED_MAX]).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = Vec::with_capacity(rows.len());
    for row in &rows {
        names.push((row.try_get(0)?, row.try_get(1)?));
    }
    let posts = scored_rows::by_names(&transaction, &names).await?;
    let Judged { alerts, waiting } = judge(&posts).into();
    let n_waiting_max = usize::try_from(FLAGGED_MAX).unwrap_or(usize::MAX) / 2;
    let waiting = posts.iter().rev().filter(|scored| waiting.contains(&scored.post.uuid)).take(n_waiting_max);
    put_back(&transaction, &waiting.collect::<Vec<_>>()).await?;
    let mut raised = Vec::new();
    // In the order of scopes, which is that in which every process takes their locks.
    for found in alerts {
        let raise = alerts::add_posts_on(&transaction, &found).await?;
        if let Raise::Opened(alert) | Raise::Updated(alert) = &raise {
            remember(&transaction, alert.id, &found.members).await?;
        }
        raised.push(raise);
    }
    transaction.commit().await?;
    Ok(raised)
}

async fn put_back(transaction: &Transaction<'_>, posts: &[&ScoredPost]) -> Result<(), StoreError> {
    if posts.is_empty() {
        return Ok(());
    }
    let (uuids, times): (Vec<Uuid>, Vec<Moment>) =
        posts.iter().map(|scored| (scored.post.uuid, Moment(scored.post.created_at))).unzip();
    let statement = transaction.prepare_cached(NOTE_SQL).await?;
    transaction.execute(&statement, &[&uuids, &times]).await?;
    Ok(())
}

/// Notes which posts an alert counts, as it begins to count them.
async fn remember(
    transaction: &Transaction<'_>,
    alert: Uuid,
    members: &[(Uuid, Timestamp)],
) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO churn_alert_posts (uuid, created_at, alert)
        SELECT uuid, created_at, $3 FROM unnest($1::uuid[], $2::timestamptz[]) AS member (uuid, created_at)
        ON CONFLICT DO NOTHING";
    let (uuids, times): (Vec<Uuid>, Vec<Moment>) =
        members.iter().map(|(uuid, created_at)| (*uuid, Moment(*created_at))).unzip();
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&uuids, &times, &alert]).await?;
    Ok(())
}

/// Takes posts back whose churn risk is no longer high: those that no alert has taken in are forgotten, the others are
/// counted out of the open alert they are in. Answers the alerts that lost their last post, resolved.
///
/// Comes after the new scores are written, for an alert's value is the highest risk that is left. Locks notes first and
/// then alerts in the order of scopes, like [`raise`].
pub(super) async fn withdraw(
    transaction: &Transaction<'_>,
    uuids: &[Uuid],
    at: Timestamp,
) -> Result<Vec<Alert>, StoreError> {
    const FORGET: &str = "DELETE FROM flagged_posts WHERE uuid = ANY ($1)";
    // What a resolved alert says about the past stays as it is. Scopes are ordered as `Scope` is, by bytes, whatever the
    // collation of the database: two transactions that lock alerts in different orders would wait for each other.
    const LEAVE: &str = "
        WITH gone AS (DELETE FROM churn_alert_posts WHERE uuid = ANY ($1) RETURNING alert)
        SELECT id, dimension::text, key, count(*), rule_id, metric
        FROM gone JOIN sentiment_alerts ON id = alert
        WHERE state = 'open' GROUP BY id ORDER BY sentiment_alerts.dimension, sentiment_alerts.key COLLATE \"C\"";
    if uuids.is_empty() {
        return Ok(Vec::new());
    }
    transaction.execute(FORGET, &[&uuids]).await?;
    let mut resolved = Vec::new();
    for row in transaction.query(LEAVE, &[&uuids]).await? {
        let series = AlertSeries {
            rule: AlertRule::Churn,
            rule_id: row.try_get(4)?,
            metric: row.try_get(5)?,
            scope: alerts::scope_of(&row, 1)?,
        };
        let loss = Loss { alert: row.try_get(0)?, series, n_posts: row.try_get(3)?, uuids, at };
        resolved.extend(alerts::count_out(transaction, &loss).await?);
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::models::alert::{AlertPost, AlertState, Scope, Severity};
    use crate::store::alerts::{AlertsQuery, list, resolve};
    use crate::store::corrections::{Corrected, Correction, apply};
    use crate::store::posts::record;
    use crate::store::testing::{self, number, test_store};

    /// Posts about one product, each at this risk, that await a correction.
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
            uuid: scored.post.uuid,
            created_at: scored.post.created_at,
            score: crate::models::score::Score { churn_risk: risk, ..scored.score.clone() },
        };
        apply(store, &posts.iter().map(correction).collect::<Vec<_>>()).await.unwrap()
    }

    fn one_alert(posts: &[ScoredPost]) -> Vec<NewAlert> {
        let shown = |scored: &ScoredPost| AlertPost {
            uuid: scored.post.uuid,
            text: scored.post.text.clone(),
            platform: scored.post.platform.clone(),
            source: scored.post.source.as_str().to_owned(),
            churn_risk: scored.score.churn_risk,
        };
        let highest = posts.iter().map(|scored| scored.score.churn_risk).fold(0.0, f32::max);
        vec![NewAlert {
            series: AlertSeries {
                rule: AlertRule::Churn,
                rule_id: None,
                metric: None,
                scope: Scope {
                    dimension: crate::models::rollup::Dimension::Product,
                    key: "alpha".to_owned(),
                },
            },
            rule_name: None,
            severity: Severity::Warning,
            title: "customers are about to leave".to_owned(),
            value: f64::from(highest),
            threshold: f64::from(CHURN_HIGH),
            count: posts.len() as i64,
            at: Timestamp::now(),
            cooldown: Duration::ZERO,
            posts: posts.iter().map(shown).collect(),
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
        assert_eq!((corrected.n_flagged, corrected.resolved), (0, Vec::new()));
        let raised = raise(&store, one_alert).await.unwrap();
        assert_eq!(raised.len(), 1);
        assert_eq!(raised[0].clone().into_alert().unwrap().count, 1);
    }

    #[tokio::test]
    async fn a_post_whose_risk_turns_out_high_raises_an_alert_and_one_that_stays_so_does_not_again() {
        let store = test_store().await;
        let (low, high) = (at_risk(2, 0.3), at_risk(5, 0.85).split_off(2));
        record(&store, &low).await.unwrap();
        assert_eq!(raise(&store, one_alert).await.unwrap(), []);
        assert_eq!(correct(&store, &low, 0.8).await.n_flagged, 2);
        assert_eq!(raise(&store, one_alert).await.unwrap().len(), 1);
        record(&store, &high).await.unwrap();
        assert_eq!(raise(&store, one_alert).await.unwrap().len(), 1);
        assert_eq!(correct(&store, &high, 0.95).await.n_flagged, 0);
        assert_eq!(raise(&store, one_alert).await.unwrap(), []);
        assert_eq!(alerts(&store).await[0].count, 5);
    }

    #[tokio::test]
    async fn an_alert_loses_the_posts_that_are_withdrawn_and_is_resolved_with_the_last() {
        let store = test_store().await;
        let batch = at_risk(4, 0.9);
        record(&store, &batch).await.unwrap();
        raise(&store, one_alert).await.unwrap();
        assert_eq!(correct(&store, &batch[2..], 0.2).await.resolved, []);
        let open = alerts(&store).await.remove(0);
        let highest = f64::from(batch[1].score.churn_risk);
        assert_eq!((open.state, open.count, open.value), (AlertState::Open, 2, highest));
        let shown: Vec<_> = open.posts.iter().map(|post| post.uuid).collect();
        assert_eq!(shown, [batch[0].post.uuid, batch[1].post.uuid]);

        let resolved = correct(&store, &batch[..2], 0.2).await.resolved;
        assert_eq!(resolved, alerts(&store).await);
        assert_eq!(
            (resolved[0].id, resolved[0].state, resolved[0].count),
            (open.id, AlertState::Resolved, 0)
        );
        assert!(resolved[0].resolved_at.is_some());
        // It is over, and the next one is another.
        record(&store, &at_risk(6, 0.9)[4..]).await.unwrap();
        assert!(matches!(raise(&store, one_alert).await.unwrap()[..], [Raise::Opened(_)]));
        assert_eq!(alerts(&store).await.len(), 2);
    }

    #[tokio::test]
    async fn a_post_of_an_earlier_alert_is_not_counted_out_of_a_later_one() {
        let store = test_store().await;
        let batch = at_risk(6, 0.9);
        record(&store, &batch[..3]).await.unwrap();
        raise(&store, one_alert).await.unwrap();
        let series = one_alert(&batch)[0].series.clone();
        resolve(&store, &series, Timestamp::now()).await.unwrap().unwrap();
        record(&store, &batch[3..]).await.unwrap();
        raise(&store, one_alert).await.unwrap();
        let before = alerts(&store).await;
        assert_eq!(correct(&store, &batch[..3], 0.1).await.resolved, []);
        assert_eq!(alerts(&store).await, before);
        assert_eq!(correct(&store, &batch[3..5], 0.1).await.resolved, []);
        assert_eq!(alerts(&store).await[0].count, 1);
    }

    #[tokio::test]
    async fn posts_that_wait_for_company_are_raised_with_it_and_once() {
        let store = test_store().await;
        let judge = |posts: &[ScoredPost]| match posts.len() {
            0..=3 => {
                Judged { alerts: Vec::new(), waiting: posts.iter().map(|scored| scored.post.uuid).collect() }
            }
            _ => Judged::from(one_alert(posts)),
        };
        let batch = at_risk(5, 0.9);
        record(&store, &batch[..3]).await.unwrap();
        assert_eq!(raise(&store, judge).await.unwrap(), []);
        correct(&store, &batch[..1], 0.1).await;
        record(&store, &batch[3..]).await.unwrap();
        assert_eq!(raise(&store, judge).await.unwrap().len(), 1);
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
                raise(&store, one_alert).await.unwrap();
            }
        };
        let correcting = async {
            for some in batch[..60].chunks(4) {
                correct(&store, some, 0.5).await;
            }
        };
        tokio::join!(raising, correcting);
        raise(&store, one_alert).await.unwrap();
        let n_open: i64 = alerts(&store)
            .await
            .iter()
            .filter(|alert| alert.state == AlertState::Open)
            .map(|alert| alert.count)
            .sum();
        assert_eq!(n_open, 20);
        assert_eq!(number(&store, "SELECT count(*) FROM churn_alert_posts").await, 20);
    }
}
