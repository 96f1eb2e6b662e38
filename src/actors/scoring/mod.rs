//! What the inference pool and the deep pool share: queues, threads, and the cascade between them.

pub mod cascade; // what the stages of the cascade share: what waits, and which posts go on
pub mod deferred_post; // a post that awaits the deep model, and its permit
pub mod job_queue; // what waits for a thread that scores
pub mod on_demand; // texts that somebody waits for, by the best tier in time
pub mod scored_post; // from what a model reads to the score that is stored
pub(super) mod worker_threads; // threads that score, and whether they are well
