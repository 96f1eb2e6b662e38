//! Stores corrections in one transaction, and publishes the changes after its commit.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::{error, warn};

use super::commit::{Committer, wide};
use crate::actors::messages::{CorrectBatch, PostsFlagged, Rescored};
use crate::actors::scoring::cascade::TierCounts;
use crate::actors::scoring::deferred_post::DeferredPost;
use crate::inference::Tier;
use crate::models::live::{AlertChange, CorrectedPost, LiveUpdate};
use crate::models::post::ScoredPost;
use crate::models::score::{CHURN_HIGH, Score};
use crate::store::StoreError;
use crate::store::posts::corrections::{self, Corrected, Correction};
use crate::telemetry::{CORRECTION_SECONDS, CORRECTIONS_TOTAL, TIER_POSTS_TOTAL};

/// Pause between transactions, during which corrections accumulate, because each transaction has a fixed cost. A
/// correction may take as long as the latency budget allows, which is twenty times this pause by default.
pub(super) const EVERY: Duration = Duration::from_millis(50);

/// Pause between a failed attempt and the next one.
pub(super) const RETRY: Duration = Duration::from_millis(250);

/// Smallest change in a value that people notice.
const NOTICEABLE: f32 = 0.1;

/// Pending corrections, and the maximum size of the next transaction.
pub(super) struct Corrections {
    rescored: VecDeque<Rescored>,
    given_up: Vec<DeferredPost>,
    n_at_once: usize,
    n_at_once_max: usize,
}

/// Corrections to store in one transaction.
pub(super) struct Work {
    rescored: Vec<Rescored>,
    given_up: Vec<DeferredPost>,
}

/// Corrections that a transaction failed to store.
pub(super) enum Undone {
    /// None; the transaction stored everything.
    Nothing,
    /// All of them. The next attempt stores them in smaller transactions.
    Corrections(Vec<Rescored>),
}

impl Corrections {
    pub fn new(n_at_once_max: usize) -> Self {
        let (rescored, given_up) = (VecDeque::new(), Vec::new());
        Self { rescored, given_up, n_at_once: n_at_once_max, n_at_once_max }
    }

    /// Returns whether any correction is pending.
    pub fn are_due(&self) -> bool {
        !self.rescored.is_empty() || !self.given_up.is_empty()
    }

    pub fn push(&mut self, batch: CorrectBatch) {
        self.rescored.extend(batch.rescored);
        self.given_up.extend(batch.given_up);
    }

    /// Takes the corrections for the next transaction, at most twice as many as last time.
    pub fn next(&mut self) -> Work {
        let n = self.n_at_once.min(self.rescored.len());
        self.n_at_once = (self.n_at_once * 2).min(self.n_at_once_max);
        Work { rescored: self.rescored.drain(..n).collect(), given_up: std::mem::take(&mut self.given_up) }
    }

    /// Puts failed corrections back at the front and halves the size of the next transaction, so that a correction that
    /// is rejected or always times out ends up alone.
    pub fn retry(&mut self, rescored: Vec<Rescored>) {
        self.n_at_once = (rescored.len() / 2).max(1);
        rescored.into_iter().rev().for_each(|rescored| self.rescored.push_front(rescored));
    }
}

impl Committer {
    /// Stores corrections in one transaction and publishes the changes.
    ///
    /// It makes only one attempt, and returns the corrections that failed.
    pub async fn correct(self, work: Work) -> Undone {
        let Work { rescored, given_up } = work;
        self.stage_metrics.begin(1);
        self.give_up(given_up).await;
        let wanted: Vec<Correction> = rescored.iter().map(correction_of).collect();
        let mut guard = self.store.rollup_guard();
        match corrections::apply(&self.store, &wanted, &mut guard).await {
            Ok(corrected) => {
                self.publish_corrected(&rescored, corrected).await;
                self.stage_metrics.finish(1);
                return Undone::Nothing;
            }
            Err(error @ StoreError::Refused { .. }) if rescored.len() == 1 => {
                error!(%error, "a post keeps its first score, postgres refused the correction");
                self.give_up(rescored.into_iter().map(|rescored| rescored.deferred).collect()).await;
                self.stage_metrics.fail(1);
                return Undone::Nothing;
            }
            Err(error) if error.is_retryable() => {
                warn!(%error, n_posts = rescored.len(), "postgres is unavailable, corrections wait");
            }
            Err(error) => error!(%error, n_posts = rescored.len(), "corrections could not be stored"),
        }
        self.stage_metrics.fail(1);
        Undone::Corrections(rescored)
    }

    /// Gives up on posts that cannot be rescored and removes them from the queue of posts awaiting correction. If that
    /// fails, they are claimed later and given up on then.
    async fn give_up(&self, posts: Vec<DeferredPost>) {
        if posts.is_empty() {
            return;
        }
        let uuids: Vec<_> = posts.iter().map(|deferred| deferred.scored.post.uuid).collect();
        match corrections::give_up(&self.store, &uuids).await {
            Ok(()) => {
                metrics::counter!(CORRECTIONS_TOTAL, "outcome" => "given_up").increment(wide(posts.len()));
            }
            Err(error) => warn!(%error, "posts that cannot be rescored still await correction"),
        }
    }

    async fn publish_corrected(&self, rescored: &[Rescored], corrected: Corrected) {
        let Corrected { applied, posts, delta, n_high, resolved } = corrected;
        let n_applied = wide(applied.len());
        metrics::counter!(CORRECTIONS_TOTAL, "outcome" => "applied").increment(n_applied);
        metrics::counter!(CORRECTIONS_TOTAL, "outcome" => "superseded")
            .increment(wide(rescored.len()).saturating_sub(n_applied));
        let now = Timestamp::now();
        self.cascade.count(now, TierCounts { n_stored: 0, n_corrected: n_applied });
        metrics::counter!(TIER_POSTS_TOTAL, "tier" => Tier::Deep.as_str()).increment(n_applied);
        let mut changed = Vec::new();
        for (index, scored) in applied.into_iter().zip(posts) {
            let Some(Rescored { deferred, .. }) = rescored.get(index) else { continue };
            if let Some(committed_at) = deferred.committed_at {
                metrics::histogram!(CORRECTION_SECONDS).record(committed_at.elapsed().as_secs_f64());
            }
            changed.extend(change_of(&deferred.scored, scored));
        }
        if !delta.is_empty() {
            let delta = delta.into_iter().collect();
            // Without the publisher the aggregator restarts, and live windows rebuild.
            let _ = self
                .outgoing
                .send(LiveUpdate::Corrected { delta, posts: self.updates.sample(changed, now) })
                .await;
        }
        for alert in resolved {
            let change = AlertChange::Resolved;
            let _ = self.outgoing.send(LiveUpdate::Alert { change, alert: Box::new(alert) }).await;
        }
        if n_high > 0 {
            // Posts that the first score put at high risk may have been waiting for this. An alerter that misses the wake-up
            // polls anyway.
            let _ = self.alerter.try_send(PostsFlagged);
        }
    }
}

fn correction_of(rescored: &Rescored) -> Correction {
    Correction { read: Arc::clone(&rescored.deferred.scored), score: rescored.score.clone() }
}

/// Returns the corrected post for the live feed, if people would notice the change.
fn change_of(before: &ScoredPost, after: ScoredPost) -> Option<CorrectedPost> {
    let was = before.score.sentiment.label;
    is_noticeable(&before.score, &after.score).then_some(CorrectedPost { scored: after, was })
}

fn is_noticeable(before: &Score, after: &Score) -> bool {
    let moved = |before: f32, after: f32| (before - after).abs() >= NOTICEABLE;
    let is_high = |score: &Score| score.churn_risk >= CHURN_HIGH;
    before.sentiment.label != after.sentiment.label
        || before.sentiment.uncertain != after.sentiment.uncertain
        || moved(before.sentiment.score, after.sentiment.score)
        || before.emotion.label != after.emotion.label
        || moved(before.toxicity, after.toxicity)
        || is_high(before) != is_high(after)
}
