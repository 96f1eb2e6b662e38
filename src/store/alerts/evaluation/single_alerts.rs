//! Alerts that are raised by what single posts or single series did: churn, and what nobody configured a rule for.

use jiff::Timestamp;
use uuid::Uuid;

use super::transaction::EvaluationTransaction;
use crate::models::post::ScoredPost;
use crate::store::StoreError;
use crate::store::alerts::finding::{AlertSeries, NewAlert, Raise};
use crate::store::alerts::flagged_posts::{self, Triage};
use crate::store::alerts::flapping::opened_often;
use crate::store::alerts::raise::{Merge, raise};
use crate::store::alerts::resolve::resolve;

impl EvaluationTransaction<'_> {
    /// Opens an alert, or brings the open one of this series up to date: its value, count, severity, posts and evidence
    /// become those given. How a signal without a rule is raised: `rule` spike, `rule_id` and `rule_name` `None`, `metric`
    /// what changed, and its `evidence`. That one only goes on is no change that people must see at once.
    pub async fn raise(&mut self, found: &NewAlert) -> Result<Raise, StoreError> {
        let raised = raise(&self.transaction, std::slice::from_ref(found), Merge::Replace).await?.pop();
        self.note_opened(raised.as_slice());
        Ok(raised.unwrap_or(Raise::Quiet))
    }

    /// Takes flagged posts and adds them to the alerts that `judge` makes of them: a post is in an alert exactly once,
    /// whatever dies. That an alert only grows is no change that people must see at once.
    ///
    /// Posts that were stored a few seconds ago and are about to be scored again are left for later.
    pub async fn raise_flagged<J: Into<Triage>>(
        &mut self,
        judge: impl Fn(&[ScoredPost]) -> J,
    ) -> Result<Vec<Raise>, StoreError> {
        let raised = flagged_posts::raise(&self.transaction, judge).await?;
        self.note_opened(&raised);
        Ok(raised)
    }

    /// Ends the open alerts of these series, as far as there are any.
    pub async fn resolve(&mut self, series: &[AlertSeries], now: Timestamp) -> Result<(), StoreError> {
        self.changed.extend(resolve(&self.transaction, series, now).await?);
        Ok(())
    }

    /// Holds open what opened at least so often since then, of these alerts.
    pub async fn hold_open_what_flaps(
        &mut self,
        alerts: &[Uuid],
        often: (usize, Timestamp),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let flapping = opened_often(&self.transaction, alerts, often).await?;
        self.hold_open(&flapping, now).await
    }

    fn note_opened(&mut self, raised: &[Raise]) {
        for raise in raised {
            if let Raise::Opened(alert) = raise {
                self.changed.insert(alert.id);
                self.opened.push(alert.rule);
            }
        }
    }
}
