//! Texts that somebody waits for, scored by the best tier in time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::cascade::Cascade;
use super::job_queue::{JobQueue, LaneError, Request};
use crate::models::score::Score;

/// The part of a budget that is kept for the fast model, should the deep one not answer in time.
const KEPT_FOR_SWIFT: f64 = 0.1;

/// Lets HTTP score texts on the threads of the pools, ahead of posts.
#[derive(Clone)]
pub struct ScoreLane {
    queue: Arc<JobQueue>,
    cascade: Arc<Cascade>,
}

impl ScoreLane {
    /// A lane into the queue of the fast model, and into that of the deep one where there is one.
    pub fn new(queue: Arc<JobQueue>, cascade: Arc<Cascade>) -> Self {
        Self { queue, cascade }
    }

    /// One score for each text, in their order, from the deep model if it answers within the budget, else from the fast
    /// one. Without a budget that of the cascade counts. Dropping the future gives the request up.
    ///
    /// # Errors
    /// [`LaneError::Busy`] at once when too many wait for the fast model; [`LaneError::Failed`] when that fails.
    pub async fn score(&self, texts: Vec<String>, budget: Option<Duration>) -> Result<Vec<Score>, LaneError> {
        let budget = budget.unwrap_or(self.cascade.budget()).mul_f64(1.0 - KEPT_FOR_SWIFT);
        let in_time = self.cascade.expected(texts.len()) <= budget;
        if self.cascade.is_on() && !self.cascade.is_overloaded() && in_time {
            let (request, scores) = request(texts.clone());
            let asked = self.cascade.queue().push_request(request);
            // One that comes too late is skipped: its receiver is dropped here.
            if asked.is_ok()
                && let Ok(Ok(Ok(scores))) = tokio::time::timeout(budget, scores).await
            {
                return Ok(scores);
            }
        }
        let (request, scores) = request(texts);
        self.queue.push_request(request)?;
        // The sender is dropped only when the thread that scores it dies.
        scores.await.unwrap_or_else(|_| Err(LaneError::Failed("the inference thread died".to_owned())))
    }
}

fn request(texts: Vec<String>) -> (Request, oneshot::Receiver<Result<Vec<Score>, LaneError>>) {
    let (answer, scores) = oneshot::channel();
    (Request { texts, answer }, scores)
}
