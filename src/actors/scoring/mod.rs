//! Code shared by the inference pool and the deep pool: queues, worker threads, and the cascade that connects the
//! pools.

pub mod cascade; // shared state of the cascade: queue, permits, pace of the deep model
pub mod deferred_post; // posts that await the deep model, and their permits
pub mod job_queue; // jobs that wait for a worker thread
pub mod on_demand; // requests to score texts, answered by the best tier in time
pub mod score_posts; // from the output of a model to the score that is stored
pub mod tiers_health; // health of the cascade
pub(super) mod worker_threads; // threads that score, and whether they are healthy
