//! What the alerter does: it asks what rules want to know, judges, writes, and tells every process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::alerter::AlerterParams;
use super::churn_alerts;
use super::told_alerts::ToldAlerts;
use crate::alerting::plan::{self, Readings, Situation};
use crate::alerting::{muting, telling};
use crate::models::alert::{Alert, AlertPhase, AlertRule, AlertState};
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{Group, Kept, Mute, SeriesId};
use crate::models::live::{AlertChange, LiveUpdate};
use crate::store::alerts::Raise;
use crate::store::evaluation::Lead;
use crate::store::measures::{self, Question};
use crate::store::{StoreError, alert_rules, alerts, evaluation, flagged, silences};
use crate::telemetry::ALERTS_OPENED_TOTAL;

/// How often a window is measured: often enough that it moves by a sixtieth, within these bounds. A short one moves
/// fast; a long one is dear to read, and nobody sees it move.
const MEASURE_EVERY_SECONDS: (i64, i64) = (5, 60);

/// Times flagged posts are taken in one go, at most. While as many are flagged as are taken, windows must still be
/// judged; the next turn takes the rest.
const CHURN_ROUNDS_MAX: usize = 20;

/// Judges, if this process is the one that does.
pub(super) struct Evaluator {
    params: AlerterParams,
    lead: Option<Lead>,
    /// When each group was last measured.
    measured: BTreeMap<Group, Timestamp>,
    told: ToldAlerts,
}

impl Evaluator {
    /// One that leads nothing yet.
    pub fn new(params: AlerterParams) -> Self {
        Self { params, lead: None, measured: BTreeMap::new(), told: ToldAlerts::default() }
    }

    /// One evaluation: of flagged posts, of all windows that are due, and of what people must be told. Does nothing where
    /// another process leads. After an error everything is as it was, and the lead is anybody's.
    pub async fn evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let outcome = self.try_evaluate(now).await;
        if outcome.is_err() {
            self.lead = None;
            self.measured.clear();
        }
        outcome
    }

    async fn try_evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !self.leads().await? {
            return Ok(());
        }
        let rules = alert_rules::list(&self.params.store).await?;
        self.churn(&rules, now).await?;
        let kept = evaluation::series(&self.params.store).await?;
        let readings = self.measure(&rules, &kept, now).await;
        let silences = silences::current(&self.params.store, now).await?;
        let open = alerts::open(&self.params.store).await?;
        let situation = Situation { rules: &rules, kept: &kept, open: &open, readings: &readings, now };
        let changes = plan::plan(situation);
        for opening in &changes.openings {
            metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => opening.rule.what.metric.kind().as_str())
                .increment(1);
        }
        let Some(lead) = &mut self.lead else {
            return Ok(());
        };
        let mut turn = lead.turn().await?;
        turn.apply(&changes, now).await?;
        let told = turn.told().await?;
        let open = told.iter().map(|told| &told.alert).filter(|alert| alert.state == AlertState::Open);
        let mutes = muting::mutes(&open.cloned().collect::<Vec<_>>(), &silences, now);
        turn.mute(&changed(&told.iter().map(|told| &told.alert).collect::<Vec<_>>(), &mutes), now).await?;
        turn.tell(&telling::due(&told, &mutes)).await?;
        for alert in turn.commit().await? {
            self.push(alert).await;
        }
        Ok(())
    }

    /// Whether this process is the one that judges.
    async fn leads(&mut self) -> Result<bool, StoreError> {
        let mut lead = match self.lead.take() {
            Some(lead) => lead,
            None => Lead::connect(&self.params.store).await?,
        };
        let leads = lead.ask().await?;
        self.lead = Some(lead);
        Ok(leads)
    }

    /// Asks once for all rules that share a window and a kind of thing. A question that fails leaves its rules as they are.
    async fn measure(&mut self, rules: &[Rule], kept: &BTreeMap<SeriesId, Kept>, now: Timestamp) -> Readings {
        let mut readings = Readings::new();
        let questions = questions(rules, kept);
        self.measured.retain(|group, _| questions.iter().any(|question| question.group == *group));
        for question in questions {
            let (least, most) = MEASURE_EVERY_SECONDS;
            let every = SignedDuration::from_secs((question.group.window_seconds / 60).clamp(least, most));
            let last = self.measured.get(&question.group);
            if last.is_some_and(|last| now.duration_since(*last) < every) {
                continue;
            }
            match measures::measure(&self.params.store, &question, now).await {
                Ok(measured) => {
                    self.measured.insert(question.group, now);
                    readings.insert(question.group, measured);
                }
                Err(error) => {
                    warn!(%error, group = ?question.group, "rules were not judged, they keep their state")
                }
            }
        }
        readings
    }

    /// Takes the flagged posts into alerts, tells of alerts that count other posts than was told, and resolves those that
    /// have fallen silent.
    async fn churn(&mut self, rules: &[Rule], now: Timestamp) -> Result<(), StoreError> {
        let Some(rule) = rules.iter().find(|rule| rule.id == CHURN) else {
            return Ok(());
        };
        let store = self.params.store.clone();
        for _ in 0..CHURN_ROUNDS_MAX {
            let open = self.open_churn().await?;
            let raised =
                flagged::raise(&store, |posts| churn_alerts::judge(rule, &open, (posts, now))).await?;
            if raised.is_empty() {
                break;
            }
            for raise in raised {
                self.tell_churn(raise, now).await;
            }
        }
        let quiet_since =
            now.saturating_sub(SignedDuration::from_secs(rule.what.keep_firing_seconds)).unwrap_or(now);
        let (quiet, open): (Vec<_>, Vec<_>) =
            self.open_churn().await?.into_iter().partition(|alert| alert.updated_at < quiet_since);
        for alert in self.told.outdated(open) {
            self.push(alert).await;
        }
        for alert in quiet {
            let series = churn_alerts::series(alert.scope.clone());
            if let Some(alert) = alerts::resolve(&store, &series, now).await? {
                self.push(alert).await;
            }
        }
        Ok(())
    }

    async fn open_churn(&self) -> Result<Vec<Alert>, StoreError> {
        let open = alerts::open(&self.params.store).await?;
        Ok(open.into_iter().filter(|alert| alert.rule_id == Some(CHURN)).collect())
    }

    async fn tell_churn(&mut self, raise: Raise, now: Timestamp) {
        match raise {
            Raise::Opened(alert) => {
                metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => AlertRule::Churn.as_str()).increment(1);
                self.told.opened(&alert);
                self.push(alert).await;
            }
            Raise::Updated(alert) if self.told.is_due(&alert, now) => self.push(alert).await,
            Raise::Updated(_) | Raise::Quiet => {}
        }
    }

    async fn push(&self, alert: Alert) {
        let change = match alert.state {
            AlertState::Open => AlertChange::Raised,
            AlertState::Resolved => AlertChange::Resolved,
        };
        if alert.phase != AlertPhase::Recovering {
            let (rule, scope) = (alert.rule.as_str(), &alert.scope.key);
            info!(rule, scope, phase = alert.phase.as_str(), value = alert.value, "alert");
        }
        let update = LiveUpdate::Alert { change, alert: Box::new(alert) };
        if let Err(error) = self.params.updates.publish(&update).await {
            // It is stored, so every list shows it.
            warn!(%error, "an alert was not pushed");
        }
    }
}

/// What all rules want to know: one question for each window and kind of thing.
fn questions(rules: &[Rule], kept: &BTreeMap<SeriesId, Kept>) -> Vec<Question> {
    let mut questions: BTreeMap<Group, (i64, BTreeSet<String>)> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| plan::is_judged(rule)) {
        let (n_posts_min, keys) = questions.entry(Group::of(rule)).or_insert((i64::MAX, BTreeSet::new()));
        *n_posts_min = rule.what.minimum_volume.min(*n_posts_min);
        keys.extend(rule.what.scope.key.clone());
        keys.extend(kept.keys().filter(|id| id.rule_id == rule.id).map(|id| id.scope.key.clone()));
    }
    let question = |(group, (n_posts_min, keys)): (Group, (i64, BTreeSet<String>))| Question {
        group,
        n_posts_min,
        keys: keys.into_iter().collect(),
    };
    questions.into_iter().map(question).collect()
}

/// The mutes that are other than what the alerts say.
fn changed(alerts: &[&Alert], mutes: &[Mute]) -> Vec<Mute> {
    let is_new = |mute: &&Mute| {
        let alert = alerts.iter().find(|alert| alert.id == mute.alert);
        alert.is_some_and(|it| (it.silenced, it.inhibited_by) != (mute.silenced, mute.inhibited_by))
    };
    mutes.iter().filter(is_new).copied().collect()
}
