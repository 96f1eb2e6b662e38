//! The live windows: the last minutes as sums of committed deltas, for browsers, Prometheus and Redis.

pub(super) mod cache; // the newest figures as Redis keeps them
pub(super) mod gauges; // the live window as Prometheus reads it
pub(crate) mod windows; // the last minutes as sums of committed deltas
