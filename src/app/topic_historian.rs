//! Applies topics to stored posts, one job at a time, and publishes the changes to the live windows.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tracing::{info, warn};
use uuid::Uuid;

use super::connections::Connections;
use super::supervisors::Supervisors;
use crate::actors::runtime::stage_metrics::StageMetrics;
use crate::actors::runtime::supervision_plan::SupervisionPlan;
use crate::enrich::TopicHistory;
use crate::models::live::LiveUpdate;
use crate::store::topics::history::{self, Applied, BatchParams, POSTS_PER_BATCH_MAX};
use crate::store::topics::jobs::{self, ClaimedJob};
use crate::store::{Store, StoreError};
use crate::stream::Updates;
use crate::topics::parse;

/// Interval between searches for a job.
const CLAIM_EVERY: Duration = Duration::from_secs(1);

/// How long after a change of its topic a job starts. By then, every process has read the topic, and nearly every post
/// that was matched against the previous topics is stored.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// Number of posts in the first batch of a job.
const FIRST_BATCH: usize = 100;

/// Minimum number of posts in a batch.
const POSTS_PER_BATCH_MIN: usize = 20;

/// Duration of a batch above which the next one is smaller. New posts may have to wait this long.
const BATCH_TIME_MAX: Duration = Duration::from_millis(50);

/// Minimum pause between batches. Each pause is also at least as long as the batch before it, so that a job uses at
/// most half of a connection.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// Starts the task that applies topics to stored posts.
pub fn start(connections: &Connections, supervisors: &mut Supervisors) {
    // This must be the store through which the aggregator writes, so that deltas are published in the order of their
    // commits.
    let (store, updates) = (connections.store.clone(), connections.stream.updates());
    let holder = Uuid::now_v7();
    supervisors.start_task(SupervisionPlan::task("topic_historian"), None, move |stage_metrics| {
        let (store, updates) = (store.clone(), updates.clone());
        async move {
            // The previous incarnation may have died between a commit and its update.
            let mut historian = Historian { store, updates, holder, has_missed: true };
            let mut claims = tokio::time::interval(CLAIM_EVERY);
            claims.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                claims.tick().await;
                if let Err(error) = historian.work(&stage_metrics).await {
                    warn!(%error, "cannot apply a topic to stored posts, will try again");
                }
            }
        }
    });
}

struct Historian {
    store: Store,
    updates: Updates,
    /// Id of this process as a holder of jobs.
    holder: Uuid,
    /// Whether an earlier update may not have been published.
    has_missed: bool,
}

impl Historian {
    /// Runs the next job to its end, if there is one.
    async fn work(&mut self, stage_metrics: &StageMetrics) -> Result<(), StoreError> {
        stage_metrics.begin(1);
        let claimed = jobs::claim(&self.store, self.holder, SETTLED_AFTER).await;
        stage_metrics.finish(1);
        let Some(mut job) = claimed? else {
            return Ok(());
        };
        let topic = match parse(&job.query) {
            Ok(parsed) => TopicHistory::new(job.name.clone(), job.former_names.clone(), parsed.query),
            // Stored by another version with different rules.
            Err(error) => return jobs::fail(&self.store, job.id, self.holder, &error.to_string()).await,
        };
        if job.position.is_some() {
            self.recover().await;
        }
        info!(topic = job.name, job = %job.id, resumed = job.position.is_some(), "applying a topic to stored posts");
        let mut n_posts_max = FIRST_BATCH;
        loop {
            let started_at = Instant::now();
            stage_metrics.begin(1);
            let applied = self.apply(&job, &topic, n_posts_max).await;
            stage_metrics.finish(1);
            let applied = match applied {
                Ok(Some(applied)) => applied,
                Ok(None) => return jobs::release(&self.store, job.id, self.holder).await,
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    warn!(%error, job = %job.id, "a topic cannot be applied to stored posts");
                    let reason = "a post could not be changed; see the log";
                    return jobs::fail(&self.store, job.id, self.holder, reason).await;
                }
            };
            if applied.next.is_none() {
                info!(topic = job.name, job = %job.id, "topic applied to stored posts");
                return Ok(());
            }
            job.position = applied.next;
            let took = started_at.elapsed();
            n_posts_max = next_size(n_posts_max, took);
            tokio::time::sleep(took.max(PAUSE_MIN)).await;
        }
    }

    /// Applies a topic to a batch of posts, and publishes the delta.
    async fn apply(
        &mut self,
        job: &ClaimedJob,
        topic: &TopicHistory,
        n_posts_max: usize,
    ) -> Result<Option<Applied>, StoreError> {
        let regroup = |post: &_| topic.regroup(post);
        let params = BatchParams { job, holder: self.holder, n_posts_max, regroup: &regroup };
        // Held until the delta has been published.
        let mut guard = self.store.rollup_guard();
        let mut applied = history::apply(&self.store, params, &mut guard).await;
        if applied.as_ref().is_err_and(StoreError::is_unavailable) {
            // The transaction may have been committed nevertheless.
            self.has_missed = true;
        }
        if let Ok(Some(applied)) = &mut applied
            && !applied.delta.is_empty()
        {
            let delta = std::mem::take(&mut applied.delta).into_iter().collect();
            self.publish(&LiveUpdate::Corrected { delta, posts: Vec::new() }).await;
        }
        applied
    }

    /// Publishes an update, after [`LiveUpdate::Missed`] if an earlier one may not have been published.
    async fn publish(&mut self, update: &LiveUpdate) {
        self.recover().await;
        if self.has_missed {
            return;
        }
        if let Err(error) = self.updates.publish(update).await {
            warn!(%error, "an update was not published, live windows rebuild");
            self.has_missed = true;
        }
    }

    /// Publishes [`LiveUpdate::Missed`] if an update may not have been published.
    async fn recover(&mut self) {
        if self.has_missed {
            self.has_missed = self.updates.publish(&LiveUpdate::Missed).await.is_err();
        }
    }
}

/// Returns the size of the next batch, given the size and duration of the last one.
fn next_size(n_posts: usize, took: Duration) -> usize {
    let wanted = if took > BATCH_TIME_MAX {
        n_posts / 2
    } else if took < BATCH_TIME_MAX / 2 {
        n_posts * 2
    } else {
        n_posts
    };
    wanted.clamp(POSTS_PER_BATCH_MIN, POSTS_PER_BATCH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_that_take_long_become_smaller_and_short_ones_larger() {
        let check = |n_posts: usize, millis: u64, expected: usize| {
            assert_eq!(next_size(n_posts, Duration::from_millis(millis)), expected);
        };
        check(100, 5, 200);
        check(400, 5, 500);
        check(100, 30, 100);
        check(100, 51, 50);
        check(30, 900, 20);
    }
}
