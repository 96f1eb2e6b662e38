//! Evaluation of the alert rules: measures their windows, plans changes, writes them in one turn, and publishes them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::AlerterParams;
use super::churn_levels::ChurnLevels;
use super::deferral_report::{Deferred, DeferredWork};
use super::measurement_schedule::{Schedule, Taken};
use super::push_queue::PushQueue;
use super::push_throttle::PushThrottle;
use super::{churn_alerts, rule_evidence};
use crate::actors::alert_publication::{count, notify, push_all, turn};
use crate::actors::runtime::clock::Clock;
use crate::alerting::change_plan;
use crate::alerting::change_plan::{Measurements, Planned, Situation};
use crate::alerting::limits::Limits;
use crate::alerting::machine::{FLAP_OPENINGS, FLAP_WITHIN};
use crate::models::alert::{Alert, AlertRule};
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{SeriesId, StoredSeries};
use crate::models::id::AlertId;
use crate::models::silence::Silence;
use crate::store::alerts::evaluation::{LeaderLease, LeaderRole};
use crate::store::alerts::{AlertBacklog, AlertSeries, Raise};
use crate::store::alerts::{evaluation, flagged_posts, rules, silences};
use crate::store::{StoreError, alerts, topics};
use crate::telemetry::ALERT_TURN_SECONDS;

/// Minimum interval between window evaluations, because flagged posts wake the alerter more often.
const EVALUATE_EVERY: SignedDuration = SignedDuration::from_millis(900);

/// Interval at which silences and inhibition are applied again, even if nothing changed.
const NOTIFY_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Time budget for flagged posts in one evaluation. The remaining posts are left for the next evaluation, because
/// windows must be evaluated too.
const CHURN_BUDGET: Duration = Duration::from_millis(300);

/// Maximum number of churn alerts with outdated counts that are pushed per evaluation.
const OUTDATED_MAX: usize = 100;

/// State that this process keeps between evaluations.
pub(super) struct Evaluator {
    params: AlerterParams,
    lead: Option<LeaderLease>,
    schedule: Schedule,
    /// State of every series. A new leader reads it once, because only the leader writes it.
    kept: Option<BTreeMap<SeriesId, StoredSeries>>,
    throttle: PushThrottle,
    levels: ChurnLevels,
    pushes: PushQueue,
    deferred: DeferredWork,
    last: LastEvaluation,
    limits: Limits,
    clock: Clock,
}

/// Inputs of the last window evaluation. If none of them has changed, there is nothing to evaluate.
#[derive(Default)]
struct LastEvaluation {
    at: Option<Timestamp>,
    notified_at: Option<Timestamp>,
    rules: Vec<Rule>,
    silences: Vec<Silence>,
    backlog: AlertBacklog,
    /// Whether the evaluation deferred work to the next one.
    has_more: bool,
    n_turns: usize,
}

impl Evaluator {
    /// Creates an evaluator that is not the leader yet. It reads from `clock` how long its steps take.
    pub fn new(params: AlerterParams, clock: Clock) -> Self {
        Self {
            params,
            lead: None,
            schedule: Schedule::new(clock.clone()),
            kept: None,
            throttle: PushThrottle::default(),
            levels: ChurnLevels::new(clock.clone()),
            pushes: PushQueue::default(),
            deferred: DeferredWork::default(),
            last: LastEvaluation::default(),
            limits: Limits::default(),
            clock,
        }
    }

    /// Evaluates the flagged posts and the windows that are due, and queues notices. Does nothing while another process
    /// is the leader. An error leaves everything unchanged, and any process may then become the leader.
    pub async fn evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let outcome = self.try_evaluate(now).await;
        if outcome.is_err() {
            self.lead = None;
            self.forget();
        }
        outcome
    }

    /// Forgets everything read while this process was the leader; the next leader reads it again.
    fn forget(&mut self) {
        self.schedule = Schedule::new(self.clock.clone());
        self.levels = ChurnLevels::new(self.clock.clone());
        (self.kept, self.last) = (None, LastEvaluation::default());
    }

    async fn try_evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !LeaderLease::hold(&mut self.lead, &self.params.store, LeaderRole::Rules).await? {
            self.forget();
            return Ok(());
        }
        let rules = rules::list(&self.params.store).await?;
        let silences: Vec<Silence> = silences::current(&self.params.store, now)
            .await?
            .into_iter()
            .filter(|silence| silence.what.starts_at <= now)
            .collect();
        let quiet = self.churn(&rules, &silences, now).await?;
        if self.last.at.is_none_or(|at| now.duration_since(at) >= EVALUATE_EVERY) {
            self.windows((&rules, &silences), &quiet, now).await?;
        }
        self.pushes.push(&self.params.store, &self.params.updates).await
    }

    /// Evaluates the windows that are due, resolves churn alerts that no longer receive posts, and queues notices.
    async fn windows(
        &mut self,
        (rules, silences): (&[Rule], &[Silence]),
        quiet: &[AlertSeries],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let started = self.clock.now();
        let store = self.params.store.clone();
        self.last.at = Some(now);
        // Taken out, so that it is read again if a step below fails.
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => evaluation::series(&store).await?,
        };
        let taken = self.schedule.measure(&self.params.measuring, (rules, &kept), now).await;
        let backlog = alerts::backlog(&store).await?;
        let differs = !quiet.is_empty() || self.last.differ((rules, silences), backlog, now);
        if taken.measurements.is_empty() && !differs {
            self.kept = Some(kept);
            return Ok(());
        }
        let open = alerts::open(&self.params.measuring).await?;
        let turn_number = self.last.n_turns;
        let Taken { measurements, n_late } = taken;
        let inputs = PlanInputs { rules: rules.to_vec(), kept, open, measurements, limits: self.limits };
        let (mut planned, inputs) = inputs.plan(turn_number, now).await?;
        let PlanInputs { kept, measurements, .. } = inputs;
        rule_evidence::fill_in(&self.params.measuring, &mut planned.changes.openings, now).await;

        let mut turn = turn(&mut self.lead).await?;
        let opened = turn.apply(&planned.changes, now).await?;
        turn.resolve(quiet, now).await?;
        let notifies = differs || planned.changes.affect_notices();
        let n_notices = if notifies { notify(&mut turn, (silences, None), now).await? } else { 0 };
        let deferred = Deferred {
            n_late,
            n_unseen: self.schedule.n_deferred(),
            n_notices,
            n_pushes: self.pushes.len(),
            n_open: backlog.n_open,
            took: self.clock.since(started),
        };
        let report = self.deferred.report(rules, (&planned, &deferred), now);
        if self.deferred.is_due(&report) {
            turn.report(&report).await?;
        }
        let committed = turn.commit().await?;

        count(&committed);
        metrics::histogram!(ALERT_TURN_SECONDS).record(self.clock.since(started).as_secs_f64());
        self.deferred.log(&report);
        self.pushes.extend(committed.changed);
        if planned.n_waiting > 0 || planned.n_updates_left > 0 {
            self.schedule.expedite(measurements.into_keys());
        }
        self.last = LastEvaluation {
            at: Some(now),
            notified_at: if notifies { Some(now) } else { self.last.notified_at },
            rules: rules.to_vec(),
            silences: silences.to_vec(),
            backlog: alerts::backlog(&store).await?,
            has_more: n_notices > 0 || planned.withdraws_more,
            n_turns: turn_number.wrapping_add(1),
        };
        self.kept = Some(after(kept, planned, &opened));
        Ok(())
    }

    /// Adds flagged posts to alerts, and pushes alerts whose count differs from the one last pushed. Returns the alerts
    /// that received no new posts.
    async fn churn(
        &mut self,
        rules: &[Rule],
        silences: &[Silence],
        now: Timestamp,
    ) -> Result<Vec<AlertSeries>, StoreError> {
        let Some(rule) = rules.iter().find(|rule| rule.id == CHURN) else {
            return Ok(Vec::new());
        };
        let started = self.clock.now();
        let store = self.params.store.clone();
        let mut open = alerts::open_of(&store, AlertRule::Churn, Some(CHURN)).await?;
        if !open.is_empty() || flagged_posts::any(&store).await? {
            self.levels.refresh(&self.params.measuring, rule, now).await;
        }
        let untracked = topics::without_churn(&store).await?;
        self.levels.note(rule, &open, now);
        loop {
            let mut turn = turn(&mut self.lead).await?;
            let raised = turn
                .raise_flagged(|posts| {
                    churn_alerts::judge(rule, (&open, &self.levels, &untracked), (posts, now))
                })
                .await?;
            if raised.is_empty() {
                // Committed anyway, to remove outdated posts from the queue.
                count(&turn.commit().await?);
                break;
            }
            let opened: Vec<_> = raised
                .iter()
                .filter_map(|raise| match raise {
                    Raise::Opened(alert) => Some(alert.id),
                    Raise::Updated(_) | Raise::Quiet => None,
                })
                .collect();
            // Posts arrive one by one, so no state machine tracks the phases of a churn alert; the store counts its
            // openings.
            let since = now.saturating_sub(FLAP_WITHIN).unwrap_or(now);
            turn.hold_open_what_flaps(&opened, (FLAP_OPENINGS, since), now).await?;
            notify(&mut turn, (silences, Some(CHURN)), now).await?;
            let committed = turn.commit().await?;
            count(&committed);
            self.pushes.extend(committed.changed);
            self.queue_churn_pushes(&raised, now);
            open = alerts::open_of(&store, AlertRule::Churn, Some(CHURN)).await?;
            if self.clock.since(started) > CHURN_BUDGET {
                break;
            }
        }
        let (quiet, open): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|alert| churn_alerts::is_over(rule, alert, &self.levels, now));
        let mut outdated = self.throttle.outdated(&open);
        outdated.truncate(OUTDATED_MAX);
        let outdated = alerts::whole(&store, &outdated).await?;
        outdated.iter().for_each(|alert| self.throttle.corrected(alert));
        push_all(&self.params.updates, outdated).await;
        Ok(quiet.into_iter().map(|alert| churn_alerts::series(alert.scope)).collect())
    }

    /// Queues pushes of alerts that grew, at a limited rate rather than for every post.
    fn queue_churn_pushes(&mut self, raised: &[Raise], now: Timestamp) {
        for raise in raised {
            match raise {
                Raise::Opened(alert) => self.throttle.opened(alert),
                Raise::Updated(alert) if self.throttle.is_due(alert, now) => self.pushes.extend([alert.id]),
                Raise::Updated(_) | Raise::Quiet => {}
            }
        }
    }
}

/// Inputs of a plan, owned so that another thread can compute it.
struct PlanInputs {
    rules: Vec<Rule>,
    kept: BTreeMap<SeriesId, StoredSeries>,
    open: Vec<Alert>,
    measurements: Measurements,
    limits: Limits,
}

impl PlanInputs {
    /// Plans the changes and returns them with the inputs. Runs on a thread of its own, because two hundred rules on
    /// ten thousand products take a tenth of a second, during which no other task on the same thread could run.
    async fn plan(self, turn: usize, now: Timestamp) -> Result<(Planned, Self), StoreError> {
        let plan = move || {
            let Self { rules, kept, open, measurements, limits } = &self;
            let limits = *limits;
            let planned = change_plan::plan(Situation { rules, kept, open, measurements, limits, turn, now });
            (planned, self)
        };
        // unsupervised: a computation ends, and the caller waits for it
        let planning = tokio::task::spawn_blocking(plan).await;
        planning.map_err(|error| StoreError::Internal { reason: error.to_string() })
    }
}

impl LastEvaluation {
    /// Returns whether any input differs from the last evaluation.
    fn differ(
        &self,
        (rules, silences): (&[Rule], &[Silence]),
        backlog: AlertBacklog,
        now: Timestamp,
    ) -> bool {
        self.has_more
            || self.notified_at.is_none_or(|at| now.duration_since(at) >= NOTIFY_EVERY)
            || self.backlog != backlog
            || self.silences != silences
            || self.rules != rules
    }
}

/// Returns the state of every series after the planned changes have been written.
fn after(
    mut kept: BTreeMap<SeriesId, StoredSeries>,
    planned: Planned,
    opened: &[AlertId],
) -> BTreeMap<SeriesId, StoredSeries> {
    let changes = planned.changes;
    if !changes.withdrawals.is_empty() {
        let withdrawn: std::collections::HashSet<_> = changes.withdrawals.into_iter().collect();
        kept.retain(|_, kept| kept.alert.is_none_or(|alert| !withdrawn.contains(&alert)));
    }
    for (opening, alert) in changes.openings.into_iter().zip(opened) {
        kept.insert(opening.id, StoredSeries { series: opening.series, alert: Some(*alert) });
    }
    kept.extend(changes.kept);
    for id in &changes.forgotten {
        kept.remove(id);
    }
    kept
}

#[cfg(test)]
#[path = "evaluator_tests.rs"]
mod tests;
