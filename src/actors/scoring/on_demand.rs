//! On-demand scoring: each request is answered by the best tier that responds in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::cascade::Cascade;
use super::job_queue::{JobQueue, OnDemandError, Request};
use crate::actors::messages::ScoreBatch;
use crate::models::score::Score;

/// Share of a budget reserved for the fast model in case the deep model is late.
const RESERVED_FOR_SWIFT: f64 = 0.1;

/// Timeout for the fast model. Requests go ahead of posts, so if one takes longer, the model is stuck.
const SWIFT_TIMEOUT: Duration = Duration::from_secs(10);

/// Handle that HTTP handlers use to have texts scored by the worker threads, ahead of posts.
#[derive(Clone)]
pub struct OnDemandScorer {
    queue: Arc<JobQueue<ScoreBatch>>,
    cascade: Arc<Cascade>,
}

impl OnDemandScorer {
    /// Creates a handle for the queues of the fast model and, if there is one, the deep model.
    pub fn new(queue: Arc<JobQueue<ScoreBatch>>, cascade: Arc<Cascade>) -> Self {
        Self { queue, cascade }
    }

    /// Returns the maximum duration of [`Self::score`]. The fast model gets its full time even if the deep model has
    /// used up the budget.
    pub fn timeout(&self, budget: Option<Duration>) -> Duration {
        self.budget(budget) + SWIFT_TIMEOUT
    }

    /// Returns the requested budget or, if there is none, the cascade's.
    fn budget(&self, requested: Option<Duration>) -> Duration {
        requested.unwrap_or(self.cascade.budget())
    }

    /// Scores texts and returns the scores in the same order. The deep model scores them if it responds within the
    /// budget, otherwise the fast model does. If no budget is given, the cascade's applies. Dropping the future cancels
    /// the request.
    ///
    /// # Errors
    /// [`OnDemandError::Busy`], at once, if the queue of the fast model is full; [`OnDemandError::Failed`] if that
    /// model fails.
    pub async fn score(
        &self,
        texts: Vec<String>,
        budget: Option<Duration>,
    ) -> Result<Vec<Score>, OnDemandError> {
        let budget = self.budget(budget).mul_f64(1.0 - RESERVED_FOR_SWIFT);
        let in_time = self.cascade.expected(&texts) <= budget;
        if self.cascade.is_on() && !self.cascade.is_overloaded() && in_time {
            let (request, scores) = request(texts.clone());
            let queued = self.cascade.queue().push_request(request);
            // A late request is skipped, because its receiver is dropped here.
            if queued.is_ok()
                && let Ok(Ok(Ok(scores))) = tokio::time::timeout(budget, scores).await
            {
                return Ok(scores);
            }
        }
        let (request, scores) = request(texts);
        self.queue.push_request(request)?;
        // The sender is dropped only if the scoring thread dies.
        scores.await.unwrap_or_else(|_| Err(OnDemandError::Failed("the inference thread died".to_owned())))
    }
}

fn request(texts: Vec<String>) -> (Request, oneshot::Receiver<Result<Vec<Score>, OnDemandError>>) {
    let (response, scores) = oneshot::channel();
    (Request { texts, response }, scores)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::scoring::cascade::CascadeParams;
    use crate::inference::Tier;

    #[test]
    fn a_request_waits_long_enough_for_the_fast_model_however_long_the_deep_one_may_take() {
        let check = |cascade_s: u64, asked_ms: Option<u64>, patience_ms: u64| {
            let cascade = Cascade::new(CascadeParams {
                budget: Duration::from_secs(cascade_s),
                n_workers: 1,
                backlog_max: 0,
            });
            let lane = OnDemandScorer::new(Arc::new(JobQueue::new(Tier::Swift)), Arc::new(cascade));
            let timeout = lane.timeout(asked_ms.map(Duration::from_millis));
            assert_eq!(timeout, Duration::from_millis(patience_ms), "{cascade_s} {asked_ms:?}");
        };
        check(15, None, 25_000);
        check(15, Some(500), 10_500);
        check(0, Some(60_000), 70_000);
        check(0, None, 10_000);
    }
}
