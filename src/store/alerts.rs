//! What must be acted on: opened once, resolved once, and then quiet for a while.

use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::codec::Moment;
use super::page::{Cursor, Page, limits};
use super::{ANSWER_TIMEOUT, Store, StoreError, answered};
use crate::models::alert::{Alert, AlertPost, AlertRule, AlertState, Scope, Severity};
use crate::models::rollup::Dimension;

/// Most posts that an alert shows.
pub const ALERT_POSTS_MAX: usize = 20;

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAlert {
    /// Which rule.
    pub rule: AlertRule,
    /// About what.
    pub scope: Scope,
    /// How loudly.
    pub severity: Severity,
    /// One sentence for people.
    pub title: String,
    /// The measured value.
    pub value: f64,
    /// The value at which it opens.
    pub threshold: f64,
    /// Posts behind it: all of them for [`open_or_update`], the additional ones for [`add_posts`].
    pub count: i64,
    /// When it was found.
    pub at: Timestamp,
    /// How long the same rule and scope stays quiet after it was resolved.
    pub cooldown: Duration,
    /// Some of the posts, newest first.
    pub posts: Vec<AlertPost>,
    /// All of them, by name and event time, where the alert is about single posts; empty where it is about a share.
    pub members: Vec<(Uuid, Timestamp)>,
}

/// What became of a finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Raise {
    /// It opened an alert. Exactly one of any number of processes is told so.
    Opened(Alert),
    /// It changed the one that was open.
    Updated(Alert),
    /// Nothing: the same was resolved a short while ago.
    Quiet,
}

impl Raise {
    /// The alert as it is now, if there is one.
    pub fn into_alert(self) -> Option<Alert> {
        match self {
            Self::Opened(alert) | Self::Updated(alert) => Some(alert),
            Self::Quiet => None,
        }
    }
}

/// How a finding meets an alert that is open already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Merge {
    /// It says how things are now.
    Replace,
    /// It adds to what was found before.
    Add,
}

/// Opens an alert, or brings the open one of this rule and scope up to date: its value, count, severity and posts become
/// those given.
pub async fn open_or_update(store: &Store, found: &NewAlert) -> Result<Raise, StoreError> {
    raise(store, found, Merge::Replace).await
}

/// Opens an alert, or adds posts to the open one of this rule and scope, so that a burst is one alert: counts add up, the
/// highest value stays, and the newest [`ALERT_POSTS_MAX`] posts are kept.
pub async fn add_posts(store: &Store, found: &NewAlert) -> Result<Raise, StoreError> {
    raise(store, found, Merge::Add).await
}

async fn raise(store: &Store, found: &NewAlert, merge: Merge) -> Result<Raise, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, raise_on(&mut client, found, merge)).await;
    answered(client, outcome)
}

async fn raise_on(client: &mut Object, found: &NewAlert, merge: Merge) -> Result<Raise, StoreError> {
    let transaction = client.transaction().await?;
    let raised = raise_in(&transaction, found, merge).await?;
    transaction.commit().await?;
    Ok(raised)
}

/// As [`add_posts`], as part of a transaction that does more.
pub(super) async fn add_posts_on(
    transaction: &Transaction<'_>,
    found: &NewAlert,
) -> Result<Raise, StoreError> {
    raise_in(transaction, found, Merge::Add).await
}

async fn raise_in(
    transaction: &Transaction<'_>,
    found: &NewAlert,
    merge: Merge,
) -> Result<Raise, StoreError> {
    take_turns(transaction, found.rule, &found.scope).await?;
    Ok(match update_open(transaction, found, merge).await? {
        Some(alert) => Raise::Updated(alert),
        None => insert_open(transaction, found).await?.map_or(Raise::Quiet, Raise::Opened),
    })
}

/// Makes processes that judge the same rule and scope take turns.
///
/// The unique index already keeps a second alert from opening. But without turns, one process could see an open alert,
/// another resolve it, and the first, its view of the cooldown being older, open it again at once.
async fn take_turns(transaction: &Transaction<'_>, rule: AlertRule, scope: &Scope) -> Result<(), StoreError> {
    const SQL: &str =
        "SELECT pg_advisory_xact_lock(hashtextextended(concat_ws('/', $1::text, $2::text, $3::text), 0))";
    let statement = transaction.prepare_cached(SQL).await?;
    transaction.execute(&statement, &[&rule.as_str(), &scope.dimension.as_str(), &scope.key]).await?;
    Ok(())
}

/// The columns that make an [`Alert`], in the order in which [`alert_of`] reads them. A macro, since SQL constants are
/// joined when they are compiled.
macro_rules! columns {
    () => {
        "id, rule::text, dimension::text, key, state::text, severity::text, title, value, threshold, count, opened_at, \
         updated_at, resolved_at, acknowledged_at, posts"
    };
}

async fn update_open(
    transaction: &Transaction<'_>,
    found: &NewAlert,
    merge: Merge,
) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET
            severity = CASE WHEN $10 THEN greatest(severity, $4::text::alert_severity)
                ELSE $4::text::alert_severity END,
            title = $5,
            value = CASE WHEN $10 THEN greatest(value, $6) ELSE $6 END,
            count = CASE WHEN $10::bool THEN count ELSE 0 END + $7,
            updated_at = greatest(updated_at, $8),
            posts = CASE WHEN $10 THEN (
                SELECT coalesce(jsonb_agg(post ORDER BY place), '[]') FROM (
                    SELECT post, place FROM jsonb_array_elements($9::jsonb || posts) WITH ORDINALITY AS of (post, place)
                    ORDER BY place LIMIT $11
                ) AS newest
            ) ELSE $9 END
        WHERE rule = $1::text::alert_rule AND dimension = $2::text::rollup_dimension AND key = $3 AND state = 'open'
        RETURNING ",
        columns!()
    );
    let statement = transaction.prepare_cached(SQL).await?;
    let limit = i64::try_from(ALERT_POSTS_MAX).unwrap_or(i64::MAX);
    let row = transaction
        .query_opt(
            &statement,
            &[
                &found.rule.as_str(),
                &found.scope.dimension.as_str(),
                &found.scope.key,
                &found.severity.as_str(),
                &found.title,
                &found.value,
                &found.count,
                &Moment(found.at),
                &Json(newest(&found.posts)),
                &(merge == Merge::Add),
                &limit,
            ],
        )
        .await?;
    row.as_ref().map(alert_of).transpose()
}

/// Opens an alert unless the same was resolved within the cooldown.
async fn insert_open(transaction: &Transaction<'_>, found: &NewAlert) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        INSERT INTO sentiment_alerts
            (id, rule, dimension, key, state, severity, title, value, threshold, count, opened_at, updated_at, posts)
        SELECT $1, $2::text::alert_rule, $3::text::rollup_dimension, $4, 'open', $5::text::alert_severity, $6, $7, $8,
            $9, $10::timestamptz, $10, $11
        WHERE NOT EXISTS (
            SELECT FROM sentiment_alerts
            WHERE rule = $2::text::alert_rule AND dimension = $3::text::rollup_dimension AND key = $4
                AND state = 'resolved' AND resolved_at > $12)
        ON CONFLICT DO NOTHING
        RETURNING ",
        columns!()
    );
    let cooldown = SignedDuration::try_from(found.cooldown).unwrap_or(SignedDuration::MAX);
    let quiet_since = found.at.checked_sub(cooldown).unwrap_or(Timestamp::UNIX_EPOCH);
    let statement = transaction.prepare_cached(SQL).await?;
    let row = transaction
        .query_opt(
            &statement,
            &[
                &Uuid::now_v7(),
                &found.rule.as_str(),
                &found.scope.dimension.as_str(),
                &found.scope.key,
                &found.severity.as_str(),
                &found.title,
                &found.value,
                &found.threshold,
                &found.count,
                &Moment(found.at),
                &Json(newest(&found.posts)),
                &Moment(quiet_since),
            ],
        )
        .await?;
    row.as_ref().map(alert_of).transpose()
}

fn newest(posts: &[AlertPost]) -> &[AlertPost] {
    posts.get(..ALERT_POSTS_MAX).unwrap_or(posts)
}

/// Resolves the open alert of a rule and scope. Of any number of processes one is answered the alert, the others `None`.
pub async fn resolve(
    store: &Store,
    rule: AlertRule,
    scope: &Scope,
    at: Timestamp,
) -> Result<Option<Alert>, StoreError> {
    let mut client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, resolve_on(&mut client, rule, scope, at)).await;
    answered(client, outcome)
}

async fn resolve_on(
    client: &mut Object,
    rule: AlertRule,
    scope: &Scope,
    at: Timestamp,
) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET state = 'resolved', resolved_at = $4, updated_at = greatest(updated_at, $4)
        WHERE rule = $1::text::alert_rule AND dimension = $2::text::rollup_dimension AND key = $3 AND state = 'open'
        RETURNING ",
        columns!()
    );
    let transaction = client.transaction().await?;
    take_turns(&transaction, rule, scope).await?;
    let statement = transaction.prepare_cached(SQL).await?;
    let row = transaction
        .query_opt(&statement, &[&rule.as_str(), &scope.dimension.as_str(), &scope.key, &Moment(at)])
        .await?;
    let alert = row.as_ref().map(alert_of).transpose()?;
    transaction.commit().await?;
    Ok(alert)
}

/// Posts that an alert counted and no longer shall.
pub(super) struct Loss<'a> {
    pub alert: Uuid,
    pub scope: Scope,
    pub n_posts: i64,
    /// Their names, among others.
    pub uuids: &'a [Uuid],
    pub at: Timestamp,
}

/// Counts posts out of an open churn alert. One of which no post is left is resolved and answered.
///
/// That it shrank does not count as a change of it, or a burst that is over would never be.
pub(super) async fn count_out(
    transaction: &Transaction<'_>,
    loss: &Loss<'_>,
) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "
        UPDATE sentiment_alerts SET
            count = greatest(count - $2, 0),
            value = coalesce((
                SELECT max(score.churn_risk) FROM churn_alert_posts AS member
                JOIN sentiment_analysis AS score USING (uuid, created_at) WHERE member.alert = $1), value),
            posts = (
                SELECT coalesce(jsonb_agg(post ORDER BY place), '[]')
                FROM jsonb_array_elements(posts) WITH ORDINALITY AS of (post, place)
                WHERE (post ->> 'uuid')::uuid <> ALL ($3)),
            state = CASE WHEN count > $2 THEN state ELSE 'resolved' END,
            resolved_at = CASE WHEN count > $2 THEN resolved_at ELSE $4::timestamptz END,
            updated_at = CASE WHEN count > $2 THEN updated_at ELSE greatest(updated_at, $4) END
        WHERE id = $1 AND state = 'open'
        RETURNING ",
        columns!()
    );
    take_turns(transaction, AlertRule::Churn, &loss.scope).await?;
    let statement = transaction.prepare_cached(SQL).await?;
    let row = transaction
        .query_opt(&statement, &[&loss.alert, &loss.n_posts, &loss.uuids, &Moment(loss.at)])
        .await?;
    let alert = row.as_ref().map(alert_of).transpose()?;
    Ok(alert.filter(|alert| alert.state == AlertState::Resolved))
}

/// Which alerts to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertsQuery {
    /// Only open ones, or only resolved ones.
    pub state: Option<AlertState>,
    /// Only this rule's.
    pub rule: Option<AlertRule>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Most alerts to answer, 1 to [`super::page::PAGE_MAX`].
    pub limit: usize,
}

/// One page of alerts, the last opened first. Fails with `BadCursor`.
pub async fn list(store: &Store, query: &AlertsQuery) -> Result<Page<Alert>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        "
        FROM sentiment_alerts
        WHERE ($1::text IS NULL OR state = $1::alert_state)
            AND ($2::text IS NULL OR rule = $2::alert_rule)
            AND ($3::timestamptz IS NULL OR (opened_at, id) < ($3, $4::uuid))
        ORDER BY opened_at DESC, id DESC
        LIMIT $5"
    );
    let (limit, n_rows) = limits(query.limit);
    let cursor = query.cursor.as_deref().map(Cursor::decode).transpose()?;
    let state = query.state.map(AlertState::as_str);
    let rule = query.rule.map(AlertRule::as_str);
    let (at, id) = (cursor.map(|cursor| Moment(cursor.at)), cursor.map(|cursor| cursor.id));
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query(SQL, &[&state, &rule, &at, &id, &n_rows])).await;
    let rows = answered(client, outcome)?;
    let alerts = rows.iter().map(alert_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(alerts, limit, |alert| Cursor { at: alert.opened_at, id: alert.id }))
}

/// Notes that a person has seen it, and answers it; `None` when there is no such alert. The first time stands.
pub async fn acknowledge(store: &Store, id: Uuid, at: Timestamp) -> Result<Option<Alert>, StoreError> {
    const SQL: &str = concat!(
        "UPDATE sentiment_alerts SET acknowledged_at = coalesce(acknowledged_at, $2) WHERE id = $1 RETURNING ",
        columns!()
    );
    let client = store.client().await?;
    let outcome = timeout(ANSWER_TIMEOUT, client.query_opt(SQL, &[&id, &Moment(at)])).await;
    answered(client, outcome)?.as_ref().map(alert_of).transpose()
}

fn alert_of(row: &Row) -> Result<Alert, StoreError> {
    let Json(posts) = row.try_get(14)?;
    Ok(Alert {
        id: row.try_get(0)?,
        rule: named(row, 1, &[AlertRule::Negativity, AlertRule::Churn], AlertRule::as_str)?,
        scope: scope_of(row, 2)?,
        state: named(row, 4, &[AlertState::Open, AlertState::Resolved], AlertState::as_str)?,
        severity: named(row, 5, &[Severity::Warning, Severity::Critical], Severity::as_str)?,
        title: row.try_get(6)?,
        value: row.try_get(7)?,
        threshold: row.try_get(8)?,
        count: row.try_get(9)?,
        opened_at: row.try_get(10)?,
        updated_at: row.try_get(11)?,
        resolved_at: row.try_get(12)?,
        acknowledged_at: row.try_get(13)?,
        posts,
    })
}

/// A scope from two columns that follow each other.
pub(super) fn scope_of(row: &Row, first: usize) -> Result<Scope, StoreError> {
    let dimension = named(row, first, &Dimension::ALL, Dimension::as_str)?;
    Ok(Scope { dimension, key: row.try_get(first + 1)? })
}

/// Which of the known values a column names.
fn named<T: Copy>(
    row: &Row,
    column: usize,
    known: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    let found = known.iter().copied().find(|value| name(*value) == text);
    found.ok_or_else(|| StoreError::Internal { reason: format!("unknown name `{text}`") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::test_store;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn found(rule: AlertRule, at: Timestamp) -> NewAlert {
        NewAlert {
            rule,
            scope: Scope { dimension: Dimension::Product, key: "alpha".to_owned() },
            severity: Severity::Warning,
            title: "most posts about alpha are negative".to_owned(),
            value: 0.6,
            threshold: 0.5,
            count: 20,
            at,
            cooldown: Duration::from_secs(300),
            posts: Vec::new(),
            members: Vec::new(),
        }
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
                tokio::spawn(async move {
                    open_or_update(&store, &found(AlertRule::Negativity, at)).await.unwrap()
                })
            });
            let raised = futures_util::future::try_join_all(tasks).await.unwrap();
            assert_eq!(raised.iter().filter(|raise| matches!(raise, Raise::Opened(_))).count(), 1);
            assert_eq!(raised.iter().filter(|raise| matches!(raise, Raise::Updated(_))).count(), 7);
            let tasks = (0..8).map(|_| {
                let store = store.clone();
                let scope = found(AlertRule::Negativity, at).scope;
                tokio::spawn(async move {
                    resolve(&store, AlertRule::Negativity, &scope, at + MINUTE).await.unwrap()
                })
            });
            let resolved = futures_util::future::try_join_all(tasks).await.unwrap();
            assert_eq!(resolved.iter().flatten().count(), 1);
        }
        let page = list(&store, &AlertsQuery { limit: 50, ..AlertsQuery::default() }).await.unwrap();
        assert_eq!(page.items.len(), 5);
        assert!(page.items.iter().all(|alert| alert.state == AlertState::Resolved));
    }

    #[tokio::test]
    async fn a_resolved_alert_stays_quiet_for_its_cooldown() {
        let store = test_store().await;
        let now = Timestamp::now();
        let first = found(AlertRule::Negativity, now);
        assert!(matches!(open_or_update(&store, &first).await.unwrap(), Raise::Opened(_)));
        assert!(resolve(&store, first.rule, &first.scope, now).await.unwrap().is_some());
        for (minutes, opens) in [(0, false), (4, false), (6, true)] {
            let again = found(AlertRule::Negativity, now + MINUTE * minutes);
            let raised = open_or_update(&store, &again).await.unwrap();
            assert_eq!(matches!(raised, Raise::Opened(_)), opens, "after {minutes} minutes");
        }
        let elsewhere = NewAlert { scope: Scope::overall(), ..found(AlertRule::Negativity, now) };
        assert!(matches!(open_or_update(&store, &elsewhere).await.unwrap(), Raise::Opened(_)));
    }

    #[tokio::test]
    async fn an_update_says_how_things_are_now() {
        let store = test_store().await;
        let now = Timestamp::now();
        open_or_update(&store, &found(AlertRule::Negativity, now)).await.unwrap();
        let worse = NewAlert {
            value: 0.55,
            count: 31,
            severity: Severity::Critical,
            ..found(AlertRule::Negativity, now + MINUTE)
        };
        let alert = open_or_update(&store, &worse).await.unwrap().into_alert().unwrap();
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
            let added =
                NewAlert { value, count: 5, posts, ..found(AlertRule::Churn, now + MINUTE * n as i32) };
            add_posts(&store, &added).await.unwrap();
        }
        let open = AlertsQuery { state: Some(AlertState::Open), limit: 10, ..AlertsQuery::default() };
        let alerts = list(&store, &open).await.unwrap().items;
        assert_eq!(alerts.len(), 1);
        assert_eq!((alerts[0].count, alerts[0].value), (30, 0.99));
        assert_eq!(alerts[0].posts, sent[..ALERT_POSTS_MAX]);
        let seen = acknowledge(&store, alerts[0].id, now).await.unwrap().unwrap();
        let again = acknowledge(&store, alerts[0].id, now + MINUTE).await.unwrap().unwrap();
        assert!(seen.acknowledged_at.is_some());
        assert_eq!(seen.acknowledged_at, again.acknowledged_at);
        assert_eq!(acknowledge(&store, Uuid::now_v7(), now).await.unwrap(), None);
    }

    #[tokio::test]
    async fn pages_of_alerts_name_each_once() {
        let store = test_store().await;
        let now = Timestamp::now();
        for n in 0..7 {
            let scope = Scope { dimension: Dimension::Product, key: format!("product {n}") };
            // Several open at the same moment.
            let alert = NewAlert { scope, ..found(AlertRule::Negativity, now + MINUTE * (n / 3)) };
            open_or_update(&store, &alert).await.unwrap();
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
}
