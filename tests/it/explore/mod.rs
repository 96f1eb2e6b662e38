//! History over any range: exact, whatever the filter, and read by indexes alone.

mod counts;
mod limits;
mod periods;
mod plans;
mod questions;
mod season;
mod views;
