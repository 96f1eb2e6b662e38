//! Alerts that are raised one by one, by what single posts or single series did: churn, and what nobody configured a rule
//! for.

use jiff::Timestamp;
use uuid::Uuid;

use super::Turn;
use crate::models::alert::Alert;
use crate::models::post::ScoredPost;
use crate::store::StoreError;
use crate::store::alerts::{self, AlertSeries, NewAlert, Raise};
use crate::store::flagged::{self, Judged};

impl Turn<'_> {
    /// Opens an alert, or brings the open one of this series up to date: its value, count, severity, posts and evidence
    /// become those given. How a signal without a rule is raised: `rule` spike, `rule_id` and `rule_name` `None`, `metric`
    /// what changed, and its `evidence`. That one only goes on is no change that people must see at once.
    pub async fn raise(&mut self, found: &NewAlert) -> Result<Raise, StoreError> {
        let raised = alerts::open_or_update(&self.transaction, found).await?;
        self.changed.extend(opened(&raised));
        Ok(raised)
    }

    /// Takes flagged posts and adds them to the alerts that `judge` makes of them: a post is in an alert exactly once,
    /// whatever dies. That an alert only grows is no change that people must see at once.
    ///
    /// Posts that were stored a few seconds ago and are about to be scored again are left for later.
    pub async fn raise_flagged<J: Into<Judged>>(
        &mut self,
        judge: impl Fn(&[ScoredPost]) -> J,
    ) -> Result<Vec<Raise>, StoreError> {
        let raised = flagged::raise(&self.transaction, judge).await?;
        self.changed.extend(raised.iter().filter_map(opened));
        Ok(raised)
    }

    /// Ends the open alert of a series. Whether there was one.
    pub async fn resolve(&mut self, series: &AlertSeries, now: Timestamp) -> Result<bool, StoreError> {
        let resolved = alerts::resolve(&self.transaction, series, now).await?;
        self.changed.extend(resolved.as_ref().map(|alert| alert.id));
        Ok(resolved.is_some())
    }

    /// How often the series of an alert opened since then, this time included.
    pub async fn n_openings(&self, alert: &Alert, since: Timestamp) -> Result<usize, StoreError> {
        alerts::n_openings(&self.transaction, alert, since).await
    }

    /// Notes that an alert flaps: it opened so often that it is held open until it has been calm.
    pub async fn hold_open(&mut self, alert: Uuid, now: Timestamp) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE sentiment_alerts SET flapping = true WHERE id = $1";
        self.transaction.execute(SQL, &[&alert]).await?;
        self.note(alert, "flapping", now).await
    }
}

fn opened(raised: &Raise) -> Option<Uuid> {
    match raised {
        Raise::Opened(alert) => Some(alert.id),
        Raise::Updated(_) | Raise::Quiet => None,
    }
}
