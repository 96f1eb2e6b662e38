//! Alerts that are not opened by a window rule: churn alerts and anomalies.

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
    /// Opens an alert, or updates the series' open alert with the given value, count, severity, posts and evidence. For an
    /// anomaly, `rule` is spike, `rule_id` and `rule_name` are `None`, and `metric` names what changed. An alert that merely
    /// continues is not a visible change.
    pub async fn raise(&mut self, found: &NewAlert) -> Result<Raise, StoreError> {
        let raised = raise(&self.transaction, std::slice::from_ref(found), Merge::Replace).await?.pop();
        self.note_opened(raised.as_slice());
        Ok(raised.unwrap_or(Raise::Quiet))
    }

    /// Takes flagged posts and adds them to the alerts that `judge` returns: each post is in exactly one alert, even across
    /// crashes. An alert that merely grows is not a visible change.
    ///
    /// Posts that were stored a few seconds ago and await a correction are left for later.
    pub async fn raise_flagged<J: Into<Triage>>(
        &mut self,
        judge: impl Fn(&[ScoredPost]) -> J,
    ) -> Result<Vec<Raise>, StoreError> {
        let raised = flagged_posts::raise(&self.transaction, judge).await?;
        self.note_opened(&raised);
        Ok(raised)
    }

    /// Resolves the open alerts of these series.
    pub async fn resolve(&mut self, series: &[AlertSeries], now: Timestamp) -> Result<(), StoreError> {
        self.changed.extend(resolve(&self.transaction, series, now).await?);
        Ok(())
    }

    /// Holds alerts open if their series has opened at least this often since the given time.
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
