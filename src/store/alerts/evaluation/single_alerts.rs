//! Alerts that are not opened by a window rule: churn alerts and anomalies.

use jiff::Timestamp;

use super::transaction::EvaluationTransaction;
use crate::models::id::AlertId;
use crate::models::post::ScoredPost;
use crate::store::StoreError;
use crate::store::alerts::flagged_posts::{self, Triage};
use crate::store::alerts::flapping::opened_often;
use crate::store::alerts::new_alert::{AlertSeries, NewAlert, Raise};
use crate::store::alerts::raise::{Merge, raise};
use crate::store::alerts::resolve::resolve;

impl EvaluationTransaction<'_> {
    /// Opens an alert, or replaces the value, count, severity, posts and evidence of the series' open alert. For an
    /// anomaly, `rule` is spike, `rule_id` and `rule_name` are `None`, and `metric` names what changed. Only opening an
    /// alert is a visible change.
    pub async fn raise(&mut self, found: &NewAlert) -> Result<Raise, StoreError> {
        let raised = raise(&self.transaction, std::slice::from_ref(found), Merge::Replace).await?.pop();
        self.note_opened(raised.as_slice());
        Ok(raised.unwrap_or(Raise::Quiet))
    }

    /// Adds flagged posts to the alerts that `judge` returns, each post only once, even across crashes. Only opening an
    /// alert is a visible change.
    ///
    /// Skips posts that were stored a few seconds ago and still await a correction.
    pub async fn raise_flagged(
        &mut self,
        judge: impl Fn(&[ScoredPost]) -> Triage,
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

    /// Marks alerts as flapping, and thereby holds them open, if their series have opened often enough. `often` is the
    /// minimum number of openings and the time from which openings are counted.
    pub async fn hold_open_what_flaps(
        &mut self,
        alerts: &[AlertId],
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
