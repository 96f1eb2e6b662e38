//! What the alerter does: it asks what rules want to know, judges, writes, and tells every process.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::AlerterParams;
use super::deferred_work::{Left, LeftBehind};
use super::measurements::{Schedule, Taken};
use super::publication::{announce, count, push_all, turn};
use super::push_queue::PushQueue;
use super::push_throttle::PushThrottle;
use super::{churn_alerts, rule_evidence};
use crate::alerting::limits::Limits;
use crate::alerting::machine::{FLAP_OPENINGS, FLAP_WITHIN};
use crate::alerting::plan::{self, Planned, Situation};
use crate::models::alert::AlertRule;
use crate::models::alert_rule::{CHURN, Rule};
use crate::models::evaluation::{Kept, SeriesId};
use crate::models::silence::Silence;
use crate::store::alerts::evaluation::{Duty, Lead};
use crate::store::alerts::{AlertSeries, Raise, Standing};
use crate::store::alerts::{evaluation, rules, silences};
use crate::store::{StoreError, alerts};
use crate::telemetry::ALERT_TURN_SECONDS;

/// Between two looks at windows. Flagged posts wake the alerter more often than that.
const LOOK_EVERY: SignedDuration = SignedDuration::from_millis(900);

/// What mutes alerts is looked at anew this often, even where nothing seems to have changed.
const ANNOUNCE_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Flagged posts are taken for as long as this, and the rest in the next turn: windows must be judged as well.
const CHURN_TIMEOUT: Duration = Duration::from_millis(300);

/// Churn alerts that grew or shrank and are pushed in one turn.
const OUTDATED_MAX: usize = 100;

/// Judges, if this process is the one that does.
pub(super) struct Evaluator {
    params: AlerterParams,
    lead: Option<Lead>,
    schedule: Schedule,
    /// How far the series have come. Only the leader writes them, so they are read once.
    kept: Option<BTreeMap<SeriesId, Kept>>,
    told: PushThrottle,
    pushes: PushQueue,
    left: LeftBehind,
    looked: Looked,
    limits: Limits,
}

/// What there was when windows were last looked at: where nothing differs, nothing need be done.
#[derive(Default)]
struct Looked {
    at: Option<Timestamp>,
    announced_at: Option<Timestamp>,
    rules: Vec<Rule>,
    silences: Vec<Silence>,
    standing: Standing,
    /// Whether there was more to do than a turn does.
    has_more: bool,
    n_turns: usize,
}

impl Evaluator {
    /// One that leads nothing yet.
    pub fn new(params: AlerterParams) -> Self {
        Self {
            params,
            lead: None,
            schedule: Schedule::default(),
            kept: None,
            told: PushThrottle::default(),
            pushes: PushQueue::default(),
            left: LeftBehind::default(),
            looked: Looked::default(),
            limits: Limits::default(),
        }
    }

    /// One evaluation: of flagged posts, of windows that are due, and of what people must be told. Does nothing where
    /// another process leads. After an error everything is as it was, and the lead is anybody's.
    pub async fn evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let outcome = self.try_evaluate(now).await;
        if outcome.is_err() {
            self.lead = None;
            self.forget();
        }
        outcome
    }

    /// The next leader reads everything anew.
    fn forget(&mut self) {
        (self.schedule, self.kept, self.looked) = (Schedule::default(), None, Looked::default());
    }

    async fn try_evaluate(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !Lead::leads(&mut self.lead, &self.params.store, Duty::Rules).await? {
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
        if self.looked.at.is_none_or(|at| now.duration_since(at) >= LOOK_EVERY) {
            self.windows((&rules, &silences), &quiet, now).await?;
        }
        self.pushes.push(&self.params.store, &self.params.updates).await
    }

    /// Judges the windows that are due, ends churn alerts that have fallen silent, and tells.
    async fn windows(
        &mut self,
        (rules, silences): (&[Rule], &[Silence]),
        quiet: &[AlertSeries],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let started = Instant::now();
        let store = self.params.store.clone();
        self.looked.at = Some(now);
        // Taken out: if anything fails below it is read anew.
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => evaluation::series(&store).await?,
        };
        let taken = self.schedule.measure(&store, (rules, &kept), now).await;
        let standing = alerts::standing(&store).await?;
        if taken.readings.is_empty()
            && quiet.is_empty()
            && !self.looked.differ((rules, silences), standing, now)
        {
            self.kept = Some(kept);
            return Ok(());
        }
        let open = alerts::open(&store).await?;
        let (limits, turn_number) = (self.limits, self.looked.n_turns);
        let Taken { readings, n_late } = taken;
        let situation = Situation {
            rules,
            kept: &kept,
            open: &open,
            readings: &readings,
            limits,
            turn: turn_number,
            now,
        };
        let mut planned = plan::plan(situation);
        rule_evidence::fill_in(&store, &mut planned.changes.openings, now).await;

        let mut turn = turn(&mut self.lead).await?;
        let opened = turn.apply(&planned.changes, now).await?;
        turn.resolve(quiet, now).await?;
        let n_notices = announce(&mut turn, (silences, None), now).await?;
        let left = Left {
            n_late,
            n_unseen: self.schedule.n_left_out(),
            n_notices,
            n_pushes: self.pushes.len(),
            n_open: standing.n_open,
            took: started.elapsed(),
        };
        let report = self.left.report(rules, (&planned, &left), now);
        if self.left.is_due(&report) {
            turn.report(&report).await?;
        }
        let committed = turn.commit().await?;

        count(&committed);
        metrics::histogram!(ALERT_TURN_SECONDS).record(started.elapsed().as_secs_f64());
        self.left.tell(&report);
        self.pushes.extend(committed.changed);
        if planned.n_waiting > 0 || planned.n_updates_left > 0 {
            self.schedule.hurry(readings.into_keys());
        }
        self.looked = Looked {
            at: Some(now),
            announced_at: Some(now),
            rules: rules.to_vec(),
            silences: silences.to_vec(),
            standing: alerts::standing(&store).await?,
            has_more: n_notices > 0 || planned.withdraws_more,
            n_turns: turn_number.wrapping_add(1),
        };
        self.kept = Some(after(kept, planned, &opened));
        Ok(())
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
        let started = Instant::now();
        let store = self.params.store.clone();
        let mut open = alerts::open_of(&store, AlertRule::Churn, Some(CHURN)).await?;
        loop {
            let mut turn = turn(&mut self.lead).await?;
            let raised = turn.raise_flagged(|posts| churn_alerts::judge(rule, &open, (posts, now))).await?;
            if raised.is_empty() {
                // What is no news any more is taken out all the same.
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
            // Posts come one by one, so no machine goes through the phases of their alert; how often it opened is in the
            // store.
            let since = now.saturating_sub(FLAP_WITHIN).unwrap_or(now);
            turn.hold_open_what_flaps(&opened, (FLAP_OPENINGS, since), now).await?;
            announce(&mut turn, (silences, Some(CHURN)), now).await?;
            let committed = turn.commit().await?;
            count(&committed);
            self.pushes.extend(committed.changed);
            self.note_churn(&raised, now);
            open = alerts::open_of(&store, AlertRule::Churn, Some(CHURN)).await?;
            if started.elapsed() > CHURN_TIMEOUT {
                break;
            }
        }
        let (quiet, open): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|alert| churn_alerts::is_over(rule, alert, now));
        let mut outdated = self.told.outdated(&open);
        outdated.truncate(OUTDATED_MAX);
        let outdated = alerts::whole(&store, &outdated).await?;
        outdated.iter().for_each(|alert| self.told.corrected(alert));
        push_all(&self.params.updates, outdated).await;
        Ok(quiet.into_iter().map(|alert| churn_alerts::series(alert.scope)).collect())
    }

    /// Has alerts pushed that grew, though not with every post.
    fn note_churn(&mut self, raised: &[Raise], now: Timestamp) {
        for raise in raised {
            match raise {
                Raise::Opened(alert) => self.told.opened(alert),
                Raise::Updated(alert) if self.told.is_due(alert, now) => self.pushes.extend([alert.id]),
                Raise::Updated(_) | Raise::Quiet => {}
            }
        }
    }
}

impl Looked {
    /// Whether anything is other than when alerts were last muted and told of.
    fn differ(&self, (rules, silences): (&[Rule], &[Silence]), standing: Standing, now: Timestamp) -> bool {
        self.has_more
            || self.announced_at.is_none_or(|at| now.duration_since(at) >= ANNOUNCE_EVERY)
            || self.standing != standing
            || self.silences != silences
            || self.rules != rules
    }
}

/// The series as they are once this was written.
fn after(
    mut kept: BTreeMap<SeriesId, Kept>,
    planned: Planned,
    opened: &[uuid::Uuid],
) -> BTreeMap<SeriesId, Kept> {
    let changes = planned.changes;
    if !changes.withdrawals.is_empty() {
        let withdrawn: std::collections::HashSet<_> = changes.withdrawals.into_iter().collect();
        kept.retain(|_, kept| kept.alert.is_none_or(|alert| !withdrawn.contains(&alert)));
    }
    for (opening, alert) in changes.openings.into_iter().zip(opened) {
        kept.insert(opening.id, Kept { series: opening.series, alert: Some(*alert) });
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
