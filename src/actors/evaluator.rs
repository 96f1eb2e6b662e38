//! What the alerter does: it asks what rules want to know, judges, writes, and tells every process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use super::alerter::AlerterParams;
use super::announcing::{announce, push, push_all, turn};
use super::told_alerts::ToldAlerts;
use super::{churn_alerts, rule_evidence};
use crate::alerting::machine::{FLAP_OPENINGS, FLAP_WITHIN};
use crate::alerting::plan::{self, Readings, Situation};
use crate::models::alert::{Alert, AlertRule};
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{Group, Kept, SeriesId};
use crate::models::silence::Silence;
use crate::store::alerts::{AlertSeries, Raise};
use crate::store::evaluation::{Duty, Lead, Turn};
use crate::store::measures::{self, Question};
use crate::store::{StoreError, alert_rules, alerts, evaluation, silences};
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
        if !Lead::leads(&mut self.lead, &self.params.store, Duty::Rules).await? {
            return Ok(());
        }
        let rules = alert_rules::list(&self.params.store).await?;
        let silences = silences::current(&self.params.store, now).await?;
        let quiet = self.churn(&rules, &silences, now).await?;
        let kept = evaluation::series(&self.params.store).await?;
        let readings = self.measure(&rules, &kept, now).await;
        let open = alerts::open(&self.params.store).await?;
        let situation = Situation { rules: &rules, kept: &kept, open: &open, readings: &readings, now };
        let mut changes = plan::plan(situation);
        rule_evidence::fill_in(&self.params.store, &mut changes.openings, now).await;
        for opening in &changes.openings {
            metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => opening.rule.what.metric.kind().as_str())
                .increment(1);
        }
        let mut turn = turn(&mut self.lead).await?;
        turn.apply(&changes, now).await?;
        for series in &quiet {
            turn.resolve(series, now).await?;
        }
        announce(&mut turn, &silences, now).await?;
        push_all(&self.params.updates, turn.commit().await?).await;
        Ok(())
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

    /// Takes the flagged posts into alerts, and tells of alerts that count other posts than was told. Answers those that
    /// have fallen silent.
    async fn churn(
        &mut self,
        rules: &[Rule],
        silences: &[Silence],
        now: Timestamp,
    ) -> Result<Vec<AlertSeries>, StoreError> {
        let Some(rule) = rules.iter().find(|rule| rule.id == CHURN) else {
            return Ok(Vec::new());
        };
        for _ in 0..CHURN_ROUNDS_MAX {
            let open = self.open_churn().await?;
            let mut turn = turn(&mut self.lead).await?;
            let raised = turn.raise_flagged(|posts| churn_alerts::judge(rule, &open, (posts, now))).await?;
            if raised.is_empty() {
                // What is no news any more is taken out all the same.
                turn.commit().await?;
                break;
            }
            for raise in &raised {
                if let Raise::Opened(alert) = raise {
                    hold_open_if_it_flaps(&mut turn, alert, now).await?;
                }
            }
            announce(&mut turn, silences, now).await?;
            let changed = turn.commit().await?;
            self.tell_churn(&raised, changed, now).await;
        }
        let (quiet, open): (Vec<_>, Vec<_>) =
            self.open_churn().await?.into_iter().partition(|alert| churn_alerts::is_over(rule, alert, now));
        let outdated = alerts::whole(&self.params.store, &self.told.outdated(&open)).await?;
        outdated.iter().for_each(|alert| self.told.corrected(alert));
        push_all(&self.params.updates, outdated).await;
        Ok(quiet.into_iter().map(|alert| churn_alerts::series(alert.scope)).collect())
    }

    async fn open_churn(&self) -> Result<Vec<Alert>, StoreError> {
        let open = alerts::open(&self.params.store).await?;
        Ok(open.into_iter().filter(|alert| alert.rule_id == Some(CHURN)).collect())
    }

    /// Pushes what changed, and alerts that grew, though not with every post.
    async fn tell_churn(&mut self, raised: &[Raise], changed: Vec<Alert>, now: Timestamp) {
        for raise in raised {
            match raise {
                Raise::Opened(alert) => {
                    metrics::counter!(ALERTS_OPENED_TOTAL, "rule" => AlertRule::Churn.as_str()).increment(1);
                    self.told.opened(alert);
                }
                Raise::Updated(alert) if self.told.is_due(alert, now) => {
                    push(&self.params.updates, alert.clone()).await;
                }
                Raise::Updated(_) | Raise::Quiet => {}
            }
        }
        push_all(&self.params.updates, changed).await;
    }
}

/// Posts come one by one, so no machine goes through the phases of their alert; how often it opened is in the store.
async fn hold_open_if_it_flaps(turn: &mut Turn<'_>, alert: &Alert, now: Timestamp) -> Result<(), StoreError> {
    let since = now.saturating_sub(FLAP_WITHIN).unwrap_or(now);
    if turn.n_openings(alert, since).await? >= FLAP_OPENINGS {
        turn.hold_open(alert.id, now).await?;
    }
    Ok(())
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
