//! Health checks, the state of the system, dead letters.

pub mod dead_letters; // posts that could not be stored
pub mod health; // whether the process lives
pub mod system; // how the pipeline is
