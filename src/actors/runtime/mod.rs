//! Code shared by all stages: supervision, addresses, tickets, exclusive tasks, and metrics.

pub mod clock; // monotonic clock that tests can stop
pub mod downstream; // address of the next stage, which outlives any incarnation
pub mod exclusive_task; // background tasks of which at most one is under way
pub mod health_snapshot; // latest health measurement
pub mod stage_metrics; // counters of each stage, and the health of all
pub mod supervision_plan; // name, rank and restart policy of a stage or task
pub mod supervisor; // starts, watches and restarts stages and tasks
pub mod ticket; // permit and settlement of a batch in flight
