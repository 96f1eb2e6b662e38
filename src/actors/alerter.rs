//! WindowClosed, PostsFlagged → alerts, stored and pushed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tracing::{info, warn};

use super::messages::{PostsFlagged, ScopeWindow, WindowClosed};
use super::supervisor::{Life, stage};
use super::told_alerts::ToldAlerts;
use crate::models::alert::{Alert, AlertPost, AlertRule, AlertState, Scope, Severity};
use crate::models::alert_rule::{self, Metric};
use crate::models::live::{AlertChange, LiveUpdate};
use crate::models::post::ScoredPost;
use crate::models::rollup::Dimension;
use crate::models::score::CHURN_HIGH;
use crate::store::alerts::{ALERT_POSTS_MAX, AlertSeries, AlertsQuery, NewAlert, Raise};
use crate::store::{Store, StoreError, alerts, flagged};
use crate::stream::Updates;
use crate::telemetry::ALERTS_OPENED_TOTAL;
use crate::virality::negativity::{CRITICAL_SHARE, NEGATIVITY, judge};

/// A churn alert that has gained no post for this long is resolved: the burst is over.
const CHURN_QUIET: SignedDuration = SignedDuration::from_mins(5);

/// How often flagged posts and silent alerts are looked for without being woken.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A flagged post that nobody looked at for this long is no news.
const NEWS_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Open alerts read at a time.
const OPEN_PAGE: usize = 200;

/// Times flagged posts are taken in one go, at most. While as many are flagged as are taken, windows must still be
/// judged; the next sweep takes the rest.
const CHURN_ROUNDS_MAX: usize = 20;

/// What an alerter is made of.
#[derive(Clone)]
pub struct AlerterParams {
    /// Where alerts are stored; what makes an alert open once.
    pub store: Store,
    /// Where every process hears of them.
    pub updates: Updates,
    /// The runtime on which connections live.
    pub io: Handle,
    /// After it was resolved, an alert does not open again for this long.
    pub cooldown: Duration,
}

/// Decides when people must be told.
///
/// Whether an alert is open is known to Postgres alone: with several processes, all judge the same windows, and the
/// unique index on the open alert of a rule and scope lets one of them open it. When Postgres is away nothing changes
/// state; the next window is judged when it is back.
pub struct Alerter {
    judge: Arc<Judge>,
    due: Due,
    is_busy: bool,
    life: Life,
}

/// What waits to be done, at most one of each kind: a newer window replaces an older.
#[derive(Default)]
struct Due {
    window: Option<Vec<ScopeWindow>>,
    sweep: bool,
    churn: bool,
}

type Work = BoxFuture<'static, Result<(), StoreError>>;

stage!(Alerter, "alerter");

impl Alerter {
    /// An alerter that soon takes up what its predecessor left.
    pub fn new(params: AlerterParams, life: Life) -> Self {
        let judge = Arc::new(Judge { params, told: Mutex::default() });
        Self { judge, due: Due::default(), is_busy: false, life }
    }

    /// One after the other: an evaluation must see what the one before it decided. Not by `wait`: a database that
    /// hangs would keep heartbeats from being answered, and the stage would be taken for frozen.
    fn work(&mut self, context: &mut Context<Self>) {
        if self.is_busy {
            return;
        }
        let Some(work) = self.next() else {
            return;
        };
        self.is_busy = true;
        self.life.vitals.begin(1);
        let done = self.judge.params.io.spawn(work).into_actor(self).map(|outcome, alerter, context| {
            alerter.is_busy = false;
            match outcome {
                Ok(Ok(())) => alerter.life.vitals.finish(1),
                Ok(Err(error)) => {
                    warn!(%error, "alerts were not evaluated, they keep their state");
                    alerter.life.vitals.fail(1);
                }
                Err(error) => {
                    warn!(%error, "evaluating alerts panicked");
                    alerter.life.vitals.fail(1);
                }
            }
            alerter.work(context);
        });
        context.spawn(done);
    }

    fn next(&mut self) -> Option<Work> {
        let judge = Arc::clone(&self.judge);
        let now = Timestamp::now();
        if let Some(scopes) = self.due.window.take() {
            return Some(Box::pin(async move { judge.negativity(scopes, now).await }));
        }
        if std::mem::take(&mut self.due.sweep) {
            return Some(Box::pin(async move { judge.sweep(now).await }));
        }
        if std::mem::take(&mut self.due.churn) {
            return Some(Box::pin(async move { judge.churn(now).await }));
        }
        None
    }
}

impl Actor for Alerter {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.run_interval(SWEEP_EVERY, |alerter, context| {
            alerter.due.sweep = true;
            alerter.work(context);
        });
    }
}

impl Handler<WindowClosed> for Alerter {
    type Result = ();

    fn handle(&mut self, WindowClosed { scopes }: WindowClosed, context: &mut Self::Context) {
        self.due.window = Some(scopes);
        self.work(context);
    }
}

impl Handler<PostsFlagged> for Alerter {
    type Result = ();

    fn handle(&mut self, _: PostsFlagged, context: &mut Self::Context) {
        self.due.churn = true;
        self.work(context);
    }
}

struct Judge {
    params: AlerterParams,
    told: Mutex<ToldAlerts>,
}

impl Judge {
    async fn negativity(&self, scopes: Vec<ScopeWindow>, now: Timestamp) -> Result<(), StoreError> {
        let open = self.open(AlertRule::Negativity).await?;
        for ScopeWindow { scope, sums } in &scopes {
            let verdict = judge(sums, NEGATIVITY);
            if !verdict.holds {
                continue;
            }
            let critical = verdict.share >= CRITICAL_SHARE;
            let alert = NewAlert {
                series: negativity_series(scope),
                rule_name: None,
                severity: if critical { Severity::Critical } else { Severity::Warning },
                title: negativity_title(scope, verdict.share, sums.count),
                value: verdict.share,
                threshold: NEGATIVITY.share_above,
                count: sums.count,
                at: now,
                posts: Vec::new(),
                members: Vec::new(),
                cooldown: self.params.cooldown,
                channels: Vec::new(),
                evidence: None,
            };
            let raise = alerts::open_or_update(&self.params.store, &alert).await?;
            self.tell(raise, now).await;
        }
        for alert in open {
            let window = scopes.iter().find(|window| window.scope == alert.scope);
            // A scope that is no longer among them has had no post for the whole window.
            if window.is_some_and(|window| judge(&window.sums, NEGATIVITY).holds) {
                continue;
            }
            self.resolve(&negativity_series(&alert.scope), now).await?;
        }
        Ok(())
    }

    /// Takes the flagged posts into alerts.
    async fn churn(&self, now: Timestamp) -> Result<(), StoreError> {
        for _ in 0..CHURN_ROUNDS_MAX {
            let raised = flagged::raise(&self.params.store, |posts| churn_alerts(posts, now)).await?;
            if raised.is_empty() {
                break;
            }
            for raise in raised {
                self.tell(raise, now).await;
            }
        }
        Ok(())
    }

    /// Finds flagged posts nobody woke us for, such as those of a process without an alerter, tells of alerts that count
    /// other posts than was told, and resolves those that have fallen silent.
    async fn sweep(&self, now: Timestamp) -> Result<(), StoreError> {
        self.churn(now).await?;
        let quiet_since = now.saturating_sub(CHURN_QUIET).unwrap_or(now);
        let (quiet, open): (Vec<_>, Vec<_>) =
            self.open(AlertRule::Churn).await?.into_iter().partition(|alert| alert.updated_at < quiet_since);
        let outdated = self.told.lock().await.outdated(open);
        for alert in outdated {
            self.push(AlertChange::Raised, alert).await;
        }
        for alert in quiet {
            self.resolve(&churn_series(alert.scope), now).await?;
        }
        Ok(())
    }

    async fn open(&self, rule: AlertRule) -> Result<Vec<Alert>, StoreError> {
        let mut query =
            AlertsQuery { state: Some(AlertState::Open), rule: Some(rule), cursor: None, limit: OPEN_PAGE };
        let mut open = Vec::new();
        loop {
            let page = alerts::list(&self.params.store, &query).await?;
            open.extend(page.items);
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                return Ok(open);
            }
        }
    }

    async fn tell(&self, raise: Raise, now: Timestamp) {
        match raise {
            Raise::Opened(alert) => {
                info!(
                    rule = alert.rule.as_str(),
                    scope = alert.scope.key,
                    value = alert.value,
                    "alert opened"
                );
                metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => alert.rule.as_str()).increment(1);
                if alert.rule == AlertRule::Churn {
                    self.told.lock().await.opened(&alert);
                }
                self.push(AlertChange::Raised, alert).await;
            }
            // A negativity alert changes its share with every evaluation; only churn gains posts.
            Raise::Updated(alert)
                if alert.rule == AlertRule::Churn && self.told.lock().await.is_due(&alert, now) =>
            {
                self.push(AlertChange::Raised, alert).await;
            }
            Raise::Updated(_) | Raise::Quiet => {}
        }
    }

    async fn resolve(&self, series: &AlertSeries, now: Timestamp) -> Result<(), StoreError> {
        if let Some(alert) = alerts::resolve(&self.params.store, series, now).await? {
            info!(rule = alert.rule.as_str(), scope = alert.scope.key, "alert resolved");
            self.push(AlertChange::Resolved, alert).await;
        }
        Ok(())
    }

    async fn push(&self, change: AlertChange, alert: Alert) {
        let update = LiveUpdate::Alert { change, alert: Box::new(alert) };
        if let Err(error) = self.params.updates.publish(&update).await {
            // It is stored, so every list shows it.
            warn!(%error, "an alert was not pushed");
        }
    }
}

fn negativity_series(scope: &Scope) -> AlertSeries {
    let rule_id = match scope.dimension {
        Dimension::Overall => alert_rule::NEGATIVITY_OVERALL,
        _ => alert_rule::NEGATIVITY_PRODUCTS,
    };
    AlertSeries {
        rule: AlertRule::Negativity,
        rule_id: Some(rule_id),
        metric: Some(Metric::NegativeShare.name()),
        scope: scope.clone(),
    }
}

fn churn_series(scope: Scope) -> AlertSeries {
    AlertSeries {
        rule: AlertRule::Churn,
        rule_id: Some(alert_rule::CHURN),
        metric: Some(Metric::ChurnHigh.name()),
        scope,
    }
}

/// One alert for each product concerned: a burst of a thousand angry customers is one alert of a thousand posts.
fn churn_alerts(posts: &[ScoredPost], now: Timestamp) -> Vec<NewAlert> {
    let mut scopes: BTreeMap<Scope, Vec<&ScoredPost>> = BTreeMap::new();
    // A process that starts alerting after a long time must not wake people about last week.
    for scored in posts.iter().filter(|scored| now.duration_since(scored.post.received_at) < NEWS_FOR) {
        for scope in scopes_of(scored) {
            scopes.entry(scope).or_default().push(scored);
        }
    }
    let alert = |(scope, posts): (Scope, Vec<&ScoredPost>)| {
        let highest = posts.iter().map(|scored| scored.score.churn_risk).fold(0.0_f32, f32::max);
        NewAlert {
            severity: Severity::Warning,
            title: churn_title(&scope),
            rule_name: None,
            channels: Vec::new(),
            evidence: None,
            value: f64::from(highest),
            threshold: f64::from(CHURN_HIGH),
            count: i64::try_from(posts.len()).unwrap_or(i64::MAX),
            at: now,
            posts: posts.iter().rev().take(ALERT_POSTS_MAX).map(|scored| alert_post(scored)).collect(),
            members: posts.iter().map(|scored| (scored.post.uuid, scored.post.created_at)).collect(),
            // A burst that starts again is news at once: somebody is leaving now.
            cooldown: Duration::ZERO,
            series: churn_series(scope),
        }
    };
    scopes.into_iter().map(alert).collect()
}

/// Everything is one scope for posts that name no product.
fn scopes_of(scored: &ScoredPost) -> Vec<Scope> {
    if scored.post.products.is_empty() {
        return vec![Scope::overall()];
    }
    let of = |product: &String| Scope { dimension: Dimension::Product, key: product.clone() };
    scored.post.products.iter().map(of).collect()
}

fn alert_post(scored: &ScoredPost) -> AlertPost {
    AlertPost {
        uuid: scored.post.uuid,
        text: scored.post.text.clone(),
        platform: scored.post.platform.clone(),
        source: scored.post.source.as_str().to_owned(),
        churn_risk: scored.score.churn_risk,
    }
}

fn negativity_title(scope: &Scope, share: f64, n_posts: i64) -> String {
    let percent = (share * 100.0).round();
    match scope.dimension {
        Dimension::Overall => format!("{percent} % of {n_posts} posts in five minutes are negative"),
        _ => format!("{percent} % of {n_posts} posts about {} in five minutes are negative", scope.key),
    }
}

fn churn_title(scope: &Scope) -> String {
    match scope.dimension {
        Dimension::Overall => "People are about to leave".to_owned(),
        _ => format!("Customers of {} are about to leave", scope.key),
    }
}
