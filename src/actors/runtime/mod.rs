//! What all stages share: supervision, the address of the next stage, tickets, and what a stage reports about itself.

pub mod downstream; // the address of the next stage, which outlives any incarnation
pub mod exclusive_task; // background tasks of which at most one is under way
pub mod health_snapshot; // latest health measurement
pub mod stage_metrics; // what a stage says of itself
pub mod supervision_plan; // what is kept alive, and how its deaths are taken
pub mod supervisor; // starts, watches, respawns stages and tasks
pub mod ticket; // a batch's place in flight, and the promise of an answer
