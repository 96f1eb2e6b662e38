//! Health checks, system status, recent errors and dead letters.

pub mod dead_letters; // posts that could not be stored
pub mod health; // health checks
pub mod system; // system status, errors, Prometheus metrics
